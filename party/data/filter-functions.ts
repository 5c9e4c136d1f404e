/** The functions and operators that a filter may use. Each is defined for every value of its parameters' types. */
import { coerced, number, type Typed, type ValueType } from "./filter-types.ts";

/** `whole`: a constant whole number, up to MAX_WHOLE. `fixed`: a constant text. `part`: one of TIME_PARTS. */
type Parameter = ValueType | "whole" | "fixed" | "part";

interface Form {
  readonly takes: readonly Parameter[];
  /** How many of them must be there; all unless given. */
  readonly least?: number;
  readonly gives: ValueType;
  readonly sql: (...args: string[]) => string;
}

/** Beyond any cell's length, and far from where DuckDB's `substr` gives up. */
const MAX_WHOLE = 1_000_000;
const TIME_PARTS: readonly string[] = ["year", "month", "day"];

function named(name: string, gives: ValueType, ...takes: Parameter[]): Form {
  return { takes, gives, sql: (...args) => `${name}(${args.join(", ")})` };
}

function counting(name: string, ...takes: Parameter[]): Form {
  return { takes, gives: "number", sql: (...args) => `CAST(${name}(${args.join(", ")}) AS DOUBLE)` };
}

function infix(sqlOperator: string, gives: ValueType, ...takes: Parameter[]): Form {
  return { takes, gives, sql: (left, right) => `(${left} ${sqlOperator} ${right})` };
}

function signed(operator: "+" | "-"): Form {
  return {
    takes: ["number", "number"],
    least: 1,
    gives: "number",
    sql: (left, right) => (right === undefined ? `(${operator} ${left})` : `(${left} ${operator} ${right})`),
  };
}

const ceil = named("ceil", "number", "number");
const substr: Form = { ...named("substr", "text", "text", "whole", "whole"), least: 2 };

/** By the parser's names: `~~` is LIKE. Without ESCAPE no pattern is malformed. */
const FORMS: ReadonlyMap<string, Form> = new Map<string, Form>([
  ["lower", named("lower", "text", "text")],
  ["upper", named("upper", "text", "text")],
  ["trim", named("trim", "text", "text")],
  ["substr", substr],
  ["substring", substr],
  ["length", counting("length", "text")],
  ["starts_with", named("starts_with", "boolean", "text", "text")],
  ["ends_with", named("ends_with", "boolean", "text", "text")],
  ["contains", named("contains", "boolean", "text", "text")],
  ["~~", infix("LIKE", "boolean", "text", "fixed")],
  ["!~~", infix("NOT LIKE", "boolean", "text", "fixed")],
  ["~~*", infix("ILIKE", "boolean", "text", "fixed")],
  ["!~~*", infix("NOT ILIKE", "boolean", "text", "fixed")],
  ["abs", named("abs", "number", "number")],
  ["floor", named("floor", "number", "number")],
  ["ceil", ceil],
  ["ceiling", ceil],
  ["round", named("round", "number", "number")],
  ["+", signed("+")],
  ["-", signed("-")],
  ["*", infix("*", "number", "number", "number")],
  ["/", infix("/", "number", "number", "number")],
  // EXTRACT(YEAR FROM ...)
  ["date_part", counting("date_part", "part", "time")],
  ["year", counting("year", "time")],
  ["month", counting("month", "time")],
  ["day", counting("day", "time")],
]);

function argument(value: Typed, parameter: Parameter): string | undefined {
  if (parameter === "fixed") return value.constant === undefined ? undefined : value.sql;
  if (parameter === "part") return TIME_PARTS.includes(value.constant ?? "") ? value.sql : undefined;
  if (parameter !== "whole") return coerced(value, parameter)?.sql;
  const { whole = Number.NaN } = value;
  return whole >= 0 && whole <= MAX_WHOLE ? `${whole}` : undefined;
}

export function isFunction(name: string): boolean {
  return FORMS.has(name);
}

/** A call of a function that there is; undefined when it does not take such arguments. */
export function call(name: string, values: readonly Typed[]): Typed | undefined {
  const form = FORMS.get(name);
  if (form === undefined || values.length > form.takes.length || values.length < (form.least ?? form.takes.length))
    return undefined;
  const args: string[] = [];
  for (const [i, value] of values.entries()) {
    const sql = argument(value, form.takes[i] as Parameter);
    if (sql === undefined) return undefined;
    args.push(sql);
  }
  const sql = form.sql(...args);
  return form.gives === "number" ? number(sql) : { type: form.gives, sql };
}
