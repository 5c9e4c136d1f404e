/** What a node records of a dataset. */
import type { IdColumn } from "../../proto/agreement/fields.ts";
import type { DuplicatePolicy } from "../../proto/duplicate-policy.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { canonicalJson, type Json } from "../../proto/encoding/canonical-json.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { DatasetName, Digest } from "../../proto/ids.ts";
import type { CsvDialect } from "./csv-dialect.ts";
import type { LineCounts } from "./csv-records.ts";
import { profileOf } from "./normalise.ts";
import type { PackedText } from "./packed-text.ts";
import type { RejectCounts } from "./rejection.ts";
import type { DatasetSource } from "./source.ts";
import type { ColumnType, DatasetColumn, DatasetTable, PlacedId } from "./table.ts";

export type DatasetFormat = "csv" | "parquet" | "duckdb" | "postgres";

/** Plain data: it goes through JSON into the node's store. rows = accepted + duplicates + all of rejectedByReason. */
export interface DatasetRegistration {
  readonly name: DatasetName;
  readonly format: DatasetFormat;
  readonly source: DatasetSource;
  /** For CSV only. */
  readonly dialect?: CsvDialect;
  /** The columns that are the id together, in order. */
  readonly ids: readonly IdColumn[];
  /** In the source's order. */
  readonly columns: readonly DatasetColumn[];
  /** `versionOf` the source. */
  readonly version: Digest;
  /** Records in the source, without headers and blank lines. */
  readonly rows: number;
  /** Of CSV files, all together: `rows` and the lines that are passed over add up to `total`. */
  readonly lines?: LineCounts;
  /** Distinct good ids that are not rejected as duplicates: what a job works with. */
  readonly accepted: number;
  readonly rejectedByReason: RejectCounts;
  /** Put in when a dataset is taken for a job, never stored: who of it takes part in nothing, and how many do. */
  readonly optedOut?: OptedOut;
  readonly people?: number;
  readonly duplicatePolicy: DuplicatePolicy;
  /** By the policy: good rows whose id an earlier row has, set aside (first) or combined into it (aggregate); all good rows
   * of an id that has several, set aside (reject). */
  readonly duplicates: number;
}

/** Those who have opted out of this node's runs, under one normaliser. */
export interface OptedOut {
  /** Normalised ids. */
  readonly people: PackedText;
  /** Changes with the list; under a key of the node. */
  readonly digest: string;
}

/** Distinct people whom a job may work with. */
export function peopleOf({ people, accepted }: Pick<DatasetRegistration, "people" | "accepted">): number {
  return people ?? accepted;
}

/** Hex digest of what a job works with: the registered content, without those who have opted out. */
export function effectiveVersion({ version, optedOut }: Pick<DatasetRegistration, "version" | "optedOut">): string {
  return optedOut === undefined ? version : digestOf(utf8(`entente opted out/1\n${version}\n${optedOut.digest}`));
}

export function tableOf({ format, columns }: DatasetRegistration): DatasetTable {
  return { cells: format === "csv" || format === "postgres" ? "text" : "typed", columns };
}

/** Of what decides, beside the content, which rows and values a read gives: hex SHA-256. */
export function formDigest({ ids, duplicatePolicy, columns, dialect }: DatasetRegistration): Digest {
  const rules = ids.map(({ column, normaliser }) => [column, profileOf(normaliser)]);
  const form = { rules, duplicatePolicy, columns, dialect: dialect ?? null };
  return digestOf(canonicalJson(form as unknown as Json));
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
