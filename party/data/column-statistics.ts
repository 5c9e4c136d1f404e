/** What stands in the columns of a source, in one pass of DuckDB's at constant memory. */
import { sqlName } from "./duckdb.ts";
import type { DataLimits } from "./limits.ts";
import type { Survey, SurveyedPart } from "./survey.ts";
import { cell, cellNumber, type DatasetTable } from "./table.ts";

export interface ColumnStatistics {
  readonly name: string;
  readonly type: string;
  /** Rows whose cell is not blank; of numbers, finite ones. */
  readonly filled: number;
  readonly nulls: number;
  /** An estimate (HyperLogLog, some percent off); of several files at least so many, and no more than their sum. */
  readonly distinct: number;
  /** All rows have the same value, or none has one: nothing can be learnt from it. */
  readonly isConstant: boolean;
  /** Of numbers, when there are any. */
  readonly numbers?: { readonly min: number; readonly max: number; readonly mean: number };
}

/** Of one part. `least` and `most` are values of the data: they are compared and go nowhere. */
interface PartStatistics {
  readonly filled: number;
  readonly distinct: number;
  readonly least: unknown;
  readonly most: unknown;
  readonly sum: number;
}

const PER_COLUMN = 5;

/** Over the rows that can be told apart, usable or not. Throws DATASET_FORMAT and the errors of the source. */
export async function columnStatistics({ table, parts }: Survey, limits: DataLimits): Promise<ColumnStatistics[]> {
  let rows = 0;
  const byPart: PartStatistics[][] = [];
  for (const part of parts) {
    const [count, ...values] = await aggregates(table, part, limits);
    rows += Number(count);
    byPart.push(table.columns.map((_, i) => partStatistics(values.slice(PER_COLUMN * i, PER_COLUMN * (i + 1)))));
  }
  return table.columns.map(({ name, type }, i) => {
    const ofParts = byPart.map((columns) => columns[i] as PartStatistics).filter((part) => part.filled > 0);
    const filled = ofParts.reduce((sum, part) => sum + part.filled, 0);
    const [first] = ofParts;
    const isOneValue = ofParts.every((part) => part.least === first?.least && part.most === first?.least);
    const distinct = isOneValue ? Math.min(filled, 1) : Math.max(2, ...ofParts.map((part) => part.distinct));
    return {
      ...{ name, type, filled, nulls: rows - filled, distinct },
      isConstant: isOneValue && (filled === 0 || filled === rows),
      ...(type === "number" && filled > 0 ? { numbers: numbersOf(ofParts, filled) } : {}),
    };
  });
}

function partStatistics([filled, distinct, least, most, sum]: readonly unknown[]): PartStatistics {
  // An estimate may be above what there can be.
  return {
    filled: Number(filled),
    distinct: Math.min(Number(distinct), Number(filled)),
    least,
    most,
    sum: Number(sum),
  };
}

function numbersOf(parts: readonly PartStatistics[], filled: number): NonNullable<ColumnStatistics["numbers"]> {
  const sum = parts.reduce((total, part) => total + part.sum, 0);
  return {
    min: Math.min(...parts.map(({ least }) => Number(least))),
    max: Math.max(...parts.map(({ most }) => Number(most))),
    mean: sum / filled,
  };
}

/** Number of rows, then filled, distinct, least, most and sum of each column. */
async function aggregates(
  table: DatasetTable,
  { open }: SurveyedPart,
  limits: DataLimits,
): Promise<readonly unknown[]> {
  const relation = await open(limits);
  const { connection, sql, values } = relation;
  try {
    const cells = table.columns.map(({ plain }) => (plain === true ? "DOUBLE" : "VARCHAR"));
    const shown = table.columns.map(({ type }, i) => `${valueSql(table, i)} AS v${i}${type === "number" ? "n" : "t"}`);
    const sums = table.columns.map(({ type }, i) => {
      const [value, sum] = type === "number" ? [`v${i}n`, `sum(v${i}n)`] : [`v${i}t`, "0"];
      return `count(${value}), approx_count_distinct(${value}), min(${value}), max(${value}), ${sum}`;
    });
    const query = `SELECT ${["count(*)", ...sums].join(", ")} FROM (SELECT ${shown.join(", ")} FROM ${sql(cells)})`;
    const [row = []] = (await connection.runAndReadAll(query, values)).getRows();
    await relation.finish();
    return row;
  } catch (error) {
    throw relation.failed(error, "the columns cannot be read");
  } finally {
    await relation.close();
  }
}

/** NULL where a cell is blank, or a number is none. */
function valueSql({ cells, columns }: DatasetTable, index: number): string {
  const { type, plain, name } = columns[index] ?? {};
  const finite = (number: string) => `CASE WHEN isfinite(${number}) THEN ${number} END`;
  if (cells === "typed") {
    const cast = (to: string) => `CAST(${sqlName(name ?? "")} AS ${to})`;
    return type === "number" ? finite(cast("DOUBLE")) : cast("VARCHAR");
  }
  if (type !== "number") return cell(index);
  return finite(plain === true ? `c${index}` : cellNumber(index));
}
