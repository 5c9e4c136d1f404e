/** Partitions as they come out again, one at a time: each id once, or not at all. */
import { EntenteError } from "../../proto/errors.ts";
import { IdSlots } from "../protocols/id-slots.ts";
import { type Combine, Combiner } from "./aggregate.ts";
import type { BlockStore } from "./blocks.ts";
import { ID_HASH_BYTES } from "./id-hash.ts";
import type { PackedText } from "./packed-text.ts";
import { type FeatureValues, type RowBlock, type RowForm, rowBlock } from "./row-block.ts";

/** One partition, rows in dataset order. */
export interface PartitionedRows<Values extends FeatureValues = FeatureValues> {
  /** n * 16 bytes: keyed hashes, all different. */
  readonly ids: Uint8Array<ArrayBuffer>;
  /** n row numbers of the file as it is read, from 0; broken lines of a CSV are not counted. */
  readonly rowIndex: Uint32Array<ArrayBuffer>;
  /** One array per feature column, n long. */
  readonly features: readonly Values[];
  /** n labels, one after the other; empty without. */
  readonly labels: Uint8Array<ArrayBuffer>;
}

/** How much was written for one partition, duplicates included. */
export interface Contents {
  readonly rows: number;
  readonly textBytes: number;
}

/** What becomes of rows with one id: the first stays, or none, or one with their values combined, feature by feature. */
export type DuplicateRule =
  | { readonly kind: "first" | "reject" }
  /** `finish`: makes of the combined values, which are raw, what is given out. */
  | {
      readonly kind: "combine";
      readonly combines: readonly Combine[];
      readonly finish: (rows: PartitionedRows) => PartitionedRows;
    };

interface ReaderInput {
  readonly rule: DuplicateRule;
  readonly store: BlockStore;
  readonly contents: readonly Contents[];
  readonly form: RowForm;
}

export class PartitionReader<Values extends FeatureValues = FeatureValues> {
  readonly #input: ReaderInput;
  /** For each partition that was read, the rows that are not given out: positions among its rows, and their numbers in the
   * file, ascending. */
  readonly #duplicates = new Map<number, { readonly positions: number[]; readonly rows: number[] }>();

  constructor(input: ReaderInput) {
    this.#input = input;
  }

  /** Rows that were written, duplicates included. */
  get written(): number {
    return this.#input.contents.reduce((sum, { rows }) => sum + rows, 0);
  }

  /** Loads one partition; it is the caller's. Throws STORAGE_FAILED. */
  async rows(partition: number): Promise<PartitionedRows<Values>> {
    const { store, form, rule } = this.#input;
    const { rows } = this.#contents(partition);
    const all = { positions: [] as number[], rows: [] as number[] };
    const loaded = emptyRows(rows, form);
    const slots = new IdSlots(loaded.ids, rows);
    const repeated = rule.kind === "reject" ? new Repeated(rows) : undefined;
    const combiner = rule.kind === "combine" ? new Combiner(rule.combines, loaded.features) : undefined;
    let position = 0;
    let count = 0;
    for await (const bytes of store.read({ kind: "rows", partition })) {
      const block = rowBlock(bytes, form);
      for (let i = 0; i < block.capacity && position < rows; i++, position++) {
        if (slots.add(block.idWords, i, count)) {
          if (repeated !== undefined) repeated.positions[count] = position;
          moveRow(block, i, loaded, count++, form);
        } else {
          const first = slots.find(block.idWords, i) as number;
          combiner?.add(first, block.features, i);
          if (repeated !== undefined) repeated.flags[first] = 1;
          all.positions.push(position);
          all.rows.push(block.rowIndex[i] as number);
        }
      }
    }
    if (position !== rows) throw new EntenteError("STORAGE_FAILED", { detail: "a partition misses rows" });
    if (repeated !== undefined && all.rows.length > 0) count = repeated.leaveOut(loaded, count, all, form);
    this.#duplicates.set(partition, all);
    combiner?.finish();
    const cutDown = cut(loaded, count, form);
    return (rule.kind === "combine" ? rule.finish(cutDown) : cutDown) as PartitionedRows<Values>;
  }

  /** Numbers of the rows in a partition that are not given out, or only as a part of another, ascending. Throws
   * STORAGE_FAILED. */
  async duplicates(partition: number): Promise<readonly number[]> {
    return (await this.#duplicatesOf(partition)).rows;
  }

  /** The normalised ids of `rows(partition)`, in that order. Throws STORAGE_FAILED, also when they were not kept. */
  async subjects(partition: number): Promise<PackedText> {
    const { positions } = await this.#duplicatesOf(partition);
    const { rows, textBytes } = this.#contents(partition);
    const bytes = new Uint8Array(textBytes);
    const offsets = new Uint32Array(rows - positions.length + 1);
    let position = 0;
    let skipped = 0;
    let end = 0;
    for await (const block of this.#input.store.read({ kind: "subjects", partition })) {
      for (let at = 0; at < block.length; position++) {
        const length = (block[at] as number) | ((block[at + 1] as number) << 8);
        at += 2;
        if (position === positions[skipped]) skipped++;
        else {
          for (let j = 0; j < length; j++) bytes[end + j] = block[at + j] as number;
          end += length;
          offsets[position - skipped + 1] = end;
        }
        at += length;
      }
    }
    if (position !== rows) throw new EntenteError("STORAGE_FAILED", { detail: "a partition misses subjects" });
    return { count: offsets.length - 1, bytes: bytes.subarray(0, end), offsets };
  }

  /** Forgets all of it, on disk too. */
  async destroy(): Promise<void> {
    await this.#input.store.destroy();
  }

  async #duplicatesOf(partition: number): Promise<{ readonly positions: number[]; readonly rows: number[] }> {
    if (!this.#duplicates.has(partition)) await this.rows(partition);
    return this.#duplicates.get(partition) as { positions: number[]; rows: number[] };
  }

  #contents(partition: number): Contents {
    const contents = this.#input.contents[partition];
    if (contents === undefined) throw new RangeError("no partition of that number");
    return contents;
  }
}

/** Ids that have several rows, where none of them is to stay. */
class Repeated {
  /** By the place of an id among those that came first: the position of its first row. */
  readonly positions: Uint32Array;
  /** Likewise: 1 when another row has the id. */
  readonly flags: Uint8Array;

  constructor(capacity: number) {
    this.positions = new Uint32Array(capacity);
    this.flags = new Uint8Array(capacity);
  }

  /** Moves the other ids' rows together and adds the first rows of these to those left out; how many rows stay. */
  leaveOut(
    rows: PartitionedRows,
    count: number,
    out: { readonly positions: number[]; readonly rows: number[] },
    { labelBytes }: RowForm,
  ): number {
    let kept = 0;
    for (let i = 0; i < count; i++) {
      if (this.flags[i] === 1) {
        out.positions.push(this.positions[i] as number);
        out.rows.push(rows.rowIndex[i] as number);
        continue;
      }
      if (kept < i) {
        rows.ids.copyWithin(kept * ID_HASH_BYTES, i * ID_HASH_BYTES, (i + 1) * ID_HASH_BYTES);
        rows.rowIndex[kept] = rows.rowIndex[i] as number;
        for (const values of rows.features) values[kept] = values[i] as number;
        if (labelBytes > 0) rows.labels.copyWithin(kept * labelBytes, i * labelBytes, (i + 1) * labelBytes);
      }
      kept++;
    }
    out.positions.sort((a, b) => a - b);
    out.rows.sort((a, b) => a - b);
    return kept;
  }
}

/** Room for the rows of a partition, each column in memory of its own so that it can be handed to a worker. */
function emptyRows(capacity: number, { kinds, labelBytes }: RowForm): PartitionedRows {
  return {
    ids: new Uint8Array(capacity * ID_HASH_BYTES),
    rowIndex: new Uint32Array(capacity),
    features: kinds.map((kind) => (kind === "raw" ? new Float64Array(capacity) : new Int16Array(capacity))),
    labels: new Uint8Array(capacity * labelBytes),
  };
}

/** All of a row but its id, which `IdSlots` has put there. */
function moveRow(from: RowBlock, i: number, to: PartitionedRows, at: number, { labelBytes }: RowForm): void {
  to.rowIndex[at] = from.rowIndex[i] as number;
  for (let j = 0; j < to.features.length; j++)
    (to.features[j] as FeatureValues)[at] = (from.features[j] as FeatureValues)[i] as number;
  if (labelBytes > 0) to.labels.set(from.labels.subarray(i * labelBytes, (i + 1) * labelBytes), at * labelBytes);
}

function cut(rows: PartitionedRows, count: number, { labelBytes }: RowForm): PartitionedRows {
  if (rows.rowIndex.length === count) return rows;
  return {
    ids: rows.ids.slice(0, count * ID_HASH_BYTES),
    rowIndex: rows.rowIndex.slice(0, count),
    features: rows.features.map((values) => values.slice(0, count)),
    labels: rows.labels.slice(0, count * labelBytes),
  };
}
