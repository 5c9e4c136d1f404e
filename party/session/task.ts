/** What the session's worker is asked to do, and what it gives back: plain data that can cross the thread boundary. */
import type { PSI_PROTOCOLS } from "../../proto/agreement/fields.ts";
import type { PartnerView, TreesView } from "../../proto/model/partner-view.ts";
import type { PartitionContext, PsiMatches, SealedPartition } from "../protocols/step.ts";

export type PsiName = (typeof PSI_PROTOCOLS)[number];
export type ModelKind = PartnerView["kind"];
/** What finds the people of a job: a PSI, or the list of those that an earlier job found. */
export type AlignmentName = PsiName | "aligned";

interface PartitionTask {
  readonly protocol: AlignmentName;
  readonly context: PartitionContext;
  /** Packed 16-byte keyed hashes. */
  readonly ids: Uint8Array;
}

/** `maxMatchedRows`: bound of the rows of the whole job that can match, from the padded sizes. */
export interface ScoreShape {
  readonly kind: ModelKind;
  /** Encrypted weights. */
  readonly features: number;
  readonly maxMatchedRows: number;
  /** The job's commitment to the model version, 32 bytes. */
  readonly modelCommitment: Uint8Array;
  /** What an earlier job with this version gave back (`madeModel` or `receivedModel`); read in a session's first task. */
  readonly keptModel?: Uint8Array;
}

export interface ReceiveTask extends PartitionTask {
  readonly kind: "receive";
  /** Of the model's provider's part: coefficients of each weight's polynomial, from the constant one on. */
  readonly score?: ScoreShape & { readonly weights: readonly Int32Array[] };
}

/** What the provider's rows have for the model: quantised values of each feature, or trees and the columns they use, NaN
 * where missing. */
export type ProvidedColumns =
  | { readonly kind: "linear"; readonly columns: readonly Int16Array[] }
  | { readonly kind: "trees"; readonly columns: readonly Float64Array[]; readonly view: TreesView };

export interface ProvideTask extends PartitionTask {
  readonly kind: "provide";
  readonly gateKey: Uint8Array;
  /** Values of the job's label columns, of every row the same length; empty without. */
  readonly labels: Uint8Array;
  readonly score?: ScoreShape & ProvidedColumns;
}

/** After the gate: no frames are exchanged. */
export interface OpenTask {
  readonly kind: "open";
  readonly protocol: AlignmentName;
  readonly context: PartitionContext;
  readonly sealed: SealedPartition;
  readonly gateKey: Uint8Array;
}

export type Task = ReceiveTask | ProvideTask | OpenTask;

/** All that the receiver keeps of a partition until the gate opens. */
export interface ReceivedPartition {
  readonly sealed: SealedPartition;
  /** Score only: the decrypted, masked answers by slot. */
  readonly masked?: Uint32Array;
  /** The model as encrypted in this session, secret key included: to be kept, sealed, under its commitment. */
  readonly madeModel?: Uint8Array;
}

/** What the sender keeps. */
export interface ProvidedPartition {
  /** Of `aligned`: the people that the receiver has listed. */
  readonly listedRows?: number;
  /** The encrypted model that the bank sent in this session: to be kept under its commitment. */
  readonly receivedModel?: Uint8Array;
}

export type TaskOutput<T extends Task> = T extends ReceiveTask
  ? ReceivedPartition
  : T extends OpenTask
    ? PsiMatches
    : ProvidedPartition;
