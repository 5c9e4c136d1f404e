/** What a source's own reader says of it, before any id is looked at. */
import type { IdColumn } from "../../proto/agreement/fields.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { ProgressReport } from "../progress/meter.ts";
import type { CsvDialect } from "./csv-dialect.ts";
import type { LineCounts } from "./csv-records.ts";
import type { DatasetFormat } from "./dataset.ts";
import type { DataLimits } from "./limits.ts";
import type { RowReason } from "./rejection.ts";
import type { OpenRelation } from "./relation.ts";
import type { DatasetSource, SourceAccess } from "./source.ts";
import type { DatasetTable } from "./table.ts";

/** One file, or all of a table in a database. */
export interface SurveyedPart {
  readonly name: string;
  /** Records in it, counted without the reader that will read them where the format allows that. */
  readonly rows: number;
  /** Records that the reader cannot take apart. */
  readonly broken: readonly { readonly line: number; readonly reason: RowReason }[];
  /** Of text. */
  readonly lines?: LineCounts;
  /** Line (text) or row number (others), from 1, of the n-th row that the reader delivers of this part, from 0. */
  lineOf(row: number): number;
  readonly open: OpenRelation;
}

export interface Survey {
  readonly format: DatasetFormat;
  readonly source: DatasetSource;
  readonly dialect?: CsvDialect;
  readonly table: DatasetTable;
  readonly parts: readonly SurveyedPart[];
  /** When all parts were read. */
  close?(): Promise<void>;
}

export interface SurveyOptions {
  readonly ids: readonly IdColumn[];
  readonly limits: DataLimits;
  readonly access: SourceAccess;
  readonly onProgress?: (report: ProgressReport) => void;
}

/** Of several files the error names the one that it is about. */
export async function aboutPart<T>(name: string, isOneOfMany: boolean, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isOneOfMany || !(error instanceof EntenteError) || error.code !== "DATASET_FORMAT") throw error;
    const { detail, cause } = error;
    throw new EntenteError("DATASET_FORMAT", { detail: detail === undefined ? name : `${name}: ${detail}`, cause });
  }
}
