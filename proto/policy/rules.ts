/**
 * The agreement's limits as pure decisions over (agreement, job, one's own data). Each node evaluates them by itself
 * before it touches data for a job; an auditor replays the same code. Deny by default: what no rule names is not allowed.
 */
import { type AgreedOperation, type Agreement, agreedDataset } from "../agreement/agreement.ts";
import type { JobSpec } from "../agreement/job-spec.ts";
import type { ErrorCode } from "../errors.ts";

export interface JobRequest {
  readonly operation: JobSpec["operation"];
  readonly protocol: JobSpec["protocol"];
  readonly receiver: string;
  readonly provider: string;
  readonly receiverDataset: string;
  readonly providerDataset: string;
  /** Columns of the provider that the model uses; empty for an audience. */
  readonly providerFeatures: readonly string[];
}

export interface PolicyFacts {
  readonly nowMs: number;
  /** Distinct usable ids that this node brings. */
  readonly ownRows: number;
  /** The most that the peer's padded list can hold; undefined while it has not said. */
  readonly peerMaxRows?: number;
}

/** One rule's outcome, as it goes into evidence. `code` is the error that a failed rule gives. */
export interface RuleOutcome {
  readonly code: ErrorCode;
  readonly outcome: "passed" | "failed";
}

export interface PolicyDecision {
  readonly rules: readonly RuleOutcome[];
  /** The first rule that failed; undefined when all passed. */
  readonly refusedBy: ErrorCode | undefined;
}

type Rule = (agreement: Agreement, job: JobRequest, facts: PolicyFacts) => boolean;

function agreedOperation(agreement: Agreement, job: JobRequest): AgreedOperation | undefined {
  return agreement.document.operations.find(
    (operation) =>
      operation.operation === job.operation &&
      operation.receiver === job.receiver &&
      operation.protocol === job.protocol &&
      operation.receiverDataset === job.receiverDataset &&
      operation.providerDataset === job.providerDataset,
  );
}

/** In the order in which they are evaluated and reported. */
const RULES: readonly (readonly [ErrorCode, Rule])[] = [
  [
    "AGREEMENT_EXPIRED",
    ({ document }, _job, { nowMs }) =>
      nowMs >= Date.parse(document.validFrom) && nowMs < Date.parse(document.validUntil),
  ],
  [
    "POLICY_OPERATION",
    (agreement, job) => {
      const names = agreement.document.parties.map((party) => party.name as string);
      const isBetweenParties =
        names.includes(job.receiver) && names.includes(job.provider) && job.receiver !== job.provider;
      return (
        isBetweenParties &&
        agreement.document.operations.some(
          ({ operation, receiver }) => operation === job.operation && receiver === job.receiver,
        )
      );
    },
  ],
  [
    "POLICY_DATASET",
    (agreement, job) => {
      const columns = agreedDataset(agreement.document, job.provider, job.providerDataset)?.columns ?? [];
      const features = columns.filter((column) => column.role === "feature").map((column) => column.name);
      return (
        agreedOperation(agreement, job) !== undefined && job.providerFeatures.every((name) => features.includes(name))
      );
    },
  ],
  [
    "POLICY_INPUT_FLOOR",
    // The peer's own list is its own node's affair, but one whose padded size is below the floor admits to breaking it.
    ({ document }, _job, { ownRows, peerMaxRows = document.minimumInput }) =>
      ownRows >= document.minimumInput && peerMaxRows >= document.minimumInput,
  ],
];

export function decide(agreement: Agreement, job: JobRequest, facts: PolicyFacts): PolicyDecision {
  const rules = RULES.map(
    ([code, rule]): RuleOutcome => ({ code, outcome: rule(agreement, job, facts) ? "passed" : "failed" }),
  );
  return { rules, refusedBy: rules.find((rule) => rule.outcome === "failed")?.code };
}

/** The receiver's rule after the gate: fewer matches than agreed are shown to nobody. */
export function isReleasable(agreement: Agreement, matched: number): boolean {
  return matched >= agreement.document.minimumResult;
}
