/**
 * The runs that were charged to the budgets, folded from an evidence log entry by entry: a node counts by it, and an
 * auditor replays it.
 */
import type { ParsedStatement } from "../evidence/statements.ts";
import type { ChargedRun } from "./history.ts";

/** Changes `runs`, by job id in the order in which they were charged, by what one more entry says. */
export function applyToRuns(runs: Map<string, ChargedRun>, { event, statement }: ParsedStatement): void {
  if (event === "policy-decision") {
    const { jobId, agreementDigest, charge, at } = statement.predicate;
    if (charge === null) return;
    const { modelVersion, featureBits, receiverVersion, providerVersion, ...pair } = charge;
    runs.set(jobId, {
      jobId,
      agreement: agreementDigest,
      at: Date.parse(at),
      ...pair,
      ...(modelVersion === null ? {} : { modelVersion }),
      ...(featureBits === null ? {} : { featureBits }),
      ...(receiverVersion === null ? {} : { receiverVersion }),
      ...(providerVersion === null ? {} : { providerVersion }),
      completed: false,
      failed: false,
    });
  } else if (event === "receipt") {
    const { job, datasetVersions } = statement.predicate;
    const run = runs.get(job.jobId);
    if (run === undefined) return;
    const { receiver: receiverVersion, sender: providerVersion } = datasetVersions;
    runs.set(job.jobId, { ...run, receiverVersion, providerVersion, completed: true });
  } else if (event === "failed" || event === "refused") {
    const run = runs.get(statement.predicate.jobId);
    if (run !== undefined && !run.completed) runs.set(run.jobId, { ...run, failed: true });
  }
}
