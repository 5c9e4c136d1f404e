import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import type { Digest } from "../ids.ts";
import { concat, toHex, utf8 } from "./bytes.ts";

export function sha256(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(nobleSha256(parts.length === 1 ? (parts[0] as Uint8Array) : concat(...parts)));
}

/** SHA-256 of bytes as a `Digest`. */
export function digestOf(bytes: Uint8Array): Digest {
  return toHex(sha256(bytes)) as Digest;
}

/** A label that keeps the hashes of two uses apart: its length, then itself, then the parts. */
export function domainHash(domain: string, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const label = utf8(domain);
  return sha256(new Uint8Array([label.length]), label, ...parts);
}
