/**
 * Against models that are made to read the partner's columns: a weight of one and zeros elsewhere gives a column, and
 * weights that are powers of a radix give several at once. The rules limit how many such equations there are.
 */
import { agreedDataset } from "../../agreement/agreement.ts";
import { columnsPerScore } from "../feature-bits.ts";
import type { ChargedRun } from "../history.ts";
import { type Rule, verdict } from "../request.ts";
import { sharing } from "./budgets.ts";

/** Unknown versions of earlier runs are taken to be the same: only a version that is known to differ is another. */
function mayEqual(a: string | undefined, b: string | undefined): boolean {
  return a === undefined || b === undefined || a === b;
}

/**
 * One score of one model version over one version of each dataset, in an epoch. The provider counts runs from their
 * start; the receiver those whose result it can have, so that an attempt that failed may be made again.
 */
export const scoreRepeated: Rule = (asked) => {
  const { job, agreement } = asked;
  if (job.operation !== "score" || job.providerVersion === undefined) return verdict(true);
  const isCounted = ({ completed, failed }: ChargedRun) => completed || (job.role === "provider" && !failed);
  const same = sharing(asked).inEpoch.filter(
    (run) =>
      run.operation === "score" &&
      isCounted(run) &&
      mayEqual(run.modelVersion, job.modelVersion) &&
      mayEqual(run.receiverVersion, job.receiverVersion) &&
      mayEqual(run.providerVersion, job.providerVersion),
  );
  const limit = agreement.document.budgets.scoresPerModelVersion;
  const runs = same.length + 1;
  return verdict(runs <= limit, { runs, limit });
};

/**
 * The sum over the epoch's model versions, this one included, of how many columns one score can carry stays below the
 * number of the provider's feature columns in the agreement; or, when the agreement names a number, at most so many
 * versions. A score whose version or bits nobody has told fails.
 */
export const modelVersions: Rule = (asked) => {
  const { job, agreement } = asked;
  if (job.operation !== "score") return verdict(true);
  const { modelVersion, featureBits } = job;
  if (modelVersion === undefined || featureBits === undefined) return verdict(false);
  const columnsBy = new Map([[modelVersion, columnsPerScore(featureBits)]]);
  for (const run of sharing(asked).inEpoch) {
    if (run.operation !== "score") continue;
    const version = run.modelVersion ?? run.jobId;
    const carried = columnsPerScore(run.featureBits ?? featureBits);
    columnsBy.set(version, Math.max(carried, columnsBy.get(version) ?? 0));
  }
  const versions = columnsBy.size;
  const limit = agreement.document.budgets.modelVersionsPerEpoch;
  if (limit !== null) return verdict(versions <= limit, { versions, limit });
  const columns = agreedDataset(agreement.document, job.provider, job.providerDataset)?.columns ?? [];
  const features = columns.filter((column) => column.role === "feature").length;
  const carried = [...columnsBy.values()].reduce((sum, count) => sum + count, 0);
  return verdict(carried < features, { versions, carried, columns: features });
};
