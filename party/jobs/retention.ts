/** Results are kept as long as the agreement lets them: then counts, rate, tags and labels of the job are erased, at the receiver. */
import type { JobDeps } from "./deps.ts";
import type { Job, JobEvent } from "./lifecycle.ts";

const DAY_MS = 86_400_000;

export async function forgetOldResults(deps: JobDeps): Promise<void> {
  for (const job of await deps.book.list()) {
    if (job.state !== "done" || !holdsResult(job)) continue;
    const { agreement } = await deps.agreements.require(job.proposed.agreement);
    const endsMs = Date.parse(job.updatedAt) + agreement.document.retention.resultDays * DAY_MS;
    if (deps.clock.nowMs() < endsMs) continue;
    await deps.store.removeTags(job.jobId, deps.logbook.now());
    await deps.results.forget(job.jobId);
    await deps.store.replaceLastJobEvent(job.jobId, forgotten(job));
  }
}

function holdsResult({ summary }: Job): boolean {
  return summary?.matched !== undefined || summary?.matchRate !== undefined;
}

/** The same end without what was found. */
function forgotten({ updatedAt, withheld, summary }: Job): JobEvent {
  const { seconds = 0, bytesSent = 0, bytesReceived = 0 } = summary ?? {};
  return { type: "done", at: updatedAt, withheld, summary: { seconds, bytesSent, bytesReceived } };
}
