/** The messages of the VOLE as its steps see them, and the check that a message is the one that is due. */
import type { VoleDue, VoleMessage } from "../../../proto/codec/vole.ts";
import { EntenteError } from "../../../proto/errors.ts";
import type { VoleScope } from "./derive.ts";
import { messageBytes, type VoleShape } from "./params.ts";

export type VoleKind = VoleMessage["kind"];

/** Rounds, as frames carry them. Extensions run ahead of corrections, so that neither side waits for the other. */
export const VOLE_ROUND = { baseKey: 1, baseChoices: 2, noisy: 3, extension: 4, correction: 5 } as const;

/** The one message that a state accepts. */
export interface Due extends VoleDue {
  readonly partition: number;
  readonly chunk: number;
}

export function dueMessage(scope: VoleScope, shape: VoleShape, kind: VoleKind, chunk: number): Due {
  return { kind, bytes: messageBytes(shape)[kind], partition: scope.partition, chunk };
}

/** Throws WIRE_UNEXPECTED on a message out of turn, WIRE_INVALID on one of a wrong length. */
export function requireDue(message: VoleMessage, { kind, bytes, partition, chunk }: Due): void {
  if (
    message.kind !== kind ||
    message.round !== VOLE_ROUND[kind] ||
    message.partition !== partition ||
    message.chunk !== chunk
  )
    throw new EntenteError("WIRE_UNEXPECTED", { detail: `vole: ${kind} message was due` });
  if (message.bytes.length !== bytes) throw new EntenteError("WIRE_INVALID", { detail: `vole: length of ${kind}` });
}

export function makeMessage(scope: VoleScope, kind: VoleKind, chunk: number, bytes: Uint8Array): VoleMessage {
  return { kind, round: VOLE_ROUND[kind], partition: scope.partition, chunk, bytes };
}
