/** A job at the provider: offered by a peer's node, admitted or refused by this one, served, and released by its key. */
import { type Agreement, otherParty } from "../../proto/agreement/agreement.ts";
import { type JobAnswer, type JobSpec, readJobSpec, signJobAnswer } from "../../proto/agreement/job-spec.ts";
import type { WirePrepareRequest, WirePrepareResponse } from "../../proto/codec/session.ts";
import { fromHex, fromUtf8, toHex, utf8 } from "../../proto/encoding/bytes.ts";

import { decodeEnvelope, type Envelope, encodeEnvelope } from "../../proto/encoding/dsse.ts";
import { EntenteError, type ErrorCode, toEntenteError } from "../../proto/errors.ts";
import { MAX_ATTEMPTS } from "../../proto/evidence/predicates.ts";
import type { Digest, JobId, RelayId } from "../../proto/ids.ts";
import { decide, type PolicyDecision } from "../../proto/policy/rules.ts";
import { gateKeyHash } from "../crypto/seal.ts";
import { type DatasetRegistration, featureIndex } from "../data/dataset.ts";
import { classRows, sizeClassOf } from "../protocols/plan.ts";
import type { Channel } from "../session/channel.ts";
import type { Peer } from "../session/peers.ts";
import { SessionWorker } from "../session/worker-port.ts";
import { type AttemptInput, attemptsOf, runPartitions, settleReceipt, submitReceipt } from "./attempt.ts";
import type { JobDeps } from "./deps.ts";
import { destroySecrets, endFailed } from "./ending.ts";
import { type JobEvidence, jobEvidence } from "./evidence.ts";
import { providerInput } from "./inputs.ts";
import type { FinishedPartition, Job } from "./lifecycle.ts";
import { requireAgreedForm } from "./own-dataset.ts";
import { attemptPlan, type JobShape, jobKeyOf, jobShape } from "./shape.ts";

const OPENED_TIMEOUT_MS = 120_000;
/** An admitted job whose receiver's node does not come, or not again. */
const IDLE_TIMEOUT_MS = 1_200_000;
/** Jobs at once: each holds a thread and a partition in memory. */
const MAX_SERVED_JOBS = 8;

/** The answer to an offer. A refusal is an answer, signed and in evidence; what is no offer at all, or another one under a
 * known id, throws and nothing is signed. */
export function answerOffer(deps: JobDeps, peer: Peer, specEnvelope: Envelope): Promise<Envelope> {
  const { spec, digest } = readJobSpec(specEnvelope, peer.key("jobs"));
  if (spec.receiver !== peer.party || spec.provider !== deps.keyring.party)
    throw new EntenteError("SESSION_MISMATCH", { detail: "the job is between others" });
  return deps.turns.take(spec.jobId, () => answer(deps, peer, { spec, digest, specEnvelope }));
}

interface Offer {
  readonly spec: JobSpec;
  readonly digest: Digest;
  readonly specEnvelope: Envelope;
}

async function answer(deps: JobDeps, peer: Peer, offer: Offer): Promise<Envelope> {
  const { spec, digest } = offer;
  const [known] = await deps.store.jobEvents(spec.jobId);
  if (known !== undefined) {
    const before = await deps.store.jobDocument(spec.jobId, "answer");
    if (known.type !== "proposed" || known.jobDigest !== digest || before === undefined)
      throw new EntenteError("ALREADY_EXISTS", { detail: "job id" });
    return decodeEnvelope(utf8(before));
  }
  const answered = { format: "entente-job-answer/1", jobDigest: digest, answeredAt: deps.logbook.now() } as const;
  const code = await admit(deps, peer, offer);
  const said: JobAnswer =
    code === undefined ? { ...answered, decision: "admitted" } : { ...answered, decision: "refused", code };
  const signed = signJobAnswer(said, deps.keyring.keys.jobs);
  await deps.store.putJobDocument(spec.jobId, "answer", fromUtf8(encodeEnvelope(signed)));
  return signed;
}

/** Undefined when admitted, with the job recorded; the code of the refusal otherwise. */
async function admit(deps: JobDeps, peer: Peer, { spec, digest, specEnvelope }: Offer): Promise<ErrorCode | undefined> {
  const { jobId } = spec;
  let evidence: JobEvidence | undefined;
  let isRecorded = false;
  try {
    const { agreement } = await deps.agreements.require(spec.agreement);
    if (otherParty(agreement.document, deps.keyring.party).name !== peer.party)
      throw new EntenteError("AGREEMENT_UNKNOWN");
    evidence = jobEvidence(deps.logbook, agreement, spec, digest);
    const registration = await deps.datasets.require(spec.providerDataset);
    await evidence.requested();
    await deps.book.append(jobId, {
      type: "proposed",
      at: deps.logbook.now(),
      role: "provider",
      peer: peer.party,
      operation: spec.operation,
      agreement: agreement.digest,
      collaboration: agreement.collaboration,
      jobDigest: digest,
      ownRows: registration.accepted,
      ownSizeClass: sizeClassOf(registration.accepted),
      datasetVersion: registration.version,
    });
    isRecorded = true;
    const decision = decideAs(deps, spec, agreement, registration);
    await evidence.decided(decision);
    if (decision.refusedBy !== undefined) throw new EntenteError(decision.refusedBy);
    requireAgreedForm(agreement, deps.keyring.party, registration);
    for (const { column } of spec.model?.features ?? []) featureIndex(registration.columns, column);
    await deps.store.putJobDocument(jobId, "spec", fromUtf8(encodeEnvelope(specEnvelope)));
    await deps.book.append(jobId, { type: "admitted", at: deps.logbook.now() });
    endWhenIdle(deps, async () => peer, jobId);
    await deps.link.reportJob({ jobId, state: "admitted" }).catch((err: unknown) => {
      deps.logger.warn({ jobId, err }, "report to the coordinator failed");
    });
    return undefined;
  } catch (error) {
    const { code, detail } = toEntenteError(error);
    deps.logger.warn({ jobId, code, detail, err: code === "INTERNAL" ? error : undefined }, "job refused");
    await evidence?.refused(deps.keyring.party, code);
    if (isRecorded) await deps.book.append(jobId, { type: "refused", at: deps.logbook.now(), by: "own", code });
    return code;
  }
}

function decideAs(
  deps: JobDeps,
  spec: JobSpec,
  agreement: Agreement,
  registration: DatasetRegistration,
): PolicyDecision {
  const job = { ...spec, providerFeatures: spec.model?.features.map((feature) => feature.column) ?? [] };
  const facts = { ownRows: registration.accepted, peerMaxRows: classRows(spec.receiverSizeClass) };
  return decide(agreement, job, { nowMs: deps.ports.clock.nowMs(), ...facts });
}

/** Ends a job that nobody comes for; asked again after every session. */
export function endWhenIdle(deps: JobDeps, peer: () => Promise<Peer>, jobId: JobId): void {
  const since = deps.ports.clock.monotonicMs();
  deps.served.touch(jobId, since);
  deps.ports.timers.after(IDLE_TIMEOUT_MS, () => {
    if (!deps.served.isIdleSince(jobId, since)) return;
    const ended = deps.turns.take(jobId, async () => {
      const { job, evidence } = await load(deps, await peer(), jobId);
      if (job.state !== "admitted" && job.state !== "running") return;
      await endFailed(deps, evidence, jobId, new EntenteError("PEER_TIMEOUT"));
      await cleanUp(deps, jobId);
    });
    ended.catch((err: unknown) => {
      deps.logger.warn({ jobId, err }, "an idle job could not be ended yet");
      endWhenIdle(deps, peer, jobId);
    });
  });
}

async function cleanUp(deps: JobDeps, jobId: JobId): Promise<void> {
  await deps.served.forget(jobId);
  await destroySecrets(deps, jobId);
}

interface LoadedJob {
  readonly job: Job;
  readonly spec: JobSpec;
  readonly digest: Digest;
  readonly agreement: Agreement;
  readonly evidence: JobEvidence;
}

async function load(deps: JobDeps, peer: Peer, jobId: JobId): Promise<LoadedJob> {
  const job = await deps.book.require(jobId);
  if (job.proposed.peer !== peer.party || job.proposed.role !== "provider")
    throw new EntenteError("NOT_FOUND", { detail: "job" });
  const text = await deps.store.jobDocument(jobId, "spec");
  if (text === undefined) throw new EntenteError("NOT_FOUND", { detail: "job spec" });
  const { spec, digest } = readJobSpec(decodeEnvelope(utf8(text)), peer.key("jobs"));
  if (digest !== job.proposed.jobDigest) throw new EntenteError("SESSION_MISMATCH", { detail: "job spec" });
  const { agreement } = await deps.agreements.require(spec.agreement);
  return { job, spec, digest, agreement, evidence: jobEvidence(deps.logbook, agreement, spec, digest) };
}

/** The dataset as it was admitted, while everything that admitted it still holds. Throws DATASET_CHANGED or the policy's. */
async function stillAllowed(deps: JobDeps, { job, spec, agreement }: LoadedJob): Promise<DatasetRegistration> {
  const registration = await deps.datasets.require(spec.providerDataset);
  if (registration.version !== job.proposed.datasetVersion)
    throw new EntenteError("DATASET_CHANGED", { detail: registration.name });
  requireAgreedForm(agreement, deps.keyring.party, registration);
  const { refusedBy } = decideAs(deps, spec, agreement, registration);
  if (refusedBy !== undefined) throw new EntenteError(refusedBy);
  return registration;
}

/** The control session's second question, before every attempt: this node's size class and nonce, always the same, the
 * number of the attempt, and the partitions that both nodes hold. Reading the dataset begins here. */
export function prepareJob(deps: JobDeps, peer: Peer, request: WirePrepareRequest): Promise<WirePrepareResponse> {
  const { jobId } = request;
  return deps.turns.take(jobId, async () => {
    const loaded = await load(deps, peer, jobId);
    const { job, spec, digest } = loaded;
    if (job.state !== "admitted" && job.state !== "running")
      throw new EntenteError("WIRE_UNEXPECTED", { detail: `job is ${job.state}` });
    const registration = await stillAllowed(deps, loaded);
    const attempt = Math.max(job.attempt, request.lastAttempt) + 1;
    if (attempt > MAX_ATTEMPTS) throw new EntenteError("ATTEMPT_REPLAYED");
    if (!deps.served.has(jobId) && deps.served.size >= MAX_SERVED_JOBS && !(await deps.served.makeRoom()))
      throw new EntenteError("OVERLOADED");
    const finished = job.finished.filter((own) =>
      request.finished.some((theirs) => theirs.partition === own.partition && theirs.attempt === own.attempt),
    );
    const nonce = await deps.vault.drawOnce(jobId, "nonce");
    const sizeClass = job.proposed.ownSizeClass;
    const shape = jobShape(spec, sizeClass);
    const jobKey = jobKeyOf(digest, fromHex(spec.receiverNonce), nonce);
    const spill = deps.vault.spillPlace(jobId);
    deps.served.expect(jobId, { attempt, finished, shape, jobKey }, () =>
      providerInput(registration, spec.model, { jobKey, partitions: shape.plan.partitions, spill }),
    );
    endWhenIdle(deps, async () => peer, jobId);
    const held = finished.map(({ partition, attempt: of }) => ({ partition, attempt: of }));
    return { sizeClass, nonce, attempt, finished: held };
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
  const loaded = await load(deps, peer, jobId);
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
    const { receiverSizeClass: peerSizeClass } = loaded.spec;
    await deps.book.append(jobId, { type: "attempt-started", at, attempt, peerSizeClass, finished });
  } catch (error) {
    await channel.fail(toEntenteError(error));
    throw error;
  }
  deps.served.begin(jobId, channel);
  await serve(deps, peer, wake, loaded, channel, shape, finished);
}

/** Trouble that another attempt may be spared; everything else ends the job. */
const PASSING: readonly ErrorCode[] = ["PEER_GONE", "PEER_TIMEOUT", "COORDINATOR_UNREACHABLE", "CANCELLED"];

async function serve(
  deps: JobDeps,
  peer: Peer,
  { jobId, attempt }: Wake,
  loaded: LoadedJob,
  channel: Channel,
  shape: JobShape,
  before: readonly FinishedPartition[],
): Promise<void> {
  const startedMs = deps.ports.clock.monotonicMs();
  let worker: SessionWorker | undefined;
  try {
    worker = new SessionWorker();
    const entry = await serveAttempt(deps, peer, loaded, { attempt, channel, worker, shape, before, startedMs });
    await cleanUp(deps, jobId);
    await submitReceipt(deps, jobId, entry);
  } catch (error) {
    await channel.fail(toEntenteError(error));
    await deps.turns.take(jobId, async () => {
      const job = await deps.book.require(jobId);
      // A newer attempt has taken over, or may come: the job is not this session's to end.
      if (job.attempt !== attempt) return;
      const mayGoOn = job.state === "running" && attempt < MAX_ATTEMPTS && PASSING.includes(toEntenteError(error).code);
      if (mayGoOn) {
        deps.logger.warn({ jobId, attempt, err: error }, "attempt failed, another may follow");
        endWhenIdle(deps, async () => peer, jobId);
        return;
      }
      await endFailed(deps, loaded.evidence, jobId, error);
      await cleanUp(deps, jobId);
    });
  } finally {
    channel.close();
    await worker?.close();
  }
}

interface ServedAttempt {
  readonly attempt: number;
  readonly channel: Channel;
  readonly worker: SessionWorker;
  readonly shape: JobShape;
  readonly before: readonly FinishedPartition[];
  readonly startedMs: number;
}

/** Up to the job's end; returns the receipt's entry. */
async function serveAttempt(deps: JobDeps, peer: Peer, loaded: LoadedJob, served: ServedAttempt): Promise<Uint8Array> {
  const { job, spec, digest, agreement, evidence } = loaded;
  const { attempt, channel, worker, shape, before, startedMs } = served;
  const { jobId } = spec;
  const { ownSizeClass: senderSizeClass, datasetVersion } = job.proposed;
  const input = await deps.served.input(jobId);
  const common = { deps, spec, jobDigest: digest, agreement, peer, evidence, channel, worker, shape, senderSizeClass };
  const attemptInput: AttemptInput = { ...common, attempt, input, datasetVersion };
  const finished = await runPartitions(
    attemptInput,
    before,
    async (partition, context) => {
      const { ids, features: columns } = await input.rows(partition);
      // One key a partition: a key that is released opens nothing but what the receipt names.
      const gateKey = await deps.vault.drawOnce(jobId, gateKeyName(attempt, partition));
      const task = { kind: "provide" as const, protocol: spec.protocol, context, ids, gateKey };
      if (spec.model === undefined) return task;
      return { ...task, score: { features: columns.length, maxMatchedRows: shape.maxMatchedRows, columns } };
    },
    async () => {},
  );
  await stillAllowed(deps, loaded);
  const attempts = attemptsOf(finished);
  const gateKeys = await Promise.all(
    attempts.map((item) =>
      Promise.all(item.partitions.map((partition) => deps.vault.get(jobId, gateKeyName(item.attempt, partition)))),
    ),
  );
  const hashes = gateKeys.map((keys) => toHex(gateKeyHash(...keys)));
  const settled = await settleReceipt(attemptInput, finished, hashes);
  await stillAllowed(deps, loaded);
  await evidence.gateKeyReleased({
    receiptDigest: settled.digest,
    attempts: attempts.map((item, i) => ({ attempt: item.attempt, gateKeyHash: hashes[i] as string })),
    cosigned: { receiver: settled.cosigned.peer, sender: settled.cosigned.own },
  });
  await deps.book.append(jobId, { type: "gate-opened", at: deps.logbook.now() });
  await channel.say({ kind: "gateKeys", keys: gateKeys.flat() });
  // Said before the peer knows what it may show, so it tells nothing of what matched; and the keys are released even when
  // it is not said.
  await channel.hear(OPENED_TIMEOUT_MS, "opened").catch((err: unknown) => {
    deps.logger.warn({ jobId, err }, "the peer did not say that it has the keys");
  });
  const seconds = (deps.ports.clock.monotonicMs() - startedMs) / 1000;
  const summary = { seconds, bytesSent: channel.bytesSent, bytesReceived: channel.bytesReceived };
  await deps.book.append(jobId, { type: "done", at: deps.logbook.now(), withheld: false, summary });
  return settled.entry;
}

function gateKeyName(attempt: number, partition: number): string {
  return `gate-key-${attempt}-${partition}`;
}
