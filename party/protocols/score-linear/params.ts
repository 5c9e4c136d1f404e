/** Parameters of score-linear; those of the encryption are in party/he/params.ts. */
import { toHex } from "../../../proto/encoding/bytes.ts";
import { canonicalJson } from "../../../proto/encoding/canonical-json.ts";
import { sha256 } from "../../../proto/encoding/sha256.ts";
import { EntenteError } from "../../../proto/errors.ts";
import type { Platform } from "../../crypto/platform.ts";
import type { He } from "../../he/he.ts";
import { assertNoiseHidden, BLOCK_ROWS, PARAMETER_DIGEST as HE_DIGEST, MAX_FEATURES } from "../../he/params.ts";
import { MAX_SCORE_ROWS } from "../plan.ts";
import type { PartitionContext } from "../step.ts";

/** slot (u32) and share (u32), big-endian: what the PSI carries as a row's label. */
export const LABEL_BYTES = 8;

/** SHA-256 that both ends compare in the handshake and again in the first frame, 32 bytes. */
export const PARAMETER_DIGEST: Uint8Array = sha256(
  canonicalJson({
    protocol: "score-linear/1",
    encryption: toHex(HE_DIGEST),
    labelBytes: LABEL_BYTES,
    maxCapacity: MAX_SCORE_ROWS,
    maxFeatures: MAX_FEATURES,
  }),
);

export type ScorePlatform = Platform & { readonly he: He };

export interface ScoreContext extends PartitionContext {
  /** The partner's columns in the model, in the order that both know from the model's partner view. */
  readonly features: number;
  /** Upper bound of the rows of the whole job that can match, from the padded sizes: bounds what noise can tell. */
  readonly maxMatchedRows: number;
}

/** Answers of one partition. */
export function blockCount(context: ScoreContext): number {
  return Math.ceil(context.senderCapacity / BLOCK_ROWS);
}

/** Throws BAD_REQUEST when a job of this shape must not run. Both ends check before they send anything. */
export function checkContext(context: ScoreContext): void {
  const { senderCapacity, labelBytes, features, maxMatchedRows } = context;
  const refuse = (detail: string) => new EntenteError("BAD_REQUEST", { detail });
  // All masks of a partition are drawn ahead of its first answer, 20 bytes a slot.
  if (!Number.isInteger(senderCapacity) || senderCapacity < 1 || senderCapacity > MAX_SCORE_ROWS)
    throw refuse("rows of a scoring partition");
  if (labelBytes !== LABEL_BYTES) throw refuse("label length of a scoring partition");
  if (!Number.isInteger(features) || features < 1 || features > MAX_FEATURES) throw refuse("number of features");
  if (!Number.isInteger(maxMatchedRows) || maxMatchedRows < 1) throw refuse("bound of matched rows");
  assertNoiseHidden(features, maxMatchedRows);
}
