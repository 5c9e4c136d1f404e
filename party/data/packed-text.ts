/**
 * Texts packed into one UTF-8 buffer with offsets: a million ids as JavaScript strings are some 60 MB that the collector
 * must walk, packed they are 14 MB that it never looks into.
 */
import { EntenteError } from "../../proto/errors.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const MAX_BYTES = 2 ** 32 - 1;

/** Text i is `bytes[offsets[i] .. offsets[i + 1])`. */
export interface PackedText {
  readonly count: number;
  readonly bytes: Uint8Array;
  /** count + 1 numbers, the first 0. */
  readonly offsets: Uint32Array;
}

export function textAt(packed: PackedText, index: number): string {
  if (!Number.isInteger(index) || index < 0 || index >= packed.count) throw new RangeError("no text of that index");
  return decoder.decode(packed.bytes.subarray(packed.offsets[index], packed.offsets[index + 1]));
}

/**
 * The distinct ids of a dataset in order of first appearance: a packed list with an open-addressing index over it. Texts
 * are compared byte for byte, so a poor or attacked hash costs time and never loses a person.
 */
export class SubjectTable implements PackedText {
  #bytes: Uint8Array<ArrayBuffer>;
  #offsets: Uint32Array<ArrayBuffer>;
  #count = 0;
  /** Row + 1 per slot, 0 when free; a power of two long, at most half full. */
  #slots: Uint32Array<ArrayBuffer>;
  /** Hash per row, so that growing the index reads no text again. */
  #hashes: Uint32Array<ArrayBuffer>;

  constructor(expected = 1024) {
    const rows = Math.max(16, expected);
    this.#bytes = new Uint8Array(rows * 16);
    this.#offsets = new Uint32Array(rows + 1);
    this.#hashes = new Uint32Array(rows);
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(rows * 2)));
  }

  get count(): number {
    return this.#count;
  }

  /** Valid until the next `add`. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#offsets[this.#count]);
  }

  /** Valid until the next `add`. */
  get offsets(): Uint32Array {
    return this.#offsets.subarray(0, this.#count + 1);
  }

  /** True when the id is new: it is then row `count - 1`. */
  add(id: string): boolean {
    const start = this.#offsets[this.#count] as number;
    const end = this.#write(id, start);
    const hash = this.#hash(start, end);
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let row = this.#slots[slot] as number; row !== 0; row = this.#slots[slot] as number) {
      if (this.#hashes[row - 1] === hash && this.#equals(row - 1, start, end)) return false;
      slot = (slot + 1) & mask;
    }
    this.#append(slot, hash, end);
    return true;
  }

  /** A copy of rows `first` to `first + count`, with offsets from 0. */
  slice(first: number, count: number): PackedText {
    const from = this.#offsets[first] as number;
    return {
      count,
      bytes: this.#bytes.slice(from, this.#offsets[first + count]),
      offsets: this.#offsets.slice(first, first + count + 1).map((offset) => offset - from),
    };
  }

  #write(id: string, start: number): number {
    // UTF-8 needs at most three bytes per UTF-16 code unit.
    this.#reserve(start + id.length * 3);
    for (let i = 0; i < id.length; i++) {
      const unit = id.charCodeAt(i);
      if (unit > 0x7f) return start + encoder.encodeInto(id, this.#bytes.subarray(start)).written;
      this.#bytes[start + i] = unit;
    }
    return start + id.length;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#bytes.length) return;
    if (bytes > MAX_BYTES) throw new EntenteError("OVERLOADED", { detail: "the ids of one dataset exceed 4 GiB" });
    const grown = new Uint8Array(Math.min(MAX_BYTES, Math.max(bytes, this.#bytes.length * 2)));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }

  /** FNV-1a with the finaliser of MurmurHash3: spreads short numbers that differ in their last digits. */
  #hash(start: number, end: number): number {
    let hash = 0x811c9dc5;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (this.#bytes[i] as number), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) >>> 0;
  }

  #equals(row: number, start: number, end: number): boolean {
    const from = this.#offsets[row] as number;
    if ((this.#offsets[row + 1] as number) - from !== end - start) return false;
    for (let i = start; i < end; i++) if (this.#bytes[i] !== this.#bytes[from + i - start]) return false;
    return true;
  }

  #append(slot: number, hash: number, end: number): void {
    const row = this.#count;
    if (row === this.#hashes.length) this.#growRows();
    this.#hashes[row] = hash;
    this.#offsets[row + 1] = end;
    this.#count = row + 1;
    this.#slots[slot] = row + 1;
    if (this.#count * 2 > this.#slots.length) this.#growSlots();
  }

  #growRows(): void {
    const rows = this.#hashes.length * 2;
    const offsets = new Uint32Array(rows + 1);
    offsets.set(this.#offsets);
    this.#offsets = offsets;
    const hashes = new Uint32Array(rows);
    hashes.set(this.#hashes);
    this.#hashes = hashes;
  }

  #growSlots(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let row = 0; row < this.#count; row++) {
      let slot = (this.#hashes[row] as number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = row + 1;
    }
    this.#slots = slots;
  }
}
