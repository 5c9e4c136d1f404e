/** What a policy decision is made of, and what it says. */
import type { AgreedOperation, Agreement, AgreementDocument } from "../agreement/agreement.ts";
import type { Alignment, Operation, Output } from "../agreement/fields.ts";
import type { JobSpec } from "../agreement/job-spec.ts";
import type { SegmentRef } from "../segments/names.ts";
import type { DatasetPair, History } from "./history.ts";
import type { RuleCode } from "./rule-codes.ts";

export interface JobRequest extends DatasetPair {
  /** Absent in a dry run. */
  readonly jobId?: string;
  readonly operation: Operation;
  readonly output: Output;
  readonly purpose: string;
  /** null for an output that issues no tags. */
  readonly tagDays: number | null;
  readonly protocol: JobSpec["protocol"];
  readonly alignment: Alignment;
  /** Whose node decides. */
  readonly role: "receiver" | "provider";
  /** Who of the provider's dataset takes part; everybody when absent. */
  readonly providerSegment?: SegmentRef | undefined;
  /** Columns of the provider that the model uses; empty for an audience. */
  readonly providerFeatures: readonly string[];
  /** Columns of the provider that are to leave in clear with the result; none when absent. */
  readonly releasedColumns?: readonly string[] | undefined;
  /** Commitment to the model version, and `featureBits` of the partner view; of a score. */
  readonly modelVersion?: string;
  readonly featureBits?: number;
  /** Of a report: how many it has at most. */
  readonly groups?: number | undefined;
  readonly receiverVersion?: string;
  /** Undefined while the provider has not said. */
  readonly providerVersion?: string;
}

export interface PolicyFacts {
  readonly nowMs: number;
  /** Distinct usable ids that this node brings, of its segment. */
  readonly ownRows: number;
  /** The most that the peer's padded list can hold; undefined while it has not said. */
  readonly peerMaxRows?: number;
  /** Whether a later version or a revocation is known. */
  readonly state: "active" | "superseded" | "revoked";
  /**
   * For an aggregate output: the smallest symmetric difference of this node's own input to that of an earlier run over the
   * same dataset version toward the same dataset of the peer in this epoch. Infinity or undefined when there is none.
   */
  readonly difference?: number;
}

/** Counts that both parties may know, by name: runs, versions, limits, bounds of size classes. Never an exact size. */
export type RuleInputs = Readonly<Record<string, number>>;

/** One rule's outcome, as it goes into evidence. `code` is the error that a failed rule gives. */
export interface RuleOutcome {
  readonly code: RuleCode;
  readonly outcome: "passed" | "failed";
  readonly inputs: RuleInputs;
}

export interface PolicyDecision {
  readonly rules: readonly RuleOutcome[];
  /** The first rule that failed; undefined when all passed. */
  readonly refusedBy: RuleCode | undefined;
}

/** All that a rule may look at. */
export interface Asked {
  readonly agreement: Agreement;
  readonly job: JobRequest;
  readonly history: History;
  readonly facts: PolicyFacts;
}

export interface Verdict {
  readonly passes: boolean;
  readonly inputs: RuleInputs;
}

export type Rule = (asked: Asked) => Verdict;

/** A rule that counts nothing. */
export function verdict(passes: boolean, inputs: RuleInputs = {}): Verdict {
  return { passes, inputs };
}

/** The operation of the agreement that allows the job, datasets and protocol included; undefined when none does. */
export function agreedOperation(
  { document }: Agreement,
  job: DatasetPair & Pick<JobRequest, "operation" | "protocol">,
): AgreedOperation | undefined {
  return operationsOver(document, job).find(({ protocol }) => protocol === job.protocol);
}

/** Whether an operation allows it over this segment of the provider's, or over its whole dataset. */
export function allowsSegment(
  { segments }: Pick<AgreedOperation, "segments">,
  segment: SegmentRef | undefined,
): boolean {
  return segments === undefined || (segment !== undefined && segments.includes(segment.name));
}

/** All that the agreement allows of an operation over two datasets in one direction: by several protocols, or alignments. */
export function operationsOver(
  { operations }: Pick<AgreementDocument, "operations">,
  job: Omit<DatasetPair, "provider"> & Pick<JobRequest, "operation">,
): readonly AgreedOperation[] {
  return operations.filter(
    (agreed) =>
      agreed.operation === job.operation &&
      agreed.receiver === job.receiver &&
      agreed.receiverDataset === job.receiverDataset &&
      agreed.providerDataset === job.providerDataset,
  );
}
