/** Jobs that wait for a person: how long, and how a node hears of the decision at the other. */
import { EntenteError } from "../../proto/errors.ts";
import type { Timers } from "../../proto/ports/ports.ts";

/** From when this node recorded the job. */
const APPROVAL_TIMEOUT_MS = 7 * 86_400_000;
/** The peer tells when somebody has decided; that word may be lost. */
const ASK_AGAIN_MS = 120_000;

/** When a job has waited too long for a person; milliseconds since 1970. */
export function decideBefore(recordedAt: string): number {
  return Date.parse(recordedAt) + APPROVAL_TIMEOUT_MS;
}

/** Throws APPROVAL_OVERDUE when a job has waited for a person for a week. */
export function requireInTime(nowMs: number, recordedAt: string): void {
  if (nowMs > decideBefore(recordedAt)) throw new EntenteError("APPROVAL_OVERDUE");
}

/** This node's jobs that the peer has left pending. */
export class PendingJobs {
  readonly #waiting = new Map<string, () => void>();

  /** Resolves when the peer says that it has decided, or after two minutes. */
  wait(jobId: string, timers: Timers): Promise<void> {
    return new Promise((resolve) => {
      const cancel = timers.after(ASK_AGAIN_MS, () => go());
      const go = () => {
        cancel();
        this.#waiting.delete(jobId);
        resolve();
      };
      this.#waiting.set(jobId, go);
    });
  }

  /** No matter when nobody waits: whoever asks the peer next hears of the decision. */
  decided(jobId: string): void {
    this.#waiting.get(jobId)?.();
  }
}
