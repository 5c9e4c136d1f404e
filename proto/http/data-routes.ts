/** Routes about own data. */
import * as z from "zod";
import { datasetNameField, idColumnsField } from "../agreement/fields.ts";
import { duplicatePolicyField } from "../duplicate-policy.ts";
import { column, empty, idColumn, type Route } from "./route.ts";

const path = z.string().min(1).max(4096);
const tableField = z.string().min(1).max(200);

/** Of CSV files: what was proposed or given, and passed to the reader ever since. */
const dialect = z.object({
  delimiter: z.string(),
  quote: z.string(),
  encoding: z.string(),
  lineEnd: z.string(),
  skipLines: z.number(),
});

const dataset = z.object({
  name: z.string(),
  version: z.string(),
  format: z.string(),
  /** Where the rows are: files, a table in a DuckDB file, or in a named database. */
  source: z.object({ kind: z.enum(["files", "duckdb", "postgres"]), from: z.string(), files: z.number() }),
  dialect: dialect.nullable(),
  /** The columns that are the id together, in order. */
  ids: z.array(idColumn),
  duplicatePolicy: duplicatePolicyField,
  columns: z.array(column),
  rows: z.number(),
  /** Of CSV files: lines in all, and those that are no row of their own (headers, blank ones, line ends in quotes), so that
   * accepted + duplicates + rejected + swallowed = total. */
  lines: z.object({ total: z.number(), swallowed: z.number() }).nullable(),
  /** Distinct usable ids: what takes part in a job. */
  accepted: z.number(),
  duplicates: z.number(),
  rejected: z.record(z.string(), z.number()),
  /** On the node's own disk: the rows set aside, with line and reason. */
  quarantine: z.string().nullable(),
  registeredAt: z.string(),
});

export const DATA_ROUTES = {
  datasets: {
    method: "GET",
    path: "/v1/datasets",
    roles: ["analyst", "steward", "operator"],
    request: empty,
    response: z.object({ datasets: z.array(dataset) }),
  },
  registerDataset: {
    method: "POST",
    path: "/v1/datasets",
    roles: ["analyst", "operator"],
    request: z.strictObject({
      name: datasetNameField,
      /** Where the rows are: exactly one of `path`, `duckdb` and `postgres`. On the node's machine, absolute: a file, a folder
       * of files, or a pattern such as `/data/2026-*.csv`. */
      path: path.optional(),
      /** Of files whose names do not end in it. */
      format: z.enum(["csv", "parquet"]).optional(),
      /** Of CSV, instead of what its first rows propose: one ASCII character. */
      delimiter: z.string().length(1).optional(),
      quote: z.enum(['"', "'"]).optional(),
      encoding: z.enum(["utf-8", "gb18030"]).optional(),
      /** Of CSV, by column, instead of what its cells propose: a code may look like a number. */
      columnTypes: z.record(z.string().min(1).max(256), z.enum(["number", "text"])).optional(),
      /** A table or view in a DuckDB file: `table` or `schema.table`. */
      duckdb: z.strictObject({ path, table: tableField }).optional(),
      /** A connection of the node's configuration, and a table or one query that only reads. */
      postgres: z
        .strictObject({
          database: z.string().min(1).max(63),
          table: tableField.optional(),
          query: z.string().min(1).max(100_000).optional(),
        })
        .optional(),
      ids: idColumnsField,
      /** What becomes of rows with one id; by default the first counts. */
      duplicatePolicy: duplicatePolicyField.optional(),
    }),
    response: dataset,
    events: "progress",
  },
} as const satisfies Record<string, Route>;
