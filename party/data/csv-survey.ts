/** The first two passes over CSV: bytes (digest, records, line ends), then cells (broken rows, numeric columns). */
import { createHash } from "node:crypto";
import { EntenteError } from "../../proto/errors.ts";
import { type Digest, digest } from "../../proto/ids.ts";
import { WAITING } from "../progress/meter.ts";
import { type CellCount, type Cells, type CsvReject, readCells } from "./csv-cells.ts";
import { type CsvDialect, type GivenDialect, invalidFile } from "./csv-dialect.ts";
import { hasByteOrderMark, utf8FromGb18030 } from "./csv-encoding.ts";
import { readHeader } from "./csv-header.ts";
import { lastAtMost, type RecordMap, RecordScanner } from "./csv-records.ts";
import { chunksOf, digestFile, whileUnchanged } from "./file.ts";
import type { FoundFile } from "./find-files.ts";
import { NUMERIC_SHARE } from "./limits.ts";
import { csvRelation, type OpenRelation } from "./relation.ts";
import type { SourcePart } from "./source.ts";
import { aboutPart, type Survey, type SurveyedPart, type SurveyOptions } from "./survey.ts";
import type { DatasetColumn } from "./table.ts";

export interface FilesToSurvey {
  readonly path: string;
  readonly files: readonly FoundFile[];
}

export interface CsvToSurvey extends FilesToSurvey {
  /** Instead of what the first rows propose. */
  readonly given: GivenDialect;
  /** Instead of what the cells propose. */
  readonly columnTypes: Readonly<Record<string, "number" | "text">>;
}

/** Throws DATASET_FORMAT, DATASET_EMPTY or DATASET_COLUMN_UNKNOWN. */
export async function surveyCsv(
  { path, files, given, columnTypes }: CsvToSurvey,
  { ids, limits, access, onProgress }: SurveyOptions,
): Promise<Survey> {
  const { dialect, columns: names } = await readHeader(files, given);
  const types = new Map(Object.entries(columnTypes));
  const idNames = ids.map(({ column }) => column);
  for (const name of [...idNames, ...types.keys()]) requireName(names, name);
  const text = names.map((name) => idNames.includes(name) || types.get(name) === "text");
  const sourceParts: SourcePart[] = [];
  const parts: SurveyedPart[] = [];
  const surveyed: Cells[] = [];
  for (const file of files)
    await aboutPart(file.name, files.length > 1, () =>
      whileUnchanged(file, async (fingerprint) => {
        const open: OpenRelation = (limits) => csvRelation(file.path, dialect, access, limits);
        const total = fingerprint.sizeBytes;
        const seen = (done: number) =>
          onProgress?.({ step: "reading-file", file: file.name, done, total, unit: "bytes" });
        const { digest, scanner } = await scan(file.path, dialect, names.length, seen);
        sourceParts.push({ ...file, fingerprint, digest });
        onProgress?.({ step: "reading-cells", file: file.name, ...WAITING });
        const cells = await readCells(open, { text, limits });
        surveyed.push(cells);
        parts.push({ name: file.name, open, ...partOf(scanner, cells) });
      }),
    );
  const columns = names.map((name, i): DatasetColumn => {
    if (idNames.includes(name)) return { name, type: "id" };
    const type = types.get(name) ?? (isNumeric(surveyed.map(({ counts }) => counts[i])) ? "number" : "text");
    const isPlain = type === "number" && surveyed.every(({ plain }) => plain[i]);
    return { name, type, ...(isPlain ? { plain: true } : {}) };
  });
  const source = { kind: "files", path, parts: sourceParts } as const;
  return { format: "csv", source, dialect, table: { cells: "text", columns }, parts };
}

/** A missing header looks like unknown columns: its cells are people's, so they are not shown. */
function requireName(names: readonly string[], wanted: string): void {
  if (names.includes(wanted)) return;
  const alike = names.find((name) => name.toLowerCase() === wanted.toLowerCase());
  const hint = alike === undefined ? "the first line that is not blank must be the header" : `the file has ${alike}`;
  throw new EntenteError("DATASET_COLUMN_UNKNOWN", { detail: `${wanted}: ${hint}` });
}

/** Of a column in all files together. */
function isNumeric(counts: readonly (CellCount | undefined)[]): boolean {
  const sum = (key: keyof CellCount) => counts.reduce((total, count) => total + (count?.[key] ?? 0), 0);
  const filled = sum("filled");
  return filled > 0 && filled - sum("bad") >= filled * NUMERIC_SHARE;
}

/** Scans a CSV for its records, without its byte order mark. Throws DATASET_FORMAT. */
export function recordScan(
  dialect: CsvDialect,
  columnCount: number,
): {
  readonly scanner: RecordScanner;
  see(chunk: Uint8Array): void;
} {
  const scanner = new RecordScanner(dialect, columnCount);
  let isFirst = true;
  return {
    scanner,
    see(chunk) {
      if (chunk.includes(0)) throw invalidFile("the file holds a NUL byte");
      scanner.update(isFirst && hasByteOrderMark(chunk) ? chunk.subarray(3) : chunk);
      isFirst = false;
    },
  };
}

async function scan(
  path: string,
  dialect: CsvDialect,
  columnCount: number,
  onBytes: (done: number) => void,
): Promise<{ digest: Digest; scanner: RecordScanner }> {
  const { scanner, see } = recordScan(dialect, columnCount);
  let done = 0;
  const count = (chunk: Uint8Array) => {
    done += chunk.length;
    onBytes(done);
  };
  let content: Digest;
  if (dialect.encoding === "utf-8")
    content = await digestFile(path, (chunk) => {
      see(chunk);
      count(chunk);
    });
  else {
    const hash = createHash("sha256");
    for await (const chunk of utf8FromGb18030(hashed(chunksOf(path), hash, count))) see(chunk);
    content = digest(hash.digest("hex"));
  }
  scanner.finish();
  return { digest: content, scanner };
}

async function* hashed(
  chunks: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
  count: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    count(chunk);
    yield chunk;
  }
}

/** What `readCells` says of a part, in the lines of its file. */
export function partOf(scanner: RecordScanner, { rejects }: Cells): Omit<SurveyedPart, "name" | "open"> {
  const { map } = scanner;
  return {
    rows: Math.max(0, scanner.records - 1),
    broken: rejects.map(({ readerLine, reason }) => ({ line: map.lineOf(map.recordOf(readerLine)), reason })),
    lines: scanner.lines,
    lineOf: linesOfGoodRows(map, rejects),
  };
}

/** The n-th good row is the n-th record that is neither the header nor rejected. */
function linesOfGoodRows(map: RecordMap, rejects: readonly CsvReject[]): (row: number) => number {
  const goodBefore = rejects.map(({ readerLine }, index) => map.recordOf(readerLine) - 1 - index);
  return (row) => map.lineOf(row + 1 + lastAtMost(goodBefore, row) + 1);
}
