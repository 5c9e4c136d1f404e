/**
 * A log's tree rebuilt from its entries and compared with every tile on disk. Proofs alone do not show that a log is
 * sound: tiles may verify among themselves while an entry beside them has rotted.
 */
import { equalBytes } from "../encoding/bytes.ts";
import { MerkleTree } from "./merkle.ts";
import { parseBundle, TILE_WIDTH, type TileName, tileBytes, tilePath, tilesOf } from "./tiles.ts";

export interface Rebuilt {
  readonly tree: MerkleTree;
  /** Entries of the last, partial bundle; none when the size is a multiple of 256. */
  readonly tail: readonly Uint8Array[];
}

/** The first thing that does not fit, with the entry's index where one can be named. */
export interface Breakage {
  readonly path: string;
  readonly index?: number;
  readonly what: "missing" | "malformed" | "differs";
}

type Read = (path: string) => Promise<Uint8Array | undefined>;

/** Level-0 tiles name the leaf that differs; higher ones only themselves. */
function breakageOf(tile: TileName, path: string, want: Uint8Array, got: Uint8Array): Breakage {
  if (tile.level !== 0 || want.length !== got.length) return { path, what: "differs" };
  const byte = want.findIndex((value, i) => value !== got[i]);
  return { path, index: tile.index * TILE_WIDTH + Math.floor(byte / 32), what: "differs" };
}

/**
 * Reads exactly the files that a tree of `size` leaves has, one at a time: what is kept is the tree. `read` takes a path
 * below the log's folder. The root is for the caller to compare. Throws only what `read` throws.
 */
export async function rebuild(size: number, read: Read): Promise<Rebuilt | Breakage> {
  let tail: readonly Uint8Array[] = [];
  const tree = new MerkleTree(size);
  for (const tile of tilesOf(size)) {
    const path = tilePath(tile);
    const bytes = await read(path);
    if (bytes === undefined) return { path, what: "missing" };
    if (tile.level === "entries") {
      const parsed = tryParseBundle(bytes, tile.width);
      if (parsed === undefined) return { path, what: "malformed" };
      for (const entry of parsed) tree.appendEntry(entry);
      tail = tile.width === TILE_WIDTH ? [] : parsed;
    } else {
      const want = tileBytes(tree, tile.level, tile.index, tile.width);
      if (!equalBytes(want, bytes)) return breakageOf(tile, path, want, bytes);
    }
  }
  return { tree, tail };
}

function tryParseBundle(bytes: Uint8Array, width: number): Uint8Array[] | undefined {
  try {
    return parseBundle(bytes, width);
  } catch {
    return undefined;
  }
}
