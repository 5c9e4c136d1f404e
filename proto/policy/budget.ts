/** What is left of the budgets of one agreed operation: for `entente budget` and dry runs. */
import { type AgreedOperation, type Agreement, agreedDataset, otherParty } from "../agreement/agreement.ts";
import { AGGREGATE_OUTPUTS } from "../agreement/fields.ts";
import { columnsPerScore } from "./feature-bits.ts";
import { countedRuns, epochEnd, type History } from "./history.ts";

export interface Budget {
  readonly runsInEpoch: number;
  readonly runsPerEpoch: number;
  readonly runsToday: number;
  readonly runsPerDay: number;
  /** Of a score; 0 of 0 otherwise. */
  readonly modelVersions: number;
  readonly modelVersionsAllowed: number;
  /** Of the receiver's dataset in aggregate runs; 0 of 0 when none is agreed. */
  readonly datasetVersions: number;
  readonly datasetVersionsAllowed: number;
  /** Milliseconds since 1970. */
  readonly epochEndsAt: number;
}

/** An eight-bit feature: what is assumed of a model that nobody has shown yet. */
const ASSUMED_FEATURE_BITS = 8;

/** `featureBits`: of the model that is meant; versions of narrower features use up more. */
export function budgetOf(
  agreement: Agreement,
  operation: AgreedOperation,
  history: History,
  nowMs: number,
  featureBits = ASSUMED_FEATURE_BITS,
): Budget {
  const { document } = agreement;
  const { receiver, receiverDataset, providerDataset } = operation;
  const pair = { receiver, provider: otherParty(document, receiver).name, receiverDataset, providerDataset };
  const { inEpoch, inDay } = countedRuns(history, pair, nowMs, document);
  const isScore = operation.operation === "score";
  const hasAggregate = operation.outputs.some((output) => AGGREGATE_OUTPUTS.includes(output));
  const scores = inEpoch.filter((run) => run.operation === "score");
  const aggregates = inEpoch.filter((run) => AGGREGATE_OUTPUTS.includes(run.output));
  const columns = agreedDataset(document, pair.provider, providerDataset)?.columns ?? [];
  const features = columns.filter((column) => column.role === "feature").length;
  const { budgets } = document;
  const byExtraction = Math.max(0, Math.ceil(features / columnsPerScore(featureBits)) - 1);
  return {
    runsInEpoch: inEpoch.length,
    runsPerEpoch: budgets.runsPerEpoch,
    runsToday: inDay.length,
    runsPerDay: budgets.runsPerDay,
    modelVersions: isScore ? new Set(scores.map((run) => run.modelVersion ?? run.jobId)).size : 0,
    modelVersionsAllowed: isScore ? (budgets.modelVersionsPerEpoch ?? byExtraction) : 0,
    datasetVersions: hasAggregate ? new Set(aggregates.map((run) => run.receiverVersion ?? run.jobId)).size : 0,
    datasetVersionsAllowed: hasAggregate ? budgets.datasetVersionsPerEpoch : 0,
    epochEndsAt: epochEnd(nowMs, document),
  };
}
