/**
 * The four types of a filter's values, and how one becomes another. Nothing here can fail on a row: a value that is not
 * of the type needed is NULL, as everywhere in SQL where a value is not known.
 */
import { sqlText } from "./duckdb.ts";

/** What SQL calls DOUBLE, VARCHAR, BOOLEAN and TIMESTAMP. */
export type ValueType = "number" | "text" | "boolean" | "time";

/** An expression in SQL. */
export interface Typed {
  /** `other` is a column of another type, in SQL its text; it can only become a time. `null` becomes anything. */
  readonly type: ValueType | "other" | "null";
  readonly sql: string;
  /** Of a text constant: its text. */
  readonly constant?: string;
  /** Of a number constant that is whole: its value. */
  readonly whole?: number;
  /** Of a column: its text as the file has it. */
  readonly written?: string;
}

const SQL_TYPE = { number: "DOUBLE", text: "VARCHAR", boolean: "BOOLEAN", time: "TIMESTAMP" } as const;

/** NaN is a missing value; DuckDB would take it for the largest number. */
export function number(sql: string): Typed {
  return { type: "number", sql: `nullif(${sql}, 'nan'::DOUBLE)` };
}

/** From text, since a decimal literal is not rounded as a double is. */
export function numberConstant(value: number): Typed {
  const sql = `'${value}'::DOUBLE`;
  return Number.isInteger(value) ? { type: "number", sql, whole: value } : { type: "number", sql };
}

export function textConstant(constant: string): Typed {
  return { type: "text", sql: sqlText(constant), constant };
}

/** What values of these types are compared as: text beside another type is read as that; undefined when they have none. */
export function commonType(values: readonly Typed[]): ValueType | undefined {
  const types = new Set(values.map(({ type }) => type));
  types.delete("null");
  const fits = (...allowed: readonly Typed["type"][]) => [...types].every((type) => allowed.includes(type));
  if (fits("text")) return "text";
  if (fits("text", "number")) return "number";
  if (fits("text", "number", "boolean")) return "boolean";
  if (fits("text", "time", "other")) return "time";
  return undefined;
}

const BOOLEANS = new Set(["true", "false", "t", "f"]);
const TIME = /^(\d{4}-\d{2}-\d{2})(?:[ T](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?)?$/;

function isTime(text: string): boolean {
  const [, day] = TIME.exec(text) ?? [];
  const midnight = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(`${day}T`);
}

const IS_CONSTANT: Readonly<Record<ValueType, (text: string) => boolean>> = {
  number: (text) => /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) && Number.isFinite(Number(text)),
  text: () => true,
  boolean: (text) => BOOLEANS.has(text.toLowerCase()),
  time: isTime,
};

/** The value as `target`; undefined when its type cannot become that, or it is a constant that is none. */
export function coerced(value: Typed, target: ValueType): Typed | undefined {
  const { type, sql, constant, written } = value;
  if (type === target) return value;
  if (type === "null") return { type: target, sql: `NULL::${SQL_TYPE[target]}` };
  if (constant !== undefined && !IS_CONSTANT[target](constant)) return undefined;
  if (target === "text") return written === undefined ? undefined : { type: target, sql: written };
  if (type === "number" && target === "boolean") return { type: target, sql: `(${sql} <> 0)` };
  if (type !== "text" && !(type === "other" && target === "time")) return undefined;
  const cast = `TRY_CAST(${sql} AS ${SQL_TYPE[target]})`;
  return target === "number" ? number(cast) : { type: target, sql: cast };
}

/** SQL types that a filter may cast to. */
export const CASTS: Readonly<Record<string, (value: Typed) => Typed | undefined>> = {
  DOUBLE: (value) => coerced(value, "number"),
  INTEGER: toInteger,
  BIGINT: toInteger,
  VARCHAR: (value) => coerced(value, "text"),
  BOOLEAN: (value) => coerced(value, "boolean"),
  TIMESTAMP: (value) => coerced(value, "time"),
  DATE(value) {
    const time = coerced(value, "time");
    return time && { type: "time", sql: `CAST(CAST(${time.sql} AS DATE) AS TIMESTAMP)` };
  },
};

function toInteger(value: Typed): Typed | undefined {
  const found = coerced(value, "number");
  return found && { type: "number", sql: `CAST(TRY_CAST(${found.sql} AS BIGINT) AS DOUBLE)` };
}
