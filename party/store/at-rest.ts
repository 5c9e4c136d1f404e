/** Secrets of a job on disk: encrypted under the node's at-rest key, bound to what they are. */
import { openGcm, SEAL_OVERHEAD_BYTES, sealGcm } from "../../proto/encoding/aes-gcm.ts";
import { EntenteError } from "../../proto/errors.ts";

export { SEAL_OVERHEAD_BYTES };

/** nonce || ciphertext || tag. `purpose` must be given again to open: a secret cannot be passed off as another. */
export const sealAtRest = sealGcm;

/** Throws STORAGE_FAILED when the bytes were changed or belong to another purpose. */
export function openAtRest(input: { key: Uint8Array; purpose: string; sealed: Uint8Array }): Uint8Array {
  const opened = openGcm(input);
  if (opened === undefined) throw new EntenteError("STORAGE_FAILED", { detail: "a stored secret does not decrypt" });
  return opened;
}
