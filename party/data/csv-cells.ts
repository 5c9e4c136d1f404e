/** The second pass over a CSV file: its cells. Which records cannot be taken apart, and which columns are of numbers. */
import { EntenteError } from "../../proto/errors.ts";
import type { CsvDialect } from "./csv-dialect.ts";
import { asFormatError, type DuckDb, openDuckDb } from "./duckdb.ts";
import { type DataLimits, NUMERIC_SHARE, SAMPLE_ROWS } from "./limits.ts";
import type { RowReason } from "./rejection.ts";
import { type CsvCells, cell, cellNumber, csvSource, isBadCell } from "./table.ts";

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
  "INVALID ENCODING": "row-not-utf8",
};

export interface Cells {
  /** By column: whether it is one of numbers, and whether DuckDB may read it as such. */
  readonly numeric: readonly boolean[];
  readonly plain: readonly boolean[];
  readonly rejects: readonly CsvReject[];
}

interface CellsInput {
  readonly dialect: CsvDialect;
  /** By column: the id, and what is known to be text. */
  readonly text: readonly boolean[];
  readonly limits: DataLimits;
}

/**
 * Columns whose first rows are plain numbers are read as DOUBLE, the others as text; where DuckDB then meets a cell in all
 * of the file that it cannot take, or an infinite number, the columns concerned are text in the next pass. So what is
 * plain was read as such once, and the outcome is that of reading all as text, at a quarter of the cost for most files.
 * Throws DATASET_FORMAT.
 */
export async function readCells(path: string, input: CellsInput): Promise<Cells> {
  const { text } = input;
  try {
    const all = text.map((): CsvCells => "VARCHAR");
    const sample = await countCells(path, all, input, SAMPLE_ROWS);
    let cells = all.map((_, i): CsvCells => (!text[i] && sample.counts[i]?.bad === 0 ? "DOUBLE" : "VARCHAR"));
    for (;;) {
      const { counts, infinite, uncast, rejects } = await countCells(path, cells, input);
      const plain = cells.map((type, i) => type === "DOUBLE" && !infinite.has(i) && !uncast.has(i));
      if (plain.every((same, i) => same === (cells[i] === "DOUBLE"))) {
        const numeric = counts.map(
          ({ filled, bad }, i) => filled > 0 && !text[i] && filled - bad >= filled * NUMERIC_SHARE,
        );
        return { numeric, plain, rejects };
      }
      cells = plain.map((is) => (is ? "DOUBLE" : "VARCHAR"));
    }
  } catch (error) {
    throw asFormatError(error, "the cells cannot be told apart");
  }
}

interface Counted {
  /** By column, over the rows that can be told apart: cells that are not blank, and those that are no finite number. */
  readonly counts: readonly { readonly filled: number; readonly bad: number }[];
  /** Columns read as DOUBLE that have an infinite number; those that have a cell which is none. */
  readonly infinite: ReadonlySet<number>;
  readonly uncast: ReadonlySet<number>;
  readonly rejects: readonly CsvReject[];
}

/** Of all columns, also where only their encoding counts. Of the first `rows` when given. */
async function countCells(
  path: string,
  cells: readonly CsvCells[],
  { dialect, text, limits }: CellsInput,
  rows?: number,
): Promise<Counted> {
  const db = await openDuckDb({ file: path }, limits);
  try {
    const sums = cells.map((type, i) => {
      if (text[i]) return `count(c${i}), 0`;
      return type === "DOUBLE"
        ? `count(c${i}), count_if(isinf(c${i}))`
        : `count(${cell(i)}), count_if(${isBadCell(i)})`;
    });
    const numbers = cells.flatMap((type, i) => (text[i] || type === "DOUBLE" ? [] : [`${cellNumber(i)} AS n${i}`]));
    const limit = rows === undefined ? "" : `LIMIT ${rows}`;
    const from = `(SELECT ${["*", ...numbers].join(", ")} FROM ${csvSource(dialect, cells)} ${limit})`;
    const [row = []] = (await db.connection.runAndReadAll(`SELECT ${sums.join(", ")} FROM ${from}`, [path])).getRows();
    const counts = cells.map((_, i) => ({ filled: Number(row[2 * i]), bad: Number(row[2 * i + 1]) }));
    const failed = await db.connection.runAndReadAll(
      "SELECT DISTINCT column_idx FROM reject_errors WHERE error_type::VARCHAR = 'CAST'",
    );
    const uncast = new Set(failed.getRows().map(([column]) => Number(column) - 1));
    const infinite = new Set(cells.flatMap((type, i) => (type === "DOUBLE" && counts[i]?.bad !== 0 ? [i] : [])));
    return { counts, infinite, uncast, rejects: uncast.size > 0 ? [] : await rejectsOf(db) };
  } finally {
    db.close();
  }
}

/** A line may break more than one rule; the first counts. Throws DATASET_FORMAT on a kind that is not known here. */
async function rejectsOf({ connection }: DuckDb): Promise<CsvReject[]> {
  const errors = await connection.runAndReadAll(
    "SELECT line, arg_min(error_type::VARCHAR, byte_position) FROM reject_errors GROUP BY line ORDER BY line",
  );
  return errors.getRows().map(([line, kind]) => {
    const reason = REASONS[String(kind)];
    if (reason === undefined) throw new EntenteError("DATASET_FORMAT", { detail: `a line breaks the reader: ${kind}` });
    return { readerLine: Number(line), reason };
  });
}
