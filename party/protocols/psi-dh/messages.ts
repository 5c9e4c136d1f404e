/** The messages of psi-dh as its steps see them, and the check that a message is the one that is due. */
import type { PsiDhDue, PsiDhMessage } from "../../../proto/codec/psi-dh.ts";
import { EntenteError } from "../../../proto/errors.ts";
import { ELEMENT_BYTES } from "../../crypto/oprf.ts";
import { chunkRange, sealedBytes } from "../sealed-rows.ts";
import type { PartitionContext } from "../step.ts";
import { type PsiDhParams, ROUND } from "./params.ts";

/** The one message that a state accepts. */
export interface Due extends PsiDhDue {
  readonly partition: number;
  readonly chunk: number;
}

/** What chunk `chunk` of a kind must be; it depends on the plan alone. */
export function dueMessage(
  context: PartitionContext,
  params: PsiDhParams,
  kind: PsiDhMessage["kind"],
  chunk: number,
): Due {
  const { partition, receiverCapacity, senderCapacity } = context;
  if (kind === "sealedTags") return { kind, partition, chunk, bytes: sealedBytes(params, senderCapacity, chunk) };
  const { from, to } = chunkRange(params, receiverCapacity, chunk);
  return { kind, partition, chunk, bytes: (to - from) * ELEMENT_BYTES };
}

/** Throws WIRE_UNEXPECTED on a message out of turn. Its kind and length the codec has held against the same `due`. */
export function requireDue(message: PsiDhMessage, { kind, partition, chunk }: Due): void {
  if (message.round !== ROUND[kind] || message.partition !== partition || message.chunk !== chunk)
    throw new EntenteError("WIRE_UNEXPECTED", { detail: `psi-dh: ${kind} message was due` });
}

/** A message of this context's partition. */
export function makeMessage(
  context: PartitionContext,
  kind: PsiDhMessage["kind"],
  chunk: number,
  bytes: Uint8Array,
): PsiDhMessage {
  return { kind, round: ROUND[kind], partition: context.partition, chunk, bytes };
}

/** The `at`-th element of a message. */
export function elementAt(elements: Uint8Array, at: number): Uint8Array {
  return elements.subarray(at * ELEMENT_BYTES, (at + 1) * ELEMENT_BYTES);
}
