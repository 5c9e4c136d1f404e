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

/** Classes and codes that mean that the server is gone, starting, full or not the primary any more, not that it refuses what was asked. */
const NOT_THERE = /^(?:08(?!P01)|57P0[1-5]|53300|25006)/;
/** Another was in the way, or it took too long. */
const AGAIN = /^(?:40001|40P01|55P03|57014)/;
const SQLSTATE = /^[0-9A-Z]{5}$/;

/** The SQLSTATE of a server's error; undefined when it is not one. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = codeOf(error);
  return code !== undefined && SQLSTATE.test(code) && severityOf(error) ? code : undefined;
}

/** The server is not there, or the connection to it is not any more. */
export function isGone(error: unknown): boolean {
  if (error instanceof EntenteError) return false;
  const state = sqlStateOf(error);
  return state === undefined || NOT_THERE.test(state);
}

/** Typed errors pass; others become STORE_UNREACHABLE, DISK_FULL, STORE_DAMAGED or STORAGE_FAILED, naming the code alone. */
export function postgresError(error: unknown): EntenteError {
  if (error instanceof EntenteError) return error;
  const state = sqlStateOf(error);
  const code = state === undefined ? codeOf(error) : `SQLSTATE ${state}`;
  const detail = code === undefined ? {} : { detail: code };
  if (isDiskFull(error)) return new EntenteError("DISK_FULL", detail);
  if (state?.startsWith("XX00")) return new EntenteError("STORE_DAMAGED", detail);
  const isAgain = isGone(error) || (state !== undefined && AGAIN.test(state));
  return new EntenteError(isAgain ? "STORE_UNREACHABLE" : "STORAGE_FAILED", detail);
}

/** The server sends a severity with every error; a system's error (`EPIPE`) has five letters too, and none. */
function severityOf(error: unknown): boolean {
  return typeof error === "object" && error !== null && "severity" in error && error.severity !== undefined;
}
