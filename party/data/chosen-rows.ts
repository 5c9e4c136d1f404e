/** The rows of a batch that a selection holds, and in which selections of others each of them is. */
import { IdSlots } from "../protocols/id-slots.ts";
import type { IdHasher } from "./id-hash.ts";
import { CHUNK_ROWS, MAX_ID_BYTES } from "./limits.ts";
import type { PackedText } from "./packed-text.ts";
import { ID_WORDS } from "./row-block.ts";
import type { RowBatch } from "./rows.ts";
import type { Lookups, RowTest } from "./selection.ts";

/** Good rows that are held, duplicates included. Valid until the next batch. */
export interface ChosenRows extends Pick<RowBatch, "good" | "count" | "rows" | "ids" | "labels"> {
  /** One array per wanted column, `count` long. */
  readonly features: readonly Float64Array[];
  /** count * 16 bytes; where the reader was given a hasher. */
  readonly hashes?: Uint8Array<ArrayBuffer>;
}

/** A wanted column: a feature as it was read, or the selections that hold the row, in bits from the lowest. */
export type Wanted = { readonly feature: number } | { readonly inside: readonly RowTest[] };

export interface ChooserInput {
  readonly lookups: Lookups;
  /** All rows without it. */
  readonly test?: RowTest;
  readonly wanted: readonly Wanted[];
  /** Features as read before the conditions' own. */
  readonly features: number;
  /** Needed where the lookups have people. */
  readonly hasher?: IdHasher;
}

type Holds = (row: number) => boolean;

export class Chooser {
  readonly #input: ChooserInput;
  readonly #slots: readonly IdSlots[];
  /** By list, a byte a row of the present batch. */
  readonly #members: readonly Uint8Array[];
  #conditions: readonly Float64Array[] = [];
  readonly #holds: Holds | undefined;
  readonly #insides: readonly (readonly Holds[])[];
  readonly #out = {
    rows: new Uint32Array(CHUNK_ROWS),
    offsets: new Uint32Array(CHUNK_ROWS + 1),
    bytes: new Uint8Array(CHUNK_ROWS * MAX_ID_BYTES),
  };
  readonly #values: readonly Float64Array[];

  constructor(input: ChooserInput) {
    const { lookups, test, wanted, hasher } = input;
    this.#input = input;
    this.#slots = lookups.people.map((people) => slotsOf(hasher as IdHasher, people));
    this.#members = lookups.people.map(() => new Uint8Array(CHUNK_ROWS));
    // What DuckDB has decided alone needs no look here.
    this.#holds = test === undefined || test.kind === "condition" ? undefined : this.#holdsOf(test);
    this.#insides = wanted.map((column) =>
      "inside" in column ? column.inside.map((inside) => this.#holdsOf(inside)) : [],
    );
    this.#values = wanted.map(() => new Float64Array(CHUNK_ROWS));
  }

  choose(batch: RowBatch): ChosenRows {
    const { hasher, features, wanted } = this.#input;
    const hashes = hasher?.hashAll(batch.ids);
    this.#conditions = batch.features.slice(features);
    if (hashes !== undefined) this.#lookUp(hashes, batch.count);
    const kept = this.#holds === undefined ? batch : this.#keep(batch, this.#holds);
    const from = this.#holds === undefined ? undefined : this.#positions;
    const values = wanted.map((column, j) => {
      if ("feature" in column) {
        const read = batch.features[column.feature] as Float64Array;
        return from === undefined ? read : this.#gather(j, kept.count, (row) => read[row] as number);
      }
      const insides = this.#insides[j] as readonly Holds[];
      return this.#gather(j, kept.count, (row) =>
        insides.reduce((bits, holds, k) => bits + (holds(row) ? 2 ** k : 0), 0),
      );
    });
    const { count, rows, ids } = kept;
    const cut = <Bytes extends Uint8Array>(bytes: Bytes | undefined) =>
      bytes === undefined || from === undefined ? bytes : this.#cut(bytes, bytes.length / batch.count, count);
    const chosen = { good: batch.good, count, rows, ids, features: values, labels: cut(batch.labels) };
    return hashes === undefined ? chosen : { ...chosen, hashes: cut(hashes) as typeof hashes };
  }

  /** Positions in the batch of the rows that stay. */
  readonly #positions = new Uint32Array(CHUNK_ROWS);

  #gather(j: number, count: number, value: (row: number) => number): Float64Array {
    const values = this.#values[j] as Float64Array;
    const isCut = this.#holds !== undefined;
    for (let i = 0; i < count; i++) values[i] = value(isCut ? (this.#positions[i] as number) : i);
    return values.subarray(0, count);
  }

  #keep({ count: all, rows, ids }: RowBatch, holds: Holds): Pick<ChosenRows, "count" | "rows" | "ids"> {
    const { rows: keptRows, offsets, bytes } = this.#out;
    let count = 0;
    let end = 0;
    for (let i = 0; i < all; i++) {
      if (!holds(i)) continue;
      this.#positions[count] = i;
      keptRows[count] = rows[i] as number;
      const stop = ids.offsets[i + 1] as number;
      for (let at = ids.offsets[i] as number; at < stop; at++) bytes[end++] = ids.bytes[at] as number;
      offsets[++count] = end;
    }
    return {
      count,
      rows: keptRows.subarray(0, count),
      ids: { count, bytes: bytes.subarray(0, end), offsets: offsets.subarray(0, count + 1) },
    };
  }

  /** In place: what is left is always moved forward. */
  #cut<Bytes extends Uint8Array>(bytes: Bytes, rowBytes: number, count: number): Bytes {
    for (let i = 0; i < count; i++) {
      const from = (this.#positions[i] as number) * rowBytes;
      bytes.copyWithin(i * rowBytes, from, from + rowBytes);
    }
    return bytes.subarray(0, count * rowBytes) as Bytes;
  }

  #lookUp(hashes: Uint8Array<ArrayBuffer>, count: number): void {
    const words = new Uint32Array(hashes.buffer, hashes.byteOffset, count * ID_WORDS);
    for (const [list, slots] of this.#slots.entries()) {
      const members = this.#members[list] as Uint8Array;
      for (let i = 0; i < count; i++) members[i] = slots.find(words, i) === undefined ? 0 : 1;
    }
  }

  #holdsOf(test: RowTest): Holds {
    switch (test.kind) {
      case "condition":
        return (row) => (this.#conditions[test.at] as Float64Array)[row] === 1;
      case "people": {
        const members = this.#members[test.at] as Uint8Array;
        return (row) => members[row] === 1;
      }
      case "minus": {
        const [from, minus] = [this.#holdsOf(test.from), this.#holdsOf(test.minus)];
        return (row) => from(row) && !minus(row);
      }
      case "all": {
        const parts = test.of.map((part) => this.#holdsOf(part));
        return (row) => parts.every((holds) => holds(row));
      }
      case "any": {
        const parts = test.of.map((part) => this.#holdsOf(part));
        return (row) => parts.some((holds) => holds(row));
      }
    }
  }
}

function slotsOf(hasher: IdHasher, people: PackedText): IdSlots {
  const hashes = hasher.hashAll(people);
  const words = new Uint32Array(hashes.buffer, hashes.byteOffset, people.count * ID_WORDS);
  const slots = new IdSlots(new Uint8Array(hashes.length), people.count);
  let count = 0;
  for (let i = 0; i < people.count; i++) if (slots.add(words, i, count)) count++;
  return slots;
}
