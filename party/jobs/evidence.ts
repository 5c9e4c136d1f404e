/** The entries that a job leaves in this node's log, each written before what it tells of happens. */
import type { Agreement } from "../../proto/agreement/agreement.ts";
import type { JobSpec } from "../../proto/agreement/job-spec.ts";
import type { ErrorCode } from "../../proto/errors.ts";
import type { PredicateInput } from "../../proto/evidence/predicates.ts";
import type { PolicyDecision } from "../../proto/policy/rules.ts";
import type { Logbook } from "../evidence/logbook.ts";

export interface JobEvidence {
  requested(): Promise<void>;
  decided(decision: PolicyDecision): Promise<void>;
  refused(by: string, code: ErrorCode): Promise<void>;
  failed(attempt: number | null, code: ErrorCode): Promise<void>;
  partitionFinished(fields: Omit<PredicateInput<"partition-finished">, "jobId" | "at">): Promise<void>;
  gateKeyReleased(fields: Omit<PredicateInput<"gate-key-released">, "jobId" | "at">): Promise<void>;
  opened(fields: Omit<PredicateInput<"opened">, "jobId" | "at">): Promise<void>;
  withheld(fields: Omit<PredicateInput<"withheld">, "jobId" | "at">): Promise<void>;
  tagsIssued(fields: Omit<PredicateInput<"tags-issued">, "jobId" | "at" | "agreementDigest">): Promise<void>;
}

export function jobEvidence(
  logbook: Logbook,
  agreement: Pick<Agreement, "collaboration" | "digest">,
  spec: Pick<JobSpec, "jobId" | "operation" | "receiver">,
  jobDigest: string,
): JobEvidence {
  const { jobId } = spec;
  const subject = [{ name: "job", digest: { sha256: jobDigest } }] as const;
  const record: Logbook["record"] = (collaboration, event, about, predicate) =>
    logbook.record(collaboration, event, about, predicate);
  const log = agreement.collaboration;
  const at = () => logbook.now();
  return {
    requested: () =>
      record(log, "job-requested", [...subject], {
        jobId,
        jobDigest,
        agreementDigest: agreement.digest,
        operation: spec.operation,
        requester: spec.receiver,
        at: at(),
      }),
    decided: (decision) =>
      record(log, "policy-decision", [...subject], {
        jobId,
        jobDigest,
        agreementDigest: agreement.digest,
        decision: decision.refusedBy === undefined ? "allowed" : "refused",
        rules: decision.rules.map((rule) => ({ ...rule })),
        budget: null,
        at: at(),
      }),
    refused: (by, code) => record(log, "refused", [...subject], { jobId, jobDigest, by, code, at: at() }),
    failed: (attempt, code) => record(log, "failed", [...subject], { jobId, attempt, code, at: at() }),
    partitionFinished: (fields) => record(log, "partition-finished", [...subject], { jobId, at: at(), ...fields }),
    gateKeyReleased: (fields) => record(log, "gate-key-released", [...subject], { jobId, at: at(), ...fields }),
    opened: (fields) => record(log, "opened", [...subject], { jobId, at: at(), ...fields }),
    withheld: (fields) => record(log, "withheld", [...subject], { jobId, at: at(), ...fields }),
    tagsIssued: (fields) =>
      record(log, "tags-issued", [...subject], { jobId, agreementDigest: agreement.digest, at: at(), ...fields }),
  };
}
