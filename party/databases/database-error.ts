/**
 * What may be said of a database's failure. A server's messages quote values ("Key (phone)=(138…) already exists") and a
 * driver's quote hosts and passwords, so only the SQLSTATE (PostgreSQL manual, appendix A) or the system's code goes on.
 */
import { EntenteError } from "../../proto/errors.ts";

/** Classes and codes that mean that the server is gone, starting, or full, not that it refuses what was asked. */
const NOT_THERE = /^(?:08(?!P01)|57P0[1-5]|53300)/;
const SQLSTATE = /^[0-9A-Z]{5}$/;

/** The SQLSTATE of a server's error; undefined when it is not one. */
function sqlStateOf(error: unknown): string | undefined {
  const code = codeOf(error);
  return code !== undefined && SQLSTATE.test(code) && severityOf(error) ? code : undefined;
}

/** Typed errors pass; others become DATABASE_UNREACHABLE or DATABASE_REFUSED, naming the connection and the code alone. */
export function databaseError(name: string, error: unknown): EntenteError {
  if (error instanceof EntenteError) return error;
  const state = sqlStateOf(error);
  if (state === undefined || NOT_THERE.test(state)) {
    const code = state === undefined ? codeOf(error) : `SQLSTATE ${state}`;
    const detail = code === undefined ? name : `${name}: ${code}`;
    return new EntenteError("DATABASE_UNREACHABLE", { detail });
  }
  return new EntenteError("DATABASE_REFUSED", { detail: `${name}: SQLSTATE ${state}` });
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" && /^[0-9A-Z_]{1,40}$/.test(error.code) ? error.code : undefined;
}

/** The server sends a severity with every error; a system's error (`EPIPE`) has five letters too, and none. */
function severityOf(error: unknown): boolean {
  return typeof error === "object" && error !== null && "severity" in error && error.severity !== undefined;
}
