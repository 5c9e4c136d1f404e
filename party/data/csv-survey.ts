/** The first two passes over a CSV file: bytes (digest, records, line ends), then cells (broken rows, numeric columns). */
import { EntenteError } from "../../proto/errors.ts";
import type { Digest } from "../../proto/ids.ts";
import { WAITING } from "../progress/meter.ts";
import { type CsvReject, readCells } from "./csv-cells.ts";
import { type CsvHeader, type Delimiter, proposeDialect } from "./csv-dialect.ts";
import { lastAtMost, type RecordMap, RecordScanner } from "./csv-records.ts";
import { columnIndex } from "./dataset.ts";
import { MAX_HEADER_BYTES } from "./limits.ts";
import { digestFile, fingerprintOf, readHead } from "./source.ts";
import type { Survey, SurveyOptions } from "./survey.ts";
import type { DatasetColumn } from "./table.ts";

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
  const ids = options.ids.map(({ column }) => column);
  for (const name of [...ids, ...given.keys()]) columnIndex(named, name);
  const { onProgress } = options;
  const { version, scanner } = await readBytes(path, header, mark, onProgress);
  const rows = scanner.records - 1;
  if (rows === 0) throw new EntenteError("DATASET_EMPTY");
  onProgress?.({ step: "looking at the cells", ...WAITING });
  const text = named.map(({ name }) => ids.includes(name) || given.get(name) === "text");
  const { numeric, plain, rejects } = await readCells(path, { dialect, text, limits: options.limits });
  const columns = named.map(({ name }, index): DatasetColumn => {
    if (ids.includes(name)) return { name, type: "id" };
    const type = given.get(name) ?? (numeric[index] ? "number" : "text");
    return { name, type, ...(type === "number" && plain[index] ? { plain: true } : {}) };
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
  onProgress: SurveyOptions["onProgress"],
): Promise<{ version: Digest; scanner: RecordScanner }> {
  const scanner = new RecordScanner(dialect, columns.length);
  let skip = mark;
  let done = 0;
  const { sizeBytes } = await fingerprintOf(path);
  const version = await digestFile(path, (chunk) => {
    if (chunk.includes(0)) throw new EntenteError("DATASET_FORMAT", { detail: "the file holds a NUL byte" });
    scanner.update(chunk.subarray(skip));
    skip = 0;
    done += chunk.length;
    onProgress?.({ step: "reading the file", done, total: sizeBytes, unit: "bytes" });
  });
  scanner.finish();
  return { version, scanner };
}

/** The n-th good row is the n-th record that is neither the header nor rejected. */
function linesOfGoodRows(map: RecordMap, rejects: readonly CsvReject[]): (row: number) => number {
  const goodBefore = rejects.map(({ readerLine }, index) => map.recordOf(readerLine) - 1 - index);
  return (row) => map.lineOf(row + 1 + lastAtMost(goodBefore, row) + 1);
}
