/** Step 7 of psi-dh: what the receiver does with its stored partition once the gate key is released. */
import { EntenteError } from "../../../proto/errors.ts";
import { labelPad, matchTag, OPRF_OUTPUT_BYTES } from "../../crypto/kdf.ts";
import type { Platform } from "../../crypto/platform.ts";
import { rowIndex } from "../../crypto/row-index.ts";
import { unsealRows } from "../sealed-rows.ts";
import type { PartitionContext, PsiMatches, SealedPartition } from "../step.ts";
import { frameHeader, psiDhParams } from "./params.ts";

/**
 * The matches of one partition. Throws SEAL_INVALID when key or frames are not those that the sender sealed, and
 * WIRE_INVALID when a tag occurs twice: then the sender did not follow the protocol.
 */
export function openPartition(
  platform: Platform,
  context: PartitionContext,
  sealed: SealedPartition,
  gateKey: Uint8Array,
  params = psiDhParams(context),
): PsiMatches {
  const { labelBytes, senderCapacity } = context;
  const { tagBytes, rowBytes } = params;
  const rows = unsealRows(platform, context, sealed, gateKey, {
    ...params,
    headerOf: (chunk) => frameHeader(context.partition, "sealedTags", chunk),
  });
  const tags = rowIndex(platform, tagBytes, senderCapacity);
  for (let at = 0; at < rows.length; at += rowBytes) {
    if (!tags.add(rows.subarray(at, at + tagBytes)))
      throw new EntenteError("WIRE_INVALID", { detail: "psi-dh: a tag occurs twice" });
  }

  const tagOf = matchTag(platform, context, tagBytes);
  const padOf = labelPad(platform, context, labelBytes);
  const matched: number[] = [];
  const labels: Uint8Array[] = [];
  for (let row = 0; row < sealed.outputs.length / OPRF_OUTPUT_BYTES; row++) {
    const output = sealed.outputs.subarray(row * OPRF_OUTPUT_BYTES, (row + 1) * OPRF_OUTPUT_BYTES);
    const position = tags.find(tagOf(output));
    if (position === undefined) continue;
    const padded = rows.subarray(position * rowBytes + tagBytes, (position + 1) * rowBytes);
    const pad = padOf(output);
    matched.push(row);
    labels.push(padded.map((byte, b) => byte ^ (pad[b] as number)));
  }
  const packed = new Uint8Array(matched.length * labelBytes);
  labels.forEach((label, i) => {
    packed.set(label, i * labelBytes);
  });
  return { rows: Uint32Array.from(matched), labels: packed };
}
