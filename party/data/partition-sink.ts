/** Where hashed rows go: a place per partition. In memory here; a sink that spills to disk has the same shape. */
import { ID_HASH_BYTES, partitionOf } from "./id-hash.ts";

export interface HashedBatch {
  /** Dataset row of the first record. */
  readonly firstRow: number;
  readonly count: number;
  /** count * 16 bytes. */
  readonly ids: Uint8Array;
  /** One array per feature column, `count` long. */
  readonly features: readonly Float64Array[];
}

export interface PartitionSink<Result> {
  /** The batch's arrays are the sink's from now on. Batches come in row order. */
  write(batch: HashedBatch): void | Promise<void>;
  finish(): Result | Promise<Result>;
  /** Instead of `finish`: forgets, and wipes, what was written. */
  discard(): void | Promise<void>;
}

/** One partition, rows in dataset order. */
export interface PartitionedRows {
  /** n * 16 bytes: keyed hashes, all different. */
  readonly ids: Uint8Array<ArrayBuffer>;
  /** n dataset rows: indices into the subjects. */
  readonly rowIndex: Uint32Array<ArrayBuffer>;
  /** One array per feature column, n long. */
  readonly features: readonly Float64Array<ArrayBuffer>[];
}

class GrowingPartition {
  count = 0;
  #ids: Uint8Array<ArrayBuffer>;
  #rowIndex: Uint32Array<ArrayBuffer>;
  #features: Float64Array<ArrayBuffer>[];

  constructor(featureCount: number, expected: number) {
    this.#ids = new Uint8Array(expected * ID_HASH_BYTES);
    this.#rowIndex = new Uint32Array(expected);
    this.#features = Array.from({ length: featureCount }, () => new Float64Array(expected));
  }

  add(batch: HashedBatch, index: number): void {
    if (this.count === this.#rowIndex.length) this.#grow();
    const from = index * ID_HASH_BYTES;
    const to = this.count * ID_HASH_BYTES;
    for (let i = 0; i < ID_HASH_BYTES; i++) this.#ids[to + i] = batch.ids[from + i] as number;
    this.#rowIndex[this.count] = batch.firstRow + index;
    for (let j = 0; j < this.#features.length; j++)
      (this.#features[j] as Float64Array)[this.count] = batch.features[j]?.[index] as number;
    this.count++;
  }

  rows(): PartitionedRows {
    return {
      ids: this.#ids.slice(0, this.count * ID_HASH_BYTES),
      rowIndex: this.#rowIndex.slice(0, this.count),
      features: this.#features.map((values) => values.slice(0, this.count)),
    };
  }

  wipe(): void {
    this.#ids.fill(0);
    for (const values of this.#features) values.fill(0);
    this.count = 0;
  }

  #grow(): void {
    const capacity = Math.max(16, this.#rowIndex.length * 2);
    const ids = new Uint8Array(capacity * ID_HASH_BYTES);
    ids.set(this.#ids);
    this.#ids = ids;
    const rowIndex = new Uint32Array(capacity);
    rowIndex.set(this.#rowIndex);
    this.#rowIndex = rowIndex;
    this.#features = this.#features.map((values) => {
      const grown = new Float64Array(capacity);
      grown.set(values);
      return grown;
    });
  }
}

export class MemoryPartitions implements PartitionSink<readonly PartitionedRows[]> {
  readonly #partitions: readonly GrowingPartition[];

  /** `expected`: rows in all; a partition grows where chance gives it more than its part and a tenth. */
  constructor(partitions: number, featureCount: number, expected: number) {
    const each = Math.ceil((expected / partitions) * 1.1) + 16;
    this.#partitions = Array.from({ length: partitions }, () => new GrowingPartition(featureCount, each));
  }

  write(batch: HashedBatch): void {
    for (let i = 0; i < batch.count; i++)
      this.#partitions[partitionOf(batch.ids, i, this.#partitions.length)]?.add(batch, i);
  }

  finish(): readonly PartitionedRows[] {
    return this.#partitions.map((partition) => {
      const rows = partition.rows();
      partition.wipe();
      return rows;
    });
  }

  discard(): void {
    for (const partition of this.#partitions) partition.wipe();
  }
}
