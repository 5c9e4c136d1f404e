/**
 * Parameters of score-linear, and the context that it shares with score-trees: both evaluate encrypted polynomials over the
 * partner's, and differ in their packing. Those of the encryption are in party/he/params.ts.
 */
import { toHex } from "../../../proto/encoding/bytes.ts";
import { canonicalJson } from "../../../proto/encoding/canonical-json.ts";
import { sha256 } from "../../../proto/encoding/sha256.ts";
import { EntenteError } from "../../../proto/errors.ts";
import type { BulkAes } from "../../crypto/bulk.ts";
import type { Platform } from "../../crypto/platform.ts";
import type { He } from "../../he/he.ts";
import {
  assertNoiseHidden,
  BLOCK_ROWS,
  PARAMETER_DIGEST as HE_DIGEST,
  MAX_FEATURE,
  MAX_FEATURES,
} from "../../he/params.ts";
import type { Released } from "../../he/released.ts";
import { MAX_SCORE_ROWS } from "../plan.ts";
import type { PartitionContext } from "../step.ts";

/** slot (u32) and share (u32), big-endian: what the PSI carries as a row's label. */
export const LABEL_BYTES = 8;

/** SHA-256 that both ends compare in the handshake and again in the first frame, 32 bytes. */
export const PARAMETER_DIGEST: Uint8Array = sha256(
  canonicalJson({
    protocol: "score-linear/2",
    encryption: toHex(HE_DIGEST),
    labelBytes: LABEL_BYTES,
    maxCapacity: MAX_SCORE_ROWS,
    maxFeatures: MAX_FEATURES,
  }),
);

/** How rows lie in the coefficients of a block, and what follows from it. */
export interface Packing {
  /** Compared by both ends, 32 bytes. */
  readonly parameterDigest: Uint8Array;
  /** The coefficient with the score of a block's first slot, and the distance to the next slot's. */
  readonly first: number;
  readonly stride: number;
  /** Encrypted polynomials of one model, at most. */
  readonly maxWeights: number;
  /** |coefficient| of the partner's polynomials, at most: bounds the noise. */
  readonly maxCoefficient: number;
  /** Slots of a partition, at most. */
  readonly maxCapacity: number;
}

/** A weight is a constant, and each coefficient a row. */
export const LINEAR: Packing = {
  parameterDigest: PARAMETER_DIGEST,
  first: 0,
  stride: 1,
  maxWeights: MAX_FEATURES,
  maxCoefficient: MAX_FEATURE,
  maxCapacity: MAX_SCORE_ROWS,
};

export type ScorePlatform = Platform & { readonly he: He; readonly bulkAes: BulkAes };

export interface ScoreContext extends PartitionContext {
  readonly packing: Packing;
  /** Encrypted weights: a column of the partner's each, or a group of leaves, in the order that both know from the model's
   * partner view. */
  readonly features: number;
  /** Upper bound of the rows of the whole job that can match, from the padded sizes: bounds what noise can tell. */
  readonly maxMatchedRows: number;
  /** The job's commitment to the model version, 32 bytes. */
  readonly modelCommitment: Uint8Array;
}

/** Slots of a whole block. */
export function blockSlots({ stride }: Packing): number {
  return BLOCK_ROWS / stride;
}

/** Answers of one partition. */
export function blockCount({ senderCapacity, packing }: ScoreContext): number {
  return Math.ceil(senderCapacity / blockSlots(packing));
}

/** The coefficients of block `block` that are slots, up to a whole number of bytes; the rest of the last block is not sent. */
export function releasedOf({ senderCapacity, packing }: ScoreContext, block: number): Released {
  const { first, stride } = packing;
  const slots = Math.min(blockSlots(packing), senderCapacity - block * blockSlots(packing));
  return { first, stride, count: Math.ceil(slots / 8) * 8 };
}

/** Throws BAD_REQUEST when a job of this shape must not run. Both ends check before they send anything. */
export function checkContext(context: ScoreContext): void {
  const { packing, senderCapacity, labelBytes, features, maxMatchedRows, modelCommitment } = context;
  const refuse = (detail: string) => new EntenteError("BAD_REQUEST", { detail });
  if (!Number.isInteger(senderCapacity) || senderCapacity < 1 || senderCapacity > packing.maxCapacity)
    throw refuse("rows of a scoring partition");
  if (labelBytes !== LABEL_BYTES) throw refuse("label length of a scoring partition");
  if (!Number.isInteger(features) || features < 1 || features > packing.maxWeights) throw refuse("number of weights");
  if (!Number.isInteger(maxMatchedRows) || maxMatchedRows < 1) throw refuse("bound of matched rows");
  if (modelCommitment.length !== 32) throw refuse("commitment to the model version");
  assertNoiseHidden(features, maxMatchedRows, packing.maxCoefficient);
}
