/** From a dataset to what the protocols take: keyed hashes by partition, with the features of each row beside them. */
import { type LabelColumn, labelsBytes } from "../../proto/agreement/label-columns.ts";
import { EntenteError } from "../../proto/errors.ts";
import { MAX_PARTITIONS } from "../protocols/plan.ts";
import { blockStore } from "./block-store.ts";
import { combining } from "./combining.ts";
import type { DatasetRegistration } from "./dataset.ts";
import { idHasher } from "./id-hash.ts";
import type { DataLimits } from "./limits.ts";
import type { PackedText } from "./packed-text.ts";
import type { PartitionedRows, PartitionReader } from "./partition-reader.ts";
import { PartitionSink, type Quantiser } from "./partition-sink.ts";
import { type FileColumn, type ReadColumn, readDataset } from "./read.ts";
import type { Selection } from "./selection.ts";
import type { SourceAccess } from "./source.ts";
import type { SpillPlace } from "./spill.ts";

/** A column, its values as they are read: 8 bytes a row. */
export type RawColumn = FileColumn;

/** A numeric column of int16: 2 bytes a row. */
export interface QuantisedColumn extends RawColumn {
  readonly quantise: Quantiser;
}

export interface PrepareOptions<Column extends ReadColumn> {
  /** 32 secret bytes that both parties derived for this job; wiping them is the caller's. */
  readonly jobKey: Uint8Array;
  /** In the order that the model has them, and behind those what tells of segments; all raw or all quantised. */
  readonly columns: readonly Column[];
  readonly partitions: number;
  /** Columns whose values are kept as the labels of rows. */
  readonly labels?: readonly LabelColumn[];
  /** All rows without it. */
  readonly selection?: Selection;
  /** Whether `subjects` will be asked for; ids that nobody needs again are not stored. */
  readonly withSubjects: boolean;
  /** Where to keep the partitions of a large dataset; without it all are in memory. */
  readonly spill?: SpillPlace;
  readonly access?: SourceAccess;
  readonly limits?: DataLimits;
  readonly onProgress?: (rowsDone: number) => void;
}

type ValuesOf<Column extends ReadColumn> = Column extends QuantisedColumn
  ? Int16Array<ArrayBuffer>
  : Float64Array<ArrayBuffer>;

/** All methods throw STORAGE_FAILED when a spill cannot be read or was changed, or after `destroy`. */
export interface PreparedInput<Rows extends PartitionedRows = PartitionedRows> {
  readonly partitions: number;
  /** Rows in all partitions together: distinct ids of the rows that are selected. */
  readonly count: number;
  /** Loads one partition, anew at each call; the arrays are the caller's. */
  rows(partition: number): Promise<Rows>;
  /** The normalised ids of `rows(partition)`, in that order, for the tags of matched rows. They stay with the reader,
   * outside the crypto isolate. */
  subjects(partition: number): Promise<PackedText>;
  /** Removes every trace of it. To be called in the end, whatever happened. */
  destroy(): Promise<void>;
}

/** Errors as `readDataset`, and STORAGE_FAILED; nothing stays on disk after one. */
export async function prepareInput<Column extends ReadColumn>(
  registration: DatasetRegistration,
  options: PrepareOptions<Column>,
): Promise<PreparedInput<PartitionedRows<ValuesOf<Column>>>> {
  const { partitions, withSubjects, spill, labels = [] } = options;
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > MAX_PARTITIONS)
    throw new EntenteError("INTERNAL", { cause: new Error("number of partitions") });
  const expected = registration.rows;
  const store = await blockStore({ partitions, expected, ...(spill === undefined ? {} : { spill }) });
  // Without duplicates there is nothing to combine, and values can be quantised on their way.
  const isCombined = registration.duplicatePolicy.kind === "aggregate" && registration.duplicates > 0;
  const { columns, rule } = isCombined
    ? combining(registration, options.columns, labels)
    : { columns: options.columns, rule: { kind: ruleOf(registration) } };
  const quantisers = columns.map((column: ReadColumn | QuantisedColumn) =>
    !isCombined && "quantise" in column ? column.quantise : undefined,
  );
  const sink = new PartitionSink({
    partitions,
    quantisers,
    rule,
    labelBytes: labelsBytes(labels),
    withSubjects,
    expected,
    store,
  });
  const reader = (await fill(sink, registration, { ...options, columns })) as PartitionReader<ValuesOf<Column>>;
  return {
    partitions,
    count: await countOf(reader, registration, options),
    rows: (partition) => reader.rows(partition),
    subjects: (partition) => reader.subjects(partition),
    destroy: () => reader.destroy(),
  };
}

function ruleOf({ duplicatePolicy }: DatasetRegistration): "first" | "reject" {
  return duplicatePolicy.kind === "reject" ? "reject" : "first";
}

/** Loads each partition once where a selection meets duplicates: which of them it holds is not known before. */
async function countOf(
  reader: PartitionReader,
  { accepted, duplicates, optedOut }: DatasetRegistration,
  { selection, partitions }: PrepareOptions<ReadColumn>,
): Promise<number> {
  if (selection === undefined && optedOut === undefined) return accepted;
  let count = reader.written;
  if (duplicates === 0) return count;
  try {
    for (let partition = 0; partition < partitions; partition++) count -= (await reader.duplicates(partition)).length;
    return count;
  } catch (error) {
    await reader.destroy();
    throw error;
  }
}

async function fill(
  sink: PartitionSink,
  registration: DatasetRegistration,
  { jobKey, columns, labels, selection, access, limits, onProgress }: PrepareOptions<ReadColumn>,
): Promise<PartitionReader> {
  const hasher = idHasher(jobKey);
  try {
    const reading = { ...(access && { access }), ...(limits && { limits }) };
    const asked = { ...(labels && { labels }), ...(selection && { selection }), ...reading };
    let done = 0;
    for await (const { good, hashes, ...chosen } of readDataset(registration, { columns, hasher, ...asked })) {
      if (hashes === undefined) throw new EntenteError("INTERNAL", { cause: new Error("rows without hashes") });
      await sink.write({ ...chosen, hashes });
      done += good;
      onProgress?.(done);
    }
    return await sink.finish();
  } catch (error) {
    await sink.discard();
    throw error;
  } finally {
    hasher.destroy();
  }
}
