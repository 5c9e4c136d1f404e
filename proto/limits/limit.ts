/**
 * Bounds on what a process does and keeps, and their refusals. A limit has a name, which is its field in the configuration, a
 * default, and the code of the error when it is reached; the error names the limit, its value, and the file that sets it.
 */
import * as z from "zod";
import { CATALOGUE, EntenteError, type ErrorCode } from "../errors.ts";

/** COORDINATOR_UNREACHABLE: what a client makes of a connection that is closed before anything can be said in it. */
export type LimitCode = Extract<
  ErrorCode,
  "OVERLOADED" | "RATE_LIMITED" | "LIMIT_EXCEEDED" | "DISK_FULL" | "COORDINATOR_UNREACHABLE"
>;

export interface Limit<Code extends LimitCode | undefined = LimitCode | undefined, Unit extends string = string> {
  readonly value: number;
  readonly min: number;
  readonly max: number;
  /** As in "MiB" or "jobs"; a rate is by the minute. */
  readonly unit: Unit;
  /** What is refused with when it is reached; undefined for times, and for what makes room by itself. */
  readonly code: Code;
  /** What it bounds, and what happens at it. */
  readonly what: string;
}

/** `code`: undefined when nothing is refused. */
export function limit<Code extends LimitCode | undefined, const Unit extends string>(
  value: number,
  unit: Unit,
  code: Code,
  what: string,
  { min = 1, max = Number.MAX_SAFE_INTEGER }: { readonly min?: number; readonly max?: number } = {},
): Limit<Code, Unit> {
  return { value, min, max, unit, code, what };
}

export type LimitTable = Readonly<Record<string, Limit>>;
export type LimitValues<Table extends LimitTable> = { readonly [N in keyof Table]: number };

/** The table's defaults, with what is given in their place. */
export function limitValues<Table extends LimitTable>(
  table: Table,
  given: { readonly [N in keyof Table]?: number | undefined } = {},
): LimitValues<Table> {
  const values = Object.keys(table).map((name) => [name, given[name] ?? (table[name] as Limit).value]);
  return Object.fromEntries(values) as LimitValues<Table>;
}

/** A configuration's field: an object with any of the limits by name. Others are refused, so that a typing error is seen. */
export function limitsForm<Table extends LimitTable>(table: Table) {
  const fields = Object.entries(table).map(([name, { min, max }]) => [name, z.int().min(min).max(max).optional()]);
  type Fields = { [N in keyof Table]: z.ZodOptional<z.ZodInt> };
  return z.strictObject(Object.fromEntries(fields) as Fields);
}

export interface Limits<Table extends LimitTable> {
  readonly table: Table;
  readonly values: LimitValues<Table>;
  /** Where an operator sets them. */
  readonly file: "node.json" | "coordinator.json";
}

/** `retryAfterSeconds`: when it may pass again, where that is known. */
export function limitRefusal<Table extends LimitTable>(
  { table, values, file }: Limits<Table>,
  name: keyof Table & string,
  retryAfterSeconds?: number,
): EntenteError {
  const { code, unit } = table[name] as Limit;
  if (code === undefined) throw new EntenteError("INTERNAL", { cause: new Error(`limit ${name} refuses nothing`) });
  const after = retryAfterSeconds ?? (CATALOGUE[code].retryable ? DEFAULT_RETRY_SECONDS : undefined);
  return new EntenteError(code, {
    detail: `${name}: ${values[name]} ${unit}, set under 'limits' in ${file}`,
    ...(after === undefined ? {} : { retryAfterSeconds: after }),
  });
}

/** Where nobody knows when something will have ended. */
export const DEFAULT_RETRY_SECONDS = 5;

/** Rows of a Markdown table, for a README: a test holds the two together. */
export function limitRows(table: LimitTable): string[] {
  return Object.entries(table).map(
    ([name, { value, unit, code, what }]) =>
      `| \`${name}\` | ${value.toLocaleString("en")} ${unit} | ${what} | ${code === undefined ? "" : `\`${code}\``} |`,
  );
}

/** Those that refuse with one of the codes. */
export type LimitsWith<Table extends LimitTable, Code extends LimitCode> = {
  [N in keyof Table]: Table[N] extends Limit<Code> ? N : never;
}[keyof Table];
