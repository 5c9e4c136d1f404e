/**
 * One SQL shape for both formats: a table whose columns are c0, c1, ... in file order, so that no name out of a file is
 * ever part of a statement but as a quoted identifier of a Parquet column. The path is a bound parameter, $1.
 */

import { idColumns } from "./cells.ts";
import type { CsvDialect } from "./csv-dialect.ts";
import { sqlName } from "./duckdb.ts";
import { MAX_BROKEN_LINES, MAX_LINE_BYTES } from "./limits.ts";

/** What a job may use a column for: `id`, features are `number`; `other` are dates, blobs and nested values. */
export type ColumnType = "id" | "number" | "text" | "other";

export interface DatasetColumn {
  readonly name: string;
  readonly type: ColumnType;
}

export type FileTable =
  | { readonly format: "csv"; readonly dialect: CsvDialect; readonly columns: readonly DatasetColumn[] }
  | { readonly format: "parquet"; readonly columns: readonly DatasetColumn[] };

const DELIMITER_SQL = { ",": "','", ";": "';'", "\t": "'\\t'", "|": "'|'" } as const;
const LINE_END_SQL = { "\n": "'\\n'", "\r\n": "'\\r\\n'" } as const;

/**
 * Every option is given, none detected, and all cells are read as text: what is a number is decided here, with a reason
 * for each row that breaks. Broken lines go to DuckDB's table `reject_errors` in jobs too, where nobody reads it: with
 * `ignore_errors` instead, DuckDB 1.5.5 stops without a word at the first broken quote. Strict mode is its default and
 * not named, since naming it loses rows that have a line end in quotes.
 */
export function csvSource(dialect: CsvDialect, columnCount: number): string {
  const columns = Array.from({ length: columnCount }, (_, i) => `'c${i}': 'VARCHAR'`).join(", ");
  return `read_csv($1, auto_detect = false, header = true, columns = {${columns}},
    delim = ${DELIMITER_SQL[dialect.delimiter]}, quote = '"', escape = '"', new_line = ${LINE_END_SQL[dialect.lineEnd]},
    skip = ${dialect.skipLines}, encoding = 'utf-8', compression = 'none', null_padding = false,
    max_line_size = ${MAX_LINE_BYTES}, hive_partitioning = false, filename = false,
    store_rejects = true, rejects_limit = ${MAX_BROKEN_LINES})`;
}

export const PARQUET_SOURCE = "read_parquet($1, hive_partitioning = false, filename = false)";

/** A CSV cell without the white space around it; NULL when blank. */
export function cell(index: number): string {
  return `nullif(trim(c${index}), '')`;
}

/** A CSV cell that is not blank and not a finite number. NaN reads as missing. */
export function isBadCell(index: number): string {
  const number = `TRY_CAST(${cell(index)} AS DOUBLE)`;
  return `(${cell(index)} IS NOT NULL AND (${number} IS NULL OR isinf(${number})))`;
}

const NAN = "'nan'::DOUBLE";

/**
 * Columns: those of `idColumns`, the 1-based position among `columns` of the first number that is broken (0: none), then
 * one double per feature, NaN for a missing value. Whether a row is broken never depends on which features are asked for.
 */
export function rowsQuery(table: FileTable, idIndex: number, features: readonly number[]): string {
  const numbers = table.columns.flatMap(({ type }, index) => (type === "number" ? [index] : []));
  const value = (index: number) => (table.format === "csv" ? `TRY_CAST(${cell(index)} AS DOUBLE)` : `n${index}`);
  const bad = (index: number) => (table.format === "csv" ? isBadCell(index) : `coalesce(isinf(n${index}), false)`);
  const broken =
    numbers.length === 0 ? "0" : `CASE ${numbers.map((i) => `WHEN ${bad(i)} THEN ${i + 1}`).join(" ")} ELSE 0 END`;
  const wanted = features.map((i) => `coalesce(${value(i)}, ${NAN}) AS f${i}`);
  const selected = [...idColumns("id"), `${broken} AS broken`, ...wanted];
  if (table.format === "csv") {
    // All cells stay in the result, unread: DuckDB checks the encoding of the columns that a query asks for, no others,
    // and a row must not be good in one query and bad in the next.
    const all = table.columns.map((_, i) => `c${i}`);
    const source = csvSource(table.dialect, table.columns.length);
    return `SELECT ${[...selected, ...all].join(", ")} FROM (SELECT *, c${idIndex} AS id FROM ${source})`;
  }
  const id = `CAST(${sqlName(table.columns[idIndex]?.name ?? "")} AS VARCHAR) AS id`;
  const doubles = numbers.map((i) => `CAST(${sqlName(table.columns[i]?.name ?? "")} AS DOUBLE) AS n${i}`);
  return `SELECT ${selected.join(", ")} FROM (SELECT ${[id, ...doubles].join(", ")} FROM ${PARQUET_SOURCE})`;
}
