/** What a node records of a dataset, and the checks that a later read makes against it. */
import type { IdColumn } from "../../proto/agreement/fields.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { DatasetName, Digest } from "../../proto/ids.ts";
import type { CsvDialect } from "./csv-dialect.ts";
import type { RejectCounts } from "./rejection.ts";
import { digestFile, type Fingerprint, fingerprintOf, sameFingerprint } from "./source.ts";
import type { ColumnType, DatasetColumn, FileTable, PlacedId } from "./table.ts";

export type DatasetFormat = "csv" | "parquet";

/** Plain data: it goes through JSON into the node's store. rows = accepted + duplicates + all of rejectedByReason. */
export interface DatasetRegistration {
  readonly name: DatasetName;
  readonly format: DatasetFormat;
  /** Absolute, links resolved. */
  readonly path: string;
  /** For CSV only. */
  readonly dialect?: CsvDialect;
  /** The columns that are the id together, in order. */
  readonly ids: readonly IdColumn[];
  /** In file order. */
  readonly columns: readonly DatasetColumn[];
  /** SHA-256 of the file's content. */
  readonly version: Digest;
  readonly fingerprint: Fingerprint;
  /** Records in the file, without the header and blank lines. */
  readonly rows: number;
  /** Distinct good ids: what a job works with. */
  readonly accepted: number;
  readonly rejectedByReason: RejectCounts;
  /** Good rows whose id an earlier row has: the first row counts, the others are set aside. */
  readonly duplicates: number;
}

export function tableOf({ format, dialect, columns }: DatasetRegistration): FileTable {
  if (format === "parquet") return { format, columns };
  if (dialect === undefined)
    throw new EntenteError("INTERNAL", { cause: new Error("CSV registration without dialect") });
  return { format, dialect, columns };
}

/** Position of a column. Throws DATASET_COLUMN_UNKNOWN with the name. */
export function columnIndex(columns: readonly { readonly name: string }[], name: string): number {
  const index = columns.findIndex((column) => column.name === name);
  if (index < 0) throw new EntenteError("DATASET_COLUMN_UNKNOWN", { detail: name });
  return index;
}

/** Where the parts of the id are. Throws DATASET_COLUMN_UNKNOWN with the name. */
export function placedIds(columns: readonly DatasetColumn[], ids: readonly IdColumn[]): PlacedId[] {
  return ids.map(({ column, normaliser }) => ({ index: columnIndex(columns, column), normaliser }));
}

/** Position of a numeric column. Throws DATASET_COLUMN_UNKNOWN or DATASET_COLUMN_TYPE. */
export function featureIndex(columns: readonly DatasetColumn[], name: string): number {
  return indexOfType(columns, name, "number");
}

/** Position of a text column. Throws DATASET_COLUMN_UNKNOWN or DATASET_COLUMN_TYPE. */
export function textIndex(columns: readonly DatasetColumn[], name: string): number {
  return indexOfType(columns, name, "text");
}

function indexOfType(columns: readonly DatasetColumn[], name: string, wanted: ColumnType): number {
  const index = columnIndex(columns, name);
  const type = columns[index]?.type;
  if (type !== wanted) throw new EntenteError("DATASET_COLUMN_TYPE", { detail: `${name} is of type ${type}` });
  return index;
}

/**
 * Resolves with the file's present fingerprint when its content is the registered version: at once when size and both
 * times are as recorded, after reading it through otherwise. Throws DATASET_CHANGED or DATASET_FILE_MISSING.
 */
export async function checkUnchanged(registration: DatasetRegistration): Promise<Fingerprint> {
  const now = await fingerprintOf(registration.path);
  if (sameFingerprint(now, registration.fingerprint)) return now;
  const same =
    now.sizeBytes === registration.fingerprint.sizeBytes &&
    (await digestFile(registration.path)) === registration.version;
  if (!same) throw new EntenteError("DATASET_CHANGED", { detail: registration.name });
  return now;
}
