/** Rows on their way into partitions: gathered into blocks, which go to a store when they are full. */
import { partitionOf } from "../protocols/plan.ts";
import type { BlockStore } from "./blocks.ts";
import { FILLING_BYTES, MAX_BLOCK_BYTES, MAX_ID_BYTES, MIN_BLOCK_BYTES } from "./limits.ts";
import type { PackedText } from "./packed-text.ts";
import { type Contents, type DuplicateRule, PartitionReader } from "./partition-reader.ts";
import { ID_WORDS, newRowBlock, type RowBlock, type RowForm, rowBytes } from "./row-block.ts";

/** From a value of a column, NaN where it is missing, to an int16. */
export type Quantiser = (value: number) => number;

export interface SinkOptions {
  readonly partitions: number;
  /** One for each feature; without a quantiser values stay as they are. */
  readonly quantisers: readonly (Quantiser | undefined)[];
  /** Of a row's label; 0 by default. */
  readonly labelBytes?: number;
  /** By default the first row of an id stays. */
  readonly rule?: DuplicateRule;
  /** Whether ids are kept, to be read as subjects. */
  readonly withSubjects: boolean;
  /** Rows that will come at most, in all: small sets take small buffers. */
  readonly expected: number;
  readonly store: BlockStore;
  /** Bytes of a block at most, instead of what the number of partitions allows. */
  readonly maxBlockBytes?: number;
}

export interface HashedBatch {
  readonly count: number;
  /** `count` row numbers, ascending over all batches. */
  readonly rows: Uint32Array;
  /** count * 16 bytes, on a boundary of 4. */
  readonly hashes: Uint8Array<ArrayBuffer>;
  readonly ids: PackedText;
  /** One array per feature, `count` long. */
  readonly features: readonly Float64Array[];
  /** count * labelBytes. */
  readonly labels?: Uint8Array | undefined;
}

const LENGTH_BYTES = 2;

/** What has come for one partition, and the blocks being filled. */
class Filling implements Contents {
  rows = 0;
  textBytes = 0;
  /** Rows in `block`. */
  filled = 0;
  readonly block: RowBlock;
  /** Bytes used in `texts`: for each row a u16 length, little-endian, and the text. */
  used = 0;
  readonly texts: Uint8Array;

  constructor(block: RowBlock, textCapacity: number) {
    this.block = block;
    this.texts = new Uint8Array(textCapacity);
  }
}

/** Blocks of so many lists, all being filled, have FILLING_BYTES together unless that makes them too small. */
function blockBytesOf(lists: number): number {
  return Math.min(MAX_BLOCK_BYTES, Math.max(MIN_BLOCK_BYTES, Math.floor(FILLING_BYTES / lists)));
}

export class PartitionSink {
  readonly #options: SinkOptions;
  readonly #form: RowForm;
  readonly #filling: readonly Filling[];

  constructor(options: SinkOptions) {
    const { partitions, quantisers, labelBytes = 0, withSubjects, expected } = options;
    this.#options = options;
    const kinds = quantisers.map((quantiser) => (quantiser === undefined ? "raw" : "quantised"));
    this.#form = { kinds, labelBytes };
    const blockBytes = options.maxBlockBytes ?? blockBytesOf(partitions * (withSubjects ? 2 : 1));
    const capacity = Math.max(1, Math.min(expected, Math.floor(blockBytes / rowBytes(this.#form))));
    this.#filling = Array.from(
      { length: partitions },
      () => new Filling(newRowBlock(capacity, this.#form), withSubjects ? blockBytes : 0),
    );
  }

  /** The batch's arrays are the caller's again when it resolves. Throws STORAGE_FAILED. */
  async write(batch: HashedBatch): Promise<void> {
    const { partitions, withSubjects } = this.#options;
    const words = new Uint32Array(batch.hashes.buffer, batch.hashes.byteOffset, batch.count * ID_WORDS);
    for (let i = 0; i < batch.count; i++) {
      const partition = partitionOf(batch.hashes, i, partitions);
      const filling = this.#filling[partition] as Filling;
      this.#putRow(filling, batch, words, i);
      if (filling.filled === filling.block.capacity) await this.#flushRows(partition, filling);
      if (!withSubjects) continue;
      const length = (batch.ids.offsets[i + 1] as number) - (batch.ids.offsets[i] as number);
      if (filling.used + LENGTH_BYTES + length > filling.texts.length) await this.#flushTexts(partition, filling);
      putText(filling, batch.ids, i, length);
    }
  }

  /** Throws STORAGE_FAILED. */
  async finish(): Promise<PartitionReader> {
    const { store, rule = { kind: "first" } } = this.#options;
    for (const [partition, filling] of this.#filling.entries()) {
      if (filling.filled > 0) await this.#flushRows(partition, filling);
      if (filling.used > 0) await this.#flushTexts(partition, filling);
    }
    await store.finish();
    const contents = this.#filling.map(({ rows, textBytes }) => ({ rows, textBytes }));
    return new PartitionReader({ store, contents, form: this.#form, rule });
  }

  /** Instead of `finish`: forgets, and wipes, what was written. */
  async discard(): Promise<void> {
    for (const { block, texts } of this.#filling) {
      block.bytes.fill(0);
      texts.fill(0);
    }
    await this.#options.store.destroy();
  }

  #putRow(filling: Filling, batch: HashedBatch, words: Uint32Array, i: number): void {
    const { block, filled } = filling;
    for (let w = 0; w < ID_WORDS; w++) block.idWords[filled * ID_WORDS + w] = words[i * ID_WORDS + w] as number;
    block.rowIndex[filled] = batch.rows[i] as number;
    const { quantisers } = this.#options;
    for (let j = 0; j < quantisers.length; j++) {
      const value = (batch.features[j] as Float64Array)[i] as number;
      const quantise = quantisers[j];
      (block.features[j] as Float64Array | Int16Array)[filled] = quantise === undefined ? value : quantise(value);
    }
    const { labelBytes } = this.#form;
    if (labelBytes > 0 && batch.labels !== undefined)
      block.labels.set(batch.labels.subarray(i * labelBytes, (i + 1) * labelBytes), filled * labelBytes);
    filling.filled++;
    filling.rows++;
  }

  /** Whole blocks only: the rows behind the last one are zeros, and their number is known. */
  async #flushRows(partition: number, filling: Filling): Promise<void> {
    const written = this.#options.store.append({ kind: "rows", partition }, filling.block.bytes);
    filling.block.bytes.fill(0);
    filling.filled = 0;
    await written;
  }

  async #flushTexts(partition: number, filling: Filling): Promise<void> {
    const block = filling.texts.subarray(0, filling.used);
    const written = this.#options.store.append({ kind: "subjects", partition }, block);
    block.fill(0);
    filling.used = 0;
    await written;
  }
}

function putText(filling: Filling, { bytes, offsets }: PackedText, i: number, length: number): void {
  if (length > MAX_ID_BYTES) throw new RangeError("an id of more than its normaliser allows");
  const from = offsets[i] as number;
  let at = filling.used;
  filling.texts[at++] = length & 0xff;
  filling.texts[at++] = length >>> 8;
  for (let j = 0; j < length; j++) filling.texts[at + j] = bytes[from + j] as number;
  filling.used = at + length;
  filling.textBytes += length;
}
