/** Where each message stands, and the label's bytes. */
import type { PartitionContext } from "../step.ts";

export const MODEL_ROUND = 1;
export const ANSWER_ROUND = 2;

/** Header of chunk `chunk` of `round`, but for its type. */
export function position(context: PartitionContext, round: number, chunk: number) {
  return { round, partition: context.partition, chunk };
}

/** One row's label: slot and share, big-endian. */
export function writeLabel(labels: DataView, row: number, slot: number, shareSecret: number): void {
  labels.setUint32(8 * row, slot);
  labels.setUint32(8 * row + 4, shareSecret);
}

/** The inverse of `writeLabel`, for the bank. `label`: 8 bytes. */
export function readLabel(label: Uint8Array): { readonly slot: number; readonly share: number } {
  const view = new DataView(label.buffer, label.byteOffset, 8);
  return { slot: view.getUint32(0), share: view.getUint32(4) };
}
