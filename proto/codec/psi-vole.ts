/**
 * Frames of psi-vole and the messages that its steps see, beside those of the VOLE (vole.ts). A body is the canonical protobuf encoding of one `oneof`
 * member with one bytes field, so all before the payload follows from the kind and the length that is due: it is
 * compared, and nothing is parsed or copied (bodies are megabytes). Whether a message is due now (round, partition,
 * chunk) is the step's own check.
 */
import { EntenteError } from "../errors.ts";
import type { Frame } from "./frame.ts";

/** Field numbers of the `oneof` members in psi_vole.proto. */
export const PSI_VOLE_TYPE = { masked: 32, sealedTags: 33 } as const;

export type PsiVoleKind = keyof typeof PSI_VOLE_TYPE;

export interface PsiVoleMessage {
  readonly kind: PsiVoleKind;
  readonly round: number;
  readonly partition: number;
  readonly chunk: number;
  /** At least one byte. A decoded message's bytes are those of its frame's body. */
  readonly bytes: Uint8Array;
}

/** Protobuf wire type 2: a length and that many bytes. */
const LENGTH_DELIMITED = 2;
/** The payload is field 1 of every member. */
const PAYLOAD_TAG = (1 << 3) | LENGTH_DELIMITED;

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

/** All of the encoding that comes before a payload of `length` bytes. */
function prefixOf(kind: PsiVoleKind, length: number): number[] {
  const inner = [...varint(PAYLOAD_TAG), ...varint(length)];
  return [...varint((PSI_VOLE_TYPE[kind] << 3) | LENGTH_DELIMITED), ...varint(inner.length + length), ...inner];
}

export function encodePsiVole(message: PsiVoleMessage): Frame {
  const { kind, round, partition, chunk, bytes } = message;
  const prefix = prefixOf(kind, bytes.length);
  const body = new Uint8Array(prefix.length + bytes.length);
  body.set(prefix);
  body.set(bytes, prefix.length);
  return { type: PSI_VOLE_TYPE[kind], round, partition, chunk, body };
}

/** What a step waits for: its kind, and the exact number of bytes that it carries. */
export interface PsiVoleDue {
  readonly kind: PsiVoleKind;
  readonly bytes: number;
}

/** Throws WIRE_UNEXPECTED on a type that is not due, WIRE_INVALID on a body that is not one message of the due length. */
export function decodePsiVole(frame: Frame, due: PsiVoleDue): PsiVoleMessage {
  const { round, partition, chunk, body } = frame;
  if (frame.type !== PSI_VOLE_TYPE[due.kind])
    throw new EntenteError("WIRE_UNEXPECTED", { detail: "psi-vole frame: type is not the one due" });
  const prefix = prefixOf(due.kind, due.bytes);
  if (body.length !== prefix.length + due.bytes || prefix.some((byte, i) => body[i] !== byte))
    throw new EntenteError("WIRE_INVALID", { detail: "psi-vole frame: not a message of the length due" });
  return { kind: due.kind, round, partition, chunk, bytes: body.subarray(prefix.length) };
}
