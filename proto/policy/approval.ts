/** Whether a person at this node must decide on a job before it runs. */
import type { Agreement } from "../agreement/agreement.ts";
import type { History } from "./history.ts";
import { NOVELTIES, type Novelty } from "./novelty.ts";
import { agreedOperation, type JobRequest } from "./request.ts";

/**
 * By the mode that the agreement names for `job.role`. `first-run` asks until a run of this kind has completed under this
 * very agreement: of this operation and output, for a score by this model version, over this version of a segment, with at least the groups of a
 * report and the columns that leave in clear. Another kind tells something else,
 * and nobody has approved that. True for what was not agreed.
 */
export function approvalNeeded(agreement: Agreement, job: JobRequest, history: History): boolean {
  const mode = agreedOperation(agreement, job)?.approval[job.role];
  if (mode === "automatic") return false;
  if (mode !== "first-run") return true;
  return !history.some(
    (run) =>
      run.completed &&
      run.jobId !== job.jobId &&
      run.agreement === agreement.digest &&
      run.operation === job.operation &&
      run.output === job.output &&
      run.modelVersion === job.modelVersion &&
      run.providerSegment?.name === job.providerSegment?.name &&
      run.providerSegment?.version === job.providerSegment?.version &&
      (job.groups ?? 0) <= (run.groups ?? 0) &&
      (job.releasedColumns ?? []).every((name) => run.releasedColumns?.includes(name)) &&
      run.receiver === job.receiver &&
      run.receiverDataset === job.receiverDataset &&
      run.providerDataset === job.providerDataset,
  );
}

/** What a job would tell that no completed run of its operation over its two datasets has told before, for the person who decides
 * on it. Runs under earlier versions of the agreement count. `history` may hold the job itself. */
export function newInJob(job: JobRequest, history: History): readonly Novelty[] {
  const earlier = history.filter(
    (run) =>
      run.completed &&
      run.jobId !== job.jobId &&
      run.operation === job.operation &&
      run.receiver === job.receiver &&
      run.receiverDataset === job.receiverDataset &&
      run.providerDataset === job.providerDataset,
  );
  if (earlier.length === 0) return ["first"];
  const segmentOf = ({ providerSegment }: { providerSegment?: JobRequest["providerSegment"] }) =>
    providerSegment === undefined ? "" : `${providerSegment.name}/${providerSegment.version}`;
  const isNew: { readonly [N in Exclude<Novelty, "first">]: boolean } = {
    output: !earlier.some((run) => run.output === job.output),
    columns: (job.releasedColumns ?? []).some((name) => !earlier.some((run) => run.releasedColumns?.includes(name))),
    segment: !earlier.some((run) => segmentOf(run) === segmentOf(job)),
    model: job.modelVersion !== undefined && !earlier.some((run) => run.modelVersion === job.modelVersion),
    groups: earlier.every((run) => (run.groups ?? 0) < (job.groups ?? 0)),
  };
  return NOVELTIES.filter((name) => name !== "first" && isNew[name]);
}
