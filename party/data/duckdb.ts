/**
 * DuckDB as a reader and a writer of files, each time in a fresh in-memory instance that can reach the named file (or
 * folder) and nothing else: no other path, no network, no extension, and no later change of that.
 */
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { isDiskFull } from "../../proto/errors/disk-full.ts";
import { EntenteError } from "../../proto/errors.ts";
import { diskError } from "../../proto/ports/disk-error.ts";
import type { DataLimits } from "./limits.ts";

/** A string literal. DuckDB's plain literals have no escapes but the doubled quote. */
export function sqlText(text: string): string {
  if (text.includes("\0")) throw new EntenteError("BAD_REQUEST", { detail: "a name holds a NUL character" });
  return `'${text.replaceAll("'", "''")}'`;
}

/** A quoted identifier. */
export function sqlName(name: string): string {
  if (name.includes("\0")) throw new EntenteError("BAD_REQUEST", { detail: "a name holds a NUL character" });
  return `"${name.replaceAll('"', '""')}"`;
}

export interface DuckDb {
  readonly connection: DuckDBConnection;
  close(): void;
}

/**
 * What the instance may touch: nothing, one file to read, or one private folder to write into. Only a folder may be spilled
 * into: spills are in clear (this build of DuckDB cannot encrypt them), so a reader fails rather than leave ids on
 * disk.
 */
export type Reach =
  | "nothing"
  | { readonly file: string }
  | { readonly folder: string }
  /** A DuckDB file, attached under ATTACHED to be read. */
  | { readonly database: string };

/** The name of an attached file in SQL. */
export const ATTACHED = "source";

export async function openDuckDb(reach: Reach, limits: DataLimits): Promise<DuckDb> {
  const { file, folder, database }: { file?: string; folder?: string; database?: string } =
    reach === "nothing" ? {} : reach;
  const instance = await DuckDBInstance.create(":memory:", {
    memory_limit: `${limits.memoryLimitMb}MiB`,
    threads: String(limits.threads),
    temp_directory: folder === undefined ? "" : join(folder, "spill"),
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
    // Row numbers are positions in the file: both streams and parallel scans must keep them.
    preserve_insertion_order: "true",
  });
  try {
    const connection = await instance.connect();
    if (file !== undefined) await connection.run(`SET allowed_paths = [${sqlText(file)}]`);
    if (folder !== undefined) await connection.run(`SET allowed_directories = [${sqlText(`${folder}/`)}]`);
    if (database !== undefined) await connection.run(`ATTACH ${sqlText(database)} AS ${ATTACHED} (READ_ONLY)`);
    await connection.run("SET enable_external_access = false");
    await connection.run("SET lock_configuration = true");
    return {
      connection,
      close() {
        connection.closeSync();
        instance.closeSync();
      },
    };
  } catch (error) {
    instance.closeSync();
    throw error;
  }
}

/**
 * DuckDB's messages quote the offending line, ids and all, so nothing but their kind ("Invalid Input Error") may become
 * the cause that is logged.
 */
export function withoutValues(error: unknown): Error {
  const text = error instanceof Error ? error.message : "";
  const kind = /^[A-Z][A-Za-z -]{2,40} Error(?=:)/.exec(text);
  // Of the system it repeats the words only; `ENOSPC` is what `isDiskFull` goes by.
  const full = FULL_DISK.test(text) ? { code: "ENOSPC" } : {};
  return Object.assign(new Error(`DuckDB: ${kind?.[0] ?? "error"}`), full);
}

/** strerror(3) of ENOSPC, EDQUOT, EROFS; and DuckDB's own bound on its temporary files. */
const FULL_DISK = /No space left on device|Disk quota exceeded|Read-only file system|max_temp_directory_size/;

/** Reading failed: typed errors pass, all others mean that the file is not what it was registered as. */
export function asFormatError(error: unknown, detail: string): EntenteError {
  if (error instanceof EntenteError) return error;
  const cause = withoutValues(error);
  if (isDiskFull(cause)) return diskError(cause);
  if (/Out of Memory/.test(cause.message))
    return new EntenteError("OVERLOADED", { detail: "the data reader's memory limit is too small", cause });
  return new EntenteError("DATASET_FORMAT", { detail, cause });
}
