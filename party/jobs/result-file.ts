/** A job's result as a file for the bank's other tools: CSV or Parquet, one row a person, columns typed, whole or not at all. */
import { dirname } from "node:path";
import type { DuckDBAppender } from "@duckdb/node-api";
import type { LabelColumn } from "../../proto/agreement/label-columns.ts";
import type { LabelValue } from "../../proto/codec/labels.ts";
import { diskError } from "../../proto/ports/disk-error.ts";
import { openDuckDb, sqlName, sqlText, withoutValues } from "../data/duckdb.ts";
import { DEFAULT_LIMITS } from "../data/limits.ts";
import { LineWriter, writeWhole } from "../data/private-file.ts";
import { csvField } from "../tags/export.ts";
import type { ResultRow } from "./results.ts";

export interface ResultShape {
  /** Of a score; an audience has neither tier nor score. */
  readonly isScore: boolean;
  readonly labels: readonly LabelColumn[];
}

export interface ResultFile extends ResultShape {
  readonly format: "csv" | "parquet";
  /** Replaced when it exists. */
  readonly path: string;
  /** Of CSV: a label's text that a spreadsheet would run as a formula gets an apostrophe before it. Off by default, as programs
   * want the exact value. The subject never gets one: every telephone number begins with '+'. */
  readonly forSpreadsheet?: boolean;
}

interface FileColumn {
  readonly name: string;
  readonly type: LabelColumn["type"];
}

const SQL_TYPE = { number: "DOUBLE", boolean: "BOOLEAN", text: "VARCHAR" } as const;

/** A label is `label_` and its name, so that none can pass for one of the others. */
function columnsOf({ isScore, labels }: ResultShape): readonly FileColumn[] {
  const subject: FileColumn = { name: "subject", type: "text" };
  const scored: FileColumn[] = [
    { name: "tier", type: "text" },
    { name: "score", type: "number" },
  ];
  return [subject, ...(isScore ? scored : []), ...labels.map(({ name, type }) => ({ name: `label_${name}`, type }))];
}

/** Those of the own side. */
function ownCellsOf({ isScore }: ResultShape, { subject, tier, score }: ResultRow): readonly LabelValue[] {
  return [subject, ...(isScore ? [tier, score] : [])];
}

/** Writes all rows and resolves with their number. Mode 0600. Throws STORAGE_FAILED, or what `rows` threw; the file is then as
 * it was. */
export async function writeResult(rows: AsyncIterable<ResultRow>, file: ResultFile): Promise<number> {
  let count = 0;
  await writeWhole(file.path, async (temporary) => {
    count = await (file.format === "csv" ? writeCsv : writeParquet)(rows, temporary, file);
  });
  return count;
}

/** RFC 4180; a missing value is an empty cell, and so is an empty text. */
async function writeCsv(rows: AsyncIterable<ResultRow>, path: string, file: Omit<ResultFile, "path">): Promise<number> {
  const writer = await LineWriter.create(path);
  // The partner chose a label's text. A number is none that a program runs.
  const fieldOf = (cell: LabelValue, isLabel: boolean) =>
    cell === null ? "" : csvField(String(cell), isLabel && typeof cell === "string" && file.forSpreadsheet === true);
  const line = (own: readonly LabelValue[], labels: readonly LabelValue[] = []) =>
    `${[...own.map((cell) => fieldOf(cell, false)), ...labels.map((cell) => fieldOf(cell, true))].join(",")}\r\n`;
  let count = 0;
  try {
    await writer.write(line(columnsOf(file).map(({ name }) => name)));
    for await (const row of rows) {
      await writer.write(line(ownCellsOf(file, row), row.labels));
      count++;
    }
  } finally {
    await writer.close();
  }
  return count;
}

function append(appender: DuckDBAppender, cells: readonly LabelValue[]): void {
  for (const cell of cells) {
    if (cell === null) appender.appendNull();
    else if (typeof cell === "number") appender.appendDouble(cell);
    else if (typeof cell === "boolean") appender.appendBoolean(cell);
    else appender.appendVarchar(cell);
  }
  appender.endRow();
}

/** DuckDB's failures here are those of disk and memory, and their texts may quote values. */
async function orStorageError<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskError(withoutValues(error));
  }
}

async function writeParquet(rows: AsyncIterable<ResultRow>, path: string, shape: ResultShape): Promise<number> {
  const db = await openDuckDb({ folder: dirname(path) }, DEFAULT_LIMITS);
  const columns = columnsOf(shape).map(({ name, type }) => `${sqlName(name)} ${SQL_TYPE[type]}`);
  let count = 0;
  try {
    await db.connection.run(`CREATE TABLE result (${columns.join(", ")})`);
    const appender = await db.connection.createAppender("result");
    for await (const row of rows) {
      await orStorageError(() => append(appender, [...ownCellsOf(shape, row), ...row.labels]));
      count++;
    }
    await orStorageError(async () => {
      appender.closeSync();
      await db.connection.run(`COPY result TO ${sqlText(path)} (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)`);
    });
  } finally {
    db.close();
  }
  return count;
}
