/**
 * What a stop of the node leaves of its jobs: some can go on, the others end here, with evidence. While a collaboration's log may not be
 * written its jobs wait.
 */
import { type CollaborationId, collaborationId, jobId as toJobId } from "../../proto/ids.ts";
import type { JobBook } from "./book.ts";
import type { JobDeps } from "./deps.ts";
import { isFinal, type Job } from "./lifecycle.ts";
import { reconcileJobs } from "./reconcile.ts";
import { confirmLater } from "./releasing.ts";
import { endWhenIdle } from "./served-job.ts";
import { resumeJob } from "./start.ts";

type Kept = Pick<JobDeps, "book" | "logbook" | "store" | "results" | "vault" | "keyring" | "logger">;

/** Jobs that have not ended, of one collaboration or of all. */
export async function unfinishedJobs(book: JobBook, of?: CollaborationId): Promise<Job[]> {
  const all = await book.list();
  return all.filter(({ state, proposed }) => !isFinal(state) && (of === undefined || proposed.collaboration === of));
}

/** Every step can be taken again. A peer's job that was proposed and has no decision in the log was cut short: the peer is told
 * so when it asks again. */
function canGoOn({ state, awaitsApproval, proposed }: Job): boolean {
  return state !== "proposed" || awaitsApproval || proposed.role === "receiver";
}

async function mayWrite({ logbook }: Pick<Kept, "logbook">, { proposed }: Job): Promise<boolean> {
  const { state } = await logbook.standings.of(collaborationId(proposed.collaboration));
  return state === "open" || state === "frozen";
}

/** The book catches up with the log; then those end that cannot go on. */
export async function settleInterruptedJobs(kept: Kept, of?: CollaborationId): Promise<void> {
  await reconcileJobs(kept, of);
  const { book, logbook, store, results, vault } = kept;
  for (const job of await unfinishedJobs(book, of)) {
    if (canGoOn(job) || !(await mayWrite(kept, job))) continue;
    const { jobDigest, collaboration } = job.proposed;
    const subject = [{ name: "job", digest: { sha256: jobDigest } }] as const;
    await logbook.record(collaborationId(collaboration), "failed", [...subject], {
      jobId: job.jobId,
      attempt: job.attempt === 0 ? null : job.attempt,
      code: "NODE_RESTARTED",
      at: logbook.now(),
    });
    await store.removeTags(job.jobId);
    await results.forget(job.jobId);
    await book.append(job.jobId, { type: "failed", at: logbook.now(), code: "NODE_RESTARTED" });
    await vault.destroy(job.jobId);
  }
}

/** What a stop left on disk of jobs that have ended, and what was read for those that have not: it is read again. */
export async function sweepJobs(kept: Pick<JobDeps, "book" | "vault" | "models" | "results">): Promise<void> {
  const { book, vault, models, results } = kept;
  await vault.sweep(new Set((await unfinishedJobs(book)).map((job) => job.jobId)));
  await models.sweep();
  await results.sweep();
}

/** Takes jobs up where a stop left them: this node's own go on, those it serves wait for the peer. */
export async function resumeJobs(deps: JobDeps, of?: CollaborationId): Promise<void> {
  for (const job of await unfinishedJobs(deps.book, of)) {
    if (job.awaitsApproval || !(await mayWrite(deps, job))) continue;
    const { jobId, proposed } = job;
    const taken = proposed.role === "receiver" ? resumeJob(deps, job) : waitForPeer(deps, job);
    taken.catch((err: unknown) => deps.logger.error({ jobId, err }, "a job could not be taken up again"));
  }
}

/** Once the receipt is signed, upkeep looks at the day that there is for the release. */
async function waitForPeer(deps: JobDeps, { jobId, state, isOpened }: Job): Promise<void> {
  if (state === "releasing") {
    if (isOpened) confirmLater(deps, toJobId(jobId));
    return;
  }
  endWhenIdle(deps, toJobId(jobId));
}
