/** AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce in front: nonce || ciphertext || tag. */
import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Random } from "../ports/ports.ts";
import { concat, utf8 } from "./bytes.ts";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What sealing adds to a secret. */
export const SEAL_OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES;

/** `purpose` must be given again to open: a secret cannot be passed off as another. `key`: 32 bytes. */
export function sealGcm(input: { key: Uint8Array; random: Random; purpose: string; secret: Uint8Array }): Uint8Array {
  const nonce = input.random.bytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", input.key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(utf8(input.purpose));
  const body = cipher.update(input.secret);
  return concat(nonce, body, cipher.final(), cipher.getAuthTag());
}

/** Undefined when the bytes were changed, or belong to another key or purpose. */
export function openGcm(input: { key: Uint8Array; purpose: string; sealed: Uint8Array }): Uint8Array | undefined {
  const { key, purpose, sealed } = input;
  if (sealed.length < SEAL_OVERHEAD_BYTES) return undefined;
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(utf8(purpose));
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    return concat(decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES)), decipher.final());
  } catch {
    return undefined;
  }
}
