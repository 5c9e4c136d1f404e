/**
 * Strict text forms of bytes. What was decoded is encoded again and compared, so that one value has one text:
 * several single-bit flips of a base64 line would otherwise decode to the same bytes.
 */
import { EntenteError } from "../errors.ts";

export function toHex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** Lower-case hex only. Throws WIRE_INVALID. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new EntenteError("WIRE_INVALID", { detail: "not lower-case hex" });
  return Uint8Array.fromHex(text);
}

export function toBase64(bytes: Uint8Array): string {
  return bytes.toBase64();
}

/** Standard alphabet with padding (RFC 4648 section 4), canonical trailing bits. Throws WIRE_INVALID. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
  } catch (cause) {
    throw new EntenteError("WIRE_INVALID", { detail: "not base64", cause });
  }
  if (bytes.toBase64() !== text) throw new EntenteError("WIRE_INVALID", { detail: "not canonical base64" });
  return bytes;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Throws WIRE_INVALID on bytes that are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new EntenteError("WIRE_INVALID", { detail: "not UTF-8", cause });
  }
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Not constant time: for public values. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Big-endian, `bytes` wide (1 to 4). */
export function uintBe(value: number, bytes: 1 | 2 | 4): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(bytes);
  const view = new DataView(out.buffer);
  if (bytes === 1) view.setUint8(0, value);
  else if (bytes === 2) view.setUint16(0, value);
  else view.setUint32(0, value);
  return out;
}
