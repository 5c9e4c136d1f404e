/**
 * Makes the two demo tables from the UCI "Default of Credit Card Clients" CSV, the same bytes each time:
 *
 *     node test/data/make-uci-credit.ts <UCI_Credit_Card.csv> [output folder]
 *
 * See README.md beside this file for what is changed. Everything that looks random here is HMAC-SHA-256 of a row number
 * under a fixed key, so nothing depends on a clock, a locale or a generator's version.
 */
import { createHmac } from "node:crypto";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";

const PEOPLE = 30_000;
const PEOPLE_PER_PARTY = 24_000;
const COMMON = 18_437;

/** A 32-bit number that depends on a purpose and a row number only. */
function keyed(purpose: string, row: number): number {
  return createHmac("sha256", "entente demo data 1").update(`${purpose}:${row}`).digest().readUInt32BE(0);
}

const MOBILES = 7_000_000_000;
const HALF = 2 ** 17;

/**
 * A bijection of [0, 7e9): four rounds of a balanced Feistel network on 34 bits, walked until it lands inside (Black and
 * Rogaway 2002, "Ciphers with arbitrary finite domains"). Two people cannot share a number, and the order does not show.
 */
function permuted(row: number): number {
  let value = row;
  do {
    let left = Math.floor(value / HALF);
    let right = value % HALF;
    for (let round = 0; round < 4; round++) {
      [left, right] = [right, (left + keyed(`feistel ${round}`, right)) % HALF];
    }
    value = left * HALF + right;
  } while (value >= MOBILES);
  return value;
}

/** 11 digits from 13000000000 to 19999999999. */
function mobileOf(customerNo: number): string {
  return String(13_000_000_000 + permuted(customerNo));
}

const fullWidth = (digits: string) => digits.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));
const grouped = (digits: string, mark: string) => [digits.slice(0, 3), digits.slice(3, 7), digits.slice(7)].join(mark);

type Writing = (mobile: string) => string;

/** Percent of rows and how they are written, out of 100. The two sides differ: equal text is not enough to match. */
const BANK_WRITINGS: readonly (readonly [number, Writing])[] = [
  [72, (mobile) => mobile],
  [9, (mobile) => grouped(mobile, " ")],
  [7, (mobile) => grouped(mobile, "-")],
  [5, (mobile) => `  ${mobile} `],
  [5, (mobile) => `0086${mobile}`],
  [2, (mobile) => fullWidth(mobile)],
];
const BUREAU_WRITINGS: readonly (readonly [number, Writing])[] = [
  [61, (mobile) => `+86${mobile}`],
  [15, (mobile) => mobile],
  [10, (mobile) => `+86 ${grouped(mobile, "-")}`],
  [6, (mobile) => `86${mobile}`],
  [5, (mobile) => `(+86) ${grouped(mobile, " ")}`],
  [3, (mobile) => `${mobile}\t`],
];

function written(writings: readonly (readonly [number, Writing])[], purpose: string, row: number, mobile: string) {
  let percent = keyed(purpose, row) % 100;
  for (const [share, write] of writings) {
    if (percent < share) return write(mobile);
    percent -= share;
  }
  throw new Error("shares do not add up to 100");
}

/** Ids that no normaliser should accept: blank, too short, too long, letters, a landline, a number with no such prefix. */
const BANK_BROKEN = ["", "   ", null, "n/a", "1380013", "021-6543-2100"] as const;
const BUREAU_BROKEN = [null, "", "unknown", "+86 10 6554 3210", "12345678901", "138001380001380"] as const;

interface Side {
  readonly name: "bank" | "bureau";
  readonly writings: readonly (readonly [number, Writing])[];
  readonly broken: readonly (string | null)[];
  readonly people: readonly number[];
  readonly duplicates: number;
  readonly brokenRows: number;
  /** Target column and the expression over the UCI column that fills it. */
  readonly columns: readonly (readonly [string, string])[];
}

const months = ["1", "2", "3", "4", "5", "6"];
const same = (name: string): readonly [string, string] => [name, `"${name}"::INTEGER`];

function sides(): readonly Side[] {
  const drawn = Array.from({ length: PEOPLE }, (_, i) => i + 1).sort(
    (a, b) => keyed("people", a) - keyed("people", b) || a - b,
  );
  const bureauFrom = PEOPLE_PER_PARTY - COMMON;
  return [
    {
      name: "bank",
      writings: BANK_WRITINGS,
      broken: BANK_BROKEN,
      people: drawn.slice(0, PEOPLE_PER_PARTY),
      duplicates: 120,
      brokenRows: 60,
      columns: [
        ["customer_no", '"ID"::INTEGER'],
        ...["LIMIT_BAL", "SEX", "EDUCATION", "MARRIAGE", "AGE"].map(same),
        ...months.map((month) => same(`BILL_AMT${month}`)),
        ...months.map((month) => same(`PAY_AMT${month}`)),
        ["defaulted", '"default.payment.next.month"::INTEGER'],
      ],
    },
    {
      name: "bureau",
      writings: BUREAU_WRITINGS,
      broken: BUREAU_BROKEN,
      people: drawn.slice(bureauFrom, bureauFrom + PEOPLE_PER_PARTY),
      duplicates: 96,
      brokenRows: 48,
      columns: [...["0", "2", "3", "4", "5", "6"].map((month) => same(`PAY_${month}`)), ["has_car", "has_car"]],
    },
  ];
}

/** Not in the UCI data: in how many of a hundred households the bureau knows of a car. */
const CARS_PERCENT = 38;
const hasCar = (customerNo: number) => keyed("has car", customerNo) % 100 < CARS_PERCENT;

/** Which UCI row each output row takes its values from, and the phone text that it shows; in output order. */
function rowsOf(side: Side): { readonly customerNo: number; readonly phone: string | null }[] {
  const rows: { readonly customerNo: number; readonly phone: string | null; readonly order: number }[] = [];
  const add = (customerNo: number, phone: string | null) =>
    rows.push({ customerNo, phone, order: keyed(`${side.name} order`, rows.length) });
  for (const customerNo of side.people)
    add(customerNo, written(side.writings, `${side.name} writing`, customerNo, mobileOf(customerNo)));
  // The person again, all values equal, the phone perhaps written in another way.
  for (const customerNo of side.people.slice(0, side.duplicates))
    add(customerNo, written(side.writings, `${side.name} again`, customerNo, mobileOf(customerNo)));
  // Values of a real person under an id that names nobody.
  for (let i = 0; i < side.brokenRows; i++)
    add(side.people[side.duplicates + i] as number, side.broken[i % side.broken.length] ?? null);
  return rows.sort((a, b) => a.order - b.order);
}

async function write(connection: DuckDBConnection, side: Side, folder: string): Promise<void> {
  await connection.run(
    `CREATE TABLE ${side.name}_rows (position INTEGER, customer_no INTEGER, phone VARCHAR, has_car BOOLEAN)`,
  );
  const appender = await connection.createAppender(`${side.name}_rows`);
  for (const [position, { customerNo, phone }] of rowsOf(side).entries()) {
    appender.appendInteger(position);
    appender.appendInteger(customerNo);
    if (phone === null) appender.appendNull();
    else appender.appendVarchar(phone);
    appender.appendBoolean(hasCar(customerNo));
    appender.endRow();
  }
  appender.closeSync();
  const columns = side.columns.map(([name, expression]) => `${expression} AS "${name}"`).join(", ");
  const path = join(folder, `${side.name}.parquet`).replaceAll("'", "''");
  await connection.run(
    `COPY (SELECT phone, ${columns} FROM ${side.name}_rows JOIN uci ON uci."ID"::INTEGER = customer_no ORDER BY position)
     TO '${path}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 19)`,
  );
}

const [, , csv, folder = dirname(fileURLToPath(import.meta.url))] = process.argv;
if (csv === undefined) {
  process.stderr.write("usage: node test/data/make-uci-credit.ts <UCI_Credit_Card.csv> [output folder]\n");
  process.exit(64);
}
// One thread: the layout of row groups, and so the bytes, must not depend on timing.
const connection = await (await DuckDBInstance.create(":memory:", { threads: "1" })).connect();
await connection.run("CREATE TABLE uci AS SELECT * FROM read_csv($1, header = true, all_varchar = true)", [csv]);
const [[count] = []] = (await connection.runAndReadAll("SELECT count(*)::INTEGER FROM uci")).getRows();
if (count !== PEOPLE) throw new Error(`expected ${PEOPLE} rows in the UCI file`);
for (const side of sides()) await write(connection, side, folder);
