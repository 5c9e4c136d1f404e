/** The rules of a policy decision, each by the error that it refuses with. */
import type { ErrorCode } from "../errors.ts";

/** In the order in which they are evaluated and reported. */
export const RULE_CODES = [
  "AGREEMENT_EXPIRED",
  "AGREEMENT_REVOKED",
  "AGREEMENT_SUPERSEDED",
  "POLICY_GATED",
  "POLICY_OPERATION",
  "POLICY_DATASET",
  "POLICY_SEGMENT",
  "POLICY_OUTPUT",
  "POLICY_PURPOSE",
  "POLICY_RETENTION",
  "POLICY_INPUT_FLOOR",
  "POLICY_SIZE_RATIO",
  "POLICY_RUNS_EPOCH",
  "POLICY_RUNS_DAY",
  "POLICY_SCORE_REPEATED",
  "POLICY_MODEL_VERSIONS",
  "POLICY_DATASET_VERSIONS",
  "POLICY_DIFFERENCE",
] as const satisfies readonly ErrorCode[];
export type RuleCode = (typeof RULE_CODES)[number];
