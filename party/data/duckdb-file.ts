/** A table or view in a DuckDB file, which is only ever read, and only when no other program has changes to it in hand. */
import { access } from "node:fs/promises";
import { basename } from "node:path";
import { EntenteError } from "../../proto/errors.ts";
import { invalidFile } from "./csv-dialect.ts";
import { ATTACHED, asFormatError, openDuckDb } from "./duckdb.ts";
import { digestFile, fingerprintOf } from "./file.ts";
import { findFile } from "./find-files.ts";
import type { DataLimits } from "./limits.ts";
import { tableName } from "./postgres-source.ts";
import { duckDbRelation, type OpenRelation } from "./relation.ts";
import type { TableName } from "./source.ts";
import type { Survey, SurveyOptions } from "./survey.ts";
import { surveyTyped } from "./typed-survey.ts";

const UNREADABLE = "not a DuckDB file that this version reads, or one that another program has open";

/** DuckDB's default. */
const MAIN = "main";

/** Throws DATASET_FORMAT when changes wait beside the file: they would be missing, and come into it at any time. */
export async function requireCheckpointed(path: string): Promise<void> {
  const waiting = await access(`${path}.wal`).then(
    () => true,
    () => false,
  );
  if (waiting)
    throw invalidFile(
      `changes wait in ${basename(path)}.wal: run CHECKPOINT in the program that writes it, and close it`,
    );
}

/** A view may have no order of its own: one thread gives its rows alike each time. */
export function openTable(path: string, table: TableName, isView: boolean): OpenRelation {
  return (limits) =>
    duckDbRelation(path, table, isView ? { ...limits, threads: 1 } : limits).catch((error: unknown) => {
      throw asFormatError(error, UNREADABLE);
    });
}

/** Throws DATASET_FILE_MISSING, DATASET_PLACE, DATASET_FORMAT, NOT_FOUND (table), DATASET_COLUMN_UNKNOWN, DATASET_COLUMN_TYPE. */
export async function surveyDuckDb(
  { path, table }: { readonly path: string; readonly table: string },
  options: SurveyOptions,
): Promise<Survey> {
  const file = await findFile(path, options.access.places);
  await requireCheckpointed(file.path);
  const fingerprint = await fingerprintOf(file.path);
  const digest = await digestFile(file.path);
  const { found, isView } = await findTable(file.path, table, options.limits);
  const open = openTable(file.path, found, isView);
  const { columns, part } = await surveyTyped(open, options, "the table or view cannot be read from this file alone");
  return {
    format: "duckdb",
    source: { kind: "duckdb", file: { ...file, fingerprint, digest }, table: found, isView },
    table: { cells: "typed", columns },
    parts: [{ name: file.name, open, ...part }],
  };
}

async function findTable(
  path: string,
  text: string,
  limits: DataLimits,
): Promise<{ found: TableName; isView: boolean }> {
  const [first = "", second] = tableName(text);
  const found = second === undefined ? { schema: MAIN, name: first } : { schema: first, name: second };
  const db = await openDuckDb({ database: path }, limits).catch((error: unknown) => {
    throw asFormatError(error, UNREADABLE);
  });
  try {
    const rows = await db.connection.runAndReadAll(
      `SELECT false FROM duckdb_tables() WHERE database_name = $1 AND schema_name = $2 AND table_name = $3 UNION ALL
       SELECT true FROM duckdb_views() WHERE database_name = $1 AND schema_name = $2 AND view_name = $3`,
      [ATTACHED, found.schema, found.name],
    );
    const [row] = rows.getRows();
    if (row === undefined) throw new EntenteError("NOT_FOUND", { detail: `table ${text} in ${basename(path)}` });
    return { found, isView: row[0] === true };
  } catch (error) {
    throw asFormatError(error, UNREADABLE);
  } finally {
    db.close();
  }
}
