/** A receiver's job taken from step to step, each as often as its trouble passes. */
import { toEntenteError } from "../../proto/errors.ts";
import { MAX_ATTEMPTS } from "../../proto/evidence/predicates.ts";
import { WAITING } from "../progress/meter.ts";
import type { JobDeps } from "./deps.ts";
import type { Job } from "./lifecycle.ts";
import { type NextStep, nextStep, releaseEndsMs } from "./next-step.ts";
import { isOfDisk, mayPass, PASSING } from "./passing.ts";
import { Pauses } from "./pauses.ts";
import { reconcileJob } from "./reconcile.ts";

/** For a peer that has admitted the job and is away; shorter than the peer waits in its turn (`served-job.ts`). */
const AWAY_MS = 900_000;

/** What a step has cost so far. */
export interface Tries {
  /** Failed in a row, without anything that moved the job. */
  readonly count: number;
  readonly sinceMs: number;
}

/** Until the job has ended, or the node stops: then it goes on at the next start. Throws what does not pass. */
export async function runSteps(deps: JobDeps, jobId: string, work: (step: NextStep) => Promise<void>): Promise<void> {
  let tries: Tries | undefined;
  let last: NextStep | undefined;
  const pauses = new Pauses(deps.ports);
  for (let events = 0; ; ) {
    const job = await deps.book.require(jobId);
    const step = nextStep(job, deps.clock.nowMs());
    if (step === "none" || deps.stopping.isRequested) return;
    if (job.events !== events) tries = undefined;
    if (step !== last) pauses.reset();
    [events, last] = [job.events, step];
    try {
      await work(step);
    } catch (error) {
      const after = await afterError(deps, jobId, error);
      const before = after.events === events ? tries : undefined;
      tries = { count: (before?.count ?? 0) + 1, sinceMs: before?.sinceMs ?? deps.clock.nowMs() };
      events = after.events;
      if (!mayTryAgain(deps, after, tries, error)) throw error;
      deps.logger.warn({ jobId, tries: tries.count, step, err: error }, "attempt failed, another follows");
      await pause(deps, jobId, pauses);
    }
  }
}

/** An entry whose write failed may be in the log all the same: it is not written again. */
export async function afterError(deps: JobDeps, jobId: string, error: unknown): Promise<Job> {
  const job = await deps.book.require(jobId);
  if (!isOfDisk(error)) return job;
  await reconcileJob(deps, job);
  return deps.book.require(jobId);
}

/** An attempt costs the peer a run of the protocol: there are five. Until one can begin, a peer that is being restarted is
 * waited for. What follows the receipt is tried until the release's day is over, and what follows the keys after it,
 * too. */
export function mayTryAgain(deps: JobDeps, job: Job, tries: Tries, error: unknown): boolean {
  const { code } = toEntenteError(error);
  const nowMs = deps.clock.nowMs();
  const step = nextStep(job, nowMs);
  if (step === "none" || deps.stopping.isRequested) return false;
  if (step === "wait" || step === "attempt") {
    if (job.state === "proposed") return tries.count < MAX_ATTEMPTS && PASSING.includes(code);
    // A peer that has admitted the job knows this node: one that stops within a handshake looks as if it did not.
    const passes = PASSING.includes(code) || code === "PEER_REFUSED_IDENTITY";
    return passes && job.attempt < MAX_ATTEMPTS && nowMs < tries.sinceMs + AWAY_MS;
  }
  // What came out is in the log and durable: nothing but a revocation may keep it from being put in force.
  if (step === "publish") return code !== "AGREEMENT_REVOKED";
  // The day is one for the keys: who has them may open whenever the disk lets it.
  if (step !== "open" && nowMs >= releaseEndsMs(job)) return false;
  return mayPass(error) && (code !== "STORAGE_FAILED" || tries.count < MAX_ATTEMPTS);
}

export function pause(deps: JobDeps, jobId: string, pauses: Pauses): Promise<void> {
  deps.book.report(jobId, { step: "waiting-to-retry", ...WAITING });
  return pauses.next();
}
