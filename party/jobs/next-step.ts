/** What comes next of a job, from what is persisted of it and the time: the same after a stop as without one. */
import type { Job } from "./lifecycle.ts";

/**
 * How long two nodes have from the receipt on to release the keys (DESIGN: "no cosignature within 24 h: the job fails and
 * every G is destroyed"), and a receiver to come back that may have signed what it was proposed.
 */
export const RELEASE_MS = 86_400_000;

export type NextStep =
  /** A person decides, here or at the peer, or the peer begins. */
  | "wait"
  /** The job session of another attempt, also when no partition is left to run. */
  | "attempt"
  /** The receipt is signed: the keys are still to be had, or to be given. */
  | "release"
  /** The receiver has the keys, and its log does not say yet what they open. */
  | "open"
  /** The log says it: what is durable is put in force. */
  | "publish"
  /** The provider has released the keys: it keeps them until the receiver has them. */
  | "confirm"
  /** The day is over, and no key was released. */
  | "give-up"
  /** The day is over: the keys that were released are destroyed. */
  | "finish"
  | "none";

/** `nowMs`: by the steady clock. */
export function nextStep(job: Job, nowMs: number): NextStep {
  const { state, proposed, isOpened, isRecorded } = job;
  const isReceiver = proposed.role === "receiver";
  switch (state) {
    case "proposed":
      return isReceiver && !job.awaitsApproval ? "attempt" : "wait";
    case "admitted":
    case "running":
      return isReceiver ? "attempt" : "wait";
    case "releasing": {
      if (isReceiver && isOpened) return isRecorded ? "publish" : "open";
      const isOver = nowMs >= releaseEndsMs(job);
      if (isOpened) return isOver ? "finish" : "confirm";
      return isOver ? "give-up" : "release";
    }
    default:
      return "none";
  }
}

/** Of a job whose receipt is signed. */
export function releaseEndsMs({ receiptAt, updatedAt }: Job): number {
  return Date.parse(receiptAt ?? updatedAt) + RELEASE_MS;
}
