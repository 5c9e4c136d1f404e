import { expect, test } from "vitest";
import { toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { innerHash, leafHash, MerkleTree } from "../../proto/evidence/merkle.ts";
import {
  encodeBundle,
  encodeIndex,
  MAX_ENTRY_BYTES,
  parseBundle,
  parseTilePath,
  tileBytes,
  tilePath,
  tilesOf,
} from "../../proto/evidence/tiles.ts";

test("indices are cut into groups of three digits, as the specification shows", () => {
  expect([0, 7, 999, 1000, 1234067].map(encodeIndex)).toEqual(["000", "007", "999", "x001/000", "x001/x234/067"]);
});

test("a tree of 70,000 has the tiles that the specification counts", () => {
  const tiles = tilesOf(70_000);
  const count = (level: number | "entries", full: boolean) =>
    tiles.filter((tile) => tile.level === level && (tile.width === 256) === full).length;
  expect([count(0, true), count(0, false), count(1, true), count(1, false), count(2, false)]).toEqual([
    273, 1, 1, 1, 1,
  ]);
  expect(tiles.filter((tile) => tile.width < 256).map(tilePath)).toEqual([
    "tile/entries/273.p/112",
    "tile/0/273.p/112",
    "tile/1/001.p/17",
    "tile/2/000.p/1",
  ]);
  expect(tilesOf(256).map(tilePath)).toEqual(["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
  expect(tilesOf(0)).toEqual([]);
});

test("the tiles that an append writes are those that differ", () => {
  for (const [from, to] of [
    [0, 1],
    [255, 256],
    [256, 257],
    [250, 600],
    [65_535, 65_537],
  ] as const) {
    const before = new Set(tilesOf(from).map(tilePath));
    const fresh = tilesOf(to)
      .map(tilePath)
      .filter((path) => !before.has(path));
    expect(tilesOf(to, from).map(tilePath)).toEqual(fresh);
  }
});

test("a path is read as it is written, and in no other form", () => {
  for (const tile of [...tilesOf(70_000), { level: 63, index: 1_234_067, width: 5 }])
    expect(parseTilePath(tilePath(tile))).toEqual(tile);
  for (const path of [
    "tile/0/0",
    "tile/00/000",
    "tile/64/000",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/01",
    "tile/0/x000/001",
    "tile/0/001/002",
    "tile/data/000",
    "tile/0/000/",
    "../tile/0/000",
  ])
    expect(parseTilePath(path)).toBeUndefined();
});

test("a tile of level 1 holds the roots of full tiles", () => {
  const tree = new MerkleTree();
  const leaves = Array.from({ length: 300 }, (_, i) => leafHash(utf8(String(i))));
  for (const leaf of leaves) tree.append(leaf);
  let row = leaves.slice(0, 256);
  while (row.length > 1)
    row = row.flatMap((hash, i) => (i % 2 === 0 ? [innerHash(hash, row[i + 1] as Uint8Array)] : []));
  expect(tileBytes(tree, 1, 0, 1)).toEqual(row[0]);
  expect(tileBytes(tree, 0, 1, 44).slice(0, 32)).toEqual(leaves[256]);
  expect(() => tileBytes(tree, 0, 1, 45)).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }));
});

test("entry bundles prefix each entry with its length, big-endian", () => {
  const entries = [utf8("ab"), new Uint8Array(), new Uint8Array(MAX_ENTRY_BYTES)];
  const bundle = encodeBundle(entries);
  expect(toHex(bundle.slice(0, 8))).toBe("000261620000ffff");
  expect(parseBundle(bundle, 3)).toEqual(entries);
  for (const [bytes, width] of [
    [bundle, 2],
    [bundle, 4],
    [bundle.slice(0, -1), 3],
    [new Uint8Array([0]), 1],
  ] as const)
    expect(() => parseBundle(bytes, width)).toThrow(expect.objectContaining({ code: "WIRE_INVALID" }));
  expect(() => encodeBundle([new Uint8Array(MAX_ENTRY_BYTES + 1)])).toThrow(
    expect.objectContaining({ code: "BAD_REQUEST" }),
  );
});
