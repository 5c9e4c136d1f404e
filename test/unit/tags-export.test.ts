import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it } from "vitest";
import { sweepPartial } from "../../party/data/private-file.ts";
import { csvField, exportTags } from "../../party/tags/export.ts";
import type { Tag } from "../../party/tags/tag.ts";
import { dataFolder, failure } from "../support/data-folder.ts";

const base = {
  jobId: "0123456789abcdef".repeat(2),
  score: null,
  model: null,
  scoredAt: null,
  agreement: "ab".repeat(32),
  issuedAt: "2026-03-01T08:00:00.000Z",
  expiresAt: "2026-05-30T08:00:00.000Z",
};
const SCORED = { score: 0.1, model: "cd".repeat(32), scoredAt: "2026-03-01T07:59:58.123Z" };
const TAGS: readonly Tag[] = [
  { subject: "+8613800138000", key: "tier", value: "A", ...base, ...SCORED },
  { subject: "a,b", key: 'say "hi"', value: "two\r\nlines", ...base },
  { subject: "\u5f20\u4e09", key: "=1+1", value: "", ...base },
  { subject: " padded ", key: "tier", value: "-1", ...base, issuedAt: "2026-03-01T16:00:00+08:00" },
];

async function* stream(tags: Iterable<Tag>): AsyncGenerator<Tag> {
  yield* tags;
}

async function* failing(count: number): AsyncGenerator<Tag> {
  for (let i = 0; i < count; i++) yield TAGS[0] as Tag;
  throw new RangeError("the stream broke");
}

/** Every cell as text, times as milliseconds. */
async function readBack(source: string): Promise<unknown[][]> {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const times = ["scored_at", "issued_at", "expires_at"].map((name) => `epoch_ms(${name}::TIMESTAMP)::VARCHAR`);
  const query = `SELECT subject, key, coalesce(value, ''), score::DOUBLE, model, job_id, agreement, ${times.join(", ")} FROM ${source}`;
  return (await connection.runAndReadAll(query)).getRows();
}

const EXPECTED = TAGS.map(({ subject, key, value, score, model, scoredAt, jobId, agreement, issuedAt, expiresAt }) => [
  subject,
  key,
  value,
  score,
  model,
  jobId,
  agreement,
  ...[scoredAt, issuedAt, expiresAt].map((time) => (time === null ? null : String(Date.parse(time)))),
]);

describe("exportTags", () => {
  it("CSV reads back as it was", async () => {
    await using folder = await dataFolder();
    const path = join(folder.path, "new", "tags.csv");
    expect(await exportTags(stream(TAGS), { format: "csv", path })).toBe(4);
    expect(await readBack(`read_csv('${path}', header = true, all_varchar = true, new_line = '\\r\\n')`)).toEqual(
      EXPECTED,
    );
    const text = await readFile(path, "utf8");
    expect(text.split("\r\n")[0]).toBe("subject,key,value,score,model,scored_at,job_id,agreement,issued_at,expires_at");
    expect(text.split("\r\n")[1]).toBe(
      `+8613800138000,tier,A,0.1,${SCORED.model},2026-03-01T07:59:58.123Z,${base.jobId},${base.agreement},2026-03-01T08:00:00.000Z,2026-05-30T08:00:00.000Z`,
    );
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("Parquet reads back as it was", async () => {
    await using folder = await dataFolder();
    const path = join(folder.path, "it's.parquet");
    expect(await exportTags(stream(TAGS), { format: "parquet", path })).toBe(4);
    expect(await readBack(`'${path.replaceAll("'", "''")}'`)).toEqual(EXPECTED);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder.path)).toEqual(["it's.parquet"]);
  });

  it.each(["csv", "parquet"] as const)("no tags make a %s with a header alone", async (format) => {
    await using folder = await dataFolder();
    const path = join(folder.path, `tags.${format}`);
    expect(await exportTags(stream([]), { format, path })).toBe(0);
    expect(
      await readBack(format === "csv" ? `read_csv('${path}', header = true, all_varchar = true)` : `'${path}'`),
    ).toEqual([]);
  });

  it.each(["csv", "parquet"] as const)("a %s stays as it was when the stream fails or a tag is bad", async (format) => {
    await using folder = await dataFolder();
    const path = await folder.write(`tags.${format}`, "former");
    await expect(exportTags(failing(5000), { format, path })).rejects.toThrow(RangeError);
    const bad = stream([TAGS[0] as Tag, { ...(TAGS[0] as Tag), expiresAt: "soon" }]);
    expect((await failure(exportTags(bad, { format, path }))).code).toBe("BAD_REQUEST");
    expect(await readFile(path, "utf8")).toBe("former");
    expect(await readdir(folder.path)).toEqual([`tags.${format}`]);
  });

  it.each(["csv", "parquet"] as const)("a %s that cannot be written is STORAGE_FAILED", async (format) => {
    await using folder = await dataFolder();
    await folder.write("file", "");
    const inFile = join(folder.path, "file", `tags.${format}`);
    expect((await failure(exportTags(stream(TAGS), { format, path: inFile }))).code).toBe("STORAGE_FAILED");
    await mkdir(join(folder.path, "folder", "full"), { recursive: true });
    const overFolder = join(folder.path, "folder");
    expect((await failure(exportTags(stream(TAGS), { format, path: overFolder }))).code).toBe("STORAGE_FAILED");
    expect((await readdir(folder.path)).sort()).toEqual(["file", "folder"]);
  });

  it("marks formulas for spreadsheets only when asked", async () => {
    for (const text of ["=1+1", "+86", "-1", "@x", "\tx"]) {
      expect(csvField(text, true).replace(/^"/, "")).toBe(`'${text}`);
      expect(csvField(text).replaceAll('"', "")).toBe(text);
    }
    expect(csvField("1=1", true)).toBe("1=1");
  });

  it("sweeps what a crash left and nothing else", async () => {
    await using folder = await dataFolder();
    await mkdir(join(folder.path, ".partial-x1"));
    await writeFile(join(folder.path, ".partial-x1", "file"), "half");
    await folder.write("tags.csv", "whole");
    await sweepPartial(folder.path);
    expect(await readdir(folder.path)).toEqual(["tags.csv"]);
    await sweepPartial(join(folder.path, "none"));
  });
});
