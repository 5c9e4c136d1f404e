/** Pins the memory layout of DuckDB's vectors, and what the binding makes of it. */
import { type DuckDBDataChunk, DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it } from "vitest";
import { doubles, ID_COLUMNS, IdCells, idColumns, integers } from "../../party/data/cells.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";

async function chunksOf(query: string): Promise<DuckDBDataChunk[]> {
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  return (await connection.stream(query)).fetchAllChunks();
}

function read(chunk: DuckDBDataChunk): (string | null)[] {
  const cells = new IdCells(chunk);
  return Array.from({ length: chunk.rowCount }, (_, row) =>
    cells.at(row) ? new TextDecoder().decode(cells.bytes.subarray(cells.start, cells.end)) : null,
  );
}

async function readAll(texts: readonly (string | null)[]): Promise<(string | null)[]> {
  const values = texts.map((text) => (text === null ? "(NULL)" : `('${text}')`)).join(", ");
  const chunks = await chunksOf(`SELECT ${idColumns("id").join(", ")} FROM (VALUES ${values}) t(id)`);
  return chunks.flatMap(read);
}

describe("IdCells", () => {
  it("reads ASCII ids of every length, inline, in pieces and by pointer", async () => {
    const texts = Array.from({ length: 80 }, (_, length) =>
      Array.from({ length }, (_, i) => String.fromCharCode(0x30 + ((i * 7 + length) % 70))).join(""),
    );
    expect(await readAll(texts)).toEqual(texts);
  });

  it("reads ids of characters of one to four bytes, wherever they stand", async () => {
    const texts: string[] = [];
    for (const wide of ["\u00e9", "\u4e2d", "\u{1f600}", "e\u0301"])
      for (let length = 0; length < 34; length++)
        for (const at of [0, 1, 3, 4, 5, 15, 16, 17, 27, 28])
          if (at <= length) texts.push("x".repeat(at) + wide + "y".repeat(length - at));
    texts.push("\u4e2d".repeat(4), "\u4e2d".repeat(9), "\u{1f600}".repeat(3), "\u{1f600}".repeat(100));
    expect(await readAll(texts)).toEqual(texts);
  });

  it("tells NULL from an empty id, in every place of a validity mask", async () => {
    const texts = Array.from({ length: 200 }, (_, i) => (i % 3 === 0 ? null : i % 5 === 0 ? "" : `${i}`));
    expect(await readAll(texts)).toEqual(texts);
    expect(await readAll([null])).toEqual([null]);
  });

  it("reads constants and repeated values, which DuckDB keeps once, and several chunks", async () => {
    const id = "CASE WHEN i % 2 = 0 THEN 'short' ELSE 'longer than a cell holds' END";
    const chunks = await chunksOf(
      `SELECT ${idColumns("id").join(", ")} FROM (SELECT ${id} AS id FROM range(5000) t(i))`,
    );
    expect(chunks.length).toBeGreaterThan(1);
    const expected = Array.from({ length: 5000 }, (_, i) => (i % 2 === 0 ? "short" : "longer than a cell holds"));
    expect(chunks.flatMap(read)).toEqual(expected);
    const constant = await chunksOf(`SELECT ${idColumns("'a constant of 22 bytes'").join(", ")} FROM range(3)`);
    expect(constant.flatMap(read)).toEqual(new Array(3).fill("a constant of 22 bytes"));
  });

  it("finds bytes in the cells and not a copy of the string for ids of up to 28 bytes", async () => {
    const text = "0123456789012345678901234567";
    const [chunk] = await chunksOf(`SELECT ${idColumns(`'${text}'`).join(", ")}`);
    const cells = new IdCells(chunk as DuckDBDataChunk);
    expect(cells.at(0)).toBe(true);
    expect(cells.bytes).toEqual(utf8(text));
    const joined = cells.bytes;
    cells.at(0);
    // The same scratch again: the pointer was not followed.
    expect(cells.bytes).toBe(joined);
  });
});

describe("columns of numbers", () => {
  it("are views of doubles and integers, constants too", async () => {
    const [chunk] = await chunksOf("SELECT i / 4, 'nan'::DOUBLE, (i * 3)::INTEGER, 7 FROM range(5) t(i)");
    const found = chunk as DuckDBDataChunk;
    expect([...doubles(found, 0)]).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect([...doubles(found, 1)]).toEqual(new Array(5).fill(Number.NaN));
    expect([...integers(found, 2)]).toEqual([0, 3, 6, 9, 12]);
    expect([...integers(found, 3)]).toEqual(new Array(5).fill(7));
    expect(idColumns("x")).toHaveLength(ID_COLUMNS);
  });
});
