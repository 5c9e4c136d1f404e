import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import type { DatasetRegistration } from "../../party/data/dataset.ts";
import { parseFilter } from "../../party/data/filter.ts";
import { readDataset } from "../../party/data/read.ts";
import { dataFolder, failure } from "../support/data-folder.ts";

/** A row of the data below; a blank cell is null. */
interface Row {
  readonly n: number | null;
  readonly m: number | null;
  readonly s: string | null;
  readonly 城市: string | null;
  readonly flag: string | null;
}

const NUMBERS = [null, 0, 1, -1, 2.5, 10, 1e6, 0.1, 3];
const TEXTS = [null, "a", "A", "ab", "b'c", 'q"x', "上海", "😀", "é", "%", "a_b", "10", "-1", "1e1", "--", "a,b"];
const FLAGS = [null, "true", "false", "t", "F", "maybe"];
const at = <T>(list: readonly T[], i: number): T => list[i % list.length] as T;
/** Every value meets many others: the lists' lengths have little in common. */
const ROWS: readonly Row[] = Array.from({ length: 240 }, (_, i) => ({
  n: at(NUMBERS, i),
  m: at(NUMBERS, (i * i) % 31),
  s: at(TEXTS, i),
  城市: at(TEXTS, (i * 7) % 29),
  flag: at(FLAGS, (i * 5) % 7),
}));

const phone = (i: number) => `138000${String(i).padStart(5, "0")}`;
const quoted = (value: unknown) => (value === null ? "" : `"${String(value).replaceAll('"', '""')}"`);
const sqlValue = (value: unknown) =>
  value === null ? "NULL" : typeof value === "number" ? `${value}` : `'${String(value).replaceAll("'", "''")}'`;

type Value = number | string | boolean | null;
/** A filter's text, and what it is of a row. */
interface Expression<T extends Value> {
  readonly text: string;
  of(row: Row): T | null;
}

function on<A extends Value, B extends Value>(a: A | null, b: A | null, apply: (a: A, b: A) => B): B | null {
  return a === null || b === null ? null : apply(a, b);
}

/** DuckDB compares the UTF-8 bytes. */
const order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const OPERATORS: Readonly<Record<string, (sign: number) => boolean>> = {
  "=": (sign) => sign === 0,
  "<>": (sign) => sign !== 0,
  "<": (sign) => sign < 0,
  "<=": (sign) => sign <= 0,
  ">": (sign) => sign > 0,
  ">=": (sign) => sign >= 0,
};

const numberColumn = fc.constantFrom("n" as const, "m" as const).map((name): Expression<number> => {
  return { text: name, of: (row) => row[name] };
});
const numberConstant = fc
  .constantFrom(...NUMBERS)
  .map((value): Expression<number> => ({ text: sqlValue(value), of: () => value }));
const textColumn = fc
  .constantFrom(["s", "s"] as const, ["城市", "城市"] as const, ['"城市"', "城市"] as const, ["S", "s"] as const)
  .map(([text, name]): Expression<string> => ({ text, of: (row) => row[name] }));
const textConstant = fc
  .constantFrom(...TEXTS)
  .map((value): Expression<string> => ({ text: sqlValue(value), of: () => value }));

const { number } = fc.letrec<{ number: Expression<number> }>((tie) => ({
  number: fc.oneof(
    { maxDepth: 2 },
    numberColumn,
    numberConstant,
    tie("number").map(({ text, of }) => ({
      text: `abs(${text})`,
      of: (row: Row) => on(of(row), 0, (x) => Math.abs(x)),
    })),
    fc.tuple(tie("number"), tie("number"), fc.constantFrom("+", "-", "*")).map(([a, b, sqlOperator]) => ({
      text: `(${a.text} ${sqlOperator} ${b.text})`,
      of: (row: Row) =>
        on(a.of(row), b.of(row), (x, y) => (sqlOperator === "+" ? x + y : sqlOperator === "-" ? x - y : x * y)),
    })),
    textColumn.map(({ text, of }) => ({
      text: `length(${text})`,
      of: (row: Row) => on(of(row), "", (x) => [...x].length),
    })),
  ),
}));

const text: fc.Arbitrary<Expression<string>> = fc.oneof(
  textColumn,
  textConstant,
  fc.tuple(textColumn, textConstant).map(([a, b]) => ({
    text: `coalesce(${a.text}, ${b.text})`,
    of: (row: Row) => a.of(row) ?? b.of(row),
  })),
);

const operator = fc.constantFrom(...Object.keys(OPERATORS));
const sign = (a: number, b: number) => Math.sign(a - b);
const holds = (name: string, of: number) => (OPERATORS[name] as (sign: number) => boolean)(of);

/** A text cell beside a number is read as one. */
const asNumber = (value: string | null) => (value !== null && /^-?\d+(e\d+)?$/.test(value) ? Number(value) : null);

function like(value: string, pattern: string): boolean {
  const source = [...pattern].map((c) =>
    c === "%" ? "[^]*" : c === "_" ? "[^]" : c.replace(/[\\^$.*+?()[\]{}|/-]/u, "\\$&"),
  );
  return new RegExp(`^${source.join("")}$`, "u").test(value);
}

function isIn<T extends Value>(value: T | null, list: readonly (T | null)[]): boolean | null {
  if (value === null) return null;
  if (list.includes(value)) return true;
  return list.includes(null) ? null : false;
}

const not = (value: boolean | null) => (value === null ? null : !value);

const leaf: fc.Arbitrary<Expression<boolean>> = fc.oneof(
  fc.tuple(number, operator, number).map(([a, name, b]) => ({
    text: `${a.text} ${name} ${b.text}`,
    of: (row: Row) => on(a.of(row), b.of(row), (x, y) => holds(name, sign(x, y))),
  })),
  fc.tuple(text, operator, text).map(([a, name, b]) => ({
    text: `${a.text}${name}${b.text}`,
    of: (row: Row) => on(a.of(row), b.of(row), (x, y) => holds(name, order(x, y))),
  })),
  fc.tuple(textColumn, operator, numberColumn).map(([a, name, b]) => ({
    text: `${a.text} ${name} ${b.text}`,
    of: (row: Row) => on(asNumber(a.of(row)), b.of(row), (x, y) => holds(name, sign(x, y))),
  })),
  fc
    .tuple(textColumn, fc.array(textConstant, { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([a, list, negated]) => ({
      text: `${a.text} ${negated ? "NOT " : ""}IN (${list.map((item) => item.text).join(", ")})`,
      of(row: Row) {
        const found = isIn(
          a.of(row),
          list.map((item) => item.of(row)),
        );
        return negated ? not(found) : found;
      },
    })),
  fc.tuple(number, number, number).map(([a, low, high]) => ({
    text: `${a.text} BETWEEN ${low.text} AND ${high.text}`,
    of(row: Row) {
      const above = on(a.of(row), low.of(row), (x, y) => x >= y);
      const below = on(a.of(row), high.of(row), (x, y) => x <= y);
      return above === false || below === false ? false : above && below;
    },
  })),
  fc
    .tuple(textColumn, fc.constantFrom("a%", "_", "%_%", "%'%", "上%", "__", "%😀", "a_b", "%%"), fc.boolean())
    .map(([a, pattern, negated]) => ({
      text: `${a.text} ${negated ? "NOT " : ""}LIKE ${sqlValue(pattern)}`,
      of: (row: Row) => on(a.of(row), pattern, (x, y) => like(x, y) !== negated),
    })),
  fc.tuple(fc.oneof(number, text), fc.boolean()).map(([a, negated]) => ({
    text: `${a.text} IS ${negated ? "NOT " : ""}NULL`,
    of: (row: Row) => (a.of(row) === null) !== negated,
  })),
  fc.constant({
    text: "flag",
    of: ({ flag }: Row) => (flag === null || flag === "maybe" ? null : flag.toLowerCase().startsWith("t")),
  }),
);

const condition = fc.letrec<{ condition: Expression<boolean> }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    tie("condition").map((a) => ({ text: `NOT (${a.text})`, of: (row: Row) => not(a.of(row)) })),
    fc.array(tie("condition"), { minLength: 2, maxLength: 3 }).map((all) => ({
      text: all.map((one) => `(${one.text})`).join(" AND "),
      of(row: Row) {
        const found = all.map((one) => one.of(row));
        return found.includes(false) ? false : found.includes(null) ? null : true;
      },
    })),
    fc.array(tie("condition"), { minLength: 2, maxLength: 3 }).map((all) => ({
      text: all.map((one) => `(${one.text})`).join(" OR "),
      of(row: Row) {
        const found = all.map((one) => one.of(row));
        return found.includes(true) ? true : found.includes(null) ? null : false;
      },
    })),
  ),
})).condition;

/** Row numbers; undefined for a filter of constants alone, which is refused. */
async function passing(registration: DatasetRegistration, filterText: string): Promise<number[] | undefined> {
  const parsing = parseFilter(registration, filterText);
  if ((await failure(parsing)).detail === "no column is named") return undefined;
  const filter = await parsing;
  const found: number[] = [];
  for await (const { rows } of readDataset(registration, { columns: [], selection: filter })) found.push(...rows);
  return found;
}

describe("a filter", async () => {
  const folder = await dataFolder();
  afterAll(() => folder[Symbol.asyncDispose]());
  const lines = ROWS.map((row, i) => [phone(i), ...Object.values(row)].map(quoted).join(","));
  const csv = await folder.write("a.csv", `phone,n,m,s,城市,flag\n${lines.join("\n")}\n`);
  const values = ROWS.map((row, i) => `(${[phone(i), ...Object.values(row)].map(sqlValue).join(",")})`);
  await folder.parquet("a.parquet", `SELECT * FROM (VALUES ${values.join(",")}) t(phone, n, m, s, 城市, flag)`);
  const registrations = [await folder.inspect("a.csv"), await folder.inspect("a.parquet")];

  it("passes the rows that a plain reading of it passes, of CSV and Parquet", async () => {
    const sizes = new Set<number>();
    await fc.assert(
      fc.asyncProperty(condition, async ({ text: filterText, of }) => {
        const expected = ROWS.flatMap((row, i) => (of(row) === true ? [i] : []));
        for (const registration of registrations) {
          const found = await passing(registration, filterText);
          if (found === undefined) continue;
          expect(found).toEqual(expected);
          sizes.add(expected.length);
        }
      }),
      { numRuns: 50 },
    );
    expect(sizes.size).toBeGreaterThan(10);
  }, 60_000);

  it("is parsed or refused, whatever the text, and nothing is done", async () => {
    const before = readFileSync(csv);
    const word = fc.constantFrom(
      ..."n s 城市 flag 1 'a' ( ) AND OR NOT IN , = > ; -- /* */ SELECT FROM UNION ' \" $$ :: . * $1 COPY CASE END".split(
        " ",
      ),
    );
    const soup = fc.oneof(
      fc.array(word, { maxLength: 12 }).map((words) => words.join(" ")),
      fc.tuple(condition, fc.array(word, { maxLength: 3 }), fc.nat(60)).map(([{ text: whole }, words, i]) => {
        return `${whole.slice(0, i)} ${words.join(" ")} ${whole.slice(i)}`;
      }),
      fc.string({ unit: "binary", maxLength: 30 }),
    );
    const codes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(soup, async (filterText) => {
        codes.add((await failure(parseFilter(registrations[0] as DatasetRegistration, filterText))).code);
      }),
      { numRuns: 80 },
    );
    expect([...codes].sort()).toEqual(["FILTER_INVALID", "none"]);
    expect(readFileSync(csv)).toEqual(before);
  }, 60_000);
});
