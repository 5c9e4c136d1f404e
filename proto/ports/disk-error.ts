/** A disk's refusal as a typed error. */

import { isDiskFull } from "../errors/disk-full.ts";
import { EntenteError } from "../errors.ts";

/** DISK_FULL when that is what it says, else STORAGE_FAILED; typed errors pass. `detail`: what could not be done. */
export function diskError(cause: unknown, detail?: string): EntenteError {
  if (cause instanceof EntenteError) return cause;
  const options = detail === undefined ? { cause } : { detail, cause };
  return new EntenteError(isDiskFull(cause) ? "DISK_FULL" : "STORAGE_FAILED", options);
}
