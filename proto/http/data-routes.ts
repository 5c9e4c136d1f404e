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
  source: z
    .object({ kind: z.enum(["files", "duckdb", "postgres"]), from: z.string(), files: z.number() })
    .describe("Where the rows are: files, a table in a DuckDB file, or in a named database."),
  dialect: dialect.nullable(),
  ids: z.array(idColumn).describe("The columns that are the id together, in order."),
  duplicatePolicy: duplicatePolicyField,
  columns: z.array(column),
  rows: z.number(),
  lines: z
    .object({ total: z.number(), swallowed: z.number() })
    .nullable()
    .describe(
      "Of CSV files: lines in all, and those that are no row of their own (headers, blank ones, line ends in quotes), so that accepted + duplicates + rejected + swallowed = total.",
    ),
  accepted: z.number().describe("Distinct usable ids: what takes part in a job."),
  duplicates: z.number(),
  rejected: z.record(z.string(), z.number()),
  quarantine: z.string().nullable().describe("On the node's own disk: the rows set aside, with line and reason."),
  registeredAt: z.string(),
});

const registration = z.strictObject({
  name: datasetNameField,
  path: path
    .optional()
    .describe(
      "Where the rows are: exactly one of `path`, `duckdb` and `postgres`. On the node's machine, absolute: a file, a folder of files, or a pattern such as `/data/2026-*.csv`.",
    ),
  format: z.enum(["csv", "parquet"]).optional().describe("Of files whose names do not end in it."),
  delimiter: z
    .string()
    .length(1)
    .optional()
    .describe("Of CSV, instead of what its first rows propose: one ASCII character."),
  quote: z.enum(['"', "'"]).optional(),
  encoding: z.enum(["utf-8", "gb18030"]).optional(),
  columnTypes: z
    .record(z.string().min(1).max(256), z.enum(["number", "text"]))
    .optional()
    .describe("Of CSV, by column, instead of what its cells propose: a code may look like a number."),
  duckdb: z
    .strictObject({ path, table: tableField })
    .optional()
    .describe("A table or view in a DuckDB file: `table` or `schema.table`."),
  postgres: z
    .strictObject({
      database: z.string().min(1).max(63),
      table: tableField.optional(),
      query: z.string().min(1).max(100_000).optional(),
    })
    .optional()
    .describe("A connection of the node's configuration, and a table or one query that only reads."),
  ids: idColumnsField,
  duplicatePolicy: duplicatePolicyField
    .optional()
    .describe("What becomes of rows with one id; by default the first counts."),
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
  lines: z
    .object({ total: z.number(), header: z.number(), blank: z.number(), continued: z.number() })
    .nullable()
    .describe("Of CSV files. accepted + duplicates + rejected + header + blank + continued = total."),
  setAside: z
    .array(z.object({ reason: z.string(), rows: z.number(), first: z.array(place), fix: z.string().nullable() }))
    .describe("Rows set aside, duplicates too: how many, where the first ones are, what to do."),
  shapes: z
    .array(
      z.object({ shape: z.string(), rows: z.number(), usable: z.number(), rejected: z.record(z.string(), z.number()) }),
    )
    .describe(
      "Forms of the ids as written, most rows first: runs of digits (9), letters (a, A) and others, never a value.",
    ),
  otherShapeRows: z.number(),
  preview: z
    .array(z.object({ place, written, normalised: z.string().nullable(), reason: z.string().nullable() }))
    .nullable()
    .describe("The first usable rows and the first others, to analysts only; masked unless they ask to see the ids."),
  columns: z.array(
    column.extend({
      filled: z.number(),
      nulls: z.number(),
      distinct: z.number().describe("An estimate."),
      isConstant: z.boolean().describe("One value in all rows, or none: there is nothing to learn from it."),
      numbers: z
        .object({ min: z.number(), max: z.number(), mean: z.number() })
        .nullable()
        .describe("To analysts only."),
    }),
  ),
  estimate: z
    .object({ cpuSeconds: z.number(), memoryMB: z.number(), diskMB: z.number(), partitions: z.number() })
    .nullable()
    .describe("Of an audience with a list as long as this one; null when there is nobody in it."),
  quarantine: z.string().nullable().describe("On the node's own disk: the rows set aside, with line and reason."),
});

export const DATA_ROUTES = {
  datasets: {
    method: "GET",
    path: "/v1/datasets",
    summary: "List the own datasets",
    roles: ["analyst", "steward", "operator"],
    request: empty,
    response: z.object({ datasets: z.array(dataset) }),
  },
  registerDataset: {
    method: "POST",
    path: "/v1/datasets",
    summary: "Read and register a dataset",
    roles: ["analyst", "operator"],
    request: registration,
    response: dataset,
    events: "progress",
  },
  checkDataset: {
    method: "POST",
    path: "/v1/dataset-checks",
    summary: "Look at a dataset before registering it",
    description: "Reads as registration does, and registers nothing.",
    roles: ["analyst", "operator"],
    request: registration.extend({ showIds: z.boolean().default(false) }),
    response: check,
    events: "progress",
  },
} as const satisfies Record<string, Route>;
