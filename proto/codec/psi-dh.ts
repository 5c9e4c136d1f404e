/**
 * Frames of psi-dh and the messages that its steps see. Checked here: the frame's type is the member that the body
 * holds, the body is the one canonical encoding of the message, and it is exactly as long as the step expects. Whether
 * a message is due now (kind, round, partition, chunk) is the step's own check.
 */
import { equalBytes } from "../encoding/bytes.ts";
import { EntenteError } from "../errors.ts";
import { entente } from "../gen/messages.js";
import type { Frame } from "./frame.ts";

const { PsiDhReceiverMessage: ReceiverWire, PsiDhSenderMessage: SenderWire } = entente.v1;

/** Field numbers of the `oneof` members in psi_dh.proto. */
export const PSI_DH_TYPE = { blinded: 1, evaluated: 2, sealedTags: 3 } as const;
/** Two tags of one byte and two lengths of at most four: what the encoding adds to a message's bytes, at most. */
const MAX_ENCODING_OVERHEAD_BYTES = 10;

export interface PsiDhMessage {
  readonly kind: keyof typeof PSI_DH_TYPE;
  readonly round: number;
  readonly partition: number;
  readonly chunk: number;
  /** blinded, evaluated: n * 32 bytes of elements; sealedTags: the ciphertext with its tag. */
  readonly bytes: Uint8Array;
}

function encodeBody({ kind, bytes }: PsiDhMessage): Uint8Array {
  switch (kind) {
    case "blinded":
      return ReceiverWire.encode({ blinded: { elements: bytes } }).finish();
    case "evaluated":
      return SenderWire.encode({ evaluated: { elements: bytes } }).finish();
    case "sealedTags":
      return SenderWire.encode({ sealedTags: { ciphertext: bytes } }).finish();
  }
}

export function encodePsiDh(message: PsiDhMessage): Frame {
  const { kind, round, partition, chunk } = message;
  return { type: PSI_DH_TYPE[kind], round, partition, chunk, body: encodeBody(message) };
}

/** What a step waits for: its kind, and the exact number of bytes that it carries. */
export interface PsiDhDue {
  readonly kind: PsiDhMessage["kind"];
  readonly bytes: number;
}

function memberBytes(kind: PsiDhMessage["kind"], body: Uint8Array): Uint8Array | null | undefined {
  switch (kind) {
    case "blinded":
      return ReceiverWire.decode(body).blinded?.elements;
    case "evaluated":
      return SenderWire.decode(body).evaluated?.elements;
    case "sealedTags":
      return SenderWire.decode(body).sealedTags?.ciphertext;
  }
}

/** Throws WIRE_UNEXPECTED on a type that is not due, WIRE_INVALID on a body that is not one message of the due length. */
export function decodePsiDh(frame: Frame, due: PsiDhDue): PsiDhMessage {
  const { round, partition, chunk, body } = frame;
  const invalid = (what: string, cause?: unknown) =>
    new EntenteError("WIRE_INVALID", { detail: `psi-dh frame: ${what}`, cause });
  if (frame.type !== PSI_DH_TYPE[due.kind])
    throw new EntenteError("WIRE_UNEXPECTED", { detail: "psi-dh frame: type is not the one due" });
  // Before anything is parsed or allocated.
  if (body.length > due.bytes + MAX_ENCODING_OVERHEAD_BYTES) throw invalid("too long");
  let member: Uint8Array | null | undefined;
  try {
    member = memberBytes(due.kind, body);
  } catch (cause) {
    throw invalid("not a message", cause);
  }
  if (member === null || member === undefined) throw invalid("type and body differ");
  if (member.length !== due.bytes) throw invalid("length");
  const message: PsiDhMessage = { kind: due.kind, round, partition, chunk, bytes: new Uint8Array(member) };
  if (!equalBytes(encodeBody(message), body)) throw invalid("not the canonical encoding");
  return message;
}
