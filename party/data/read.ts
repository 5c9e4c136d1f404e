/** A registered dataset as packed ids and numeric columns: its good rows in file order, the same each time. */
import { EntenteError } from "../../proto/errors.ts";
import { checkUnchanged, columnIndex, type DatasetRegistration, featureIndex, tableOf } from "./dataset.ts";
import { type DataLimits, DEFAULT_LIMITS } from "./limits.ts";
import { type RowBatch, readRows } from "./rows.ts";
import { fingerprintOf, sameFingerprint } from "./source.ts";

export interface ReadOptions {
  /** Names of numeric columns. */
  readonly columns: readonly string[];
  readonly limits?: DataLimits;
}

/**
 * Streams the good rows, duplicates included: who holds all ids of a partition tells them apart. A batch is valid until
 * the next. Throws DATASET_COLUMN_UNKNOWN and DATASET_COLUMN_TYPE before it reads, DATASET_FILE_MISSING, DATASET_CHANGED
 * (before, or at the end if it changed meanwhile or has another number of good rows), DATASET_FORMAT.
 */
export async function* readDataset(
  registration: DatasetRegistration,
  options: ReadOptions,
): AsyncGenerator<RowBatch, void, undefined> {
  const { path, normaliser, accepted, duplicates } = registration;
  const table = tableOf(registration);
  const features = options.columns.map((name) => featureIndex(table.columns, name));
  const idIndex = columnIndex(table.columns, registration.idColumn);
  const limits = options.limits ?? DEFAULT_LIMITS;
  const before = await checkUnchanged(registration);
  let good = 0;
  for await (const batch of readRows({ path, table, idIndex, normaliser, features, limits })) {
    good += batch.count;
    if (batch.count > 0) yield batch;
  }
  const unchanged = sameFingerprint(before, await fingerprintOf(path)) && good === accepted + duplicates;
  if (!unchanged) throw new EntenteError("DATASET_CHANGED", { detail: registration.name });
}
