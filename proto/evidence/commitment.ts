/**
 * Salted commitments to what the peer may not know (counts, thresholds, model, dataset version, output). A plain digest
 * of such a value is found by trying all values; a fresh 256-bit salt, kept by the owner, hides it until it is opened.
 */
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, equalBytes, uintBe, utf8 } from "../encoding/bytes.ts";
import { EntenteError } from "../errors.ts";

export const SALT_BYTES = 32;

/**
 * HMAC-SHA-256(key = salt, message = length of domain (u8) || domain || value), 32 bytes. `saltSecret`: 32 fresh random
 * bytes, used for one commitment only. `domain`: 1 to 255 bytes of UTF-8 that name what is committed.
 * Throws BAD_REQUEST on other lengths.
 */
export function commit(saltSecret: Uint8Array, domain: string, value: Uint8Array): Uint8Array<ArrayBuffer> {
  const label = utf8(domain);
  if (saltSecret.length !== SALT_BYTES) throw new EntenteError("BAD_REQUEST", { detail: "commitment salt length" });
  if (label.length === 0 || label.length > 255)
    throw new EntenteError("BAD_REQUEST", { detail: "commitment domain length" });
  return new Uint8Array(hmac(sha256, saltSecret, concat(uintBe(label.length, 1), label, value)));
}

/** True when (salt, domain, value) is what `commitment` was made of. All of them are public once opened. */
export function opens(
  commitment: Uint8Array,
  opening: { readonly salt: Uint8Array; readonly domain: string; readonly value: Uint8Array },
): boolean {
  return equalBytes(commit(opening.salt, opening.domain, opening.value), commitment);
}
