/**
 * The agreement's limits as pure decisions over (agreement, job, history, one's own data). Each node evaluates them by
 * itself before it touches data for a job, before each attempt and before keys; an auditor replays the same code. Deny by
 * default: what no rule names is not allowed.
 */
import type { Agreement } from "../agreement/agreement.ts";
import type { History } from "./history.ts";
import type { JobRequest, PolicyDecision, PolicyFacts, Rule, RuleOutcome } from "./request.ts";
import { RULE_CODES, type RuleCode } from "./rule-codes.ts";
import { runsPerDay, runsPerEpoch } from "./rules/budgets.ts";
import { datasetVersions, smallestDifference } from "./rules/differencing.ts";
import { modelVersions, scoreRepeated } from "./rules/extraction.ts";
import { dataset, operation, output, purpose, retention, segment } from "./rules/scope.ts";
import { inputFloor, sizeRatio } from "./rules/sizes.ts";
import { expired, gated, revoked, superseded } from "./rules/validity.ts";

export type { JobRequest, PolicyDecision, PolicyFacts, RuleInputs, RuleOutcome } from "./request.ts";

const RULES: Readonly<Record<RuleCode, Rule>> = {
  AGREEMENT_EXPIRED: expired,
  AGREEMENT_REVOKED: revoked,
  AGREEMENT_SUPERSEDED: superseded,
  POLICY_GATED: gated,
  POLICY_OPERATION: operation,
  POLICY_DATASET: dataset,
  POLICY_SEGMENT: segment,
  POLICY_OUTPUT: output,
  POLICY_PURPOSE: purpose,
  POLICY_RETENTION: retention,
  POLICY_INPUT_FLOOR: inputFloor,
  POLICY_SIZE_RATIO: sizeRatio,
  POLICY_RUNS_EPOCH: runsPerEpoch,
  POLICY_RUNS_DAY: runsPerDay,
  POLICY_SCORE_REPEATED: scoreRepeated,
  POLICY_MODEL_VERSIONS: modelVersions,
  POLICY_DATASET_VERSIONS: datasetVersions,
  POLICY_DIFFERENCE: smallestDifference,
};

/** `history`: all charged runs of the collaboration, in order. Every rule is evaluated; the first that fails refuses. */
export function decide(agreement: Agreement, job: JobRequest, history: History, facts: PolicyFacts): PolicyDecision {
  const rules = RULE_CODES.map((code): RuleOutcome => {
    const { passes, inputs } = RULES[code]({ agreement, job, history, facts });
    return { code, outcome: passes ? "passed" : "failed", inputs };
  });
  return { rules, refusedBy: rules.find((rule) => rule.outcome === "failed")?.code };
}

/** The receiver's rule after the gate: fewer matches than agreed are shown to nobody. */
export function isReleasable(agreement: Agreement, matched: number): boolean {
  return matched >= agreement.document.floors.result;
}
