/**
 * Frames of a carrier: what a session's TLS records travel in, so that they can go on over another stream when one breaks.
 * Not secret and, but for `resume`, not authentic: the TLS inside finds out whatever it is fed.
 *
 * | bytes | field | |
 * |---|---|---|
 * | 0 | type | 1 begin, 2 resume, 3 data, 4 end, 5 ack, 6 reset, 7 ping, 8 pong |
 * | 1-3 | length | of the body, u24 big-endian: of data up to MAX_CARRIER_DATA_BYTES, of resume 36, else 0 |
 * | 4-7 | number | u32 big-endian: of begin the version; of data and end their number, from 1, counted together; of ack the last one that was consumed; of resume the last one that came; else 0 |
 *
 * The body of resume: the number of the stream (u32, the first one's is 0), and an HMAC-SHA-256.
 */
import { EntenteError } from "../errors.ts";
import { MAX_RELAY_DATA_BYTES } from "./relay-frame.ts";

const HEADER_BYTES = 8;
const VERSION = 1;
const MAC_BYTES = 32;
/** So that a frame fits into one of the relay. */
export const MAX_CARRIER_DATA_BYTES = MAX_RELAY_DATA_BYTES - HEADER_BYTES;
export const MAX_CARRIER_NUMBER = 0xffff_ffff;

const TYPES = ["begin", "resume", "data", "end", "ack", "reset", "ping", "pong"] as const;

export type CarrierFrame =
  | { readonly kind: "begin" | "reset" | "ping" | "pong" }
  | { readonly kind: "resume"; readonly received: number; readonly epoch: number; readonly mac: Uint8Array }
  | { readonly kind: "data"; readonly number: number; readonly data: Buffer }
  | { readonly kind: "end" | "ack"; readonly number: number };

function header(kind: CarrierFrame["kind"], length: number, number: number): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES);
  bytes.writeUInt32BE((TYPES.indexOf(kind) + 1) * 0x100_0000 + length, 0);
  bytes.writeUInt32BE(number, 4);
  return bytes;
}

/** The header of a data frame: its bytes follow as they are. */
export function carrierDataHeader(number: number, length: number): Buffer {
  return header("data", length, number);
}

export function encodeCarrierFrame(frame: Exclude<CarrierFrame, { kind: "data" }>): Buffer {
  if (frame.kind === "resume") {
    const bytes = Buffer.concat([header("resume", 4 + MAC_BYTES, frame.received), Buffer.alloc(4), frame.mac]);
    bytes.writeUInt32BE(frame.epoch, HEADER_BYTES);
    return bytes;
  }
  if (frame.kind === "end" || frame.kind === "ack") return header(frame.kind, 0, frame.number);
  return header(frame.kind, 0, frame.kind === "begin" ? VERSION : 0);
}

interface Header {
  readonly kind: CarrierFrame["kind"];
  readonly length: number;
  readonly number: number;
}

/** Throws WIRE_INVALID, WIRE_TOO_LARGE. */
function decodeHeader(bytes: Buffer): Header {
  const kind = TYPES[(bytes[0] as number) - 1];
  const length = bytes.readUIntBE(1, 3);
  const number = bytes.readUInt32BE(4);
  if (kind === undefined) throw new EntenteError("WIRE_INVALID", { detail: "carrier frame" });
  if (length > MAX_CARRIER_DATA_BYTES) throw new EntenteError("WIRE_TOO_LARGE", { detail: "carrier frame" });
  const isLengthRight = kind === "data" ? length > 0 : length === (kind === "resume" ? 4 + MAC_BYTES : 0);
  const isNumberRight =
    kind === "data" || kind === "end"
      ? number > 0
      : ["ack", "resume"].includes(kind) || number === (kind === "begin" ? VERSION : 0);
  if (!isLengthRight || !isNumberRight) throw new EntenteError("WIRE_INVALID", { detail: `carrier ${kind}` });
  return { kind, length, number };
}

function frameOf({ kind, number }: Header, body: Buffer): CarrierFrame {
  switch (kind) {
    case "data":
      return { kind, number, data: body };
    case "end":
    case "ack":
      return { kind, number };
    case "resume":
      return { kind, received: number, epoch: body.readUInt32BE(0), mac: new Uint8Array(body.subarray(4)) };
    default:
      return { kind };
  }
}

/** Cuts a byte stream into frames. Holds at most one that is not complete. */
export class CarrierReader {
  #parts: Buffer[] = [];
  #have = 0;
  #header: Header | undefined;

  /** The frames that `chunk` completes. Data are views of what came, where they came in one piece. Throws WIRE_INVALID,
   * WIRE_TOO_LARGE. */
  *push(chunk: Buffer): Generator<CarrierFrame> {
    this.#parts.push(chunk);
    this.#have += chunk.length;
    for (;;) {
      if (this.#header === undefined) {
        if (this.#have < HEADER_BYTES) return;
        this.#header = decodeHeader(this.#take(HEADER_BYTES));
      }
      if (this.#have < this.#header.length) return;
      const frame = frameOf(this.#header, this.#take(this.#header.length));
      this.#header = undefined;
      yield frame;
    }
  }

  #take(length: number): Buffer {
    const [first] = this.#parts;
    if (first !== undefined && first.length > length) {
      this.#parts[0] = first.subarray(length);
      this.#have -= length;
      return first.subarray(0, length);
    }
    const all = this.#parts.length === 1 ? (first as Buffer) : Buffer.concat(this.#parts);
    const rest = all.subarray(length);
    this.#parts = rest.length > 0 ? [rest] : [];
    this.#have = rest.length;
    return all.subarray(0, length);
  }
}
