/** A node's own dataset as a job takes it: keyed hashes by partition, columns beside them, and the ids for tags. */
import type { JobSpec } from "../../proto/agreement/job-spec.ts";
import { encryptedColumns, storedValue } from "../../proto/model/partner-view.ts";
import type { DatasetRegistration } from "../data/dataset.ts";
import type { PackedText } from "../data/packed-text.ts";
import type { prepareInput } from "../data/prepare.ts";
import type { ReadColumn } from "../data/read.ts";
import type { Selection } from "../data/selection.ts";
import type { SourceAccess } from "../data/source.ts";
import type { SpillPlace } from "../data/spill.ts";
import type { ProgressReport } from "../progress/meter.ts";

export interface InputPlace {
  /** The node's. */
  readonly prepareInput: typeof prepareInput;
  readonly jobKey: Uint8Array;
  readonly partitions: number;
  readonly spill: SpillPlace;
  readonly access: SourceAccess;
  /** Who takes part; everybody without it. */
  readonly selection: Selection | undefined;
  readonly onProgress?: (report: ProgressReport) => void;
}

export interface JobRows<Column> {
  /** Packed 16-byte keyed hashes. */
  readonly ids: Uint8Array;
  readonly features: readonly Column[];
  /** At the provider, as `proto/codec/labels` has them; empty without. */
  readonly labels: Uint8Array;
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

function readingOf(
  { selection, onProgress, prepareInput: _, ...where }: InputPlace,
  { accepted, duplicates }: DatasetRegistration,
) {
  const rowsDone = (done: number) =>
    onProgress?.({ step: "reading-dataset", done, total: accepted + duplicates, unit: "rows" });
  rowsDone(0);
  return { ...where, ...(selection && { selection }), onProgress: rowsDone };
}

/** The receiver's: its own columns as numbers, NaN where missing. */
export async function receiverInput(
  registration: DatasetRegistration,
  columns: readonly ReadColumn[],
  place: InputPlace,
): Promise<JobInput<Float64Array>> {
  return holdingLast(
    await place.prepareInput(registration, { ...readingOf(place, registration), columns, withSubjects: true }),
  );
}

/** The provider's: the model's columns as int16, as the model's view prepares them; bins are kept as their numbers and
 * spread when a partition is loaded. Of trees the columns as they are: the worker finds the leaves. Throws LABEL_UNFIT,
 * too. */
export async function providerInput(
  registration: DatasetRegistration,
  { model: view, labels = [] }: Pick<JobSpec, "model" | "labels">,
  place: InputPlace,
): Promise<JobInput> {
  if (view?.kind === "trees") {
    const columns = view.columns.map((name) => ({ name }));
    return holdingLast(
      await place.prepareInput(registration, {
        ...readingOf(place, registration),
        columns,
        labels,
        withSubjects: false,
      }),
    );
  }
  const shown = view?.columns ?? [];
  const columns = shown.map((column) => ({
    name: column.column,
    // NaN is a missing value.
    quantise: (value: number) => storedValue(column, Number.isNaN(value) ? null : value),
  }));
  const stored = await place.prepareInput(registration, {
    ...readingOf(place, registration),
    columns,
    labels,
    withSubjects: false,
  });
  return holdingLast({
    async rows(partition) {
      const { features, ...rows } = await stored.rows(partition);
      const spread = shown.flatMap((column, j) => encryptedColumns(column, features[j] as Int16Array<ArrayBuffer>));
      return { ...rows, features: spread };
    },
    subjects: (partition) => stored.subjects(partition),
    destroy: () => stored.destroy(),
  });
}
