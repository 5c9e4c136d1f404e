/**
 * C2SP tlog-tiles: how a log's tree and entries are cut into files. A tile holds up to 256 hashes of one level (level L
 * counts in subtrees of 256^L leaves); an entry bundle holds up to 256 entries, each after its length (uint16,
 * big-endian).
 */
import { concat, uintBe } from "../encoding/bytes.ts";
import { EntenteError } from "../errors.ts";
import type { MerkleTree } from "./merkle.ts";

export const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;
/** The largest length that uint16 can name. */
export const MAX_ENTRY_BYTES = 65_535;

/** A tile or bundle of a tree: `level` of the tile, or "entries"; `width` of 256 is a full one. */
export interface TileName {
  readonly level: number | "entries";
  readonly index: number;
  readonly width: number;
}

/** 1234067 -> "x001/x234/067". */
export function encodeIndex(index: number): string {
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, "0");
  const groups = padded.match(/\d{3}/g) ?? [];
  return groups.map((group, i) => (i === groups.length - 1 ? group : `x${group}`)).join("/");
}

/** The path below the log's folder, with "/" between elements. */
export function tilePath({ level, index, width }: TileName): string {
  const full = `tile/${level}/${encodeIndex(index)}`;
  return width === TILE_WIDTH ? full : `${full}.p/${width}`;
}

/** The inverse of `tilePath`; undefined for every other text. */
export function parseTilePath(path: string): TileName | undefined {
  const match = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path);
  if (match === null) return undefined;
  const [, level = "", digits = "", width] = match;
  const name: TileName = {
    level: level === "entries" ? level : Number(level),
    index: Number(digits.replaceAll(/[x/]/g, "")),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  // Writing it again finds leading zeros and a partial tile of width 256; the rest are the specification's bounds.
  const bounded = name.width >= 1 && name.width <= TILE_WIDTH && (name.level === "entries" || name.level < 64);
  return bounded && Number.isSafeInteger(name.index) && tilePath(name) === path ? name : undefined;
}

function tilesOfRow(level: number | "entries", items: number, from: number): TileName[] {
  const names: TileName[] = [];
  for (let index = Math.floor(from / TILE_WIDTH); index * TILE_WIDTH < items; index++)
    names.push({ level, index, width: Math.min(TILE_WIDTH, items - index * TILE_WIDTH) });
  return names;
}

/** Every tile and bundle of a tree of `size` leaves that differs from those of its first `from` leaves: bundles first,
 * then tiles from the leaves up. With `from` 0, all of them. */
export function tilesOf(size: number, from = 0): TileName[] {
  if (from === size) return [];
  const names = tilesOfRow("entries", size, from);
  for (let level = 0, items = size, start = from; items > 0; level++) {
    if (items > start) names.push(...tilesOfRow(level, items, start));
    items = Math.floor(items / TILE_WIDTH);
    start = Math.floor(start / TILE_WIDTH);
  }
  return names;
}

/** The bytes of a tile: its hashes one after another. Throws BAD_REQUEST when the tree does not reach that far. */
export function tileBytes(tree: MerkleTree, level: number, index: number, width: number): Uint8Array<ArrayBuffer> {
  return tree.nodes(level * TILE_HEIGHT, index * TILE_WIDTH, width);
}

/** Throws BAD_REQUEST for an entry above 65,535 bytes. */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    if (entry.length > MAX_ENTRY_BYTES) throw new EntenteError("BAD_REQUEST", { detail: "log entry too large" });
    parts.push(uintBe(entry.length, 2), entry);
  }
  return concat(...parts);
}

/** Exactly `width` entries and nothing after them; throws WIRE_INVALID otherwise. The entries are views of `bytes`. */
export function parseBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  const invalid = () => new EntenteError("WIRE_INVALID", { detail: "entry bundle" });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (entries.length === width || at + 2 > bytes.length) throw invalid();
    const end = at + 2 + view.getUint16(at);
    if (end > bytes.length) throw invalid();
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  if (entries.length !== width) throw invalid();
  return entries;
}
