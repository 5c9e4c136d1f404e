/** A job at the provider once it has been admitted: prepared, served attempt by attempt, and released by its keys. */
import type { WirePrepareRequest, WirePrepareResponse } from "../../proto/codec/session-messages.ts";
import { fromHex, toHex, uintBe } from "../../proto/encoding/bytes.ts";
import { EntenteError, type ErrorCode, toEntenteError } from "../../proto/errors.ts";
import { MAX_ATTEMPTS } from "../../proto/evidence/predicates.ts";
import type { JobId, RelayId } from "../../proto/ids.ts";
import type { PartnerView } from "../../proto/model/partner-view.ts";
import { isReleasable } from "../../proto/policy/rules.ts";
import { gateKeyHash } from "../crypto/seal.ts";
import { WAITING } from "../progress/meter.ts";
import type { Channel } from "../session/channel.ts";
import type { Peer } from "../session/peers.ts";
import { alignmentOf } from "../session/protocols.ts";
import type { ProvidedColumns, ProvideTask } from "../session/task.ts";
import type { TaskWorker } from "../session/worker-port.ts";
import { reportAdmitted } from "./admission.ts";
import { type AttemptInput, keepModel, modelForTasks, proposalOf, runPartitions, signReceipt } from "./attempt.ts";
import type { JobDeps } from "./deps.ts";
import { gateKeyName, gateKeysOf, giveKeys } from "./gate.ts";
import { providerInput } from "./inputs.ts";
import type { FinishedPartition } from "./lifecycle.ts";
import { mayPass, PASSING } from "./passing.ts";
import { afterFailure, finishServed } from "./releasing.ts";
import { endWhenIdle, type LoadedJob, loadServed, requireStillAllowed, stillAllowed } from "./served-job.ts";
import { attemptPlan, type JobShape, jobKeyOf, jobShape } from "./shape.ts";
import { afterError } from "./steps.ts";
import { requireSamePeople, takingPartOf } from "./taking-part.ts";

/** The control session's second question, before every attempt: this node's size class and nonce, always the same, the
 * number of the attempt, and the partitions that both nodes hold. Reading the dataset begins here. */
export function prepareJob(deps: JobDeps, peer: Peer, request: WirePrepareRequest): Promise<WirePrepareResponse> {
  const { jobId } = request;
  deps.stopping.requireRunning();
  return deps.turns.take(jobId, async () => {
    const loaded = await loadServed(deps, peer, jobId);
    const { job, spec, digest, agreement } = loaded;
    if (job.state !== "admitted" && job.state !== "running")
      throw new EntenteError("WIRE_UNEXPECTED", { detail: `job is ${job.state}` });
    const registration = await stillAllowed(deps, loaded);
    await deps.leases.accept(agreement, peer, request.inForce);
    const attempt = Math.max(job.attempt, request.lastAttempt) + 1;
    if (attempt > MAX_ATTEMPTS) throw new EntenteError("ATTEMPT_REPLAYED");
    if (!deps.served.has(jobId)) await deps.gates.serve(deps.served, peer.party);
    const finished = job.finished.filter((own) =>
      request.finished.some((theirs) => theirs.partition === own.partition && theirs.attempt === own.attempt),
    );
    const nonce = await deps.vault.drawOnce(jobId, "nonce");
    const sizeClass = job.proposed.ownSizeClass;
    const shape = jobShape(spec, sizeClass, deps.machinery.partitionPlan);
    const jobKey = jobKeyOf(digest, fromHex(spec.receiverNonce), nonce);
    const spill = deps.vault.spillPlace(jobId, peer.party);
    deps.served.expect(jobId, peer.party, { attempt, finished, shape, jobKey }, async () => {
      const taking = await takingPartOf(deps, spec, registration);
      await requireSamePeople(deps, jobId, taking);
      return providerInput(registration, spec, {
        prepareInput: deps.machinery.prepareInput,
        jobKey,
        partitions: shape.plan.partitions,
        spill,
        access: deps.datasets.access,
        selection: taking.selection,
        onProgress: (report) => deps.book.report(jobId, report),
      });
    });
    endWhenIdle(deps, jobId);
    if (job.attempt > 0 || request.lastAttempt > 0) void reportAdmitted(deps, jobId);
    const held = finished.map(({ partition, attempt: of }) => ({ partition, attempt: of }));
    const version = fromHex(job.proposed.versionTag);
    return { sizeClass, nonce, attempt, finished: held, version, inForce: deps.leases.statement(agreement) };
  });
}

interface Wake {
  readonly relayId: RelayId;
  readonly jobId: JobId;
  readonly attempt: number;
}

/** A job session that the receiver's node asked for. A wake is the coordinator's word: it changes nothing until the peer
 * has proved itself. Never rejects after that: what goes wrong for good becomes the job's last event. */
export async function serveJob(deps: JobDeps, peer: Peer, wake: Wake): Promise<void> {
  const { jobId, attempt } = wake;
  const expected = deps.served.expected(jobId);
  if (expected?.attempt !== attempt) throw new EntenteError("ATTEMPT_REPLAYED");
  const { shape, jobKey, finished } = expected;
  const loaded = await loadServed(deps, peer, jobId);
  const purpose = {
    kind: "job",
    jobDigest: loaded.digest,
    attempt,
    parameters: shape.parameters,
    plan: attemptPlan(shape, jobKey, finished),
  } as const;
  const channel = await deps.meetings.acceptJob(wake.relayId, peer, purpose);
  try {
    const at = deps.logbook.now();
    const { receiverSizeClass: peerSizeClass, receiverVersion: peerVersion } = loaded.spec;
    const exporter = toHex(channel.exporter);
    const started = { type: "attempt-started", at, attempt, peerSizeClass, peerVersion, finished, exporter } as const;
    await deps.book.append(jobId, started);
  } catch (error) {
    await channel.fail(toEntenteError(error));
    throw error;
  }
  deps.served.begin(jobId, channel);
  await serve(deps, peer, wake, loaded, channel, shape, finished);
}

/** Another attempt may be spared it; everything else ends the job. */
const SPARED: readonly ErrorCode[] = [...PASSING, "CANCELLED"];

async function serve(
  deps: JobDeps,
  peer: Peer,
  { jobId, attempt }: Wake,
  loaded: LoadedJob,
  channel: Channel,
  shape: JobShape,
  before: readonly FinishedPartition[],
): Promise<void> {
  deps.channels.begin(jobId, channel);
  let worker: TaskWorker | undefined;
  try {
    worker = deps.machinery.startWorker();
    await serveAttempt(deps, peer, loaded, { attempt, channel, worker, shape, before });
    await finishServed(deps, jobId);
  } catch (error) {
    await channel.fail(toEntenteError(error));
    if (deps.stopping.isRequested) {
      deps.logger.info({ jobId, attempt }, "the job goes on at the next start");
      return;
    }
    await deps.turns.take(jobId, async () => {
      const job = await afterError(deps, jobId, error);
      // A newer attempt has taken over, or may come: the job is not this session's to end.
      if (job.attempt !== attempt) return;
      // What was proposed the receiver may have signed.
      const isProposed = (await proposalOf(deps, jobId)) !== undefined;
      const passes = isProposed
        ? mayPass(error)
        : attempt < MAX_ATTEMPTS && SPARED.includes(toEntenteError(error).code);
      if (job.state === "running" && passes) {
        deps.logger.warn({ jobId, attempt, err: error }, "attempt failed, another may follow");
        endWhenIdle(deps, jobId);
        return;
      }
      if (job.state === "releasing") await deps.served.forget(jobId);
      await afterFailure(deps, loaded, error);
    });
  } finally {
    deps.channels.end(jobId, channel);
    channel.close();
    await worker?.close();
  }
}

interface ServedAttempt {
  readonly attempt: number;
  readonly channel: Channel;
  readonly worker: TaskWorker;
  readonly shape: JobShape;
  readonly before: readonly FinishedPartition[];
}

/** Until the receiver has said that it has the keys. */
async function serveAttempt(deps: JobDeps, peer: Peer, loaded: LoadedJob, served: ServedAttempt): Promise<void> {
  const { job, spec, digest, agreement, evidence } = loaded;
  const { attempt, channel, worker, shape, before } = served;
  const { jobId } = spec;
  const { ownSizeClass: senderSizeClass, datasetVersion, versionTag: providerVersion } = job.proposed;
  const input = await deps.served.input(jobId);
  const common = { deps, spec, jobDigest: digest, agreement, peer, evidence, channel, worker, shape, senderSizeClass };
  const { providerSegment } = spec;
  const segment = providerSegment && (await deps.segments.version(providerSegment)).digest;
  const versions = { datasetVersion, segment, providerVersion, sketchCommitment: undefined };
  const attemptInput: AttemptInput = { ...common, ...versions, attempt, input };
  const model = await modelForTasks(attemptInput, "partner");
  const finished = await runPartitions(
    attemptInput,
    before,
    async (partition, context) => {
      const { ids, features, labels } = await input.rows(partition);
      // One key a partition: a key that is released opens nothing but what the receipt names.
      const gateKey = await deps.vault.drawOnce(jobId, gateKeyName(attempt, partition));
      const task: ProvideTask = { kind: "provide", protocol: alignmentOf(spec), context, ids, labels, gateKey };
      if (model === undefined || spec.model === undefined) return task;
      return { ...task, score: { ...model(), ...providedColumns(spec.model, features) } };
    },
    async (partition, { receivedModel, listedRows }) => {
      if (listedRows !== undefined)
        await deps.vault.put(jobId, listedRowsName(attempt, partition), uintBe(listedRows, 4));
      await keepModel(attemptInput, "partner", receivedModel);
    },
  );
  deps.book.report(jobId, { step: "signing-receipt", ...WAITING });
  await requireStillAllowed(deps, loaded);
  await requireResultFloor(deps, loaded, finished);
  const gateKeys = await gateKeysOf(deps, { jobId, finished });
  await signReceipt(
    attemptInput,
    finished,
    gateKeys.map((keys) => toHex(gateKeyHash(...keys))),
  );
  await giveKeys({ deps, jobId, agreement, peer, evidence }, channel, () => requireStillAllowed(deps, loaded));
}

/** `features`: of `providerInput` with this view. */
function providedColumns(view: PartnerView, features: readonly (Float64Array | Int16Array)[]): ProvidedColumns {
  return view.kind === "trees"
    ? { kind: view.kind, columns: features as readonly Float64Array[], view }
    : { kind: view.kind, columns: features as readonly Int16Array[] };
}

/** A shared score tells this node how many people it is about: it keeps the agreed result floor itself, before any key.
 * Throws POLICY_RESULT_FLOOR. */
async function requireResultFloor(
  deps: JobDeps,
  { spec, agreement }: LoadedJob,
  finished: readonly FinishedPartition[],
): Promise<void> {
  if (spec.alignment !== "shared") return;
  let listed = 0;
  for (const { attempt, partition } of finished) {
    const bytes = await deps.vault.get(spec.jobId, listedRowsName(attempt, partition));
    listed += new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  }
  if (!isReleasable(agreement, listed)) throw new EntenteError("POLICY_RESULT_FLOOR");
}

function listedRowsName(attempt: number, partition: number): string {
  return `listed-rows-${attempt}-${partition}`;
}
