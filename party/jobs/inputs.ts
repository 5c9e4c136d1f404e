/** A node's own dataset as a job takes it: keyed hashes by partition, columns beside them, and the ids for tags. */
import { quantiseFeature } from "../../proto/model/feature.ts";
import type { PartnerView } from "../../proto/model/partner-view.ts";
import type { DatasetRegistration } from "../data/dataset.ts";
import type { PackedText } from "../data/packed-text.ts";
import { prepareInput } from "../data/prepare.ts";
import type { SpillPlace } from "../data/spill.ts";

export interface InputPlace {
  readonly jobKey: Uint8Array;
  readonly partitions: number;
  readonly spill: SpillPlace;
}

export interface JobRows<Column> {
  /** Packed 16-byte keyed hashes. */
  readonly ids: Uint8Array;
  readonly features: readonly Column[];
}

/** What an attempt needs of either side's input. */
export interface JobInput<Column = Float64Array | Int16Array> {
  rows(partition: number): Promise<JobRows<Column>>;
  subjects(partition: number): Promise<PackedText>;
  destroy(): Promise<void>;
}

/** Keeps the partition that was loaded last: the same one is asked for several times in a row. */
function holdingLast<Column>(input: JobInput<Column>): JobInput<Column> {
  let last: { readonly partition: number; readonly rows: Promise<JobRows<Column>> } | undefined;
  return {
    rows(partition) {
      if (last?.partition !== partition) last = { partition, rows: input.rows(partition) };
      return last.rows;
    },
    subjects: (partition) => input.subjects(partition),
    destroy() {
      last = undefined;
      return input.destroy();
    },
  };
}

/** The receiver's: its own columns as numbers, NaN where missing. */
export async function receiverInput(
  registration: DatasetRegistration,
  columns: readonly string[],
  place: InputPlace,
): Promise<JobInput<Float64Array>> {
  const raw = columns.map((name) => ({ name }));
  return holdingLast(await prepareInput(registration, { ...place, columns: raw, withSubjects: true }));
}

/** The provider's: the model's columns as int16, as the model's view prepares them. */
export async function providerInput(
  registration: DatasetRegistration,
  view: PartnerView | undefined,
  place: InputPlace,
): Promise<JobInput<Int16Array>> {
  const columns = (view?.features ?? []).map((feature) => ({
    name: feature.column,
    // NaN is a missing value: it takes the model's stand-in.
    quantise: (value: number) => quantiseFeature(feature, Number.isNaN(value) ? null : value),
  }));
  return holdingLast(await prepareInput(registration, { ...place, columns, withSubjects: false }));
}
