/** Media types of the files that routes answer with, by the format that a caller asks for. */
import type { ReportFormat } from "../report/render.ts";

export const TABLE_TYPES = {
  csv: "text/csv; charset=utf-8",
  parquet: "application/vnd.apache.parquet",
} as const;
export type TableFormat = keyof typeof TABLE_TYPES;

export const REPORT_TYPES = {
  html: "text/html; charset=utf-8",
  json: "application/json",
  svg: "image/svg+xml",
} as const satisfies Readonly<Record<ReportFormat, string>>;

/** Of an export in one file (`evidence/bundle.ts`). */
export const BUNDLE_TYPES = { jsonl: "application/jsonl" } as const;
