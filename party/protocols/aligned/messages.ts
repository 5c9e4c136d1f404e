/** The messages of aligned, and the check that a frame is the one that is due. */
import { type AlignedKind, decodeAligned, encodeAligned } from "../../../proto/codec/aligned.ts";
import type { Frame } from "../../../proto/codec/frame.ts";
import { EntenteError } from "../../../proto/errors.ts";
import { chunkRange, sealedBytes } from "../sealed-rows.ts";
import { ID_BYTES, type PartitionContext } from "../step.ts";
import { type AlignedParams, COUNT_BYTES, ROUND } from "./params.ts";

export function write(context: PartitionContext, kind: AlignedKind, chunk: number, bytes: Uint8Array): Frame {
  return encodeAligned({ kind, round: ROUND[kind], partition: context.partition, chunk, bytes });
}

/** The payload of chunk `chunk` of a kind, whose length depends on the plan alone. Throws WIRE_UNEXPECTED on another frame
 * than the due one, WIRE_INVALID on another form. */
export function read(
  {
    context,
    params,
    chunk,
  }: { readonly context: PartitionContext; readonly params: AlignedParams; readonly chunk: number },
  kind: AlignedKind,
  frame: Frame,
): Uint8Array {
  if (frame.round !== ROUND[kind] || frame.partition !== context.partition || frame.chunk !== chunk)
    throw new EntenteError("WIRE_UNEXPECTED", { detail: `aligned: ${kind} message was due` });
  return decodeAligned(frame, { kind, bytes: dueBytes(context, params, kind, chunk) }).bytes;
}

function dueBytes(context: PartitionContext, params: AlignedParams, kind: AlignedKind, chunk: number): number {
  const { receiverCapacity } = context;
  if (kind === "count") return COUNT_BYTES;
  if (kind === "sealedLabels") return sealedBytes(params, receiverCapacity, chunk);
  const { from, to } = chunkRange(params, receiverCapacity, chunk);
  return (to - from) * ID_BYTES;
}
