import { appendFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import type { DatasetRegistration } from "../../party/data/dataset.ts";
import { asFormatError, openDuckDb } from "../../party/data/duckdb.ts";
import { parseFilter } from "../../party/data/filter.ts";
import { idHasher } from "../../party/data/id-hash.ts";
import { DEFAULT_LIMITS } from "../../party/data/limits.ts";
import { packTexts, textAt } from "../../party/data/packed-text.ts";
import { prepareInput } from "../../party/data/prepare.ts";
import { readDataset } from "../../party/data/read.ts";
import { partitionOf } from "../../party/protocols/plan.ts";
import { dataFolder, failure } from "../support/data-folder.ts";

const jobKey = Uint8Array.from({ length: 32 }, (_, i) => i);

async function collect(registration: DatasetRegistration, columns: readonly string[]) {
  const rows: (string | number)[][] = [];
  for await (const { count, ids, features } of readDataset(registration, {
    columns: columns.map((name) => ({ name })),
  }))
    for (let i = 0; i < count; i++) rows.push([textAt(ids, i), ...features.map((values) => values[i] as number)]);
  return rows;
}

const CSV = `phone,a,b,t
13800138000,1,,x
bad,2,2,x
+8613800138000,3,3,x
13900139000, 4.5 ,1e3,x
15000000000,5
15000000001,,nan,"x"
`;

describe("readDataset", () => {
  it("gives normalised ids and columns as asked, duplicates with them, NaN for blanks", async () => {
    await using folder = await dataFolder();
    await folder.write("a.csv", CSV);
    const registration = JSON.parse(JSON.stringify(await folder.inspect("a.csv"))) as DatasetRegistration;
    expect(await collect(registration, ["b", "a"])).toEqual([
      ["+8613800138000", Number.NaN, 1],
      ["+8613800138000", 3, 3],
      ["+8613900139000", 1000, 4.5],
      ["+8615000000001", Number.NaN, Number.NaN],
    ]);
    expect(await collect(registration, [])).toHaveLength(registration.accepted + registration.duplicates);
  });

  it("gives the same of Parquet", async () => {
    await using folder = await dataFolder();
    await folder.parquet(
      "a.parquet",
      "SELECT * FROM (VALUES ('13800138000', 1::TINYINT, NULL), ('138-0013-8000', 2, 2.5), ('13900139000', NULL, -0.5)) t(phone, a, b)",
    );
    expect(await collect(await folder.inspect("a.parquet"), ["a", "b"])).toEqual([
      ["+8613800138000", 1, Number.NaN],
      ["+8613800138000", 2, 2.5],
      ["+8613900139000", Number.NaN, -0.5],
    ]);
  });

  it("gives the same of a CSV column, whether DuckDB reads it as numbers or we as text", async () => {
    await using folder = await dataFolder();
    const cells = ["1", "-0", "+1", "1e5", ".5", "5.", "1_000", "1e-400", "nan", "", '""', '"7"', "9007199254740993"];
    const precise = ["0.1000000000000000055511151231257827", "2.2250738585072011e-308", "1.7976931348623157e308"];
    const rows = [...cells, ...precise].map((cell, i) => `${13800138001 + i},${cell},${cell}\n`).join("");
    await folder.write("a.csv", `phone,plain,padded\n13800138000,1,\u30001\n${rows}`);
    const registration = await folder.inspect("a.csv");
    expect(registration.columns.map(({ plain }) => plain)).toEqual([undefined, true, undefined]);
    const values = await collect(registration, ["plain", "padded"]);
    expect(values).toHaveLength(registration.rows);
    for (const [, plain, padded] of values) expect(plain).toBe(padded);
  });

  it("keeps file order over many chunks and threads, whichever columns are asked for", async () => {
    await using folder = await dataFolder();
    const expected = Array.from({ length: 150_000 }, (_, i) => `+86${13_000_000_000 + ((i * 7919) % 1_000_003)}`);
    await folder.write("a.csv", `phone,n\n${expected.map((id, i) => `${id.slice(3)},${i}`).join("\n")}\n`);
    const rows = await collect(await folder.inspect("a.csv"), ["n"]);
    expect(rows.length).toBe(expected.length);
    expect(rows.findIndex(([id, n], i) => id !== expected[i] || n !== i)).toBe(-1);
  });

  it("names a column that is not there or not numeric", async () => {
    await using folder = await dataFolder();
    await folder.write("a.csv", CSV);
    const registration = await folder.inspect("a.csv");
    expect(await failure(collect(registration, ["a", "c"]))).toEqual({ code: "DATASET_COLUMN_UNKNOWN", detail: "c" });
    expect(await failure(collect(registration, ["t"]))).toEqual({
      code: "DATASET_COLUMN_TYPE",
      detail: "t is of type text",
    });
    expect((await failure(collect(registration, ["phone"]))).code).toBe("DATASET_COLUMN_TYPE");
  });

  it("accepts a touched file, refuses a changed or removed one", async () => {
    await using folder = await dataFolder();
    const path = await folder.write("a.csv", CSV);
    const registration = await folder.inspect("a.csv");
    await utimes(path, 1, 1);
    expect(await collect(registration, ["a"])).toHaveLength(4);
    await writeFile(path, CSV.replace("13900139000", "13900139001"));
    expect((await failure(collect(registration, ["a"]))).code).toBe("DATASET_CHANGED");
    await writeFile(path, CSV);
    expect(await collect(registration, ["a"])).toHaveLength(4);
    await appendFile(path, "15000000009,1,1,x\n");
    expect((await failure(collect(registration, ["a"]))).code).toBe("DATASET_CHANGED");
    await folder[Symbol.asyncDispose]();
    expect((await failure(collect(registration, ["a"]))).code).toBe("DATASET_FILE_MISSING");
  });

  it("refuses a file that changes while it is read", async () => {
    await using folder = await dataFolder();
    const path = await folder.write("a.csv", CSV);
    const registration = await folder.inspect("a.csv");
    const read = async () => {
      for await (const _ of readDataset(registration, { columns: [] })) await appendFile(path, "15000000009,1,1,x\n");
    };
    expect((await failure(read())).code).toBe("DATASET_CHANGED");
  });

  it("says so when the memory limit is too small", async () => {
    await using folder = await dataFolder();
    await folder.write("a.csv", CSV);
    const registration = await folder.inspect("a.csv");
    const read = readDataset(registration, { columns: [], limits: { memoryLimitMb: 1, threads: 1 } });
    expect((await failure(read.next())).code).toBe("OVERLOADED");
  });
});

describe("openDuckDb", () => {
  it("reaches the named file and nothing else", async () => {
    await using folder = await dataFolder();
    const file = await folder.write("a.csv", CSV);
    const other = await folder.write("b.csv", CSV);
    const db = await openDuckDb({ file }, DEFAULT_LIMITS);
    const run = (sql: string) => db.connection.run(sql).then(String, (error: Error) => error.message);
    expect(await run(`FROM read_csv('${other}')`)).toMatch(/Permission Error/);
    expect(await run(`COPY (SELECT 1) TO '${join(folder.path, "c.csv")}'`)).toMatch(/Permission Error/);
    expect(await run("SET enable_external_access = true")).toMatch(/locked/);
    expect(await run("SET memory_limit = '1TB'")).toMatch(/locked/);
    expect(await run("INSTALL httpfs")).toMatch(/Permission Error/);
    expect(await run(`FROM read_csv('${file}')`)).not.toMatch(/Error/);
    db.close();
  });
});

describe("asFormatError", () => {
  it("keeps the values that DuckDB quotes out of the error and its cause", async () => {
    await using folder = await dataFolder();
    const file = await folder.write("a.csv", "phone,x\n13800138999,secret\n");
    const db = await openDuckDb({ file }, DEFAULT_LIMITS);
    const thrown = await db.connection.run(`SELECT x::DATE FROM read_csv('${file}')`).catch((error: unknown) => error);
    db.close();
    expect(String(thrown)).toMatch(/secret/);
    const error = asFormatError(thrown, "reading");
    expect(error).toMatchObject({ code: "DATASET_FORMAT", detail: "reading" });
    expect(error.cause).toEqual(new Error("DuckDB: Conversion Error"));
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/13800138999|secret/);
  });
});

describe("text columns", () => {
  const texts = ["Shanghai", "it's", "a,b", "\u4e0a\u6d77"];
  const cities = ["Shanghai", " Shanghai ", "shanghai", "it's", '"a,b"', "\u4e0a\u6d77", "", "  ", "nan"];
  const csv = ["phone,city,n", ...cities.map((city, i) => `1380013800${i},${city},${i}`)].join("\n");
  const column = { name: "city", texts };

  async function placesIn(registration: DatasetRegistration): Promise<number[]> {
    const places: number[] = [];
    for await (const { features } of readDataset(registration, { columns: [{ name: "n" }, column] }))
      places.push(...(features[1] as Float64Array));
    return places;
  }

  it("are read as the place of their text, -1 for another, NaN for a blank", async () => {
    await using folder = await dataFolder();
    await folder.write("a.csv", csv);
    expect(await placesIn(await folder.inspect("a.csv"))).toEqual([0, 0, -1, 1, 2, 3, Number.NaN, Number.NaN, -1]);
  });

  it("of Parquet, where white space is part of the text, and beside a filter on the same column", async () => {
    await using folder = await dataFolder();
    const rows = ["Shanghai", " Shanghai ", "it's", "a,b", "\u4e0a\u6d77", null, ""].map((city, i) => {
      const cell = city === null ? "NULL" : `'${city.replace("'", "''")}'`;
      return `('1380013800${i}', ${cell}::VARCHAR, ${i})`;
    });
    await folder.parquet("a.parquet", `SELECT * FROM (VALUES ${rows.join(", ")}) AS t(phone, city, n)`);
    const registration = await folder.inspect("a.parquet");
    expect(await placesIn(registration)).toEqual([0, -1, 1, 2, 3, Number.NaN, -1]);
    const filter = await parseFilter(registration, "city <> 'Shanghai' and city <> ''");
    const places: number[] = [];
    for await (const { features } of readDataset(registration, { columns: [column], selection: filter }))
      places.push(...(features[0] as Float64Array));
    expect(places).toEqual([-1, 1, 2, 3]);
  });

  it("must be of text: numbers, ids and unknown names are refused before anything is read", async () => {
    await using folder = await dataFolder();
    await folder.write("a.csv", csv);
    const registration = await folder.inspect("a.csv");
    const read = (name: string) => failure(readDataset(registration, { columns: [{ name, texts }] }).next());
    expect([(await read("n")).code, (await read("phone")).code]).toEqual([
      "DATASET_COLUMN_TYPE",
      "DATASET_COLUMN_TYPE",
    ]);
    expect((await read("none")).code).toBe("DATASET_COLUMN_UNKNOWN");
  });
});

describe("prepareInput", () => {
  it("puts each row once where its hash belongs, with its features and its id", async () => {
    await using folder = await dataFolder();
    await folder.parquet(
      "a.parquet",
      "SELECT (13800000000 + i * 7919)::VARCHAR AS phone, i AS n, i / 4 AS x FROM range(5000) t(i)",
    );
    const registration = await folder.inspect("a.parquet");
    const options = { jobKey, columns: [{ name: "x" }, { name: "n" }], partitions: 3, withSubjects: true };
    const input = await prepareInput(registration, options);
    expect(input).toMatchObject({ count: 5000, partitions: 3 });
    const seen = new Set<number>();
    for (let partition = 0; partition < 3; partition++) {
      const { ids, rowIndex, features } = await input.rows(partition);
      const subjects = await input.subjects(partition);
      expect(idHasher(jobKey).hashAll(subjects)).toEqual(ids);
      expect(features.map((values) => values.length)).toEqual([rowIndex.length, rowIndex.length]);
      for (const [i, row] of rowIndex.entries()) {
        seen.add(row);
        expect(partitionOf(ids, i, 3)).toBe(partition);
        expect([features[0]?.[i], features[1]?.[i]]).toEqual([row / 4, row]);
        expect(textAt(subjects, i)).toBe(`+86${13_800_000_000 + row * 7919}`);
      }
    }
    expect(seen.size).toBe(5000);
    const again = await prepareInput(registration, options);
    expect(await again.rows(1)).toEqual(await input.rows(1));
    const other = await prepareInput(registration, { ...options, jobKey: new Uint8Array(32) });
    expect((await other.rows(0)).ids).not.toEqual((await input.rows(0)).ids);
  });

  it("keeps ids of every script and length, from CSV as from Parquet", async () => {
    await using folder = await dataFolder();
    const ids = [
      "a",
      "\u4e2d\u6587",
      "m\u00fcller@example.org",
      "\u{1f600}".repeat(5),
      "x".repeat(65),
      "y".repeat(256),
    ];
    const lines = [...ids, ` ${ids[1]}\u3000`, "z".repeat(257), "\u00a0", ...ids];
    await folder.write("a.csv", `phone,n\n${lines.map((line, i) => `"${line}",${i}`).join("\n")}\n`);
    await folder.parquet("a.parquet", `SELECT * FROM read_csv('${join(folder.path, "a.csv")}', header = true)`);
    const options = { jobKey, columns: [{ name: "n" }], partitions: 2, withSubjects: true };
    for (const name of ["a.csv", "a.parquet"]) {
      const registration = await folder.inspect(name, { ids: [{ column: "phone", normaliser: "opaque" }] });
      expect(registration).toMatchObject({
        accepted: ids.length,
        duplicates: ids.length + 1,
        rejectedByReason: { "id-length": 1, "id-empty": 1 },
      });
      const input = await prepareInput(registration, options);
      const found: string[] = [];
      for (const partition of [0, 1]) {
        const { features } = await input.rows(partition);
        const subjects = await input.subjects(partition);
        for (const [i, n] of features[0]?.entries() ?? []) found[n] = textAt(subjects, i);
      }
      expect(found).toEqual(ids);
    }
  });

  it("quantises columns as asked, the missing values too", async () => {
    await using folder = await dataFolder();
    await folder.write("a.csv", CSV);
    const quantise = (value: number) => (Number.isNaN(value) ? -1 : value * 2);
    const columns = [
      { name: "a", quantise },
      { name: "b", quantise },
    ];
    const options = { jobKey, columns, partitions: 1, withSubjects: false };
    const input = await prepareInput(await folder.inspect("a.csv"), options);
    const { rowIndex, features } = await input.rows(0);
    // Row numbers count the bad row and the duplicate, and not the broken line.
    expect(rowIndex).toEqual(Uint32Array.of(0, 3, 4));
    expect(features).toEqual([Int16Array.of(2, 9, -1), Int16Array.of(-1, 2000, -1)]);
  });

  it("takes only the people that it is given, each of their rows as without that", async () => {
    await using folder = await dataFolder();
    const rows = Array.from({ length: 300 }, (_, i) => `${13_800_000_000 + (i % 250)},${i}`);
    await folder.write("a.csv", `phone,n\n${rows.join("\n")}\n`);
    const registration = await folder.inspect("a.csv");
    const options = { jobKey, columns: [{ name: "n" }], partitions: 2, withSubjects: true };
    const people = Array.from({ length: 100 }, (_, i) => `+86${13_800_000_000 + 7 * i}`);
    const readWith = async (given?: readonly string[]) => {
      const among = given && (await packTexts(Readable.from(given)));
      const input = await prepareInput(registration, {
        ...options,
        ...(among && { selection: { kind: "people", people: among } as const }),
      });
      const found = new Map<string, number>();
      for (const partition of [0, 1]) {
        const { features } = await input.rows(partition);
        const subjects = await input.subjects(partition);
        for (const [i, n] of features[0]?.entries() ?? []) found.set(textAt(subjects, i), n);
      }
      expect(found.size).toBe(input.count);
      return found;
    };
    const all = await readWith();
    expect(all.size).toBe(250);
    // Some are no longer in the dataset, and one is named twice.
    const chosen = await readWith([...people, people[0] as string]);
    expect(chosen).toEqual(new Map([...all].filter(([subject]) => people.includes(subject))));
    expect(chosen.size).toBe(36);
    expect(await readWith([])).toEqual(new Map());
  });

  it("says what is asked wrongly", async () => {
    await using folder = await dataFolder();
    await folder.write("a.csv", CSV);
    const registration = await folder.inspect("a.csv");
    const options = { jobKey, columns: [], partitions: 1, withSubjects: false };
    for (const partitions of [0, 1.5, 1025])
      expect((await failure(prepareInput(registration, { ...options, partitions }))).code).toBe("INTERNAL");
    const input = await prepareInput(registration, options);
    await expect(input.rows(1)).rejects.toThrow(RangeError);
    expect((await failure(input.subjects(0))).code).toBe("STORAGE_FAILED");
  });
});

describe("packTexts", () => {
  it("keeps texts of every script, as many as come", async () => {
    const texts = Array.from({ length: 3000 }, (_, i) => ["", "\u4e2d\u6587", "\u{1f600}", `+86${i}`][i % 4] as string);
    const packed = await packTexts(Readable.from(texts));
    expect(packed.count).toBe(3000);
    expect(texts.map((_, i) => textAt(packed, i))).toEqual(texts);
    expect(await packTexts(Readable.from([]))).toEqual({
      count: 0,
      bytes: new Uint8Array(0),
      offsets: Uint32Array.of(0),
    });
  });
});
