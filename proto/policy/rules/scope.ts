/** What may be done at all: operations, datasets, columns, outputs, purposes, and for how long tags may live. */
import { agreedDataset } from "../../agreement/agreement.ts";
import { AGGREGATE_OUTPUTS } from "../../agreement/fields.ts";
import { CLEAR_ROLES, MAX_CLEAR_GRADE } from "../../agreement/schema.ts";
import { type Asked, agreedOperation, allowsSegment, type Rule, verdict } from "../request.ts";

/** The operation, and what of the people it tells the provider: a score is hidden or shared as agreed, never the other. */
export const operation: Rule = ({ agreement, job }) => {
  const { document } = agreement;
  const names = document.parties.map((party) => party.name as string);
  const isBetweenParties =
    names.includes(job.receiver) && names.includes(job.provider) && job.receiver !== job.provider;
  return verdict(
    isBetweenParties &&
      document.operations.some((item) => item.operation === job.operation && item.receiver === job.receiver) &&
      // What covers no operation at all is the next rule's.
      (agreedOperation(agreement, job)?.alignment ?? job.alignment) === job.alignment,
  );
};

function providerColumns({ agreement, job }: Asked) {
  return agreedDataset(agreement.document, job.provider, job.providerDataset)?.columns ?? [];
}

export const dataset: Rule = (asked) => {
  const { agreement, job } = asked;
  const features = providerColumns(asked).filter((column) => column.role === "feature");
  return verdict(
    agreedOperation(agreement, job) !== undefined &&
      job.providerFeatures.every((name) => features.some((column) => column.name === name)),
  );
};

/** Where segments were agreed on by name, the whole dataset was not. What no operation covers is another rule's. */
export const segment: Rule = ({ agreement, job }) => {
  const agreed = agreedOperation(agreement, job);
  return verdict(agreed === undefined || allowsSegment(agreed, job.providerSegment));
};

/** A column leaves in clear only by its role and its grade, and never with an aggregate output. */
export const output: Rule = (asked) => {
  const { agreement, job } = asked;
  const released = job.releasedColumns ?? [];
  const columns = providerColumns(asked).filter(
    ({ role, grade }) => CLEAR_ROLES.includes(role) && grade <= MAX_CLEAR_GRADE,
  );
  return verdict(
    agreedOperation(agreement, job)?.outputs.includes(job.output) === true &&
      released.every((name) => columns.some((column) => column.name === name)) &&
      (!AGGREGATE_OUTPUTS.includes(job.output) || released.length === 0),
  );
};

export const purpose: Rule = ({ agreement: { document }, job }) =>
  verdict(document.purposes.some(({ id }) => id === job.purpose));

/** Only an output that issues no tags names no number of days. */
export const retention: Rule = ({ agreement: { document }, job }) => {
  const limit = document.retention.tagDays;
  const isAggregate = AGGREGATE_OUTPUTS.includes(job.output);
  if (isAggregate || job.tagDays === null) return verdict(isAggregate && job.tagDays === null);
  return verdict(job.tagDays >= 1 && job.tagDays <= limit, { days: job.tagDays, limit });
};
