/** From a dataset to what the protocols take: keyed hashes by partition, with the features of each row beside them. */
import { EntenteError } from "../../proto/errors.ts";
import type { DatasetRegistration } from "./dataset.ts";
import { idHasher } from "./id-hash.ts";
import { type DataLimits, MAX_PARTITIONS } from "./limits.ts";
import { type PackedText, SubjectTable } from "./packed-text.ts";
import type { PartitionSink } from "./partition-sink.ts";
import { MemoryPartitions, type PartitionedRows } from "./partition-sink.ts";
import { readDataset } from "./read.ts";

export interface PrepareOptions {
  /** 32 secret bytes that both parties derived for this job; wiping them is the caller's. */
  readonly jobKey: Uint8Array;
  /** Names of numeric columns, in the order that the model has them. */
  readonly featureColumns: readonly string[];
  readonly partitions: number;
  readonly limits?: DataLimits;
  readonly onProgress?: (rowsDone: number) => void;
}

export interface PreparedInput {
  readonly partitions: readonly PartitionedRows[];
  /** Rows in all partitions together. */
  readonly count: number;
  /** Row index to normalised id, for the tags of matched rows. It stays with the reader, outside the crypto isolate. */
  readonly subjects: PackedText;
}

/** In memory; errors as `readDataset`. */
export async function prepareInput(registration: DatasetRegistration, options: PrepareOptions): Promise<PreparedInput> {
  const sink = new MemoryPartitions(options.partitions, options.featureColumns.length, registration.accepted);
  const { result, subjects } = await partitionDataset(registration, options, sink);
  return { partitions: result, count: subjects.count, subjects };
}

/** The same into any sink: a spill to disk comes in here. The sink is discarded when reading fails. */
export async function partitionDataset<Result>(
  registration: DatasetRegistration,
  options: PrepareOptions,
  sink: PartitionSink<Result>,
): Promise<{ readonly result: Result; readonly subjects: PackedText }> {
  const { partitions, limits, onProgress } = options;
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > MAX_PARTITIONS)
    throw new EntenteError("INTERNAL", { cause: new Error("number of partitions") });
  const subjects = new SubjectTable(registration.accepted);
  const hasher = idHasher(options.jobKey);
  try {
    const read = { columns: options.featureColumns, subjects, ...(limits === undefined ? {} : { limits }) };
    for await (const { firstRow, count, ids, features } of readDataset(registration, read)) {
      await sink.write({ firstRow, count, ids: hasher.hashAll(ids), features });
      onProgress?.(firstRow + count);
    }
    return { result: await sink.finish(), subjects };
  } catch (error) {
    await sink.discard();
    throw error;
  } finally {
    hasher.destroy();
  }
}
