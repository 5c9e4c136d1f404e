/** What a full disk looks like, whoever says so. */

/** Of the operating system: no space, no quota left, mounted read-only. */
const ERRNO = ["ENOSPC", "EDQUOT", "EROFS"];
/** PostgreSQL manual, appendix A: disk_full. */
const SQLSTATE = "53100";
/** https://sqlite.org/rescode.html: SQLITE_FULL, SQLITE_READONLY, and SQLITE_IOERR_SHMSIZE, of the file beside the log. */
const SQLITE_PRIMARY = [13, 8];
const SQLITE_IOERR_SHMSIZE = 4874;

export function isDiskFull(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, errcode } = error as { readonly code?: unknown; readonly errcode?: unknown };
  if (typeof errcode === "number") return SQLITE_PRIMARY.includes(errcode & 0xff) || errcode === SQLITE_IOERR_SHMSIZE;
  return typeof code === "string" && (ERRNO.includes(code) || code === SQLSTATE);
}
