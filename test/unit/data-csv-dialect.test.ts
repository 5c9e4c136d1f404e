import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { CsvDialect } from "../../party/data/csv-dialect.ts";
import type { DatasetRegistration } from "../../party/data/dataset.ts";
import { parseFilter } from "../../party/data/filter.ts";
import { textAt } from "../../party/data/packed-text.ts";
import { readDataset } from "../../party/data/read.ts";
import { totalRejected } from "../../party/data/rejection.ts";
import { dataFolder, failure } from "../support/data-folder.ts";

const A = "13800138000";
const B = "13900139000";

async function rowsOf(registration: DatasetRegistration, columns: readonly string[], filterText?: string) {
  const selection = filterText === undefined ? undefined : await parseFilter(registration, filterText);
  const found: unknown[][] = [];
  const asked = { columns: columns.map((name) => ({ name })), ...(selection && { selection }) };
  for await (const { count, ids, features } of readDataset(registration, asked))
    for (let i = 0; i < count; i++) found.push([textAt(ids, i), ...features.map((values) => values[i])]);
  return found;
}

/** Every line of the file is a row, or is one that the registration says was passed over. */
function expectAllLines({ lines, rows, accepted, duplicates, rejectedByReason }: DatasetRegistration, total: number) {
  const counted = accepted + duplicates + totalRejected(rejectedByReason);
  expect(counted).toBe(rows);
  expect(lines).toBeDefined();
  if (lines !== undefined) expect(counted + lines.header + lines.blank + lines.continued).toBe(lines.total);
  expect(lines?.total).toBe(total);
}

describe("any delimiter", () => {
  const characters = [..."\x01\t !$&*-/:;\\^|~x"];

  it("when it is given, reads the rows", async () => {
    await using folder = await dataFolder();
    for (const delimiter of characters) {
      const d = delimiter;
      await folder.write("a.csv", `phone${d}n${d}"te${d}t"\n${A}${d}1${d}"a${d}""b"\n\n"${B}"${d}2.5${d}\n`);
      const registration = await folder.inspect("a.csv", { delimiter });
      expectAllLines(registration, 4);
      expect(await rowsOf(registration, ["n"])).toEqual([
        [`+86${A}`, 1],
        [`+86${B}`, 2.5],
      ]);
      expect(await rowsOf(registration, [], `"te${d}t" = 'a${d}"b'`)).toEqual([[`+86${A}`]]);
    }
  }, 60_000);
});

describe("the dialect that is proposed", () => {
  const cases: readonly [string, string, Partial<CsvDialect>][] = [
    ["comma, though the header has more bars", `phone,a|b|c|d\n${A},1\n${B},2\n`, { delimiter: "," }],
    ["semicolon beside decimal commas", `phone;n,x;m\n${A};1,5;2\n${B};2,5;3\n`, { delimiter: ";" }],
    ["tab beside commas in each name", `phone\ta,b\tc,d\n${A}\tx, y\tz\n`, { delimiter: "\t" }],
    ["comma by most rows, though some are ragged", `phone,a;b\n${A},1;2\n${B}\n${B},3\n`, { delimiter: "," }],
    ["Hive's \\x01", `phone\x01n\n${A}\x011\n${B}\x012\n`, { delimiter: "\x01" }],
    ["a caret", `phone^n\n${A}^1\n`, { delimiter: "^" }],
    ["apostrophes as quotes", `'phone','na,me'\n'${A}','O''Neil, x'\n`, { delimiter: ",", quote: "'" }],
    ["apostrophes as letters", `phone,name\n${A},'t Hart\n${B},O'Neil\n`, { delimiter: ",", quote: '"' }],
    ["apostrophes within double quotes", `phone,name\n${A},"'x'"\n${B},'y'\n`, { delimiter: ",", quote: '"' }],
    ["CRLF and blank lines", `\r\n\r\nphone,n\r\n${A},1\r\n`, { lineEnd: "\r\n", skipLines: 2 }],
    ["a byte order mark", `\ufeffphone,n\n${A},中\n`, { encoding: "utf-8" }],
  ];

  it.each(cases)("%s", async (_, content, dialect) => {
    await using folder = await dataFolder();
    await folder.write("a.csv", content);
    const registration = await folder.inspect("a.csv");
    expect(registration.dialect).toMatchObject(dialect);
    expect(registration.columns[0]).toEqual({ name: "phone", type: "id" });
    expectAllLines(registration, content.trimEnd().split("\n").length);
    expect((await rowsOf(registration, []))[0]).toEqual([`+86${A}`]);
  });

  it("gives way to what is given", async () => {
    await using folder = await dataFolder();
    await folder.write("a.csv", `'phone','n'\n'${A}','1'\n`);
    expect(await failure(folder.inspect("a.csv", { quote: '"' }))).toEqual({
      code: "DATASET_COLUMN_UNKNOWN",
      detail: "phone: the first line that is not blank must be the header",
    });
    expect((await folder.inspect("a.csv")).accepted).toBe(1);
  });
});

describe("GB18030", () => {
  // Two bytes (GBK), four bytes in and beyond the Basic Multilingual Plane: 㐁 (8139EE39 -> U+3401 by table) is made from pairs below.
  const texts: readonly [string, readonly number[]][] = [
    ["中", [0xd6, 0xd0]],
    ["€", [0xa2, 0xe3]],
    ["丂", [0x81, 0x40]],
    ["é", [0xa8, 0xa6]],
    ["\u0080", [0x81, 0x30, 0x81, 0x30]],
    ["\u{20000}", [0x95, 0x32, 0x82, 0x36]],
    ["😀", [0x94, 0x39, 0xfc, 0x36]],
  ];
  const bytes = (text: string) => Buffer.from(text, "latin1");

  function file(...pieces: readonly (string | readonly number[])[]): Uint8Array {
    return Buffer.concat(pieces.map((piece) => (typeof piece === "string" ? bytes(piece) : Buffer.from(piece))));
  }

  it("is found out, read through a pipe, and leaves nothing of it", async () => {
    await using folder = await dataFolder();
    const pipeFolder = join(folder.path, "pipes");
    await mkdir(pipeFolder);
    const rows = texts.flatMap(([, code], i) => [`1380013800${i},"`, code, `\n",${i}\n`]);
    // The trail byte of 丂 is '@', and those of other characters are '|' and digits: none of them is a delimiter.
    const content = file("phone,", [0xd0, 0xd5], ",n\r\n".replace("\r", ""), ...rows, "bad,", [0x81, 0x7c], ",1\n\n");
    await folder.write("a.csv", content);
    const registration = await folder.inspect("a.csv", { access: { pipeFolder } });
    expect(registration).toMatchObject({
      dialect: { encoding: "gb18030", delimiter: "," },
      columns: [{ name: "phone" }, { name: "姓", type: "text" }, { name: "n", type: "number" }],
      accepted: texts.length,
      rejectedByReason: { "id-characters": 1 },
    });
    expectAllLines(registration, 1 + 2 * texts.length + 2);
    expect(await folder.quarantine()).toEqual([{ line: 2 + 2 * texts.length, reason: "id-characters", id: "bad" }]);
    for (const [i, [text]] of texts.entries())
      expect(await rowsOf(registration, ["n"], `starts_with("姓", '${text}') and length("姓") = 2`)).toEqual([
        [`+861380013800${i}`, i],
      ]);
    expect(await readdir(pipeFolder)).toEqual([]);
  });

  it("of many chunks, whose characters are cut anywhere, and of a reader that stops early", async () => {
    await using folder = await dataFolder();
    const row = (i: number) => [`${13_000_000_000 + i},`, [0xd6, 0xd0], [0x94, 0x39, 0xfc, 0x36], `${i % 7}\n`];
    const rows = Array.from({ length: 120_000 }, (_, i) => file(...row(i)));
    await folder.write("a.csv", Buffer.concat([bytes("phone,t\n"), ...rows]));
    const registration = await folder.inspect("a.csv");
    expect(registration).toMatchObject({ accepted: 120_000, rejectedByReason: {}, dialect: { encoding: "gb18030" } });
    expect(await rowsOf(registration, [], "t = '中😀0'")).toHaveLength(Math.ceil(120_000 / 7));
    for await (const { count } of readDataset(registration, { columns: [] })) if (count > 0) break;
    const limits = { memoryLimitMb: 1, threads: 1 };
    expect((await failure(readDataset(registration, { columns: [], limits }).next())).code).toBe("OVERLOADED");
  });

  it("sets aside the rows with bytes that are none, wherever they are, and no others", async () => {
    await using folder = await dataFolder();
    const good = texts.flatMap(([, code], i) => [`1380013800${i},`, code, "\n"]);
    const more = Array.from({ length: 60 }, (_, i) => [`${13_900_000_000 + i},`, [0xd6, 0xd0], "\n"]).flat();
    const bad = [`${A},`, [0xff], `\n${B},`, [0xd6], "\n"];
    await folder.write("a.csv", file("phone,t\n", ...good, ...bad, ...more, `13700137000,`, [0x81, 0x30, 0x81]));
    const registration = await folder.inspect("a.csv");
    expect(registration).toMatchObject({
      dialect: { encoding: "gb18030" },
      accepted: texts.length + 60,
      rejectedByReason: { "row-encoding": 3 },
    });
    expect((await folder.quarantine()).map(({ line }) => line)).toEqual([9, 10, 71]);
    expectAllLines(registration, 71);
  });

  it("is not taken for UTF-8, nor UTF-8 with a damaged line for it; what is neither is refused", async () => {
    await using folder = await dataFolder();
    const utf8 = Array.from({ length: 40 }, (_, i) => `${13_900_000_000 + i},用户数据\n`).join("");
    const damaged = Buffer.concat([Buffer.from(`phone,t\n${utf8}${A},`), Buffer.of(0xe4, 0xb8), Buffer.from("\n")]);
    await folder.write("a.csv", damaged);
    expect(await folder.inspect("a.csv")).toMatchObject({
      dialect: { encoding: "utf-8" },
      accepted: 40,
      rejectedByReason: { "row-encoding": 1 },
    });
    await folder.write("b.csv", file("phone,name\n", `${A},Jos`, [0xe9], ` Garcia\n${B},Ren`, [0xe9, 0x0a]));
    expect(await failure(folder.inspect("b.csv"))).toMatchObject({
      code: "DATASET_FORMAT",
      detail: expect.stringContaining("neither UTF-8 nor GB18030"),
    });
    expect((await failure(folder.inspect("b.csv", { encoding: "gb18030" }))).code).toBe("DATASET_ID_EMPTY");
  });
});
