/** What a format's own reader says of a file, before any id is looked at. */
import type { IdColumn } from "../../proto/agreement/fields.ts";
import type { Digest } from "../../proto/ids.ts";
import type { ProgressReport } from "../progress/meter.ts";
import type { DataLimits } from "./limits.ts";
import type { RowReason } from "./rejection.ts";
import type { FileTable } from "./table.ts";

export interface Survey {
  readonly version: Digest;
  readonly table: FileTable;
  /** Records in the file, counted without the reader that will read them where the format allows that. */
  readonly rows: number;
  /** Records that the reader cannot take apart. */
  readonly broken: readonly { readonly line: number; readonly reason: RowReason }[];
  /** Line (CSV) or row number (Parquet), from 1, of the n-th row that the reader delivers, from 0. */
  lineOf(row: number): number;
}

export interface SurveyOptions {
  readonly ids: readonly IdColumn[];
  readonly limits: DataLimits;
  readonly onProgress?: (report: ProgressReport) => void;
}
