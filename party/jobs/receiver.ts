/** A job at the receiver: offered to the provider's node, run in up to five attempts, then released. */
import { readJobAnswer } from "../../proto/agreement/job-spec.ts";
import { equalBytes, fromHex, fromUtf8 } from "../../proto/encoding/bytes.ts";

import { encodeEnvelope } from "../../proto/encoding/dsse.ts";
import { EntenteError, type ErrorCode, toEntenteError } from "../../proto/errors.ts";
import { MAX_ATTEMPTS } from "../../proto/evidence/predicates.ts";
import { collaborationId, digest, jobId } from "../../proto/ids.ts";
import { ControlClient } from "../session/control.ts";
import { SessionWorker } from "../session/worker-port.ts";
import { type Asked, ask, decideOwn, type JobRequestInput, restoreAsked, storeAsked } from "./ask.ts";
import { type AttemptInput, runPartitions, settleReceipt } from "./attempt.ts";
import type { JobDeps } from "./deps.ts";
import { destroySecrets, endFailed } from "./ending.ts";
import { jobEvidence } from "./evidence.ts";
import { type JobInput, receiverInput } from "./inputs.ts";
import type { FinishedPartition, Job } from "./lifecycle.ts";
import { hearGateKeys, type OpenableResult, releaseResult } from "./release.ts";
import { attemptPlan, type JobShape, jobKeyOf, jobShape } from "./shape.ts";

/** Trouble of the moment: a new attempt may succeed. */
const PASSING: readonly ErrorCode[] = ["PEER_GONE", "PEER_TIMEOUT", "COORDINATOR_UNREACHABLE", "OVERLOADED"];
const FIRST_PAUSE_MS = 1_000;
const PEER_NONCE = "peer-nonce";

/** Checks and records the job, and lets it run; resolves when it has been recorded. Throws the errors of `ask`. */
export async function startJob(
  deps: JobDeps,
  request: JobRequestInput,
): Promise<{ job: Job; finished: Promise<void> }> {
  const asked = await ask(deps, request);
  const { spec, jobDigest, evidence, agreement, registration } = asked;
  await evidence.requested();
  await evidence.decided(decideOwn(asked));
  await storeAsked(asked);
  const job = await deps.book.append(spec.jobId, {
    type: "proposed",
    at: deps.logbook.now(),
    role: "receiver",
    peer: asked.peer.party,
    operation: spec.operation,
    agreement: agreement.digest,
    collaboration: agreement.collaboration,
    jobDigest,
    ownRows: registration.accepted,
    ownSizeClass: spec.receiverSizeClass,
    datasetVersion: registration.version,
  });
  const announced = deps.link.createJob({
    jobId: spec.jobId,
    agreementDigest: agreement.digest,
    peer: asked.peer.party,
    jobDigest,
  });
  return { job, finished: run(asked, announced) };
}

/** After a restart: goes on with a job that had been admitted, or ends it when it is not what it was. Never rejects. */
export async function resumeJob(deps: JobDeps, job: Job): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      const asked = await restoreAsked(deps, job.jobId, job.proposed.datasetVersion);
      return await run(asked, Promise.resolve());
    } catch (error) {
      deps.logger.warn({ jobId: job.jobId, tries, err: error }, "a job could not be taken up again");
      if (tries >= MAX_ATTEMPTS || !PASSING.includes(toEntenteError(error).code)) return endUnresumed(deps, job, error);
      await pause(deps, job.jobId, tries);
    }
  }
}

async function endUnresumed(deps: JobDeps, { jobId: id, proposed }: Job, error: unknown): Promise<void> {
  const agreement = { collaboration: collaborationId(proposed.collaboration), digest: digest(proposed.agreement) };
  const spec = { jobId: jobId(id), operation: proposed.operation, receiver: deps.keyring.party };
  await endFailed(deps, jobEvidence(deps.logbook, agreement, spec, proposed.jobDigest), id, error);
  await destroySecrets(deps, id);
}

function pause(deps: JobDeps, jobId: string, tries: number): Promise<void> {
  deps.book.report(jobId, { step: "waiting to try again", done: 0, total: 1 });
  return new Promise((go) => deps.ports.timers.after(FIRST_PAUSE_MS * 2 ** (tries - 1), go));
}

/** Never rejects: what goes wrong becomes the job's last event. */
async function run(asked: Asked, announced: Promise<unknown>): Promise<void> {
  const { deps, spec, evidence } = asked;
  const { jobId } = spec;
  const held: Held = { startedMs: deps.ports.clock.monotonicMs(), input: undefined };
  try {
    await announced;
    for (let tries = 1; ; tries++) {
      try {
        await attempt(asked, held);
        return;
      } catch (error) {
        if (tries >= MAX_ATTEMPTS || !(await mayTryAgain(deps, jobId, error))) throw error;
        deps.logger.warn({ jobId, tries, err: error }, "attempt failed, another follows");
        await pause(deps, jobId, tries);
      }
    }
  } catch (error) {
    const code = await endFailed(deps, evidence, jobId, error);
    if (code !== undefined) await tell(asked, "failed", code);
  } finally {
    await held.input?.destroy().catch(() => {});
    await destroySecrets(deps, jobId);
  }
}

/** What outlives an attempt in memory: the dataset is read once. */
interface Held {
  readonly startedMs: number;
  input: JobInput<Float64Array> | undefined;
}

async function mayTryAgain(deps: JobDeps, jobId: string, error: unknown): Promise<boolean> {
  const { state } = await deps.book.require(jobId);
  return (state === "admitted" || state === "running") && PASSING.includes(toEntenteError(error).code);
}

interface Prepared {
  readonly senderSizeClass: number;
  readonly jobKey: Uint8Array;
  readonly attempt: number;
  readonly finished: readonly FinishedPartition[];
}

async function attempt(asked: Asked, held: Held): Promise<void> {
  const { deps, spec } = asked;
  const prepared = await offer(asked);
  if (prepared === undefined) return;
  const shape = jobShape(spec, prepared.senderSizeClass);
  held.input ??= await receiverInput(
    asked.registration,
    asked.loaded?.quantised.own.features.map((feature) => feature.column) ?? [],
    {
      jobKey: prepared.jobKey,
      partitions: shape.plan.partitions,
      spill: deps.vault.spillPlace(spec.jobId),
    },
  );
  await release(asked, await inSession(asked, held.input, prepared, shape), held);
}

/** In a control session: the provider's node admits or refuses, then says what the attempt needs. */
async function offer(asked: Asked): Promise<Prepared | undefined> {
  const { deps, peer, spec, jobDigest } = asked;
  const { jobId } = spec;
  deps.book.report(jobId, { step: "asking the peer", done: 0, total: 1 });
  const client = new ControlClient(await deps.meetings.openControl(peer));
  try {
    let job = await deps.book.require(jobId);
    if (job.state === "proposed" && !(await isAdmitted(asked, client))) return undefined;
    job = await deps.book.require(jobId);
    const { sizeClass, nonce, attempt, finished } = await client.prepare({
      jobId,
      lastAttempt: job.attempt,
      finished: job.finished.map(({ partition, attempt: of }) => ({ partition, attempt: of })),
    });
    if (attempt <= job.attempt || attempt > MAX_ATTEMPTS) throw new EntenteError("ATTEMPT_REPLAYED");
    await pinPeer(asked, job, sizeClass, nonce);
    const { refusedBy } = decideOwn(asked, sizeClass);
    if (refusedBy !== undefined) throw new EntenteError(refusedBy);
    const jobKey = jobKeyOf(jobDigest, fromHex(spec.receiverNonce), nonce);
    return { senderSizeClass: sizeClass, jobKey, attempt, finished: heldOf(job, finished) };
  } finally {
    await client.close();
  }
}

/** What the first attempt was told holds for all: another size or nonce would be another input. Throws SESSION_MISMATCH. */
async function pinPeer(
  { deps }: Asked,
  { jobId, peerSizeClass }: Job,
  sizeClass: number,
  nonce: Uint8Array,
): Promise<void> {
  if (peerSizeClass === undefined) await deps.vault.put(jobId, PEER_NONCE, nonce);
  else if (peerSizeClass !== sizeClass || !equalBytes(await deps.vault.get(jobId, PEER_NONCE), nonce))
    throw new EntenteError("SESSION_MISMATCH", { detail: "the peer's size or nonce changed between attempts" });
}

async function isAdmitted({ deps, peer, spec, specEnvelope, jobDigest, evidence }: Asked, client: ControlClient) {
  const { jobId } = spec;
  const answerEnvelope = await client.job(specEnvelope);
  const answer = readJobAnswer(answerEnvelope, peer.key("jobs"), jobDigest);
  await deps.store.putJobDocument(jobId, "answer", fromUtf8(encodeEnvelope(answerEnvelope)));
  if (answer.decision === "admitted") {
    await deps.book.append(jobId, { type: "admitted", at: deps.logbook.now() });
    return true;
  }
  const { code } = answer;
  await evidence.refused(peer.party, code);
  await deps.book.append(jobId, { type: "refused", at: deps.logbook.now(), by: "peer", code });
  return false;
}

/** What the provider says that both hold, as this node recorded it. Throws WIRE_UNEXPECTED when it names something else. */
function heldOf(job: Job, agreed: readonly { partition: number; attempt: number }[]): FinishedPartition[] {
  const held = job.finished.filter((own) =>
    agreed.some(({ partition, attempt }) => partition === own.partition && attempt === own.attempt),
  );
  if (held.length !== agreed.length) throw new EntenteError("WIRE_UNEXPECTED", { detail: "finished partitions" });
  return held;
}

/** The job session, up to the gate keys; nothing has been opened when it ends. */
async function inSession(
  asked: Asked,
  input: JobInput<Float64Array>,
  prepared: Prepared,
  shape: JobShape,
): Promise<OpenableResult> {
  const { deps, peer, spec, jobDigest, registration, loaded, agreement, evidence } = asked;
  const { jobId } = spec;
  const { attempt: number, senderSizeClass, jobKey } = prepared;
  const { parameters } = shape;
  const plan = attemptPlan(shape, jobKey, prepared.finished);
  const channel = await deps.meetings.openJob(peer, jobId, {
    kind: "job",
    jobDigest,
    attempt: number,
    parameters,
    plan,
  });
  let worker: SessionWorker | undefined;
  try {
    const at = deps.logbook.now();
    const { finished: before } = prepared;
    await deps.book.append(jobId, {
      type: "attempt-started",
      at,
      attempt: number,
      peerSizeClass: senderSizeClass,
      finished: before,
    });
    await tell(asked, "running");
    worker = new SessionWorker();
    const { version: datasetVersion } = registration;
    const common = { deps, spec, jobDigest, agreement, peer, evidence, channel, worker, shape, senderSizeClass };
    const attemptInput: AttemptInput = { ...common, attempt: number, input, datasetVersion };
    const weights = loaded?.quantised.partner.weights;
    const score = weights && { weights, features: weights.length, maxMatchedRows: shape.maxMatchedRows };
    const finished = await runPartitions(
      attemptInput,
      before,
      async (partition, context) => {
        const { ids } = await input.rows(partition);
        const task = { kind: "receive" as const, protocol: spec.protocol, context, ids };
        return score === undefined ? task : { ...task, score };
      },
      (partition, output) => deps.vault.putPartition(jobId, number, partition, output),
    );
    deps.book.report(jobId, { step: "signing the receipt", done: 1, total: 1 });
    const { refusedBy } = decideOwn(asked, senderSizeClass);
    if (refusedBy !== undefined) throw new EntenteError(refusedBy);
    await tell(asked, "releasing");
    const settled = await settleReceipt(attemptInput, finished);
    const gateKeys = await hearGateKeys(asked, channel, settled, finished);
    // The last word to the peer, before this node knows what it may show: what follows is nobody else's business.
    await channel.say({ kind: "opened" });
    const { bytesSent, bytesReceived } = channel;
    return { input, shape, finished, gateKeys, settled, bytesSent, bytesReceived };
  } catch (error) {
    await channel.fail(toEntenteError(error));
    throw error;
  } finally {
    channel.close();
    await worker?.close();
  }
}

async function release(asked: Asked, result: OpenableResult, held: Held): Promise<void> {
  await tell(asked, "done");
  await releaseResult(asked, result, held.startedMs);
}

/** The coordinator's view of the job: a courtesy to whoever looks there, so a failure of it is only logged. */
async function tell(
  { deps, spec }: Asked,
  state: "running" | "releasing" | "done" | "failed",
  reason?: ErrorCode,
): Promise<void> {
  const report = { jobId: spec.jobId, state, ...(reason === undefined ? {} : { reason }) };
  await deps.link
    .reportJob(report)
    .catch((err: unknown) => deps.logger.warn({ jobId: spec.jobId, err }, "report to the coordinator failed"));
}
