/** The first two passes over a CSV file: bytes (digest, records, line ends), then cells (broken rows, numeric columns). */
import { EntenteError } from "../../proto/errors.ts";
import type { Digest } from "../../proto/ids.ts";
import { type CsvDialect, type CsvHeader, type Delimiter, proposeDialect } from "./csv-dialect.ts";
import { lastAtMost, type RecordMap, RecordScanner } from "./csv-records.ts";
import { columnIndex } from "./dataset.ts";
import { asFormatError, openDuckDb } from "./duckdb.ts";
import { type DataLimits, MAX_HEADER_BYTES, NUMERIC_SHARE } from "./limits.ts";
import type { RowReason } from "./rejection.ts";
import { digestFile, readHead } from "./source.ts";
import type { Survey, SurveyOptions } from "./survey.ts";
import { cell, csvSource, type DatasetColumn, isBadCell } from "./table.ts";

export interface CsvSurveyOptions extends SurveyOptions {
  readonly delimiter?: Delimiter;
  readonly columnTypes?: Readonly<Record<string, "number" | "text">>;
}

/** Throws DATASET_FORMAT, DATASET_EMPTY or DATASET_COLUMN_UNKNOWN. */
export async function surveyCsv(path: string, options: CsvSurveyOptions): Promise<Survey> {
  const { header, mark } = await readHeader(path, options.delimiter);
  const { dialect } = header;
  const named = header.columns.map((name) => ({ name }));
  const given = new Map(Object.entries(options.columnTypes ?? {}));
  for (const name of [options.idColumn, ...given.keys()]) columnIndex(named, name);
  const { version, scanner } = await readBytes(path, header, mark);
  const rows = scanner.records - 1;
  if (rows === 0) throw new EntenteError("DATASET_EMPTY");
  const { numeric, rejects } = await readCells(path, dialect, named.length, options.limits);
  const columns = named.map(({ name }, index): DatasetColumn => {
    if (name === options.idColumn) return { name, type: "id" };
    return { name, type: given.get(name) ?? (numeric[index] ? "number" : "text") };
  });
  const { map } = scanner;
  return {
    version,
    table: { format: "csv", dialect, columns },
    rows,
    broken: rejects.map(({ readerLine, reason }) => ({ line: map.lineOf(map.recordOf(readerLine)), reason })),
    lineOf: linesOfGoodRows(map, rejects),
  };
}

async function readHeader(path: string, delimiter?: Delimiter): Promise<{ header: CsvHeader; mark: 0 | 3 }> {
  const head = await readHead(path, MAX_HEADER_BYTES + 3);
  // A NUL byte is in no text: this is a Parquet file, a workbook, an archive, or UTF-16.
  if (head.includes(0)) throw new EntenteError("DATASET_FORMAT", { detail: "the file is binary, not UTF-8 text" });
  const mark = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
  const header = proposeDialect(head.subarray(mark), delimiter);
  if (header === undefined) throw new EntenteError("DATASET_EMPTY");
  return { header, mark };
}

async function readBytes(
  path: string,
  { dialect, columns }: CsvHeader,
  mark: number,
): Promise<{ version: Digest; scanner: RecordScanner }> {
  const scanner = new RecordScanner(dialect, columns.length);
  let skip = mark;
  const version = await digestFile(path, (chunk) => {
    if (chunk.includes(0)) throw new EntenteError("DATASET_FORMAT", { detail: "the file holds a NUL byte" });
    scanner.update(chunk.subarray(skip));
    skip = 0;
  });
  scanner.finish();
  return { version, scanner };
}

interface Reject {
  readonly readerLine: number;
  readonly reason: RowReason;
}

/** DuckDB's kinds of error that a table of text columns can have. After any other the file is refused. */
const REASONS: Readonly<Record<string, RowReason>> = {
  "MISSING COLUMNS": "row-too-few-columns",
  "TOO MANY COLUMNS": "row-too-many-columns",
  "UNQUOTED VALUE": "row-quote-broken",
  "LINE SIZE OVER MAXIMUM": "row-too-long",
  "INVALID ENCODING": "row-not-utf8",
};

async function readCells(
  path: string,
  dialect: CsvDialect,
  columnCount: number,
  limits: DataLimits,
): Promise<{ numeric: boolean[]; rejects: Reject[] }> {
  const db = await openDuckDb({ file: path }, limits);
  try {
    const counts = Array.from({ length: columnCount }, (_, i) => [`count(${cell(i)})`, `count_if(${isBadCell(i)})`]);
    const query = `SELECT ${counts.flat().join(", ")} FROM ${csvSource(dialect, columnCount)}`;
    const [row = []] = (await db.connection.runAndReadAll(query, [path])).getRows();
    const numeric = counts.map((_, i) => {
      const filled = Number(row[2 * i]);
      return filled > 0 && filled - Number(row[2 * i + 1]) >= filled * NUMERIC_SHARE;
    });
    // A line may break more than one rule; the first counts.
    const errors = await db.connection.runAndReadAll(
      "SELECT line, arg_min(error_type::VARCHAR, byte_position) FROM reject_errors GROUP BY line ORDER BY line",
    );
    const rejects = errors.getRows().map(([line, kind]) => {
      const reason = REASONS[String(kind)];
      if (reason === undefined)
        throw new EntenteError("DATASET_FORMAT", { detail: `a line breaks the reader: ${kind}` });
      return { readerLine: Number(line), reason };
    });
    return { numeric, rejects };
  } catch (error) {
    throw asFormatError(error, "the cells cannot be told apart");
  } finally {
    db.close();
  }
}

/** The n-th good row is the n-th record that is neither the header nor rejected. */
function linesOfGoodRows(map: RecordMap, rejects: readonly Reject[]): (row: number) => number {
  const goodBefore = rejects.map(({ readerLine }, index) => map.recordOf(readerLine) - 1 - index);
  return (row) => map.lineOf(row + 1 + lastAtMost(goodBefore, row) + 1);
}
