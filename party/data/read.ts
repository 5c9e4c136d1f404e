/** A registered dataset as packed ids and numeric columns: its good rows in file order, the same each time. */
import type { LabelColumn } from "../../proto/agreement/label-columns.ts";
import { EntenteError } from "../../proto/errors.ts";
import { Chooser, type ChosenRows, type Wanted } from "./chosen-rows.ts";
import { type DatasetRegistration, featureIndex, placedIds, tableOf, textIndex } from "./dataset.ts";
import { type IdHasher, idHasher, JOB_KEY_BYTES } from "./id-hash.ts";
import { placedLabels } from "./label-cells.ts";
import { type DataLimits, DEFAULT_LIMITS } from "./limits.ts";
import { openRegistered } from "./registered.ts";
import { readRows } from "./rows.ts";
import { Lookups, type Selection, without } from "./selection.ts";
import type { SourceAccess } from "./source.ts";

/** A column as doubles, NaN where a cell is missing. */
export interface FileColumn {
  readonly name: string;
  /** Of a text column: a cell is its place in this list, -1 when it is none of them. Without it the column is of numbers. */
  readonly texts?: readonly string[];
}

/** In which of these selections a row is: the sum of 2^j over the j-th ones that hold it. At most MAX_INSIDE. */
export interface InsideColumn {
  readonly inside: readonly Selection[];
}

/** A double holds the sum of so many bits exactly. */
export const MAX_INSIDE = 53;

export type ReadColumn = FileColumn | InsideColumn;

export interface ReadOptions {
  readonly columns: readonly ReadColumn[];
  /** Only the rows that it holds are given; all are read and counted. */
  readonly selection?: Selection;
  /** Columns whose values are given as labels. */
  readonly labels?: readonly LabelColumn[];
  /** What ids are hashed with; each batch then has the hashes. */
  readonly hasher?: IdHasher;
  readonly access?: SourceAccess;
  readonly limits?: DataLimits;
}

/**
 * Streams the good rows that are selected and whose people have not opted out, duplicates included: who holds all ids of a partition tells them apart. A batch is
 * valid until the next. Throws DATASET_COLUMN_UNKNOWN and DATASET_COLUMN_TYPE before it reads, DATASET_FILE_MISSING,
 * DATASET_CHANGED (before, or at the end if it changed meanwhile or has another number of good rows), DATASET_FORMAT, LABEL_UNFIT,
 * and the errors of a database.
 */
export async function* readDataset(
  registration: DatasetRegistration,
  options: ReadOptions,
): AsyncGenerator<ChosenRows, void, undefined> {
  const { accepted, duplicates } = registration;
  const table = tableOf(registration);
  const columns = options.columns.filter((column) => "name" in column);
  const features = columns.map(({ name, texts }) =>
    texts === undefined ? featureIndex(table.columns, name) : textIndex(table.columns, name),
  );
  const texts = new Map(columns.flatMap((column, j) => (column.texts ? [[features[j] as number, column.texts]] : [])));
  const ids = placedIds(table.columns, registration.ids);
  const limits = options.limits ?? DEFAULT_LIMITS;
  const { optedOut } = registration;
  const selection = without(options.selection, optedOut && { kind: "people", people: optedOut.people });
  const lookups = new Lookups(registration);
  const test = selection && lookups.test(selection);
  const wanted = options.columns.map((column): Wanted => {
    if ("name" in column) return { feature: columns.indexOf(column) };
    return { inside: column.inside.map((inside) => lookups.test(inside)) };
  });
  const condition = selection && lookups.bound(selection);
  const marks = lookups.conditions;
  const labels = options.labels && placedLabels(table.columns, options.labels);
  const asked = { marks, ...(condition && { condition }), ...(labels && { labels }) };
  const shape = { table, ids, features, texts, limits, ...asked };
  // Hashes that stay in here may be under any key: to find two equal ones takes 2^64 steps under each.
  const own =
    options.hasher === undefined && lookups.people.length > 0 ? idHasher(new Uint8Array(JOB_KEY_BYTES)) : undefined;
  const hasher = options.hasher ?? own;
  const source = await openRegistered(registration, options.access ?? {});
  let good = 0;
  try {
    const chosen = { lookups, wanted, features: features.length, ...(test && { test }), ...(hasher && { hasher }) };
    const chooser = new Chooser(chosen);
    for await (const batch of readRows({ ...shape, parts: source.parts })) {
      good += batch.good;
      if (batch.count === 0) continue;
      const rows = chooser.choose(batch);
      if (rows.count > 0) yield rows;
    }
    await source.finish();
  } finally {
    own?.destroy();
    await source.close();
  }
  if (good !== accepted + duplicates) throw new EntenteError("DATASET_CHANGED", { detail: registration.name });
}
