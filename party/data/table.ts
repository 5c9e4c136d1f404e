/**
 * One SQL shape for all sources: of text cells (CSV, PostgreSQL) a table whose columns are c0, c1, ... in their order; of typed
 * ones (Parquet, DuckDB) one whose names stand in statements as quoted identifiers alone. A path is a bound parameter, $1.
 */
import type { NormaliserName } from "../../proto/agreement/fields.ts";
import type { LabelColumn } from "../../proto/agreement/label-columns.ts";
import { idColumns } from "./cells.ts";
import type { CsvDialect } from "./csv-dialect.ts";
import { sqlName, sqlText } from "./duckdb.ts";
import { MAX_BROKEN_LINES, MAX_LINE_BYTES } from "./limits.ts";

/** What a job may use a column for: `id`, features are `number`; `other` are dates, blobs and nested values. */
export type ColumnType = "id" | "number" | "text" | "other";

export interface DatasetColumn {
  readonly name: string;
  readonly type: ColumnType;
  /**
   * Of a CSV's numbers: every cell is empty or a finite number that DuckDB's reader takes, so that it may read the column
   * as DOUBLE itself, at a quarter of the cost of text and a cast. Found out by having it do so: see `csv-cells.ts`.
   */
  readonly plain?: true;
}

export interface DatasetTable {
  readonly cells: "text" | "typed";
  readonly columns: readonly DatasetColumn[];
}

const LINE_END_SQL = { "\n": "'\\n'", "\r\n": "'\\r\\n'" } as const;

/** What DuckDB reads the cells of a CSV column as. */
export type CsvCells = "VARCHAR" | "DOUBLE";

/**
 * Every option is given, none detected. Cells are read as text unless all are known to be plain numbers: what is a number
 * is decided here, with a reason for each row that breaks. Broken lines go to DuckDB's table `reject_errors` in jobs too,
 * where nobody reads it: with `ignore_errors` instead, DuckDB 1.5.5 stops without a word at the first broken quote. Strict
 * mode is its default and not named, since naming it loses rows that have a line end in quotes.
 */
export function csvSource(dialect: CsvDialect, cells: readonly CsvCells[]): string {
  const columns = cells.map((type, i) => `'c${i}': '${type}'`).join(", ");
  const quote = sqlText(dialect.quote);
  return `read_csv($1, auto_detect = false, header = true, columns = {${columns}},
    delim = ${sqlText(dialect.delimiter)}, quote = ${quote}, escape = ${quote}, new_line = ${LINE_END_SQL[dialect.lineEnd]},
    skip = ${dialect.skipLines}, encoding = 'utf-8', compression = 'none', null_padding = false,
    max_line_size = ${MAX_LINE_BYTES}, hive_partitioning = false, filename = false,
    store_rejects = true, rejects_limit = ${MAX_BROKEN_LINES})`;
}

export const PARQUET_SOURCE = "read_parquet($1, hive_partitioning = false, filename = false)";

/** A CSV cell without the white space around it; NULL when blank. */
export function cell(index: number): string {
  return `nullif(trim(c${index}), '')`;
}

/**
 * A CSV cell as a double, NULL when it is blank or none. A cast that fails costs 0.5 us, so what cannot be a number by its
 * first character is not tried: those that can are white space, + - . digits, and the first of inf and nan.
 */
export function cellNumber(index: number): string {
  const text = `trim(c${index})`;
  const first = `ascii(${text})`;
  return `CASE WHEN ${first} BETWEEN 43 AND 57 OR ${first} BETWEEN 9 AND 13 OR ${first} IN (73, 78, 105, 110)
    THEN TRY_CAST(${text} AS DOUBLE) END`;
}

/** A CSV cell that is not blank and not a finite number, beside its `cellNumber` as n0, n1, ... NaN reads as missing. */
export function isBadCell(index: number): string {
  return `coalesce(isinf(n${index}), ${cell(index)} IS NOT NULL)`;
}

const NAN = "'nan'::DOUBLE";

/**
 * A column in the scope of `rowsQuery`: its cells as doubles, if it is of numbers, and as text. Of typed cells only the
 * columns of the condition and of `texts` have their text there.
 */
export function columnSql(table: DatasetTable, index: number): { readonly value: string; readonly written: string } {
  return { value: `n${index}`, written: table.cells === "text" ? cell(index) : `x${index}` };
}

/** A label and its column's place in the dataset. */
export interface PlacedLabel {
  readonly label: LabelColumn;
  readonly index: number;
}

/** SQL of a condition on a row, in the scope of `rowsQuery`, and the columns that it names. */
export interface RowCondition {
  readonly sql: string;
  readonly columns: readonly number[];
}

/** Neither true nor false: `writeBoolean` refuses it. */
const NO_BOOLEAN = "-1::DOUBLE";

/** The result columns that `LabelCells` takes, in the scope of `rowsQuery`. */
function labelColumnsSql(table: DatasetTable, labels: readonly PlacedLabel[]): string[] {
  return labels.flatMap(({ label, index }) => {
    const { value, written } = columnSql(table, index);
    if (label.type === "text") return idColumns(written);
    if (label.type === "number") return [`coalesce(${value}, ${NAN})`];
    if (table.columns[index]?.type === "number")
      return [
        `CASE WHEN ${value} IN (0, 1) THEN ${value} WHEN ${value} IS NULL OR isnan(${value}) THEN ${NAN}
        ELSE ${NO_BOOLEAN} END`,
      ];
    return [
      `CASE WHEN ${written} IS NULL THEN ${NAN} WHEN lower(${written}) IN ('true', '1') THEN 1::DOUBLE
      WHEN lower(${written}) IN ('false', '0') THEN 0::DOUBLE ELSE ${NO_BOOLEAN} END`,
    ];
  });
}

/** A column that is an id or a part of one. */
export interface PlacedId {
  readonly index: number;
  readonly normaliser: NormaliserName;
}

export interface RowsShape {
  /** The columns that are the id together, in order. */
  readonly ids: readonly PlacedId[];
  readonly features: readonly number[];
  /** Of features that are text: the texts that are told apart. */
  readonly texts?: ReadonlyMap<number, readonly string[]>;
  /** A row that does not meet it is left out. */
  readonly condition?: RowCondition;
  /** Each another column of doubles behind the features: 1 or 0. */
  readonly marks?: readonly RowCondition[];
  /** Columns whose values are read as labels. */
  readonly labels?: readonly PlacedLabel[];
}

/**
 * Columns: those of `idColumns` for each part of the id, the 1-based position among `columns` of the first number that is broken (0: none), then
 * one double per feature, NaN for a missing value (of a text its place among `texts`, -1 for any other), one per mark, then
 * 1 or 0 where there is a condition: a row that does not meet it is still read; then those of `labelColumnsSql`. Whether a
 * row is broken never depends on what is asked for. `relation`: the source in SQL, of text with cells of those types.
 */
export function rowsQuery(
  table: DatasetTable,
  shape: RowsShape,
  relation: (cells: readonly CsvCells[]) => string,
): string {
  const { ids, features, texts, condition, marks = [], labels = [] } = shape;
  const written = new Set([
    ...(condition?.columns ?? []),
    ...marks.flatMap(({ columns }) => columns),
    ...(texts?.keys() ?? []),
    ...labels.filter(({ label }) => label.type === "text").map(({ index }) => index),
  ]);
  const numbers = table.columns.flatMap(({ type }, index) => (type === "number" ? [index] : []));
  const suspects = numbers.filter((index) => table.columns[index]?.plain !== true);
  const value = (index: number) => columnSql(table, index).value;
  const bad = (index: number) => (table.cells === "text" ? isBadCell(index) : `coalesce(isinf(n${index}), false)`);
  const broken =
    suspects.length === 0 ? "0" : `CASE ${suspects.map((i) => `WHEN ${bad(i)} THEN ${i + 1}`).join(" ")} ELSE 0 END`;
  const placeOf = (index: number, known: readonly string[]) => {
    const { written } = columnSql(table, index);
    const places = known.map((text, place) => `WHEN ${written} = ${sqlText(text)} THEN ${place}`);
    return `CAST(CASE WHEN ${written} IS NULL THEN ${NAN} ${places.join(" ")} ELSE -1 END AS DOUBLE)`;
  };
  const wanted = features.map((i) => {
    const known = texts?.get(i);
    return `${known === undefined ? `coalesce(${value(i)}, ${NAN})` : placeOf(i, known)} AS f${i}`;
  });
  const passes = condition === undefined ? [] : [`CASE WHEN ${condition.sql} THEN 1 ELSE 0 END AS passes`];
  const marked = marks.map(({ sql }, j) => `CASE WHEN ${sql} THEN 1::DOUBLE ELSE 0::DOUBLE END AS m${j}`);
  const asked = [...wanted, ...marked, ...passes, ...labelColumnsSql(table, labels)];
  const selected = [...ids.flatMap((_, k) => idColumns(`id${k}`)), `${broken} AS broken`, ...asked];
  if (table.cells === "text") {
    // The last column names all cells, and hardly ever looks at the second: DuckDB checks the encoding of the columns that
    // a query asks for, no others, and a row must not be good in one query and bad in the next.
    const all = `coalesce(${table.columns.map((_, i) => `c${i}::VARCHAR`).join(", ")}) IS NULL`;
    const cells = table.columns.map(({ plain }, i) => (plain === true && !written.has(i) ? "DOUBLE" : "VARCHAR"));
    const doubles = numbers.map((i) => `${cells[i] === "DOUBLE" ? `c${i}` : cellNumber(i)} AS n${i}`);
    const inner = ["*", ...ids.map(({ index }, k) => `c${index} AS id${k}`), ...doubles];
    const from = `(SELECT ${inner.join(", ")} FROM ${relation(cells)})`;
    return `SELECT ${[...selected, all].join(", ")} FROM ${from}`;
  }
  const cast = (index: number, type: string) => `CAST(${sqlName(table.columns[index]?.name ?? "")} AS ${type})`;
  const doubles = numbers.map((i) => `${cast(i, "DOUBLE")} AS n${i}`);
  const asText = [...new Set([...written, ...labels.map(({ index }) => index)])].map(
    (i) => `${cast(i, "VARCHAR")} AS x${i}`,
  );
  const all = [...ids.map(({ index }, k) => `${cast(index, "VARCHAR")} AS id${k}`), ...doubles, ...asText];
  return `SELECT ${selected.join(", ")} FROM (SELECT ${all.join(", ")} FROM ${relation([])})`;
}
