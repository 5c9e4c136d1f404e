import { appendFile, mkdir, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it } from "vitest";
import type { DatasetRegistration } from "../../party/data/dataset.ts";
import { parseFilter } from "../../party/data/filter.ts";
import { textAt } from "../../party/data/packed-text.ts";
import { readDataset } from "../../party/data/read.ts";
import { type DataFolder, dataFolder, failure } from "../support/data-folder.ts";

const A = "13800138000";
const B = "13900139000";
const C = "15012345678";
const D = "18612345678";

async function idsOf(registration: DatasetRegistration, filterText?: string): Promise<string[]> {
  const selection = filterText === undefined ? undefined : await parseFilter(registration, filterText);
  const found: string[] = [];
  for await (const { count, ids } of readDataset(registration, { columns: [], ...(selection && { selection }) }))
    for (let i = 0; i < count; i++) found.push(textAt(ids, i).slice(3));
  return found;
}

async function parts(folder: DataFolder, files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const path = join(folder.path, "in");
  await mkdir(path, { recursive: true });
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content);
  return path;
}

describe("a folder of files", () => {
  it("is read as one table in the order of names, its rows numbered on, its quarantine by file and line", async () => {
    await using folder = await dataFolder();
    const path = await parts(folder, {
      "b.csv": `phone,n\nbad,3\n${A},4\n${D},oops\n`,
      "a.csv": `\ufeffphone,n\n${A},1\n\n${B},"2"\n`,
      "c.csv": "phone,n\n",
      "d.csv": `phone,n\n${C},"5\n"\nragged\n`,
      _SUCCESS: "",
      ".a.csv.crc": "x",
    });
    const number = { columnTypes: { n: "number" } } as const;
    const registration = await folder.inspect("", { path, ...number });
    expect(registration).toMatchObject({
      format: "csv",
      rows: 7,
      accepted: 3,
      duplicates: 1,
      rejectedByReason: { "id-characters": 1, "number-invalid": 1, "row-too-few-columns": 1 },
      lines: { total: 13, header: 4, blank: 1, continued: 1 },
    });
    expect(registration.source).toMatchObject({
      parts: ["a.csv", "b.csv", "c.csv", "d.csv"].map((name) => ({ name })),
    });
    expect(await folder.quarantine()).toEqual([
      { file: "d.csv", line: 4, reason: "row-too-few-columns" },
      { file: "b.csv", line: 2, reason: "id-characters", id: "bad" },
      { file: "b.csv", line: 4, reason: "number-invalid", column: "n", id: D },
      { file: "b.csv", line: 3, reason: "duplicate", id: A },
    ]);
    expect(await idsOf(registration)).toEqual([A, B, A, C]);
    expect(await idsOf(registration, "n > 1")).toEqual([B, A, C]);
    const rows: number[] = [];
    for await (const batch of readDataset(registration, { columns: [] })) rows.push(...batch.rows);
    expect(rows).toEqual([0, 1, 3, 5]);
  });

  it("of Parquet, and by a pattern, in folders too", async () => {
    await using folder = await dataFolder();
    await mkdir(join(folder.path, "in", "day=2"), { recursive: true });
    await folder.parquet("in/day=2/x.parquet", `SELECT '${B}' AS phone, 2 AS n`);
    await folder.parquet("in/x.parquet", `SELECT '${A}' AS phone, 1.5 AS n UNION ALL SELECT 'bad', 2`);
    await folder.write("in/notes.md", "x");
    const registration = await folder.inspect("", { path: join(folder.path, "in", "**", "*.parquet") });
    expect(registration).toMatchObject({ format: "parquet", rows: 3, accepted: 2 });
    expect(registration.lines).toBeUndefined();
    expect(registration.source).toMatchObject({ parts: [{ name: "day=2/x.parquet" }, { name: "x.parquet" }] });
    expect(await folder.quarantine()).toEqual([{ file: "x.parquet", line: 2, reason: "id-characters", id: "bad" }]);
    expect(await idsOf(registration)).toEqual([B, A]);
    // A pattern that means a single file is a list of one.
    const one = await folder.inspect("", { path: join(folder.path, "in", "x.*") });
    expect(one).toMatchObject({ rows: 2, source: { parts: [{ name: "x.parquet" }] } });
    expect(one.version).not.toBe(registration.version);
  });

  it("has a version that is of its files' names and contents alone", async () => {
    await using folder = await dataFolder();
    const files = { "a.csv": `phone,n\n${A},1\n`, "b.csv": `phone,n\n${B},2\n` };
    const path = await parts(folder, files);
    const { version } = await folder.inspect("", { path });
    await utimes(join(path, "a.csv"), 1, 1);
    expect((await folder.inspect("", { path: join(path, "*.csv") })).version).toBe(version);
    await parts(folder, { "a.csv": files["b.csv"], "b.csv": files["a.csv"] });
    expect((await folder.inspect("", { path })).version).not.toBe(version);
  });

  it("is DATASET_CHANGED when a file comes, goes or changes, and not when one is touched", async () => {
    await using folder = await dataFolder();
    const path = await parts(folder, { "a.csv": `phone,n\n${A},1\n`, "b.csv": `phone,n\n${B},2\n` });
    const registration = await folder.inspect("", { path });
    const changed = async () => failure(idsOf(registration));
    await utimes(join(path, "b.csv"), 1, 1);
    expect(await changed()).toEqual({ code: "none" });
    for (const [name, content] of [
      ["c.csv", `phone,n\n${C},3\n`],
      ["c.parquet", "x"],
      ["notes", "x"],
    ] as const) {
      await writeFile(join(path, name), content);
      expect(await changed()).toEqual({ code: "DATASET_CHANGED", detail: `test: ${name}` });
      await rm(join(path, name));
    }
    const content = await readFile(join(path, "b.csv"));
    await rm(join(path, "b.csv"));
    expect(await changed()).toEqual({ code: "DATASET_CHANGED", detail: "test" });
    await writeFile(join(path, "b.csv"), `phone,n\n${C},2\n`);
    expect(await changed()).toEqual({ code: "DATASET_CHANGED", detail: "test: b.csv" });
    await writeFile(join(path, "b.csv"), content);
    expect(await changed()).toEqual({ code: "none" });
    const meanwhile = async () => {
      for await (const _ of readDataset(registration, { columns: [] })) await writeFile(join(path, "z.csv"), "");
    };
    expect((await failure(meanwhile())).code).toBe("DATASET_CHANGED");
    await rm(path, { recursive: true });
    expect((await changed()).code).toBe("DATASET_FILE_MISSING");
  });

  const good = `phone,n\n${A},1\n`;
  it.each<[string, Readonly<Record<string, string | Uint8Array>>, string]>([
    [
      "other columns",
      { "a.csv": good, "b.csv": "phone,m\n1,2\n" },
      "b.csv: its columns are not those of the first file",
    ],
    [
      "another order",
      { "a.csv": good, "b.csv": "n,phone\n1,2\n" },
      "b.csv: its columns are not those of the first file",
    ],
    ["another delimiter", { "a.csv": good, "b.csv": "phone;n\n1;2\n" }, "b.csv: its columns are not those"],
    ["other line ends", { "a.csv": good, "b.csv": "phone,n\r\n1,2\r\n" }, "b.csv: its lines end unlike"],
    ["a blank file", { "a.csv": good, "b.csv": "\n" }, "b.csv: the file is blank, without a header"],
    ["two formats", { "a.csv": good, "b.parquet": "x" }, "a.csv and b.parquet are of two formats: give a pattern"],
    ["what is no data", { "a.csv": good, "b.md": "x" }, "b.md ends in none of .csv, .tsv, .txt, .parquet"],
    ["an open quote", { "a.csv": good, "b.csv": `phone,n\n${B},"1\n` }, "b.csv: the quote that opens on line 2"],
    [
      "two encodings",
      { "a.csv": `phone,n\n${A},中\n`, "b.csv": Uint8Array.of(...Buffer.from("phone,n\n1,"), 0xd6, 0xd0, 0x0a) },
      "b.csv: its encoding is not that of a.csv",
    ],
  ])("is refused with %s, by the file's name", async (_, files, detail) => {
    await using folder = await dataFolder();
    const found = await failure(folder.inspect("", { path: await parts(folder, files) }));
    expect(found.code).toBe("DATASET_FORMAT");
    expect(found.detail).toContain(detail);
  });

  it("is refused with a Parquet file cut short in the middle, of other types, or a folder in it", async () => {
    await using folder = await dataFolder();
    const path = await parts(folder, {});
    for (const name of ["a", "b", "c"])
      await folder.parquet(`in/${name}.parquet`, `SELECT (13800000000 + i)::VARCHAR AS phone FROM range(9000) t(i)`);
    const whole = await readFile(join(path, "b.parquet"));
    await writeFile(join(path, "b.parquet"), whole.subarray(0, whole.length >> 1));
    expect(await failure(folder.inspect("", { path }))).toEqual({
      code: "DATASET_FORMAT",
      detail: "b.parquet: not a Parquet file, or cut off: export it again",
    });
    await folder.parquet("in/b.parquet", "SELECT '1' AS phone, 2 AS n");
    expect((await failure(folder.inspect("", { path }))).detail).toContain("b.parquet: its columns are not those");
    await rm(join(path, "b.parquet"));
    await mkdir(join(path, "b"));
    expect((await failure(folder.inspect("", { path }))).detail).toContain("give a pattern, such as in/**/*.parquet");
    for (const name of ["*.csv", "none/*.parquet"])
      expect((await failure(folder.inspect("", { path: join(path, name) }))).code).toBe("DATASET_FILE_MISSING");
  });
});

describe("a request that is no source", () => {
  it.each([
    [{ path: undefined }, "BAD_REQUEST"],
    [{ duckdb: { path: "/x", table: "t" } }, "BAD_REQUEST"],
    [{ delimiter: ",," }, "BAD_REQUEST"],
    [{ delimiter: "\n" }, "BAD_REQUEST"],
    [{ delimiter: "é" }, "BAD_REQUEST"],
    [{ path: "a.csv" }, "DATASET_FILE_MISSING"],
    [{ path: undefined, duckdb: { path: "/x", table: "t" }, quote: "'" }, "DATASET_FORMAT"],
    [{ path: undefined, postgres: { database: "d" } }, "BAD_REQUEST"],
    [{ path: undefined, postgres: { database: "d", table: "t", query: "q" } }, "BAD_REQUEST"],
    [{ path: undefined, postgres: { database: "d", table: "t" } }, "DATABASE_UNKNOWN"],
  ] as const)("%j is %s", async (request, code) => {
    await using folder = await dataFolder();
    await folder.write("a.csv", `phone,n\n${A},1\n`);
    expect((await failure(folder.inspect("a.csv", request as object))).code).toBe(code);
  });
});

describe("a DuckDB file", () => {
  async function database(path: string, ...statements: readonly string[]): Promise<void> {
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    for (const statement of statements) await connection.run(statement);
    connection.closeSync();
    instance.closeSync();
  }

  it("gives a table or a view, with its types, and a version of its content and the table's name", async () => {
    await using folder = await dataFolder();
    const path = join(folder.path, "it's.duckdb");
    await database(
      path,
      "CREATE SCHEMA s",
      `CREATE TABLE s."t 1" AS SELECT * FROM (VALUES ('${A}', 1.5, true), ('bad', 2, false), ('${B}', NULL, NULL)) v(phone, n, b)`,
      'CREATE VIEW w AS SELECT phone, n FROM s."t 1" ORDER BY n DESC',
    );
    const table = await folder.inspect("", { path: undefined, duckdb: { path, table: "s.t 1" } });
    expect(table).toMatchObject({
      format: "duckdb",
      rows: 3,
      accepted: 2,
      rejectedByReason: { "id-characters": 1 },
      columns: [{ type: "id" }, { type: "number" }, { type: "number" }],
    });
    expect(await idsOf(table)).toEqual([A, B]);
    expect(await idsOf(table, "b and n > 1")).toEqual([A]);
    const view = await folder.inspect("", { path: undefined, duckdb: { path, table: "w" } });
    expect(view).toMatchObject({ accepted: 2, source: { table: { schema: "main", name: "w" }, isView: true } });
    expect(view.version).not.toBe(table.version);
    await database(path, `UPDATE s."t 1" SET n = 7 WHERE n = 1.5`);
    expect((await failure(idsOf(table))).code).toBe("DATASET_CHANGED");
  });

  it("is refused when it is none, lacks the table, or has changes that wait beside it", async () => {
    await using folder = await dataFolder();
    const path = join(folder.path, "a.duckdb");
    const other = await folder.write("secret.csv", `phone,n\n${A},1\n`);
    await database(path, "CREATE TABLE t AS SELECT 1.5 AS phone", `CREATE VIEW v AS FROM read_csv('${other}')`);
    const inspect = (table: string, file = path) =>
      failure(folder.inspect("", { path: undefined, duckdb: { path: file, table } }));
    expect(await inspect("none")).toEqual({ code: "NOT_FOUND", detail: "table none in a.duckdb" });
    expect((await inspect("a.b.c")).code).toBe("BAD_REQUEST");
    expect((await inspect("t")).code).toBe("DATASET_COLUMN_TYPE");
    expect(await inspect("v")).toEqual({
      code: "DATASET_FORMAT",
      detail: "the table or view cannot be read from this file alone",
    });
    expect((await inspect("t", other)).code).toBe("DATASET_FORMAT");
    expect((await inspect("t", join(folder.path, "none"))).code).toBe("DATASET_FILE_MISSING");
    const link = join(folder.path, "link.duckdb");
    await symlink(path, link);
    await appendFile(`${path}.wal`, "x");
    expect((await inspect("t", link)).detail).toMatch(/^changes wait in a.duckdb.wal: run CHECKPOINT/);
  });
});
