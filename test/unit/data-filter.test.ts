import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { DatasetRegistration } from "../../party/data/dataset.ts";
import { Datasets } from "../../party/data/datasets.ts";
import { effectiveRows } from "../../party/data/effective.ts";
import { parseFilter } from "../../party/data/filter.ts";
import { MAX_FILTER_CHARACTERS } from "../../party/data/limits.ts";
import { textAt } from "../../party/data/packed-text.ts";
import { prepareInput } from "../../party/data/prepare.ts";
import { readDataset } from "../../party/data/read.ts";
import { type DataFolder, dataFolder, failure } from "../support/data-folder.ts";
import { runKey, spillPlace } from "../support/partition-run.ts";

/** Ids that end in the row's number, so that they say which rows passed. */
async function passing(registration: DatasetRegistration, text: string): Promise<number[]> {
  const filter = await parseFilter(registration, text);
  const rows: number[] = [];
  for await (const { count, ids } of readDataset(registration, { columns: [], selection: filter }))
    for (let i = 0; i < count; i++) rows.push(Number(textAt(ids, i).slice(-2)));
  return rows;
}

const CSV = `phone,balance,city,closed,opened,纳税 额,"he said ""a.b"",c",order
13800138000,60000,Shanghai,false,2020-01-31,1,x,1
13800138001,50000,Beijing,false,2020-02-29 10:00,2,y,2
13800138002, 70000.5 ,Beijing,true,2021-12-31,-1.5,x'y,3
13800138003,80000,Xi'an,false,not a day,,"O'""x",4
13800138004,,Shanghai,,,nan,,5
13800138005,-1e3,  ,f,1999-01-01T00:00:00,1e2, 上海 ,6
13800138006,90000,shanghai,maybe,2020-02-30,0,x,7
bad id,99999,Shanghai,false,2020-01-01,1,x,8
`;

/** Filters of the CSV above and the rows that pass, by hand. */
const PASSING: readonly (readonly [string, readonly number[]])[] = [
  ["balance > 50000 AND city IN ('Shanghai', 'Beijing') AND NOT closed", [0]],
  ["balance >= 50000 and city in ('Shanghai','Beijing')", [0, 1, 2]],
  ["BALANCE > 50000 -- a comment", [0, 2, 3, 6]],
  ["balance > 50000 /* or 1 = 1 */ and closed", [2]],
  ["balance > 50000 OR city = 'Shanghai'", [0, 2, 3, 4, 6]],
  ["NOT balance > 50000", [1, 5]],
  ["balance IS NULL", [4]],
  ["balance = NULL", []],
  ["balance IS DISTINCT FROM 60000", [1, 2, 3, 4, 5, 6]],
  ["balance <> 60000", [1, 2, 3, 5, 6]],
  ["balance NOT IN (60000, 50000)", [2, 3, 5, 6]],
  ["balance NOT IN (60000, NULL)", []],
  ["balance = '60000'", [0]],
  ["balance = 70000.5", [2]],
  ["balance BETWEEN 50000 AND 70000.50", [0, 1, 2]],
  ["balance NOT BETWEEN -1000 AND 7e4", [2, 3, 6]],
  ["balance / 2 - 1 > 30000 AND -balance < +balance", [2, 3, 6]],
  ["abs(balance) = 1000", [5]],
  ["balance / 0 > 0 AND balance * 0 = 0", [0, 1, 2, 3, 6]],
  ["city = 'Xi''an'", [3]],
  ["city IS NULL", [5]],
  ["coalesce(city, 'none') = 'none'", [5]],
  ["lower(city) = 'shanghai' AND upper(city) LIKE 'S%'", [0, 4, 6]],
  ["city LIKE '_hang%'", [0, 4, 6]],
  ["city NOT ILIKE 'SHANG%'", [1, 2, 3]],
  ["starts_with(city, 'Bei') OR ends_with(city, 'an') OR contains(city, '''')", [1, 2, 3]],
  ["length(city) < 8 AND substr(city, 1, 1) = 'B'", [1, 2]],
  ["substring(city from 2) = 'eijing'", [1, 2]],
  ["city > 5", []],
  ["city < 'S'", [1, 2]],
  ["closed", [2]],
  ["closed = true", [2]],
  ["closed = 'maybe'", [6]],
  ["closed IS TRUE", [2]],
  ["closed IS NOT TRUE", [0, 1, 3, 4, 5, 6]],
  ["opened >= DATE '2020-02-29'", [1, 2]],
  ["opened > '2020-02-29'", [1, 2, 3, 6]],
  ["CAST(opened AS DATE) = DATE '2020-02-29'", [1]],
  ["opened > TIMESTAMP '2020-02-29 09:59:59.5' AND year(opened) < 2021", [1]],
  ["EXTRACT(month FROM CAST(opened AS TIMESTAMP)) = 1", [0, 5]],
  ['"纳税 额" > 1', [1, 5]],
  ['"纳税 额" IS NULL', [3, 4]],
  [`"he said ""a.b"",c" = 'x''y'`, [2]],
  [`"he said ""a.b"",c" = 'O''"x'`, [3]],
  [`"he said ""a.b"",c" = '上海'`, [5]],
  ['"order" > 5', [5, 6]],
  ["phone LIKE '%1'", [1]],
  ["balance::VARCHAR = '-1e3'", [5]],
  ['TRY_CAST(city AS DOUBLE) IS NULL AND "order"::INTEGER = 1', [0]],
];

describe("a filter of CSV", async () => {
  const folder = await dataFolder();
  await folder.write("a.csv", CSV);
  const registration = await folder.inspect("a.csv");
  afterAll(() => folder[Symbol.asyncDispose]());

  it.each(PASSING)("%s", async (text, rows) => {
    expect(await passing(registration, text)).toEqual(rows);
  });
});

describe("a column's name", () => {
  it("is taken as written, or else in another case if that is one column", async () => {
    await using folder = await dataFolder();
    await folder.write("a.csv", "phone,Level,level,Other\n13800138001,1,2,3\n13800138002,2,1,4\n");
    const registration = await folder.inspect("a.csv");
    expect(await passing(registration, "Level = 1")).toEqual([1]);
    expect(await passing(registration, "level = 1")).toEqual([2]);
    expect(await passing(registration, "OTHER = 3")).toEqual([1]);
    expect((await failure(parseFilter(registration, "LEVEL = 1"))).code).toBe("FILTER_INVALID");
  });
});

const PARQUET = `SELECT '138001380' || lpad(i::VARCHAR, 2, '0') AS phone, CASE i WHEN 3 THEN NULL ELSE i % 2 = 0 END AS even,
  (i * 1.10)::DECIMAL(6,2) AS price, CASE i WHEN 4 THEN NULL ELSE DATE '2020-01-01' + i::INTEGER END AS day,
  TIMESTAMP '2020-01-01 12:00:00' + to_hours(i::INTEGER * 12) AS moment, {'a': i} AS nested, ' ' || i AS padded,
  CASE i WHEN 2 THEN 'nan'::DOUBLE ELSE i END AS n, (CASE WHEN i < 3 THEN 'low' ELSE 'high' END)::ENUM ('low', 'high') AS level,
  CASE i WHEN 1 THEN '' ELSE 'x' END AS "T"".""" FROM range(6) t(i)`;

const PASSING_PARQUET: readonly (readonly [string, readonly number[]])[] = [
  ["even", [0, 2, 4]],
  ["NOT even", [1, 5]],
  ["even = false", [1, 5]],
  ["even IS NOT TRUE", [1, 3, 5]],
  ["price = 2.20", [2]],
  ["price IN (1.1, 3.3)", [1, 3]],
  ["day > DATE '2020-01-03'", [3, 5]],
  ["day BETWEEN '2020-01-02' AND '2020-01-03'", [1, 2]],
  ["day IS NULL", [4]],
  ["day = CAST(moment AS DATE)", [0, 1]],
  ["moment >= '2020-01-02 12:00'", [2, 3, 4, 5]],
  ["day(moment) = 2", [1, 2]],
  ["nested IS NOT NULL AND nested IS DISTINCT FROM DATE '2020-01-01'", [0, 1, 2, 3, 4, 5]],
  ["padded = '1'", []],
  ["trim(padded) = '1' OR padded = ' 2'", [1, 2]],
  ["padded < 2", [0, 1]],
  ["n > 1", [3, 4, 5]],
  ["n IS NULL", [2]],
  ["level = 'low' AND level > 'high'", [0, 1, 2]],
  ['"T""."""  IS NULL', []],
  ['"T"".""" = \'\' ', [1]],
  ["phone = '13800138005'", [5]],
];

describe("a filter of Parquet", async () => {
  const folder = await dataFolder();
  await folder.parquet("a.parquet", PARQUET);
  const registration = await folder.inspect("a.parquet");
  afterAll(() => folder[Symbol.asyncDispose]());

  it.each(PASSING_PARQUET)("%s", async (text, rows) => {
    expect(await passing(registration, text)).toEqual(rows);
  });
});

/** Each with what the error says of it. */
const REFUSED: readonly (readonly [string, RegExp])[] = [
  ["", /^a syntax error/],
  [" ", /^a syntax error/],
  ["-- balance > 1", /^a syntax error/],
  ["balance >", /^a syntax error/],
  ["balance > 1 /*", /^a syntax error/],
  ["balance > 1)", /^a syntax error at character 12$/],
  ["balance > 1) OR (1 = 1", /^a syntax error at character 12$/],
  ["balance > 1) UNION SELECT (1", /^a syntax error/],
  ["balance > 1; DROP TABLE t", /^a syntax error/],
  ["balance > 1; SELECT 1", /^more than one expression/],
  ["balance > 1;", /^more than one expression/],
  ["balance > 1 LIMIT 1", /^more than one expression/],
  ["balance > 1 ORDER BY balance", /^more than one expression/],
  ["balance > 1 GROUP BY balance", /^more than one expression/],
  ["balance > 1 GROUP BY ALL HAVING true", /^more than one expression/],
  ["balance > 1 QUALIFY true", /^more than one expression/],
  ["balance > 1 WINDOW w AS (ORDER BY city)", /^more than one expression/],
  ["balance > 1 USING SAMPLE 1", /^more than one expression/],
  ["balance > 1 UNION SELECT 1", /^more than one expression/],
  ["balance > 1 EXCEPT SELECT 1 FROM t", /^more than one expression/],
  ["balance > 1 AS x", /^a syntax error/],
  ["balance > 1, city", /^a syntax error/],
  ["1 = 1", /^no column is named$/],
  ["true", /^no column is named$/],
  ["NULL", /^no column is named$/],
  ["'balance'", /^not a condition/],
  ["balance + 1 > 0 AND 1 + city", /^not a condition at character 23$/],
  ["length(city) OR opened", /^not a condition at character 1$/],
  ["(SELECT 1)", /subquery at character 1$/],
  ["balance > (SELECT max(balance) FROM t)", /subquery/],
  ["EXISTS (SELECT 1 FROM read_csv('/etc/passwd'))", /subquery at character 1$/],
  ["balance IN (SELECT 1)", /subquery/],
  ["balance = ANY([1, 2])", /subquery/],
  ["balance IN (FROM duckdb_settings())", /subquery/],
  ["city = getenv('HOME')", /: getenv at character 8$/],
  ["city = current_setting('memory_limit')", /: current_setting/],
  ["city IN (read_text('/etc/passwd'))", /: read_text/],
  ["city = content(read_blob('/etc/passwd'))", /: content|: read_blob/],
  ["city = pragma_version()", /: pragma_version/],
  ["city = query('SELECT 1')", /: query/],
  ["city = sql_auto_complete('x')", /: sql_auto_complete/],
  ["nextval('s') > balance", /: nextval/],
  ["setseed(0.5) IS NULL AND balance > 1", /: setseed/],
  ["random() < 0.5 AND balance > 1", /: random/],
  ["now() > opened", /: now/],
  ["city = current_user", /column|: /],
  ["city = version()", /: version/],
  ["error(city) IS NULL", /: error/],
  ["count(*) > 1", /: count_star/],
  ["sum(balance) > 1", /: sum/],
  ["count(DISTINCT city) > 1", /: count/],
  ["lower(DISTINCT city) = 'x'", /: lower/],
  ["lower(city) FILTER (WHERE true) = 'x'", /: lower/],
  ["lower(city ORDER BY city) = 'x'", /: lower/],
  ["bogus.lower(city) = 'x'", /: lower/],
  ["lower(city, 'x') = 'x'", /other arguments than it takes: lower/],
  ["lower(balance + 1) = 'x'", /other arguments than it takes: lower/],
  ["trim(BOTH 'x' FROM city) = 'x'", /other arguments than it takes: trim/],
  ["substr(city, -1) = 'x'", /other arguments than it takes: substr/],
  ["substr(city, 99999999999) = 'x'", /other arguments than it takes: substr/],
  ["substr(city, balance) = 'x'", /other arguments than it takes: substr/],
  ["date_part('epoch', opened) > 1", /other arguments than it takes: date_part/],
  ["city LIKE city", /other arguments/],
  ["city LIKE 'x' ESCAPE 'x'", /: like_escape/],
  ["city SIMILAR TO '(a*)*b'", /: regexp_full_match/],
  ["city ~ '(a*)*b'", /a function/],
  ["city || 'x' = 'x'", /a function/],
  ["city GLOB 'x'", /a function/],
  ["row_number() OVER () = 1", /: window/],
  ["lag(balance) OVER (ORDER BY phone) > 1", /: window/],
  ["list_filter([balance], lambda x: x > 1)", /: list_filter/],
  ["balance -> 1", /: lambda/],
  ["balance = ?", /or a parameter$/],
  ["balance = $1", /or a parameter$/],
  ["balance = $name", /or a parameter$/],
  ["*", /: star/],
  ["COLUMNS('b.*') > 1", /: star/],
  ["COLUMNS(*) IS NULL", /: star/],
  ["CASE WHEN closed THEN true END", /: case/],
  ["city COLLATE nocase = 'x'", /: collate/],
  ["TRY(balance) = 1", /^an operator/],
  ["[balance] = [1]", /./],
  ["{'a': balance}.a = 1", /./],
  ["city[1] = 'x'", /./],
  ["t.balance = 1", /^a name of several parts at character 1$/],
  ["main.t.balance = 1", /^a name of several parts/],
  ["rowid = 1", /^a column that the dataset does not have/],
  ["filename = 'x'", /^a column that the dataset does not have/],
  ["c1 = '1'", /^a column that the dataset does not have/],
  ["broken = 0", /^a column that the dataset does not have/],
  ['city = "Shanghai"', /^a column that the dataset does not have, or text in double quotes at character 8$/],
  ["opened > DATE '2020-02-30'", /^a cast/],
  ["opened > CAST('x' AS TIMESTAMP)", /^a cast/],
  ["balance::DECIMAL(3, 1) = 1", /^a cast/],
  ["city::BLOB = 'x'", /^a cast/],
  ["city::my_type = 'x'", /^a cast/],
  ["(balance + 1)::VARCHAR = '1'", /^a cast/],
  ["balance = 'sixty'", /^values of types/],
  ["balance IN (1, 'x')", /^values of types/],
  ["balance > DATE '2020-01-01'", /^values of types/],
  ["balance = 1e999", /^an infinite number$/],
  ["balance = 9007199254740993", /^a constant of a type or size/],
  ["balance = 123456789012345678901234567890", /^a constant of a type or size/],
  ["balance = INTERVAL 1 DAY", /./],
  ["balance = 1\0", /^a character/],
  ["city = '\ud800'", /^a character/],
  ["(SELECT 1 FROM (COPY (SELECT 1) TO '/tmp/x'))", /./],
  [`balance > 1${" ".repeat(MAX_FILTER_CHARACTERS)}`, /^more than 4000 characters$/],
  [`${"NOT ".repeat(40)}closed`, /^more than 32 levels$/],
  [`${"NOT ".repeat(990)}closed`, /^a syntax error$|^more than/],
  [`balance > ${"- ".repeat(1900)}balance`, /./],
  [`city = ${"[".repeat(1500)}${"]".repeat(1500)}`, /./],
  [`${"abs(".repeat(700)}balance${")".repeat(700)} > 1`, /^more than|^a syntax error/],
  [`balance IN (${Array.from({ length: 600 }, (_, i) => i).join(",")})`, /^more than 500 parts$/],
];

describe("a filter that is not allowed", () => {
  it("is refused with its part and place, without a value", async () => {
    await using folder = await dataFolder();
    await folder.write("a.csv", CSV);
    const registration = await folder.inspect("a.csv");
    expect(REFUSED.length).toBeGreaterThan(40);
    const before = await readdir(folder.path);
    const wrong: unknown[] = [];
    for (const [text, detail] of REFUSED) {
      const { code, detail: said = "" } = await failure(parseFilter(registration, text));
      if (code !== "FILTER_INVALID" || !detail.test(said) || /shanghai|sixty|passwd|2020/i.test(said))
        wrong.push({ text, code, said });
    }
    expect(wrong).toEqual([]);
    expect(await readdir(folder.path)).toEqual(before);
  }, 30_000);

  it("says at which character, counted as characters", async () => {
    await using folder = await dataFolder();
    await folder.write("a.csv", CSV);
    const { detail } = await failure(
      parseFilter(await folder.inspect("a.csv"), "city = '上海' AND \"纳税 额\" > bogus(1)"),
    );
    expect(detail).toMatch(/: bogus at character 26$/);
  });

  it("is not used on a dataset of other columns", async () => {
    await using folder = await dataFolder();
    await folder.write("a.csv", CSV);
    await folder.write("b.csv", CSV.replace("balance,city", "city,balance"));
    const filter = await parseFilter(await folder.inspect("a.csv"), "balance > 1");
    const other = await folder.inspect("b.csv");
    const rows = readDataset(other, { columns: [], selection: filter });
    expect(await failure(rows.next())).toEqual({ code: "DATASET_CHANGED", detail: "test" });
  });
});

/** Ids with duplicates, of which the first row does not always pass. */
async function withDuplicates(folder: DataFolder, count: number): Promise<DatasetRegistration> {
  const lines = Array.from({ length: count }, (_, i) => `${13_000_000_000 + ((i * i) % (count * 2))},${i},${i % 7}`);
  await folder.write("a.csv", `phone,n,k\n${lines.join("\n")}\nbad,1,1\n`);
  return folder.inspect("a.csv");
}

describe("the rows of a filter", () => {
  it.each([1, 3])("are the first that pass of each id, in %i partitions", async (partitions) => {
    await using folder = await dataFolder();
    const count = 5000;
    const registration = await withDuplicates(folder, count);
    expect(registration.duplicates).toBeGreaterThan(500);
    const filter = await parseFilter(registration, "k IN (2, 3) AND n > 10");
    const expected = new Map<string, number>();
    for (let i = 11; i < count; i++) {
      const id = `+86${13_000_000_000 + ((i * i) % (count * 2))}`;
      if ((i % 7 === 2 || i % 7 === 3) && !expected.has(id)) expected.set(id, i);
    }
    const spill = spillPlace(join(folder.path, "spills"));
    const columns = [{ name: "n" }];
    const progress: number[] = [];
    const input = await prepareInput(registration, {
      jobKey: runKey,
      columns,
      partitions,
      selection: filter,
      withSubjects: true,
      spill,
      onProgress: (done) => progress.push(done),
    });
    expect(input.count).toBe(expected.size);
    const found = new Map<string, number>();
    for (let partition = 0; partition < partitions; partition++) {
      const { features, rowIndex } = await input.rows(partition);
      const subjects = await input.subjects(partition);
      for (let i = 0; i < subjects.count; i++) found.set(textAt(subjects, i), features[0]?.[i] as number);
      expect([...rowIndex]).toEqual([...(features[0] ?? [])]);
    }
    expect([...found].sort()).toEqual([...expected].sort());
    expect(progress.at(-1)).toBe(count);
    await input.destroy();
    expect(await effectiveRows(registration, filter, { spill })).toBe(expected.size);
    expect(await effectiveRows(registration, undefined)).toBe(registration.accepted);
    expect(await readdir(spill.folder).catch(() => [])).toEqual([]);
  });

  it("may be none, and all", async () => {
    await using folder = await dataFolder();
    const registration = await withDuplicates(folder, 300);
    for (const [text, count] of [["n < 0", 0] as const, ["n >= 0", registration.accepted] as const]) {
      const filter = await parseFilter(registration, text);
      expect(await effectiveRows(registration, filter)).toBe(count);
      const input = await prepareInput(registration, {
        jobKey: runKey,
        columns: [],
        partitions: 2,
        selection: filter,
        withSubjects: true,
      });
      expect(input.count).toBe(count);
      let rows = 0;
      for (const partition of [0, 1]) rows += (await input.rows(partition)).rowIndex.length;
      expect(rows).toBe(count);
      await input.destroy();
    }
  });

  it("leave a changed file a changed file", async () => {
    await using folder = await dataFolder();
    const registration = await withDuplicates(folder, 300);
    const filter = await parseFilter(registration, "n < 0");
    const other = { ...registration, accepted: registration.accepted + 1 };
    expect((await failure(effectiveRows(other, filter))).code).toBe("DATASET_CHANGED");
    await writeFile(join(folder.path, "a.csv"), "phone,n,k\n13800138000,1,1\n");
    expect((await failure(effectiveRows(registration, filter))).code).toBe("DATASET_CHANGED");
  });
});

describe("Datasets.register", () => {
  it("takes a delimiter and column types", async () => {
    await using folder = await dataFolder();
    const path = await folder.write("a.csv", "phone;a,b;constructor\n13800138000;1;007\n");
    await mkdir(join(folder.path, "q"));
    const store = { putDataset: async () => {}, datasets: async () => [] };
    const datasets = new Datasets({
      store: store as never,
      clock: { nowMs: () => 0, monotonicMs: () => 0 },
      quarantineFolder: join(folder.path, "q"),
    });
    const form = { name: "a", path, ids: [{ column: "phone", normaliser: "phone-e164" }] } as const;
    const plain = await datasets.register({ ...form, delimiter: ";", columnTypes: {} });
    expect(plain.registration.columns[2]).toEqual({ name: "constructor", type: "number", plain: true });
    const typed = await datasets.register({ ...form, delimiter: ";", columnTypes: { constructor: "text" } as never });
    expect(typed.registration.columns).toEqual([
      { name: "phone", type: "id" },
      { name: "a,b", type: "number", plain: true },
      { name: "constructor", type: "text" },
    ]);
    expect((await failure(datasets.register({ ...form, delimiter: "|" }))).code).toBe("DATASET_COLUMN_UNKNOWN");
    const parquet = await folder.parquet("a.parquet", "SELECT '13800138000' AS phone");
    expect((await failure(datasets.register({ ...form, path: parquet, delimiter: ";" }))).code).toBe("DATASET_FORMAT");
  });
});
