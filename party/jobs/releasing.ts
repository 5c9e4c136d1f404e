/**
 * A provider's job whose receipt is signed: the receiver comes for the keys, in as many release sessions as it takes, for a day.
 * The keys stay until the receiver has them; then, or when the day is over, nothing is left of them.
 */
import { isSayable } from "../../proto/codec/peer-failure.ts";
import type { KeysHeld } from "../../proto/codec/session-messages.ts";
import { EntenteError, type ErrorCode, toEntenteError } from "../../proto/errors.ts";
import { type JobId, type RelayId, jobId as toJobId } from "../../proto/ids.ts";
import type { Channel } from "../session/channel.ts";
import { inControlSession } from "../session/control.ts";
import type { Peer } from "../session/peers.ts";
import { CLOSING_TIMEOUT_MS, proposalOf, recordReceipt, submitReceipt } from "./attempt.ts";
import type { JobDeps } from "./deps.ts";
import { endFailed } from "./ending.ts";
import { recordedEvidence } from "./evidence.ts";
import { giveKeys, settledReceipt } from "./gate.ts";
import { isFinal, type Job } from "./lifecycle.ts";
import { nextStep } from "./next-step.ts";
import { mayPass } from "./passing.ts";
import { Pauses } from "./pauses.ts";
import { takeReceipt } from "./receipt.ts";
import { figuresOf } from "./reconcile.ts";
import { cleanUp, type LoadedJob, loadServed, requireStillAllowed } from "./served-job.ts";
import { afterError } from "./steps.ts";

/** A release session that the receiver's node asked for. Never rejects once the peer has proved itself: the job's next step stays
 * what it is, or the job ends. */
export async function serveRelease(
  deps: JobDeps,
  peer: Peer,
  { relayId, jobId }: { readonly relayId: RelayId; readonly jobId: JobId },
): Promise<void> {
  const loaded = await loadServed(deps, peer, jobId);
  const channel = await deps.meetings.acceptRelease(relayId, peer, loaded.digest);
  // Of an earlier session that the peer has lost.
  deps.channels.fail(jobId, new EntenteError("CANCELLED"));
  deps.channels.begin(jobId, channel);
  deps.served.touch(jobId, deps.ports.clock.monotonicMs());
  try {
    await release(deps, peer, loaded, channel);
    await finishServed(deps, jobId);
  } catch (error) {
    await channel.fail(toEntenteError(error));
    await afterFailure(deps, loaded, error);
  } finally {
    deps.channels.end(jobId, channel);
    channel.close();
  }
}

async function release(deps: JobDeps, peer: Peer, loaded: LoadedJob, channel: Channel): Promise<void> {
  const { spec, agreement, evidence } = loaded;
  const { jobId } = spec;
  const { receipt, inForce } = await channel.hear(CLOSING_TIMEOUT_MS, "releaseRequest");
  const { state, reason } = await deps.book.require(jobId);
  // What the receiver waits for does not come any more.
  if (isFinal(state)) throw new EntenteError(lastWord(reason?.code));
  await deps.leases.accept(agreement, peer, inForce);
  if (state !== "releasing") {
    const proposal = await proposalOf(deps, jobId);
    if (proposal === undefined) throw new EntenteError("RECEIPT_MISMATCH", { detail: "no receipt was proposed" });
    await recordReceipt(deps, { agreement, spec, channel }, takeReceipt(receipt, proposal, peer));
  }
  await channel.say({ kind: "releaseReply", inForce: deps.leases.statement(agreement) });
  await giveKeys({ deps, jobId, agreement, peer, evidence }, channel, () => requireStillAllowed(deps, loaded));
}

/** Why nothing is released any more: what this node may say of it, and what no peer takes for trouble that passes. */
function lastWord(code: ErrorCode | undefined): ErrorCode {
  return code === undefined || !isSayable(code) || mayPass(new EntenteError(code)) ? "RELEASE_OVERDUE" : code;
}

/** After a session that was about the keys: the job goes on as it is, or ends when it cannot. */
export async function afterFailure(deps: JobDeps, { spec, evidence }: LoadedJob, error: unknown): Promise<void> {
  const { jobId } = spec;
  if (deps.stopping.isRequested) return;
  const { state, isOpened } = await afterError(deps, jobId, error);
  if (state === "releasing" && isOpened) {
    deps.logger.warn({ jobId, err: error }, "the peer did not say that it has the keys");
    confirmLater(deps, jobId);
  } else if (state === "releasing" && mayPass(error)) {
    deps.logger.warn({ jobId, err: error }, "the keys were not released, the peer may come again");
  } else {
    await endFailed(deps, evidence, jobId, error);
    await cleanUp(deps, jobId);
  }
}

/** The receiver has the keys, or does not come for them any more. */
export async function finishServed(deps: JobDeps, jobId: JobId): Promise<void> {
  const isDone = await deps.turns.take(jobId, async () => {
    const job = await deps.book.require(jobId);
    if (job.state !== "releasing") return false;
    const summary = figuresOf(job, deps.clock.nowMs());
    await deps.book.append(jobId, { type: "done", at: deps.logbook.now(), withheld: false, summary });
    return true;
  });
  if (!isDone) return;
  await cleanUp(deps, jobId);
  await submitReceipt(deps, jobId, (await settledReceipt(deps, jobId)).entry);
}

/** Asks the receiver whether it has the keys, until it says so or the day is over. One at a time for each job. */
export function confirmLater(deps: JobDeps, jobId: JobId): void {
  if (!deps.served.beginConfirming(jobId)) return;
  confirm(deps, jobId)
    .catch((err: unknown) => deps.logger.error({ jobId, err }, "the end of a released job could not be recorded yet"))
    .finally(() => deps.served.endConfirming(jobId));
}

async function confirm(deps: JobDeps, jobId: JobId): Promise<void> {
  const pauses = new Pauses(deps.ports);
  for (;;) {
    await pauses.next();
    const job = await deps.book.require(jobId);
    if (nextStep(job, deps.clock.nowMs()) !== "confirm") return;
    try {
      const peer = await deps.peers.require(job.proposed.peer);
      const { holdsKeys, hasEnded } = await inControlSession(deps.meetings, peer, (client) => client.keysHeld(jobId));
      if (holdsKeys || hasEnded) return await finishServed(deps, jobId);
    } catch (err) {
      deps.logger.info({ jobId, err }, "the peer could not be asked whether it has the keys");
    }
  }
}

/** The receiver's answer. Once it has the keys nothing more is told: how long the opening takes depends on what matched. Throws
 * NOT_FOUND when the job is none that this peer serves. */
export async function keysHeld({ book }: JobDeps, peer: Peer, jobId: JobId): Promise<KeysHeld> {
  const { proposed, isOpened, state } = await book.require(jobId);
  if (proposed.peer !== peer.party || proposed.role !== "receiver")
    throw new EntenteError("NOT_FOUND", { detail: "job" });
  return { holdsKeys: isOpened, hasEnded: !isOpened && isFinal(state) };
}

/** What time brings, at either role: releases whose day is over. */
export async function endOverdueReleases(deps: JobDeps): Promise<void> {
  for (const job of await deps.book.list()) {
    const step = nextStep(job, deps.clock.nowMs());
    if (step === "finish") await finishServed(deps, toJobId(job.jobId));
    if (step === "give-up") await giveUp(deps, job);
  }
}

async function giveUp(deps: JobDeps, job: Job): Promise<void> {
  const jobId = toJobId(job.jobId);
  const error = new EntenteError("RELEASE_OVERDUE");
  const isOver = await deps.turns.take(jobId, async () => {
    // The keys may have come, or gone, while other jobs were seen to.
    if (nextStep(await deps.book.require(jobId), deps.clock.nowMs()) !== "give-up") return false;
    await endFailed(deps, recordedEvidence(deps, job), jobId, error);
    return true;
  });
  if (!isOver) return;
  deps.channels.fail(jobId, error);
  await cleanUp(deps, jobId);
}
