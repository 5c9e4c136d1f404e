/** A registered dataset as packed ids and numeric columns: each person once, in file order, the same each time. */
import { EntenteError } from "../../proto/errors.ts";
import { checkUnchanged, columnIndex, type DatasetRegistration, featureIndex, tableOf } from "./dataset.ts";
import { type DataLimits, DEFAULT_LIMITS } from "./limits.ts";
import { type PackedText, SubjectTable } from "./packed-text.ts";
import { readRows } from "./rows.ts";
import { fingerprintOf, sameFingerprint } from "./source.ts";

export interface ReadOptions {
  /** Names of numeric columns. */
  readonly columns: readonly string[];
  /** An empty table that is to keep the normalised ids; afterwards row i of the dataset is text i of it. */
  readonly subjects?: SubjectTable;
  readonly limits?: DataLimits;
}

export interface DatasetBatch {
  /** Accepted rows before this batch. */
  readonly firstRow: number;
  readonly count: number;
  /** Normalised ids. */
  readonly ids: PackedText;
  /** One array per asked column, `count` long; NaN where the cell is blank or NULL. */
  readonly features: readonly Float64Array<ArrayBuffer>[];
}

/**
 * Streams the accepted rows; of those that share an id the first. Throws DATASET_COLUMN_UNKNOWN and DATASET_COLUMN_TYPE
 * before it reads, DATASET_FILE_MISSING, DATASET_CHANGED (before, or at the end if it changed meanwhile), DATASET_FORMAT.
 */
export async function* readDataset(
  registration: DatasetRegistration,
  options: ReadOptions,
): AsyncGenerator<DatasetBatch, void, undefined> {
  const { path, normaliser } = registration;
  const table = tableOf(registration);
  const features = options.columns.map((name) => featureIndex(table.columns, name));
  const idIndex = columnIndex(table.columns, registration.idColumn);
  const subjects = options.subjects ?? new SubjectTable(registration.accepted);
  const limits = options.limits ?? DEFAULT_LIMITS;
  const before = await checkUnchanged(registration);
  for await (const batch of readRows({ path, table, idIndex, normaliser, features, subjects, limits })) {
    const { firstRow, count } = batch;
    if (count > 0) yield { firstRow, count, ids: subjects.slice(firstRow, count), features: batch.features };
  }
  const unchanged = sameFingerprint(before, await fingerprintOf(path)) && subjects.count === registration.accepted;
  if (!unchanged) throw new EntenteError("DATASET_CHANGED", { detail: registration.name });
}
