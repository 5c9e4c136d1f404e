/**
 * What a database's failure is to who asked. PostgreSQL's messages quote values and the driver's quote hosts and passwords, so that only
 * the SQLSTATE (PostgreSQL manual, appendix A) or the system's code goes on; SQLite's name tables and columns alone.
 */

import { isDiskFull } from "../errors/disk-full.ts";
import { EntenteError } from "../errors.ts";

/** Primary result codes of SQLite. */
const BUSY = 5;
const LOCKED = 6;
const CORRUPT = 11;
const NOT_A_DATABASE = 26;

/** Typed errors and those of others pass. */
export function sqliteError(error: unknown): unknown {
  if (error instanceof EntenteError || codeOf(error) !== "ERR_SQLITE_ERROR") return error;
  if (isDiskFull(error)) return new EntenteError("DISK_FULL", { cause: error });
  const { errcode = 0 } = error as { readonly errcode?: number };
  switch (errcode & 0xff) {
    case BUSY:
    case LOCKED:
      return new EntenteError("STORE_UNREACHABLE", { detail: "another process holds it", cause: error });
    case CORRUPT:
    case NOT_A_DATABASE:
      return new EntenteError("STORE_DAMAGED", { cause: error });
    default:
      return new EntenteError("STORAGE_FAILED", { cause: error });
  }
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" && /^[0-9A-Z_]{1,40}$/.test(error.code) ? error.code : undefined;
}
