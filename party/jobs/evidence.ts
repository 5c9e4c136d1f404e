/** The entries that a job leaves in this node's log, each written before what it tells of happens. */
import type { Agreement } from "../../proto/agreement/agreement.ts";
import type { JobSpec } from "../../proto/agreement/job-spec.ts";
import type { ErrorCode } from "../../proto/errors.ts";
import type { PredicateInput } from "../../proto/evidence/predicates.ts";
import { collaborationId, digest, jobId, partyId } from "../../proto/ids.ts";
import type { PolicyDecision } from "../../proto/policy/rules.ts";
import type { Logbook } from "../evidence/logbook.ts";
import type { JobDeps } from "./deps.ts";
import type { Job } from "./lifecycle.ts";

/** What a decision of the rules comes to; `charge` is what an allowed job takes from the budgets. */
export type Decided =
  | { readonly as: "refused" | "approval-needed" }
  | { readonly as: "allowed"; readonly charge: NonNullable<PredicateInput<"policy-decision">["charge"]> };

export interface JobEvidence {
  requested(spec: Pick<JobSpec, "output" | "purpose">): Promise<void>;
  decided(decision: PolicyDecision, decided: Decided): Promise<void>;
  approval(fields: Omit<PredicateInput<"approval">, "jobId" | "jobDigest" | "at">): Promise<void>;
  refused(by: string, code: ErrorCode): Promise<void>;
  failed(attempt: number | null, code: ErrorCode): Promise<void>;
  partitionFinished(fields: Omit<PredicateInput<"partition-finished">, "jobId" | "at">): Promise<void>;
  gateKeyReleased(fields: Omit<PredicateInput<"gate-key-released">, "jobId" | "at">): Promise<void>;
  opened(fields: Omit<PredicateInput<"opened">, "jobId" | "at">): Promise<void>;
  withheld(fields: Omit<PredicateInput<"withheld">, "jobId" | "at">): Promise<void>;
}

/** Of a job as this node has recorded it: enough for how it ends. */
export function recordedEvidence(
  { logbook, keyring }: Pick<JobDeps, "logbook" | "keyring">,
  { jobId: id, proposed }: Job,
): JobEvidence {
  const agreement = { collaboration: collaborationId(proposed.collaboration), digest: digest(proposed.agreement) };
  const receiver = proposed.role === "receiver" ? keyring.party : partyId(proposed.peer);
  return jobEvidence(
    logbook,
    agreement,
    { jobId: jobId(id), operation: proposed.operation, receiver },
    proposed.jobDigest,
  );
}

export function jobEvidence(
  logbook: Logbook,
  agreement: Pick<Agreement, "collaboration" | "digest">,
  job: Pick<JobSpec, "jobId" | "operation" | "receiver">,
  jobDigest: string,
): JobEvidence {
  const { jobId, operation } = job;
  const subject = [{ name: "job", digest: { sha256: jobDigest } }] as const;
  const record: Logbook["record"] = (collaboration, event, about, predicate) =>
    logbook.record(collaboration, event, about, predicate);
  const log = agreement.collaboration;
  const agreementDigest = agreement.digest;
  const at = () => logbook.now();
  return {
    requested: ({ output, purpose }) => {
      const what = { jobId, jobDigest, agreementDigest, operation, output, purpose };
      return record(log, "job-requested", [...subject], { ...what, requester: job.receiver, at: at() });
    },
    decided: ({ rules }, decided) =>
      record(log, "policy-decision", [...subject], {
        jobId,
        jobDigest,
        agreementDigest,
        decision: decided.as,
        rules: rules.map(({ code, outcome, inputs }) => ({ code, outcome, inputs: { ...inputs } })),
        charge: decided.as === "allowed" ? decided.charge : null,
        at: at(),
      }),
    approval: (fields) => record(log, "approval", [...subject], { jobId, jobDigest, at: at(), ...fields }),
    refused: (by, code) => record(log, "refused", [...subject], { jobId, jobDigest, by, code, at: at() }),
    failed: (attempt, code) => record(log, "failed", [...subject], { jobId, attempt, code, at: at() }),
    partitionFinished: (fields) => record(log, "partition-finished", [...subject], { jobId, at: at(), ...fields }),
    gateKeyReleased: (fields) => record(log, "gate-key-released", [...subject], { jobId, at: at(), ...fields }),
    opened: (fields) => record(log, "opened", [...subject], { jobId, at: at(), ...fields }),
    withheld: (fields) => record(log, "withheld", [...subject], { jobId, at: at(), ...fields }),
  };
}
