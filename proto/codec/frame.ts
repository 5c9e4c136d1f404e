/**
 * Frames of a session, inside its TLS channel: a 24-byte header and a body.
 *
 * | bytes | field | |
 * |---|---|---|
 * | 0-3 | length | of the body, u32 big-endian, at most MAX_BODY_BYTES |
 * | 4-5 | type | u16: the field number of the body's `oneof` member (see the protocol's .proto file) |
 * | 6-7 | round | u16: the round of the protocol, from 1 |
 * | 8-11 | partition | u32, from 0 |
 * | 12-15 | chunk | u32, from 0, counts up inside (round, partition, direction) |
 * | 16-23 | session | first 8 bytes of SHA-256 of the TLS exporter value |
 *
 * The header is bound as associated data wherever a body is sealed.
 */
import { EntenteError } from "../errors.ts";

export const HEADER_BYTES = 24;
/** Large enough for a chunk of every protocol, small enough to be buffered for many sessions at once. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;

export interface FrameHeader {
  readonly type: number;
  readonly round: number;
  readonly partition: number;
  readonly chunk: number;
}

export interface Frame extends FrameHeader {
  readonly body: Uint8Array;
}

/** `session`: 8 bytes. Throws WIRE_TOO_LARGE when the body would be. */
export function encodeHeader(header: FrameHeader, bodyLength: number, session: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bodyLength > MAX_BODY_BYTES)
    throw new EntenteError("WIRE_TOO_LARGE", { detail: `frame body of ${bodyLength} bytes` });
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bodyLength);
  view.setUint16(4, header.type);
  view.setUint16(6, header.round);
  view.setUint32(8, header.partition);
  view.setUint32(12, header.chunk);
  bytes.set(session, 16);
  return bytes;
}

/** Reads the 24 bytes; checks the length before anything is allocated, and that the session is this one. */
export function decodeHeader(bytes: Uint8Array, session: Uint8Array): { header: FrameHeader; bodyLength: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  const bodyLength = view.getUint32(0);
  if (bodyLength > MAX_BODY_BYTES)
    throw new EntenteError("WIRE_TOO_LARGE", { detail: `frame body of ${bodyLength} bytes` });
  for (let i = 0; i < 8; i++) {
    if (bytes[16 + i] !== session[i])
      throw new EntenteError("SESSION_MISMATCH", { detail: "frame of another session" });
  }
  const header = {
    type: view.getUint16(4),
    round: view.getUint16(6),
    partition: view.getUint32(8),
    chunk: view.getUint32(12),
  };
  return { header, bodyLength };
}
