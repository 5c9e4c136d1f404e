/** Step 7 of aligned: what the receiver does with its stored partition once the gate key is released. */
import type { Platform } from "../../crypto/platform.ts";
import { unsealRows } from "../sealed-rows.ts";
import type { PartitionContext, PsiMatches, SealedPartition } from "../step.ts";
import { alignedParams, frameHeader, listedContext } from "./params.ts";

/** All rows of the list, with their labels. Throws SEAL_INVALID when key or frames are not those that the sender sealed. */
export function openPartition(
  platform: Platform,
  context: PartitionContext,
  sealed: SealedPartition,
  gateKey: Uint8Array,
  params = alignedParams(context),
): PsiMatches {
  const { labelBytes, partition } = context;
  const listed = unsealRows(platform, listedContext(context), sealed, gateKey, {
    ...params,
    headerOf: (chunk) => frameHeader(partition, "sealedLabels", chunk),
  });
  const rowAt = new Uint32Array(new Uint8Array(sealed.outputs).buffer);
  const labels = new Uint8Array(rowAt.length * labelBytes);
  for (const [position, row] of rowAt.entries())
    labels.set(listed.subarray(position * labelBytes, (position + 1) * labelBytes), row * labelBytes);
  listed.fill(0);
  return { rows: Uint32Array.from({ length: rowAt.length }, (_, row) => row), labels };
}
