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

const registration = z.strictObject({
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
});

const place = z.object({ file: z.string().optional(), line: z.number(), column: z.string().optional() });
const written = z.union([z.string().nullable(), z.array(z.string().nullable())]);

/** What registration would say, and what to look at before. */
const check = z.object({
  name: z.string(),
  format: z.string(),
  source: dataset.shape.source,
  dialect: dialect.nullable(),
  ids: z.array(idColumn),
  rows: z.number(),
  accepted: z.number(),
  duplicates: z.number(),
  /** Of CSV files. accepted + duplicates + rejected + header + blank + continued = total. */
  lines: z.object({ total: z.number(), header: z.number(), blank: z.number(), continued: z.number() }).nullable(),
  /** Rows set aside, duplicates too: how many, where the first ones are, what to do. */
  setAside: z.array(
    z.object({ reason: z.string(), rows: z.number(), first: z.array(place), fix: z.string().nullable() }),
  ),
  /** Forms of the ids as written, most rows first: runs of digits (9), letters (a, A) and others, never a value. */
  shapes: z.array(
    z.object({ shape: z.string(), rows: z.number(), usable: z.number(), rejected: z.record(z.string(), z.number()) }),
  ),
  otherShapeRows: z.number(),
  /** The first usable rows and the first others, to analysts only; masked unless they ask to see the ids. */
  preview: z
    .array(z.object({ place, written, normalised: z.string().nullable(), reason: z.string().nullable() }))
    .nullable(),
  columns: z.array(
    column.extend({
      filled: z.number(),
      nulls: z.number(),
      /** An estimate. */
      distinct: z.number(),
      /** One value in all rows, or none: there is nothing to learn from it. */
      isConstant: z.boolean(),
      /** To analysts only. */
      numbers: z.object({ min: z.number(), max: z.number(), mean: z.number() }).nullable(),
    }),
  ),
  /** Of an audience with a list as long as this one; null when there is nobody in it. */
  estimate: z
    .object({ cpuSeconds: z.number(), memoryMB: z.number(), diskMB: z.number(), partitions: z.number() })
    .nullable(),
  /** On the node's own disk: the rows set aside, with line and reason. */
  quarantine: z.string().nullable(),
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
    request: registration,
    response: dataset,
    events: "progress",
  },
  /** Reads as registration does, and registers nothing. */
  checkDataset: {
    method: "POST",
    path: "/v1/dataset-checks",
    roles: ["analyst", "operator"],
    request: registration.extend({ showIds: z.boolean().default(false) }),
    response: check,
    events: "progress",
  },
} as const satisfies Record<string, Route>;
