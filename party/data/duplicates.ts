/**
 * Which rows of a dataset are not given out because others have their id, in memory that does not grow with the ids: their hashes go into
 * partitions, and equal ids fall into the same one. Two ids are equal when their 128-bit keyed hashes are, as in a job.
 */

import type { DuplicatePolicy } from "../../proto/duplicate-policy.ts";
import { blockStore } from "./block-store.ts";
import type { ChosenRows } from "./chosen-rows.ts";
import { type IdHasher, idHasher, JOB_KEY_BYTES } from "./id-hash.ts";
import { DISTINCT_ROWS } from "./limits.ts";
import type { PartitionReader } from "./partition-reader.ts";
import { PartitionSink } from "./partition-sink.ts";
import type { SpillPlace } from "./spill.ts";

/** Row numbers, a bit for each. */
class RowSet {
  readonly #bits: Uint8Array;

  constructor(rows: number) {
    this.#bits = new Uint8Array(Math.ceil(rows / 8));
  }

  add(row: number): void {
    this.#bits[row >>> 3] = (this.#bits[row >>> 3] as number) | (1 << (row & 7));
  }

  has(row: number): boolean {
    return (((this.#bits[row >>> 3] ?? 0) >>> (row & 7)) & 1) === 1;
  }
}

export class Duplicates implements AsyncDisposable {
  readonly #partitions: number;
  readonly #hasher: IdHasher;
  readonly #sink: PartitionSink;
  readonly #rows: RowSet;

  private constructor(partitions: number, hasher: IdHasher, sink: PartitionSink, rows: RowSet) {
    this.#partitions = partitions;
    this.#hasher = hasher;
    this.#sink = sink;
    this.#rows = rows;
  }

  /** `expected`: rows of the file, at most so many are added. Throws STORAGE_FAILED, as all of its methods. */
  static async open(options: { expected: number; policy: DuplicatePolicy; spill?: SpillPlace }): Promise<Duplicates> {
    const { expected, policy, spill } = options;
    const partitions = Math.ceil(expected / DISTINCT_ROWS);
    const store = await blockStore({ partitions, expected, ...(spill === undefined ? {} : { spill }) });
    // Without a spill the hashes are nowhere but in memory, and finding two equal ones takes 2^64 steps under any key.
    const hasher = idHasher(spill?.random.bytes(JOB_KEY_BYTES) ?? new Uint8Array(JOB_KEY_BYTES));
    const rule = { kind: policy.kind === "reject" ? "reject" : "first" } as const;
    const sink = new PartitionSink({ partitions, quantisers: [], rule, withSubjects: false, expected, store });
    return new Duplicates(partitions, hasher, sink, new RowSet(expected));
  }

  async add({ count, rows, ids, features }: Pick<ChosenRows, "count" | "rows" | "ids" | "features">): Promise<void> {
    await this.#sink.write({ count, rows, ids, features, hashes: this.#hasher.hashAll(ids) });
  }

  /** After the last `add`: the number of rows that are not given out, or only combined into an earlier one. */
  async find(): Promise<number> {
    const reader: PartitionReader = await this.#sink.finish();
    let count = 0;
    for (let partition = 0; partition < this.#partitions; partition++)
      for (const row of await reader.duplicates(partition)) {
        this.#rows.add(row);
        count++;
      }
    return count;
  }

  /** After `find`. */
  has(row: number): boolean {
    return this.#rows.has(row);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#hasher.destroy();
    await this.#sink.discard();
  }
}
