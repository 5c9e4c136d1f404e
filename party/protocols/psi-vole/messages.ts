/** The messages of psi-vole as its steps see them, and the check that a message is the one that is due. */
import type { PsiVoleKind, PsiVoleMessage } from "../../../proto/codec/psi-vole.ts";
import type { VoleDue, VoleMessage } from "../../../proto/codec/vole.ts";
import { EntenteError } from "../../../proto/errors.ts";
import { sealedBytes } from "../sealed-rows.ts";
import type { PartitionContext } from "../step.ts";
import { maskedBytes, type PsiVoleParams, ROUND } from "./params.ts";

/** What the steps exchange: the VOLE's messages, then the protocol's own. Their kinds differ. */
export type Message = VoleMessage | PsiVoleMessage;

/** The one message that a state accepts: of the VOLE (its own step checks the rest), or of the protocol. */
export type Due = { readonly part: "vole"; readonly due: VoleDue } | { readonly part: "psi"; readonly due: OwnDue };

export interface OwnDue {
  readonly kind: PsiVoleKind;
  readonly bytes: number;
  readonly partition: number;
  readonly chunk: number;
}

/** What chunk `chunk` of a kind must be; it depends on the plan alone. */
export function dueMessage(context: PartitionContext, params: PsiVoleParams, kind: PsiVoleKind, chunk: number): OwnDue {
  const bytes = kind === "masked" ? maskedBytes(params) : sealedBytes(params, context.senderCapacity, chunk);
  return { kind, bytes, partition: context.partition, chunk };
}

function unexpected(kind: string): EntenteError {
  return new EntenteError("WIRE_UNEXPECTED", { detail: `psi-vole: ${kind} message was due` });
}

/** Throws WIRE_UNEXPECTED on another message than the one due. Its length the codec has held against the same `due`. */
export function requireDue(message: Message, { kind, bytes, partition, chunk }: OwnDue): PsiVoleMessage {
  if (!isOwn(message) || message.kind !== kind || message.bytes.length !== bytes) throw unexpected(kind);
  if (message.round !== ROUND[kind] || message.partition !== partition || message.chunk !== chunk)
    throw unexpected(kind);
  return message;
}

/** Whether a message is the protocol's own. */
export function isOwn(message: Message): message is PsiVoleMessage {
  return message.kind === "masked" || message.kind === "sealedTags";
}

/** Throws WIRE_UNEXPECTED on a message that is not of the VOLE. */
export function requireVole(message: Message): VoleMessage {
  if (isOwn(message)) throw unexpected("vole");
  return message;
}

/** A message of this context's partition. */
export function makeMessage(
  context: PartitionContext,
  kind: PsiVoleKind,
  chunk: number,
  bytes: Uint8Array,
): PsiVoleMessage {
  return { kind, round: ROUND[kind], partition: context.partition, chunk, bytes };
}
