/** A port that cannot be had, as its operator is told of it. */
import { EntenteError } from "../errors.ts";

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: "another process has it",
  EACCES: "this user may not have it",
  EADDRNOTAVAIL: "this machine has no such address",
  ENOTFOUND: "this machine has no such address",
};

/** `field`: of the configuration, that names the port. BAD_REQUEST. */
export function cannotListen(
  field: string,
  { host, port }: { host: string; port: number },
  cause: Error,
): EntenteError {
  const { code = "" } = cause as { readonly code?: string };
  const why = WHY[code] ?? (code === "" ? "for an unknown reason" : code);
  return new EntenteError("BAD_REQUEST", {
    detail: `${field}: cannot listen on port ${port} of ${host}: ${why}`,
    cause,
  });
}
