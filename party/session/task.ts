/** What the session's worker is asked to do, and what it gives back: plain data that can cross the thread boundary. */
import type { PSI_PROTOCOLS } from "../../proto/agreement/fields.ts";
import type { PartitionContext, PsiMatches, SealedPartition } from "../protocols/step.ts";

export type PsiName = (typeof PSI_PROTOCOLS)[number];

interface PartitionTask {
  readonly protocol: PsiName;
  readonly context: PartitionContext;
  /** Packed 16-byte keyed hashes. */
  readonly ids: Uint8Array;
}

/** `maxMatchedRows`: bound of the rows of the whole job that can match, from the padded sizes. */
interface ScoreShape {
  readonly features: number;
  readonly maxMatchedRows: number;
}

export interface ReceiveTask extends PartitionTask {
  readonly kind: "receive";
  /** Integer weights of the provider's columns. */
  readonly score?: ScoreShape & { readonly weights: Int32Array };
}

export interface ProvideTask extends PartitionTask {
  readonly kind: "provide";
  readonly gateKey: Uint8Array;
  /** Quantised values, one column per feature. */
  readonly score?: ScoreShape & { readonly columns: readonly Int16Array[] };
}

/** After the gate: no frames are exchanged. */
export interface OpenTask {
  readonly kind: "open";
  readonly protocol: PsiName;
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
}

export type TaskOutput<T extends Task> = T extends ReceiveTask
  ? ReceivedPartition
  : T extends OpenTask
    ? PsiMatches
    : undefined;
