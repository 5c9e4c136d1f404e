/** Secrets of a job on disk: AES-256-GCM (NIST SP 800-38D) under the node's at-rest key, bound to what they are. */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { concat, utf8 } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Random } from "../../proto/ports/ports.ts";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What sealing adds to a secret. */
export const SEAL_OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES;

/** nonce || ciphertext || tag. `purpose` must be given again to open: a secret cannot be passed off as another. */
export function sealAtRest(input: {
  key: Uint8Array;
  random: Random;
  purpose: string;
  secret: Uint8Array;
}): Uint8Array {
  const nonce = input.random.bytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", input.key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(utf8(input.purpose));
  const body = cipher.update(input.secret);
  return concat(nonce, body, cipher.final(), cipher.getAuthTag());
}

/** Throws STORAGE_FAILED when the bytes were changed or belong to another purpose. */
export function openAtRest(input: { key: Uint8Array; purpose: string; sealed: Uint8Array }): Uint8Array {
  const { key, purpose, sealed } = input;
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(utf8(purpose));
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    return concat(decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES)), decipher.final());
  } catch (cause) {
    throw new EntenteError("STORAGE_FAILED", { detail: "a stored secret does not decrypt", cause });
  }
}
