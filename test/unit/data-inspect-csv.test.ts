import { stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SAMPLE_CELLS } from "../../party/data/limits.ts";
import { dataFolder, failure } from "../support/data-folder.ts";

const A = "13800138000";
const B = "13900139000";
const C = "15012345678";

describe("CSV that is read", () => {
  it("byte order mark, quotes, semicolons, CRLF, blank lines", async () => {
    await using folder = await dataFolder();
    await folder.write(
      "a.csv",
      `\ufeff"phone";"na""me";amount\r\n"${A}";"a;b\r\nc";1.5\r\n\r\n ${B} ;"say ""hi""";\r\n${C};x;-2e3\r\n`,
    );
    const registration = await folder.inspect("a.csv");
    expect(registration).toMatchObject({
      format: "csv",
      dialect: { delimiter: ";", lineEnd: "\r\n", skipLines: 0 },
      columns: [
        { name: "phone", type: "id" },
        { name: 'na"me', type: "text" },
        { name: "amount", type: "number" },
      ],
      rows: 3,
      accepted: 3,
      duplicates: 0,
      rejectedByReason: {},
    });
    expect(await folder.quarantine()).toEqual([]);
  });

  it.each([
    ["tab", "\t"],
    ["comma", ","],
    ["bar", "|"],
  ])("delimiter: %s", async (_, delimiter) => {
    await using folder = await dataFolder();
    await folder.write("a.csv", [`phone`, `x`].join(delimiter).concat("\n", [A, "1"].join(delimiter), "\n"));
    expect(await folder.inspect("a.csv")).toMatchObject({ dialect: { delimiter }, accepted: 1 });
  });

  it("takes the given delimiter before the one proposed", async () => {
    await using folder = await dataFolder();
    await folder.write("a.csv", `phone;a,b,c\n${A};1,2,3\n`);
    expect((await folder.inspect("a.csv", { delimiter: ";" })).columns.map(({ name }) => name)).toEqual([
      "phone",
      "a,b,c",
    ]);
    expect((await failure(folder.inspect("a.csv"))).code).toBe("DATASET_COLUMN_UNKNOWN");
  });

  it("blank lines before the header, none at the end", async () => {
    await using folder = await dataFolder();
    await folder.write("a.csv", `\n\nphone,x\nbad,1\n${A},1`);
    expect(await folder.inspect("a.csv")).toMatchObject({ rows: 2, accepted: 1, dialect: { skipLines: 2 } });
    expect(await folder.quarantine()).toEqual([{ line: 4, reason: "id-characters", id: "bad" }]);
  });

  it("one column, where a blank line is an empty id", async () => {
    await using folder = await dataFolder();
    await folder.write("a.csv", `phone\n${A}\n\n${B}\n`);
    expect(await folder.inspect("a.csv")).toMatchObject({ rows: 3, accepted: 2, rejectedByReason: { "id-empty": 1 } });
    expect(await folder.quarantine()).toEqual([{ line: 3, reason: "id-empty", id: null }]);
  });

  it("ragged rows, bad ids, bad numbers and duplicates are counted and set aside by line", async () => {
    await using folder = await dataFolder();
    const lines = [
      "phone,name,amount",
      `${A},"two\nlines",1`, // 2 and 3
      `${B},short`, // 4
      "", // 5
      `${B},too,1,long`, // 6
      "n/a,x,1", // 7
      `${B},x,"1,5"`, // 8: a decimal comma
      `+86 ${A},again,1`, // 9
      `${C},"broken" quote,1`, // 10
      ",x,1", // 11
      ...Array.from({ length: 60 }, (_, i) => `138000000${10 + i},x,${i}`), // 12 to 71
      `${B},infinite,inf`, // 72
    ];
    await folder.write("a.csv", `${lines.join("\n")}\n`);
    const registration = await folder.inspect("a.csv");
    expect(registration).toMatchObject({
      rows: 69,
      accepted: 61,
      duplicates: 1,
      rejectedByReason: {
        "row-too-few-columns": 1,
        "row-too-many-columns": 1,
        "row-quote-broken": 1,
        "id-characters": 1,
        "id-empty": 1,
        "number-invalid": 2,
      },
    });
    expect((await folder.quarantine()).sort((a, b) => a.line - b.line)).toEqual([
      { line: 4, reason: "row-too-few-columns" },
      { line: 6, reason: "row-too-many-columns" },
      { line: 7, reason: "id-characters", id: "n/a" },
      { line: 8, reason: "number-invalid", column: "amount", id: B },
      { line: 9, reason: "duplicate", id: `+86 ${A}` },
      { line: 10, reason: "row-quote-broken" },
      { line: 11, reason: "id-empty", id: null },
      { line: 72, reason: "number-invalid", column: "amount", id: B },
    ]);
    expect((await stat(join(folder.path, "quarantine.jsonl"))).mode & 0o777).toBe(0o600);
  });

  it("rows in another encoding are set aside, in whichever column", async () => {
    await using folder = await dataFolder();
    const gbk = new Uint8Array([0xd6, 0xd0]);
    await folder.write("a.csv", Buffer.concat([Buffer.from(`phone,x\n${A},`), gbk, Buffer.from(`\n${B},ok\n`)]));
    expect(await folder.inspect("a.csv", { encoding: "utf-8" })).toMatchObject({
      accepted: 1,
      rejectedByReason: { "row-encoding": 1 },
    });
  });

  it("a line over the limit is set aside", async () => {
    await using folder = await dataFolder();
    await folder.write("a.csv", `phone,x\n${A},${"y".repeat(2_200_000)}\n${B},ok\n`);
    expect(await folder.inspect("a.csv")).toMatchObject({ accepted: 1, rejectedByReason: { "row-too-long": 1 } });
    expect(await folder.quarantine()).toEqual([{ line: 2, reason: "row-too-long" }]);
  });

  it("a code that looks like a number is text when the caller says so", async () => {
    await using folder = await dataFolder();
    await folder.write("a.csv", `phone,code\n${A},007\n${B},x\n`);
    const types = { code: "text" } as const;
    expect((await folder.inspect("a.csv", { columnTypes: types })).columns[1]).toEqual({ name: "code", type: "text" });
    expect(await failure(folder.inspect("a.csv", { columnTypes: { none: "text" } }))).toMatchObject({
      code: "DATASET_COLUMN_UNKNOWN",
      detail: expect.stringContaining("none"),
    });
  });

  it("the share of numbers that makes a column numeric, one below and at it", async () => {
    await using folder = await dataFolder();
    const rows = (bad: number) =>
      Array.from({ length: 100 }, (_, i) => `138000001${String(i).padStart(2, "0")},${i < bad ? "?" : i}\n`).join("");
    await folder.write("at.csv", `phone,x\n${rows(5)}`);
    await folder.write("below.csv", `phone,x\n${rows(6)}`);
    expect(await folder.inspect("at.csv")).toMatchObject({ accepted: 95, columns: [{}, { type: "number" }] });
    expect(await folder.inspect("below.csv")).toMatchObject({ accepted: 100, columns: [{}, { type: "text" }] });
  });

  it.each([
    ["a word", "none", 1, "number-invalid"],
    ["an infinite number", "inf", 1, "number-invalid"],
    ["a blank that is not empty", "\u3000 ", 0, ""],
  ])("numbers as far as registration looks ahead, and then %s", async (_, odd, rejected, reason) => {
    await using folder = await dataFolder();
    const count = SAMPLE_CELLS + 10;
    const rows = Array.from({ length: count }, (_, i) => `${13800000000 + i},${i === count - 2 ? odd : i},${i}\n`);
    await folder.write("a.csv", `phone,x,y\n${rows.join("")}`);
    expect(await folder.inspect("a.csv")).toMatchObject({
      rows: count,
      accepted: count - rejected,
      rejectedByReason: rejected === 0 ? {} : { [reason]: rejected },
      columns: [{ type: "id" }, { name: "x", type: "number" }, { name: "y", type: "number", plain: true }],
    });
    expect((await folder.inspect("a.csv")).columns[1]?.plain).toBe(undefined);
    if (rejected > 0) expect(await folder.quarantine()).toMatchObject([{ line: count, reason, column: "x" }]);
  });

  it("numbers as far as registration looks ahead, and then only words", async () => {
    await using folder = await dataFolder();
    const rows = Array.from(
      { length: 3 * SAMPLE_CELLS },
      (_, i) => `${13800000000 + i},${i < SAMPLE_CELLS ? i : "x"}\n`,
    );
    await folder.write("a.csv", `phone,x\n${rows.join("")}`);
    expect(await folder.inspect("a.csv")).toMatchObject({
      accepted: 3 * SAMPLE_CELLS,
      columns: [{}, { type: "text" }],
    });
  });

  it("a file name with a quote", async () => {
    await using folder = await dataFolder();
    await folder.write("it's a 'file'.csv", `phone,x\n${A},1\n`);
    expect(await folder.inspect("it's a 'file'.csv")).toMatchObject({ accepted: 1 });
  });
});

describe("CSV that is refused", () => {
  const cases: readonly [string, string | Uint8Array, string, string?][] = [
    ["empty", "", "DATASET_EMPTY"],
    ["blank", "\n\n\r\n", "DATASET_EMPTY"],
    ["byte order mark only", "\ufeff", "DATASET_EMPTY"],
    ["header only", "phone,x\n", "DATASET_EMPTY"],
    ["header only, no line end", "phone,x", "DATASET_EMPTY"],
    ["junk", Uint8Array.from({ length: 5000 }, (_, i) => (i * i * 7 + 13 * i) & 255), "DATASET_FORMAT"],
    ["UTF-16", Buffer.from(`\ufeffphone,x\n${A},1\n`, "utf16le"), "DATASET_FORMAT"],
    ["header in another encoding", Uint8Array.of(0xe9, 0x2c, 0x61, 0x0a, 0x31, 0x2c, 0x32), "DATASET_FORMAT"],
    ["NUL behind the head", `phone,x\n${`${A},1\n`.repeat(90_000)}${A},\0\n`, "DATASET_FORMAT"],
    [
      "open quote",
      `phone,x\n${A},1\n${B},"x\n${C},1\n`,
      "DATASET_FORMAT",
      "the quote that opens on line 3 is never closed",
    ],
    ["LF then CRLF", `phone,x\n${A},1\n${B},1\r\n`, "DATASET_FORMAT", "line 3 ends unlike the header line"],
    ["CRLF then LF", `phone,x\r\n${A},1\r\n${B},1\n`, "DATASET_FORMAT", "line 3 ends unlike the header line"],
    ["CR only", `phone,x\r${A},1\r${B},1\r`, "DATASET_FORMAT"],
    ["a long line for a header", "x".repeat(1 << 21), "DATASET_FORMAT", "the first line is too long for a header"],
    ["two columns of a name", `phone,x,x\n${A},1,2\n`, "DATASET_FORMAT", "columns 2 and 3 have one name"],
    ["a column without name", `phone,,x\n${A},1,2\n`, "DATASET_FORMAT", "column 2 has no name"],
    ["no such column", `telephone,x\n${A},1\n`, "DATASET_COLUMN_UNKNOWN", "phone"],
    ["blank ids", `phone,x\n,1\n  ,2\n"",3\n`, "DATASET_ID_EMPTY", "phone"],
    ["malformed ids", "phone,x\nabc,1\n", "DATASET_ID_EMPTY", "phone"],
    ["only ragged rows", `phone,x\n${A}\n${A},1,2\n`, "DATASET_ID_EMPTY", "phone"],
  ];

  it.each(cases)("%s", async (_, content, code, detail) => {
    await using folder = await dataFolder();
    await folder.write("a.csv", content);
    const found = await failure(folder.inspect("a.csv"));
    expect(found.code).toBe(code);
    if (detail !== undefined) expect(found.detail).toContain(detail);
  });

  it("a file that is not there, a folder, a pattern", async () => {
    await using folder = await dataFolder();
    await folder.write("a[1].csv", `phone,x\n${A},1\n`);
    for (const path of [join(folder.path, "none.csv"), folder.path, join(folder.path, "a[1].csv"), "a\0b"])
      expect((await failure(folder.inspect("a.csv", { path }))).code).toBe("DATASET_FILE_MISSING");
  });

  it("keeps the former quarantine when refused, and writes the new one when no id is good", async () => {
    await using folder = await dataFolder();
    await folder.write("a.csv", `phone,x\n${A},1\n${A},1\n`);
    await folder.inspect("a.csv");
    const former = await folder.quarantine();
    expect(former).toHaveLength(1);
    await folder.write("b.csv", `phone,x\n${A},"1\n`);
    expect((await failure(folder.inspect("b.csv"))).code).toBe("DATASET_FORMAT");
    expect(await folder.quarantine()).toEqual(former);
    await folder.write("c.csv", "phone,x\nn/a,1\n");
    expect((await failure(folder.inspect("c.csv"))).code).toBe("DATASET_ID_EMPTY");
    expect(await folder.quarantine()).toEqual([{ line: 2, reason: "id-characters", id: "n/a" }]);
  });
});
