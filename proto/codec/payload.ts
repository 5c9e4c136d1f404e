/**
 * Messages that are one `oneof` member with one bytes field, number 1, as those of the PSI protocols are. All of the
 * canonical protobuf encoding before the payload follows from the kind and the length that is due: it is compared, and
 * nothing is parsed or copied (bodies are megabytes). Whether a message is due now (round, partition, chunk) is the
 * step's own check.
 */
import { EntenteError } from "../errors.ts";
import type { Frame } from "./frame.ts";

export interface PayloadMessage<Kind extends string> {
  readonly kind: Kind;
  readonly round: number;
  readonly partition: number;
  readonly chunk: number;
  /** At least one byte. A decoded message's bytes are those of its frame's body. */
  readonly bytes: Uint8Array;
}

/** What a step waits for: its kind, and the exact number of bytes that it carries. */
export interface PayloadDue<Kind extends string> {
  readonly kind: Kind;
  readonly bytes: number;
}

export interface PayloadCodec<Kind extends string> {
  encode(message: PayloadMessage<Kind>): Frame;
  /** Throws WIRE_UNEXPECTED on a type that is not due, WIRE_INVALID on a body that is not one message of the due length. */
  decode(frame: Frame, due: PayloadDue<Kind>): PayloadMessage<Kind>;
}

/** Protobuf wire type 2: a length and that many bytes. */
const LENGTH_DELIMITED = 2;
const PAYLOAD_TAG = (1 << 3) | LENGTH_DELIMITED;

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}

/** All of the encoding that comes before a payload of `length` bytes. */
function prefixOf(type: number, length: number): number[] {
  const inner = [PAYLOAD_TAG, ...varint(length)];
  return [...varint((type << 3) | LENGTH_DELIMITED), ...varint(inner.length + length), ...inner];
}

/** `types`: field numbers of the `oneof` members, which are the frame types. */
export function payloadCodec<Kind extends string>(
  protocol: string,
  types: Readonly<Record<Kind, number>>,
): PayloadCodec<Kind> {
  return {
    encode({ kind, round, partition, chunk, bytes }) {
      const prefix = prefixOf(types[kind], bytes.length);
      const body = new Uint8Array(prefix.length + bytes.length);
      body.set(prefix);
      body.set(bytes, prefix.length);
      return { type: types[kind], round, partition, chunk, body };
    },
    decode({ type, round, partition, chunk, body }, { kind, bytes }) {
      if (type !== types[kind])
        throw new EntenteError("WIRE_UNEXPECTED", { detail: `${protocol} frame: type is not the one due` });
      const invalid = (what: string) => new EntenteError("WIRE_INVALID", { detail: `${protocol} frame: ${what}` });
      const prefix = prefixOf(type, bytes);
      if (body.length > prefix.length + bytes) throw invalid("too long");
      if (body.length !== prefix.length + bytes || prefix.some((byte, i) => body[i] !== byte))
        throw invalid("not a message of the length due");
      // A plain array, whatever the body is: a Buffer's methods differ.
      const payload = new Uint8Array(body.buffer, body.byteOffset + prefix.length, bytes);
      return { kind, round, partition, chunk, bytes: payload };
    },
  };
}
