/**
 * Frames of the silent VOLE and the messages that its steps see. Checked here: the frame's type is the member that the
 * body holds, the body is the one canonical encoding of the message, and it is exactly as long as the step expects.
 * Whether a message is due now (round, partition, chunk) is the step's own check.
 */
import { equalBytes } from "../encoding/bytes.ts";
import { EntenteError } from "../errors.ts";
import { entente } from "../gen/messages.js";
import type { Frame } from "./frame.ts";

const { VoleReceiverMessage: ReceiverWire, VoleSenderMessage: SenderWire } = entente.v1;

/** Field numbers of the `oneof` members in vole.proto. */
export const VOLE_TYPE = { baseKey: 96, baseChoices: 97, noisy: 98, extension: 99, correction: 100 } as const;
/** Tags of two bytes and of one, and two lengths of at most four: what the encoding adds, at most. */
const MAX_ENCODING_OVERHEAD_BYTES = 11;

export interface VoleMessage {
  readonly kind: keyof typeof VOLE_TYPE;
  readonly round: number;
  readonly partition: number;
  readonly chunk: number;
  readonly bytes: Uint8Array;
}

function encodeBody({ kind, bytes }: VoleMessage): Uint8Array {
  switch (kind) {
    case "baseKey":
      return ReceiverWire.encode({ baseKey: { element: bytes } }).finish();
    case "baseChoices":
      return SenderWire.encode({ baseChoices: { elements: bytes } }).finish();
    case "noisy":
      return ReceiverWire.encode({ noisy: { vectors: bytes } }).finish();
    case "extension":
      return ReceiverWire.encode({ extension: { columns: bytes } }).finish();
    case "correction":
      return SenderWire.encode({ correction: { blocks: bytes } }).finish();
  }
}

export function encodeVole(message: VoleMessage): Frame {
  const { kind, round, partition, chunk } = message;
  return { type: VOLE_TYPE[kind], round, partition, chunk, body: encodeBody(message) };
}

/** What a step waits for: its kind, and the exact number of bytes that it carries. */
export interface VoleDue {
  readonly kind: VoleMessage["kind"];
  readonly bytes: number;
}

function memberBytes(kind: VoleMessage["kind"], body: Uint8Array): Uint8Array | null | undefined {
  switch (kind) {
    case "baseKey":
      return ReceiverWire.decode(body).baseKey?.element;
    case "baseChoices":
      return SenderWire.decode(body).baseChoices?.elements;
    case "noisy":
      return ReceiverWire.decode(body).noisy?.vectors;
    case "extension":
      return ReceiverWire.decode(body).extension?.columns;
    case "correction":
      return SenderWire.decode(body).correction?.blocks;
  }
}

/** Throws WIRE_UNEXPECTED on a type that is not due, WIRE_INVALID on a body that is not one message of the due length. */
export function decodeVole(frame: Frame, due: VoleDue): VoleMessage {
  const { round, partition, chunk, body } = frame;
  const invalid = (what: string, cause?: unknown) =>
    new EntenteError("WIRE_INVALID", { detail: `vole frame: ${what}`, cause });
  if (frame.type !== VOLE_TYPE[due.kind])
    throw new EntenteError("WIRE_UNEXPECTED", { detail: "vole frame: type is not the one due" });
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
  // A copy of its own, which also begins at a word.
  const message: VoleMessage = { kind: due.kind, round, partition, chunk, bytes: new Uint8Array(member) };
  if (!equalBytes(encodeBody(message), body)) throw invalid("not the canonical encoding");
  return message;
}
