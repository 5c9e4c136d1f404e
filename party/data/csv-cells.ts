/** The second pass over a CSV file: its cells. Which records cannot be taken apart, and which columns are of numbers. */
import { EntenteError } from "../../proto/errors.ts";
import { COUNTED_COLUMNS, type DataLimits, SAMPLE_CELLS } from "./limits.ts";
import type { RowReason } from "./rejection.ts";
import type { OpenRelation, Relation } from "./relation.ts";
import { type CsvCells, cell, cellNumber, isBadCell } from "./table.ts";

/** A record that the reader cannot take apart. */
export interface CsvReject {
  /** As DuckDB counts lines; see `RecordMap`. */
  readonly readerLine: number;
  readonly reason: RowReason;
}

/** DuckDB's kinds of error that a table of text columns can have. After any other the file is refused. */
const REASONS: Readonly<Record<string, RowReason>> = {
  "MISSING COLUMNS": "row-too-few-columns",
  "TOO MANY COLUMNS": "row-too-many-columns",
  "UNQUOTED VALUE": "row-quote-broken",
  "LINE SIZE OVER MAXIMUM": "row-too-long",
  "INVALID ENCODING": "row-encoding",
};

/** Blank, or what may be a number; whether it is one is for DuckDB to say. */
const NUMBER_LIKE = /^\s*(?:[+-]?[\d.][\d._]*(?:e[+-]?\d+)?|nan)?\s*$/i;

/** Of a column, over the rows that can be told apart: cells that are not blank, and those that are no finite number. */
export interface CellCount {
  readonly filled: number;
  readonly bad: number;
}

export interface Cells {
  readonly counts: readonly CellCount[];
  /** By column: whether DuckDB may read it as numbers. */
  readonly plain: readonly boolean[];
  readonly rejects: readonly CsvReject[];
}

export interface CellsInput {
  /** By column: the id, and what is known to be text. */
  readonly text: readonly boolean[];
  /** By column, where the source says it: what to read them as, instead of looking at the first rows. */
  readonly cells?: readonly CsvCells[];
  readonly limits: DataLimits;
}

/**
 * Columns whose first rows are plain numbers are read as DOUBLE, the others as text; where DuckDB then meets a cell in all
 * of the file that it cannot take, or an infinite number, the columns concerned are text in the next pass. So what is
 * plain was read as such once, and the outcome is that of reading all as text, at a quarter of the cost for most files.
 * Throws DATASET_FORMAT.
 */
export async function readCells(open: OpenRelation, input: CellsInput): Promise<Cells> {
  let cells = input.cells ?? (await sampledCells(open, input));
  for (;;) {
    const { counts, notPlain, rejects } = await countCells(open, cells, input);
    if (notPlain.size === 0) return { counts, plain: cells.map((type) => type === "DOUBLE"), rejects };
    cells = cells.map((type, i) => (notPlain.has(i) ? "VARCHAR" : type));
  }
}

/** By the first rows, fewer of wide tables: a guess that costs nothing beside the pass that it spares. */
async function sampledCells(open: OpenRelation, { text, limits }: CellsInput): Promise<CsvCells[]> {
  const relation = await open(limits);
  try {
    const source = relation.sql(text.map(() => "VARCHAR"));
    const query = `SELECT * FROM ${source} LIMIT ${Math.ceil(SAMPLE_CELLS / text.length)}`;
    const rows = (await relation.connection.runAndReadAll(query, relation.values)).getRows();
    const isOdd = (value: unknown) => value !== null && !NUMBER_LIKE.test(String(value));
    return text.map((isText, i) => (isText || rows.some((row) => isOdd(row[i])) ? "VARCHAR" : "DOUBLE"));
  } catch (error) {
    throw relation.failed(error, "the cells cannot be told apart");
  } finally {
    await relation.close();
  }
}

interface Counted {
  readonly counts: readonly CellCount[];
  /** Columns read as DOUBLE that have a cell which is none, or an infinite number. Without any the rest is right. */
  readonly notPlain: ReadonlySet<number>;
  readonly rejects: readonly CsvReject[];
}

/** Of all columns, also where only their encoding counts; some at a time, for what DuckDB holds of each while it counts. */
async function countCells(open: OpenRelation, cells: readonly CsvCells[], input: CellsInput): Promise<Counted> {
  const counts: CellCount[] = [];
  const notPlain = new Set<number>();
  const rejects = new Map<number, CsvReject>();
  for (let first = 0; first < cells.length; first += COUNTED_COLUMNS) {
    const some = await countSome(open, cells, input, { first, end: Math.min(cells.length, first + COUNTED_COLUMNS) });
    counts.push(...some.counts);
    for (const column of some.notPlain) notPlain.add(column);
    for (const reject of some.rejects) if (!rejects.has(reject.readerLine)) rejects.set(reject.readerLine, reject);
  }
  return { counts, notPlain, rejects: [...rejects.values()].sort((a, b) => a.readerLine - b.readerLine) };
}

async function countSome(
  open: OpenRelation,
  cells: readonly CsvCells[],
  { text, limits }: CellsInput,
  { first, end }: { readonly first: number; readonly end: number },
): Promise<Counted> {
  const relation = await open(limits);
  const { connection, sql, values } = relation;
  try {
    const columns = cells.slice(first, end).map((type, j) => ({ i: first + j, isDouble: type === "DOUBLE" }));
    const sums = columns.map(({ i, isDouble }) => {
      if (text[i]) return `count(c${i}), 0`;
      return isDouble ? `count(c${i}), count_if(isinf(c${i}))` : `count(${cell(i)}), count_if(${isBadCell(i)})`;
    });
    const numbers = columns.flatMap(({ i, isDouble }) => (text[i] || isDouble ? [] : [`${cellNumber(i)} AS n${i}`]));
    const from = `(SELECT ${["*", ...numbers].join(", ")} FROM ${sql(cells)})`;
    const [row = []] = (await connection.runAndReadAll(`SELECT ${sums.join(", ")} FROM ${from}`, values)).getRows();
    await relation.finish();
    const counts = columns.map((_, j) => ({ filled: Number(row[2 * j]), bad: Number(row[2 * j + 1]) }));
    const failed = await connection.runAndReadAll(
      "SELECT DISTINCT column_idx FROM reject_errors WHERE error_type::VARCHAR = 'CAST'",
    );
    const notPlain = new Set(failed.getRows().map(([column]) => Number(column) - 1));
    for (const [j, { i, isDouble }] of columns.entries()) if (isDouble && counts[j]?.bad !== 0) notPlain.add(i);
    return { counts, notPlain, rejects: notPlain.size > 0 ? [] : await rejectsOf(relation) };
  } catch (error) {
    throw relation.failed(error, "the cells cannot be told apart");
  } finally {
    await relation.close();
  }
}

/** A line may break more than one rule; the first counts. Throws DATASET_FORMAT on a kind that is not known here. */
async function rejectsOf({ connection }: Relation): Promise<CsvReject[]> {
  const errors = await connection.runAndReadAll(
    "SELECT line, arg_min(error_type::VARCHAR, byte_position) FROM reject_errors GROUP BY line ORDER BY line",
  );
  return errors.getRows().map(([line, kind]) => {
    const reason = REASONS[String(kind)];
    if (reason === undefined) throw new EntenteError("DATASET_FORMAT", { detail: `a line breaks the reader: ${kind}` });
    return { readerLine: Number(line), reason };
  });
}
