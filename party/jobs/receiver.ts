/** A job at the receiver: offered to the provider's node, run in up to five attempts, then released. What comes next is read
 * from what is persisted, so a job that a stop cut short goes on here, too. */

import { toHex } from "../../proto/encoding/bytes.ts";
import { decodeEnvelope } from "../../proto/encoding/dsse.ts";
import { EntenteError, type ErrorCode, toEntenteError } from "../../proto/errors.ts";
import { WAITING } from "../progress/meter.ts";
import { alignmentOf } from "../session/protocols.ts";
import type { ReceiveTask } from "../session/task.ts";
import type { TaskWorker } from "../session/worker-port.ts";
import type { Asked } from "./ask.ts";
import {
  type AttemptInput,
  CLOSING_TIMEOUT_MS,
  keepModel,
  modelForTasks,
  runPartitions,
  signReceipt,
} from "./attempt.ts";
import type { JobDeps } from "./deps.ts";
import { destroyEnded, endFailed } from "./ending.ts";
import { recordedEvidence } from "./evidence.ts";
import { type AtGate, fetchKeys, settledReceipt } from "./gate.ts";
import { type JobInput, receiverInput } from "./inputs.ts";
import { ownColumns } from "./issued-tags.ts";
import type { Job } from "./lifecycle.ts";
import type { NextStep } from "./next-step.ts";
import { offer, type Prepared, requireAllowed, storedJobKey } from "./offering.ts";
import { requireInTime } from "./pending.ts";
import { publishResult } from "./publish.ts";
import { openResult } from "./release.ts";
import { planOf } from "./report-plan.ts";
import { attemptPlan, type JobShape, jobShape } from "./shape.ts";
import { sketchCommitment } from "./sketching.ts";
import { runSteps } from "./steps.ts";

/** Never rejects: what goes wrong becomes the job's last event. One run of a job at a time: another returns at once. Who has
 * just asked for a job is told at once that the coordinator is away; a job that goes on waits for it. */
export async function run(asked: Asked, begun: "now" | "before"): Promise<void> {
  const { deps, spec, evidence } = asked;
  const { jobId } = spec;
  if (!deps.book.beginRun(jobId)) return;
  const held: Held = { input: undefined };
  try {
    if (begun === "now") await announce(asked);
    await runSteps(deps, jobId, (step) => take(step, asked, held, begun));
  } catch (error) {
    const code = await endFailed(deps, evidence, jobId, error);
    if (code !== undefined) await tell(asked, "failed", code);
  } finally {
    await held.input?.destroy().catch(() => {});
    await destroyEnded(deps, jobId);
    deps.book.endRun(jobId);
  }
}

/** A job whose log says what came out: nothing of what it was asked of is needed any more. Never rejects. */
export async function runPublication(deps: JobDeps, { jobId, ...job }: Job): Promise<void> {
  if (!deps.book.beginRun(jobId)) return;
  try {
    await runSteps(deps, jobId, () => publishResult(deps, jobId));
  } catch (error) {
    await endFailed(deps, recordedEvidence(deps, { jobId, ...job }), jobId, error);
  } finally {
    await destroyEnded(deps, jobId);
    deps.book.endRun(jobId);
  }
}

/** The peer may know the job already: announcing it again changes nothing. */
function announce({ deps, spec, agreement, peer, jobDigest }: Asked): Promise<unknown> {
  const { jobId } = spec;
  return deps.link.createJob({ jobId, agreementDigest: agreement.digest, peer: peer.party, jobDigest });
}

async function take(step: NextStep, asked: Asked, held: Held, begun: "now" | "before"): Promise<void> {
  switch (step) {
    case "release":
      return releaseSession(asked);
    case "open":
      return open(asked, held);
    case "publish":
      return publishResult(asked.deps, asked.spec.jobId);
    case "give-up":
      throw new EntenteError("RELEASE_OVERDUE");
    default:
      if (
        step === "attempt" &&
        begun === "before" &&
        (await asked.deps.book.require(asked.spec.jobId)).state === "proposed"
      )
        await announce(asked);
      if ((await attempt(asked, held)) === "pending") await untilDecided(asked);
  }
}

/** What outlives an attempt in memory: the dataset is read once. */
interface Held {
  input: JobInput<Float64Array> | undefined;
}

/** "pending": a person at the provider has not decided yet. */
async function attempt(asked: Asked, held: Held): Promise<"ended" | "pending"> {
  const prepared = await offer(asked);
  if (prepared === "pending" || prepared === "ended") return prepared;
  const shape = jobShape(asked.spec, prepared.senderSizeClass, asked.deps.machinery.partitionPlan);
  held.input ??= await readInput(asked, shape, prepared.jobKey);
  await inSession(asked, held.input, prepared, shape);
  return "ended";
}

async function readInput(asked: Asked, shape: JobShape, jobKey: Uint8Array): Promise<JobInput<Float64Array>> {
  const { deps, spec } = asked;
  const columns = asked.groupings === undefined ? ownColumns(asked) : (await planOf(asked)).columns;
  return receiverInput(asked.registration, columns, {
    prepareInput: deps.machinery.prepareInput,
    jobKey,
    partitions: shape.plan.partitions,
    spill: deps.vault.spillPlace(spec.jobId, spec.provider),
    access: deps.datasets.access,
    selection: asked.selection,
    onProgress: (report) => deps.book.report(spec.jobId, report),
  });
}

/** Until the provider's node says that somebody has decided, or some minutes have passed. Throws APPROVAL_OVERDUE. */
async function untilDecided({ deps, spec }: Asked): Promise<void> {
  deps.book.report(spec.jobId, { step: "awaiting-peer-approval", ...WAITING });
  requireInTime(deps.clock.nowMs(), (await deps.book.require(spec.jobId)).proposed.at);
  await deps.pending.wait(spec.jobId, deps.ports.timers);
}

/** The job session, up to the gate keys; nothing has been opened when it ends. */
async function inSession(
  asked: Asked,
  input: JobInput<Float64Array>,
  prepared: Prepared,
  shape: JobShape,
): Promise<void> {
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
      exporter: toHex(channel.exporter),
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
        await deps.vault.putPartition(jobId, number, partition, received, spec.provider);
      },
    );
    deps.book.report(jobId, { step: "signing-receipt", ...WAITING });
    await requireAllowed(asked, { peerSizeClass: senderSizeClass, providerVersion });
    deps.leases.require(agreement.digest);
    await tell(asked, "releasing");
    await signReceipt(attemptInput, finished);
    await fetchKeys(atGate(asked), channel);
  } catch (error) {
    await channel.fail(toEntenteError(error));
    throw error;
  } finally {
    deps.channels.end(jobId, channel);
    channel.close();
    await worker?.close();
  }
}

function atGate({ deps, spec, agreement, peer, evidence }: Asked): AtGate {
  return { deps, jobId: spec.jobId, agreement, peer, evidence };
}

/** The receipt is signed here, and an earlier session broke off before the keys: this node hands over the receipt, which the
 * peer may not have, and asks for them. */
async function releaseSession(asked: Asked): Promise<void> {
  const { deps, peer, spec, jobDigest, agreement } = asked;
  const { jobId } = spec;
  await requireAllowed(asked, {});
  const settled = await settledReceipt(deps, jobId);
  const channel = await deps.meetings.openRelease(peer, jobId, jobDigest);
  deps.channels.begin(jobId, channel);
  try {
    const inForce = deps.leases.statement(agreement);
    await channel.say({ kind: "releaseRequest", receipt: decodeEnvelope(settled.entry), inForce });
    const reply = await channel.hear(CLOSING_TIMEOUT_MS, "releaseReply");
    await deps.leases.accept(agreement, peer, reply.inForce);
    await fetchKeys(atGate(asked), channel);
  } catch (error) {
    await channel.fail(toEntenteError(error));
    throw error;
  } finally {
    deps.channels.end(jobId, channel);
    channel.close();
  }
}

/** Behind the gate; repeatable up to the entry that says what came out. */
async function open(asked: Asked, held: Held): Promise<void> {
  const { deps, spec } = asked;
  const { jobId } = spec;
  await requireAllowed(asked, {});
  const { peerSizeClass } = await deps.book.require(jobId);
  if (peerSizeClass === undefined) throw new EntenteError("INTERNAL", { cause: new Error("released without a plan") });
  const shape = jobShape(spec, peerSizeClass, deps.machinery.partitionPlan);
  held.input ??= await readInput(asked, shape, await storedJobKey(asked));
  await tell(asked, "done");
  await openResult(asked, { input: held.input, shape });
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
