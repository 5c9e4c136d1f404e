/** A registered dataset as packed ids and numeric columns: its good rows in file order, the same each time. */
import type { LabelColumn } from "../../proto/agreement/label-columns.ts";
import { EntenteError } from "../../proto/errors.ts";
import { checkUnchanged, columnIndex, type DatasetRegistration, featureIndex, tableOf, textIndex } from "./dataset.ts";
import type { Filter } from "./filter.ts";
import { placedLabels } from "./label-cells.ts";
import { type DataLimits, DEFAULT_LIMITS } from "./limits.ts";
import { type RowBatch, readRows } from "./rows.ts";
import { fingerprintOf, sameFingerprint } from "./source.ts";

/** A column as doubles, NaN where a cell is missing. */
export interface ReadColumn {
  readonly name: string;
  /** Of a text column: a cell is its place in this list, -1 when it is none of them. Without it the column is of numbers. */
  readonly texts?: readonly string[];
}

export interface ReadOptions {
  readonly columns: readonly ReadColumn[];
  /** Only the rows that pass it are given; all are read and counted. */
  readonly filter?: Filter;
  /** Columns whose values are given as labels. */
  readonly labels?: readonly LabelColumn[];
  readonly limits?: DataLimits;
}

/**
 * Streams the good rows that pass, duplicates included: who holds all ids of a partition tells them apart. A batch is
 * valid until the next. Throws DATASET_COLUMN_UNKNOWN and DATASET_COLUMN_TYPE before it reads, DATASET_FILE_MISSING,
 * DATASET_CHANGED (before, or at the end if it changed meanwhile or has another number of good rows), DATASET_FORMAT, LABEL_UNFIT.
 */
export async function* readDataset(
  registration: DatasetRegistration,
  options: ReadOptions,
): AsyncGenerator<RowBatch, void, undefined> {
  const { path, normaliser, accepted, duplicates } = registration;
  const table = tableOf(registration);
  const features = options.columns.map(({ name, texts }) =>
    texts === undefined ? featureIndex(table.columns, name) : textIndex(table.columns, name),
  );
  const texts = new Map(
    options.columns.flatMap((column, j) => (column.texts ? [[features[j] as number, column.texts]] : [])),
  );
  const idIndex = columnIndex(table.columns, registration.idColumn);
  const limits = options.limits ?? DEFAULT_LIMITS;
  const condition = options.filter?.conditionFor(registration);
  const labels = options.labels && placedLabels(table.columns, options.labels);
  const asked = { ...(condition && { condition }), ...(labels && { labels }) };
  const input = { path, table, idIndex, normaliser, features, texts, limits, ...asked };
  const before = await checkUnchanged(registration);
  let good = 0;
  for await (const batch of readRows(input)) {
    good += batch.good;
    if (batch.count > 0) yield batch;
  }
  const unchanged = sameFingerprint(before, await fingerprintOf(path)) && good === accepted + duplicates;
  if (!unchanged) throw new EntenteError("DATASET_CHANGED", { detail: registration.name });
}
