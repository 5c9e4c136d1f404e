/** The second pass over a CSV file: its cells. Which records cannot be taken apart, and which columns are of numbers. */
import { EntenteError } from "../../proto/errors.ts";
import { type DataLimits, SAMPLE_ROWS } from "./limits.ts";
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
    const { counts, infinite, uncast, rejects } = await countCells(open, cells, input);
    const plain = cells.map((type, i) => type === "DOUBLE" && !infinite.has(i) && !uncast.has(i));
    if (plain.every((same, i) => same === (cells[i] === "DOUBLE"))) return { counts, plain, rejects };
    cells = plain.map((is) => (is ? "DOUBLE" : "VARCHAR"));
  }
}

async function sampledCells(open: OpenRelation, input: CellsInput): Promise<CsvCells[]> {
  const all = input.text.map((): CsvCells => "VARCHAR");
  const { counts } = await countCells(open, all, input, SAMPLE_ROWS);
  return all.map((_, i) => (!input.text[i] && counts[i]?.bad === 0 ? "DOUBLE" : "VARCHAR"));
}

interface Counted {
  readonly counts: readonly CellCount[];
  /** Columns read as DOUBLE that have an infinite number; those that have a cell which is none. */
  readonly infinite: ReadonlySet<number>;
  readonly uncast: ReadonlySet<number>;
  readonly rejects: readonly CsvReject[];
}

/** Of all columns, also where only their encoding counts. Of the first `rows` when given. */
async function countCells(
  open: OpenRelation,
  cells: readonly CsvCells[],
  { text, limits }: CellsInput,
  rows?: number,
): Promise<Counted> {
  const relation = await open(limits);
  const { connection, sql, values } = relation;
  try {
    const sums = cells.map((type, i) => {
      if (text[i]) return `count(c${i}), 0`;
      return type === "DOUBLE"
        ? `count(c${i}), count_if(isinf(c${i}))`
        : `count(${cell(i)}), count_if(${isBadCell(i)})`;
    });
    const numbers = cells.flatMap((type, i) => (text[i] || type === "DOUBLE" ? [] : [`${cellNumber(i)} AS n${i}`]));
    const limit = rows === undefined ? "" : `LIMIT ${rows}`;
    const from = `(SELECT ${["*", ...numbers].join(", ")} FROM ${sql(cells)} ${limit})`;
    const [row = []] = (await connection.runAndReadAll(`SELECT ${sums.join(", ")} FROM ${from}`, values)).getRows();
    if (rows === undefined) await relation.finish();
    const counts = cells.map((_, i) => ({ filled: Number(row[2 * i]), bad: Number(row[2 * i + 1]) }));
    const failed = await connection.runAndReadAll(
      "SELECT DISTINCT column_idx FROM reject_errors WHERE error_type::VARCHAR = 'CAST'",
    );
    const uncast = new Set(failed.getRows().map(([column]) => Number(column) - 1));
    const infinite = new Set(cells.flatMap((type, i) => (type === "DOUBLE" && counts[i]?.bad !== 0 ? [i] : [])));
    return { counts, infinite, uncast, rejects: uncast.size > 0 ? [] : await rejectsOf(relation) };
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
