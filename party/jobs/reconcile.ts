/**
 * The book catches up with the log. Evidence is written before a job's event, so a stop between the two leaves the log one
 * entry ahead. Before anything else is done for a job its events are completed from the entries: none of those is written twice.
 */
import { fromUtf8 } from "../../proto/encoding/bytes.ts";
import { collaborationId } from "../../proto/ids.ts";
import type { JobDeps } from "./deps.ts";
import { applyJobEvent, foldJob, isFinal, type Job, type JobEvent, type JobProposed } from "./lifecycle.ts";
import { type RecordedJob, recordedJobs } from "./recorded.ts";

/**
 * The events that a job lacks, in order. `draft`: how the job was about to be proposed, of one that is not in the book;
 * `own`: this node's party. What the log says and the book's state does not allow is left out: it was overtaken by something.
 */
export function missingEvents(
  jobId: string,
  before: Job | undefined,
  recorded: RecordedJob,
  { draft, own }: { readonly draft?: JobProposed | undefined; readonly own: string },
): JobEvent[] {
  const missing: JobEvent[] = [];
  let job = before;
  const add = (event: JobEvent) => {
    const next = applyJobEvent(jobId, job, event);
    if (next === undefined) return;
    job = next;
    missing.push(event);
  };
  const { decision, finished, receipt, releasedAt, openedAt, withheldAt, end } = recorded;
  if (job === undefined && draft !== undefined && decision !== undefined && decision.as !== "refused")
    add({ ...draft, at: decision.at, awaitsApproval: decision.as === "approval-needed" });
  if (job === undefined) return missing;
  const { role } = job.proposed;
  if (job.state === "proposed" && decision?.as === "allowed") {
    if (job.awaitsApproval) add({ type: "approved", at: decision.at });
    // The receiver hears it from the peer, and asks again.
    if (role === "provider") add({ type: "admitted", at: decision.at });
  }
  if (job.state === "proposed" && decision?.as === "refused" && decision.refusedBy !== undefined && end === undefined)
    add({ type: "refused", at: decision.at, by: "own", code: decision.refusedBy });
  for (const { attempt, partition, transcript, at } of finished) {
    if (job.exporter === undefined || attempt !== job.attempt) continue;
    add({ type: "partition-finished", at, attempt, partition, exporter: job.exporter, transcript });
  }
  // The release's deadline counts from it: from the last thing that the book knew, if anything a little early.
  if (receipt !== undefined) add({ type: "receipt-signed", at: job.updatedAt });
  if (role === "provider" && releasedAt !== undefined) add({ type: "gate-opened", at: releasedAt });
  if (role === "receiver" && openedAt !== undefined) add({ type: "result-recorded", at: openedAt });
  if (role === "receiver" && withheldAt !== undefined)
    add({ type: "done", at: withheldAt, withheld: true, summary: figuresOf(job, Date.parse(withheldAt)) });
  if (end?.type === "failed") add({ type: "failed", at: end.at, code: end.code });
  if (end?.type === "refused")
    add({ type: "refused", at: end.at, code: end.code, by: end.by === own ? "own" : "peer" });
  return missing;
}

/** How long the job took, with the bytes of the session that ended with the receipt. */
export function figuresOf({ startedAt, proposed, traffic }: Job, nowMs: number) {
  return { seconds: Math.max(0, nowMs - Date.parse(startedAt ?? proposed.at)) / 1000, ...traffic };
}

type Reconciling = Pick<JobDeps, "book" | "logbook" | "store" | "vault" | "keyring" | "logger">;

/** Of the jobs of one collaboration, or of all. A log or a draft that cannot be read ends no other job. */
export async function reconcileJobs(deps: Reconciling, of?: string): Promise<void> {
  const { book, store, vault, logger } = deps;
  const onDamaged = (jobId: string, err: unknown) => logger.error({ jobId, err }, "a job's draft cannot be read");
  const drafts = new Map<string, JobProposed>();
  for (const [jobId, draft] of await vault.drafts(onDamaged)) {
    if ((await store.jobEvents(jobId)).length === 0) drafts.set(jobId, draft);
  }
  const open = (await book.list()).filter(({ state }) => !isFinal(state));
  const jobs = [
    ...open.map(({ jobId, proposed }) => ({ jobId, collaboration: proposed.collaboration })),
    ...[...drafts].map(([jobId, { collaboration }]) => ({ jobId, collaboration })),
  ].filter(({ collaboration }) => of === undefined || collaboration === of);
  for (const [collaboration, members] of Map.groupBy(jobs, (job) => job.collaboration)) {
    try {
      await reconcile(deps, collaboration, new Set(members.map(({ jobId }) => jobId)), drafts);
    } catch (err) {
      logger.error({ collaboration, err }, "jobs could not be compared with the log");
    }
  }
}

/** Of one job, when a write of its failed: what was written is not written again. Throws LOG_CORRUPT, STORAGE_FAILED. */
export function reconcileJob(
  deps: Reconciling,
  { jobId, proposed }: Pick<Job, "jobId" | "proposed">,
  draft?: JobProposed,
): Promise<void> {
  const drafts = new Map(draft === undefined ? [] : [[jobId, draft] as const]);
  return reconcile(deps, proposed.collaboration, new Set([jobId]), drafts);
}

async function reconcile(
  { book, logbook, store, keyring, logger }: Reconciling,
  collaboration: string,
  jobIds: ReadonlySet<string>,
  drafts: ReadonlyMap<string, JobProposed>,
): Promise<void> {
  const recorded = await recordedJobs(await logbook.logs(collaborationId(collaboration)), jobIds);
  for (const [jobId, said] of recorded) {
    const job = foldJob(jobId, await store.jobEvents(jobId));
    // Before the event: whoever sees a job that is released finds its receipt.
    if (said.receipt !== undefined && (await store.jobDocument(jobId, "receipt")) === undefined)
      await store.putJobDocument(jobId, "receipt", fromUtf8(said.receipt.entry));
    const missing = missingEvents(jobId, job, said, { draft: drafts.get(jobId), own: keyring.party });
    for (const event of missing) await book.append(jobId, event);
    if (missing.length > 0)
      logger.info({ jobId, events: missing.map(({ type }) => type) }, "the job's events were completed from the log");
  }
}
