/**
 * Against two aggregates whose inputs differ by a few people, so that the results' difference tells about them. Within a
 * dataset version inputs are compared; across versions, where a change of the data would hide a change of the list, the
 * versions are counted.
 */
import { AGGREGATE_OUTPUTS } from "../../agreement/fields.ts";
import { type Rule, verdict } from "../request.ts";
import { sharing } from "./budgets.ts";

export const datasetVersions: Rule = (asked) => {
  const { job, agreement } = asked;
  if (!AGGREGATE_OUTPUTS.includes(job.output)) return verdict(true);
  if (job.receiverVersion === undefined) return verdict(false);
  const seen = sharing(asked)
    .inEpoch.filter((run) => AGGREGATE_OUTPUTS.includes(run.output))
    .map((run) => run.receiverVersion ?? run.jobId);
  const versions = new Set([...seen, job.receiverVersion]).size;
  const limit = agreement.document.budgets.datasetVersionsPerEpoch;
  return verdict(versions <= limit, { versions, limit });
};

/** By each node, which alone knows its own inputs: the receiver's lists, the provider's segments. The difference itself is not
 * among what both may know. */
export const smallestDifference: Rule = ({ agreement: { document }, job, facts: { difference } }) => {
  if (!AGGREGATE_OUTPUTS.includes(job.output)) return verdict(true);
  const limit = document.budgets.smallestDifference;
  return verdict(difference === undefined || difference === 0 || difference >= limit, { limit });
};
