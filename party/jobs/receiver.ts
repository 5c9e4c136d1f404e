/** A job at the receiver: offered to the provider's node, run in up to five attempts, then released. */
import { type ErrorCode, toEntenteError } from "../../proto/errors.ts";
import { MAX_ATTEMPTS } from "../../proto/evidence/predicates.ts";
import { WAITING } from "../progress/meter.ts";
import { alignmentOf } from "../session/protocols.ts";
import type { ReceiveTask } from "../session/task.ts";
import type { TaskWorker } from "../session/worker-port.ts";
import type { Asked } from "./ask.ts";
import { type AttemptInput, keepModel, modelForTasks, runPartitions, settleReceipt } from "./attempt.ts";
import type { JobDeps } from "./deps.ts";
import { destroySecrets, endFailed } from "./ending.ts";
import { type JobInput, receiverInput } from "./inputs.ts";
import { ownColumns } from "./issued-tags.ts";
import { offer, type Prepared, requireAllowed } from "./offering.ts";
import { requireInTime } from "./pending.ts";
import { hearGateKeys, type OpenableResult, releaseResult } from "./release.ts";
import { planOf } from "./report-plan.ts";
import { attemptPlan, type JobShape, jobShape } from "./shape.ts";
import { sketchCommitment } from "./sketching.ts";

/** Trouble of the moment: a new attempt may succeed. */
export const PASSING: readonly ErrorCode[] = [
  "PEER_GONE",
  "PEER_TIMEOUT",
  "COORDINATOR_UNREACHABLE",
  "OVERLOADED",
  "NODE_STOPPING",
];
const FIRST_PAUSE_MS = 1_000;

export function pause(deps: JobDeps, jobId: string, tries: number): Promise<void> {
  deps.book.report(jobId, { step: "waiting to try again", ...WAITING });
  return new Promise((go) => deps.ports.timers.after(FIRST_PAUSE_MS * 2 ** (tries - 1), go));
}

/** Never rejects: what goes wrong becomes the job's last event. */
export async function run(asked: Asked, announced: Promise<unknown>): Promise<void> {
  const { deps, spec, evidence } = asked;
  const { jobId } = spec;
  const held: Held = { startedMs: deps.ports.clock.monotonicMs(), input: undefined };
  try {
    await announced;
    for (let tries = 1; ; tries++) {
      try {
        while ((await attempt(asked, held)) === "pending") await untilDecided(asked);
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
    // A job that goes on at the next start needs them; those of one that has ended are swept there.
    if (!deps.stopping.isRequested) await destroySecrets(deps, jobId);
  }
}

/** What outlives an attempt in memory: the dataset is read once. */
interface Held {
  readonly startedMs: number;
  input: JobInput<Float64Array> | undefined;
}

async function mayTryAgain(deps: JobDeps, jobId: string, error: unknown): Promise<boolean> {
  if (deps.stopping.isRequested) return false;
  const { state } = await deps.book.require(jobId);
  return (state === "admitted" || state === "running") && PASSING.includes(toEntenteError(error).code);
}

/** "pending": a person at the provider has not decided yet. */
async function attempt(asked: Asked, held: Held): Promise<"ended" | "pending"> {
  const { deps, spec } = asked;
  const prepared = await offer(asked);
  if (prepared === "pending" || prepared === "ended") return prepared;
  const shape = jobShape(spec, prepared.senderSizeClass, deps.machinery.partitionPlan);
  const columns = asked.groupings === undefined ? ownColumns(asked) : (await planOf(asked)).columns;
  held.input ??= await receiverInput(asked.registration, columns, {
    prepareInput: deps.machinery.prepareInput,
    jobKey: prepared.jobKey,
    partitions: shape.plan.partitions,
    spill: deps.vault.spillPlace(spec.jobId),
    access: deps.datasets.access,
    selection: asked.selection,
    onProgress: (report) => deps.book.report(spec.jobId, report),
  });
  await release(asked, await inSession(asked, held.input, prepared, shape), held);
  return "ended";
}

/** Until the provider's node says that somebody has decided, or some minutes have passed. Throws APPROVAL_OVERDUE. */
async function untilDecided({ deps, spec }: Asked): Promise<void> {
  deps.book.report(spec.jobId, { step: "waiting for the peer's approval", ...WAITING });
  requireInTime(deps.clock.nowMs(), (await deps.book.require(spec.jobId)).proposed.at);
  await deps.pending.wait(spec.jobId, deps.ports.timers);
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
  const { attempt: number, senderSizeClass, providerVersion, jobKey } = prepared;
  const { parameters } = shape;
  const plan = attemptPlan(shape, jobKey, prepared.finished);
  const channel = await deps.meetings.openJob(peer, jobId, {
    kind: "job",
    jobDigest,
    attempt: number,
    parameters,
    plan,
  });
  deps.channels.begin(jobId, channel);
  let worker: TaskWorker | undefined;
  try {
    const at = deps.logbook.now();
    const { finished: before } = prepared;
    await deps.book.append(jobId, {
      type: "attempt-started",
      at,
      attempt: number,
      peerSizeClass: senderSizeClass,
      peerVersion: providerVersion,
      finished: before,
    });
    await tell(asked, "running");
    worker = deps.machinery.startWorker();
    const { version: datasetVersion } = registration;
    const common = { deps, spec, jobDigest, agreement, peer, evidence, channel, worker, shape, senderSizeClass };
    const sketch = await sketchCommitment(asked);
    const versions = { datasetVersion, segment: asked.taking.definition, providerVersion, sketchCommitment: sketch };
    const attemptInput: AttemptInput = { ...common, ...versions, attempt: number, input };
    const weights = loaded?.weights;
    const model = await modelForTasks(attemptInput, "bank");
    const finished = await runPartitions(
      attemptInput,
      before,
      async (partition, context) => {
        const { ids } = await input.rows(partition);
        const task: ReceiveTask = { kind: "receive", protocol: alignmentOf(spec), context, ids };
        if (weights === undefined || model === undefined) return task;
        return { ...task, score: { ...model(), weights } };
      },
      async (partition, { madeModel, ...received }) => {
        await keepModel(attemptInput, "bank", madeModel);
        await deps.vault.putPartition(jobId, number, partition, received);
      },
    );
    deps.book.report(jobId, { step: "signing the receipt", ...WAITING });
    await requireAllowed(asked, { peerSizeClass: senderSizeClass, providerVersion });
    deps.leases.require(agreement.digest);
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
    deps.channels.end(jobId, channel);
    channel.close();
    await worker?.close();
  }
}

async function release(asked: Asked, result: OpenableResult, held: Held): Promise<void> {
  await requireAllowed(asked, {});
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
