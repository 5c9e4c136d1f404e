/**
 * A sketch of a set from which the size of a small difference to another set can be read: an invertible Bloom lookup
 * table as in Eppstein, Goodrich, Uyeda, Varghese, "What's the difference? Efficient set reconciliation without prior
 * context" (SIGCOMM 2011), sections 3 and 4, each of the five hash functions with a sub-table of its own.
 *
 * An element is a keyed 128-bit hash of an id. Its first 8 bytes are the key that cells hold; as they are pseudo-random,
 * the five cell numbers are 55 of their 64 bits. Two ids of a list of 10^6 share a key with probability 2^-25; in a
 * difference of 50, with 2^-53.
 */
import { EntenteError } from "../errors.ts";

const SUB_TABLES = 5;
/** Cells of a sub-table: 11 bits of the key choose one. */
const CELLS = 2 ** 11;
const MASK = CELLS - 1;
const HASH_BYTES = 16;
/** Of a cell: count, the two halves of the XOR of keys, XOR of checks. */
const WORDS = 4;
const TABLE_WORDS = CELLS * WORDS;

/** 160 KiB, whatever the set's size. */
export const SKETCH_BYTES = SUB_TABLES * TABLE_WORDS * 4;

/** Tells a cell of one element from one of several. The mix of MurmurHash3's 32-bit finaliser, over both halves. */
function checkOf(low: number, high: number): number {
  let mixed = Math.imul(low, 0x9e3779b1) ^ high;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35) + low;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  return (mixed ^ (mixed >>> 13)) | 0;
}

/** Index of the first word of an element's cell in a sub-table. */
function cellAt(table: number, low: number, high: number): number {
  switch (table) {
    case 0:
      return (low & MASK) * WORDS;
    case 1:
      return TABLE_WORDS + ((low >>> 11) & MASK) * WORDS;
    case 2:
      return 2 * TABLE_WORDS + (high & MASK) * WORDS;
    case 3:
      return 3 * TABLE_WORDS + ((high >>> 11) & MASK) * WORDS;
    default:
      return 4 * TABLE_WORDS + ((low >>> 22) | (((high >>> 22) & 1) << 10)) * WORDS;
  }
}

/** Adds an element to its five cells `sign` times. */
function put(words: Int32Array, low: number, high: number, sign: number): void {
  const check = checkOf(low, high);
  for (let table = 0; table < SUB_TABLES; table++) {
    const at = cellAt(table, low, high);
    words[at] = (words[at] as number) + sign;
    words[at + 1] = (words[at + 1] as number) ^ low;
    words[at + 2] = (words[at + 2] as number) ^ high;
    words[at + 3] = (words[at + 3] as number) ^ check;
  }
}

export class DifferenceSketch {
  /** Of all cells, sub-table by sub-table. Read by `differenceBelow` alone. */
  readonly words: Int32Array = new Int32Array(SUB_TABLES * TABLE_WORDS);

  /** `hashes`: distinct keyed hashes, 16 bytes each, packed. Throws BAD_REQUEST on another length. */
  add(hashes: Uint8Array): void {
    if (hashes.length % HASH_BYTES !== 0) throw new EntenteError("BAD_REQUEST", { detail: "packed hashes" });
    const view = new DataView(hashes.buffer, hashes.byteOffset, hashes.byteLength);
    for (let at = 0; at < hashes.length; at += HASH_BYTES)
      put(this.words, view.getInt32(at, true), view.getInt32(at + 4, true), 1);
  }

  /** The words, little-endian. */
  toBytes(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(SKETCH_BYTES);
    const view = new DataView(bytes.buffer);
    for (const [i, word] of this.words.entries()) view.setInt32(i * 4, word, true);
    return bytes;
  }

  /** Throws WIRE_INVALID on bytes that are no sketch: every element is counted once in every sub-table. */
  static fromBytes(bytes: Uint8Array): DifferenceSketch {
    if (bytes.length !== SKETCH_BYTES) throw new EntenteError("WIRE_INVALID", { detail: "sketch length" });
    const sketch = new DifferenceSketch();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < sketch.words.length; i++) sketch.words[i] = view.getInt32(i * 4, true);
    const totals = Array.from({ length: SUB_TABLES }, (_, table) => totalOf(sketch.words, table));
    if (new Set(totals).size !== 1) throw new EntenteError("WIRE_INVALID", { detail: "sketch counts" });
    return sketch;
  }
}

function totalOf(words: Int32Array, table: number): number {
  let total = 0;
  for (let at = table * TABLE_WORDS; at < (table + 1) * TABLE_WORDS; at += WORDS) total += words[at] as number;
  return total;
}

function isEmpty(words: Int32Array, at: number): boolean {
  return (
    ((words[at] as number) | (words[at + 1] as number) | (words[at + 2] as number) | (words[at + 3] as number)) === 0
  );
}

/**
 * The size of the symmetric difference of the two sets when it is below `limit`, exactly; undefined when it is not.
 *
 * A cell that is not empty holds an element of the difference, so a sub-table with `limit` of them settles it. Otherwise
 * the difference is peeled off, element by element. Peeling gets stuck when elements share all their cells, which two do
 * with probability 2^-55: for a difference of fewer than 50, in about 2^-45 of all cases. Such a case counts as
 * a difference of `limit - 1`: it may refuse a run, it never lets one pass.
 */
export function differenceBelow(a: DifferenceSketch, b: DifferenceSketch, limit: number): number | undefined {
  const words = new Int32Array(a.words.length);
  for (let at = 0; at < words.length; at += WORDS) {
    words[at] = (a.words[at] as number) - (b.words[at] as number);
    for (let i = at + 1; i < at + WORDS; i++) words[i] = (a.words[i] as number) ^ (b.words[i] as number);
  }
  const cells: number[] = [];
  for (let table = 0; table < SUB_TABLES; table++) {
    const before = cells.length;
    for (let at = table * TABLE_WORDS; at < (table + 1) * TABLE_WORDS; at += WORDS)
      if (!isEmpty(words, at)) cells.push(at);
    if (cells.length - before >= limit) return undefined;
  }
  const size = peel(words, cells);
  if (size === undefined) return limit - 1;
  return size < limit ? size : undefined;
}

/** Number of elements in the cells; undefined when they cannot be told apart. Empties the cells. */
function peel(words: Int32Array, cells: readonly number[]): number | undefined {
  const queue = [...cells];
  let size = 0;
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    const [count, low, high, check] = words.subarray(at, at + WORDS) as unknown as [number, number, number, number];
    if ((count !== 1 && count !== -1) || check !== checkOf(low, high)) continue;
    // Several elements may look like one in a cell; that one would hardly belong there.
    if (!cellsOf(low, high).includes(at)) continue;
    put(words, low, high, -count);
    // A true element empties a cell for good, so there are no more than cells; anything else would go on for ever.
    if (++size > cells.length) return undefined;
    queue.push(...cellsOf(low, high));
  }
  return words.every((word) => word === 0) ? size : undefined;
}

/** Where an element stands, in each sub-table. */
function cellsOf(low: number, high: number): number[] {
  return Array.from({ length: SUB_TABLES }, (_, table) => cellAt(table, low, high));
}
