/** Routes about own data. */
import * as z from "zod";
import { datasetNameField, idColumnsField } from "../agreement/fields.ts";
import { column, empty, idColumn, type Route } from "./route.ts";

const dataset = z.object({
  name: z.string(),
  version: z.string(),
  format: z.string(),
  /** The columns that are the id together, in order. */
  ids: z.array(idColumn),
  columns: z.array(column),
  rows: z.number(),
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
      /** Absolute path on the node's machine. */
      path: z.string().min(1).max(4096),
      ids: idColumnsField,
    }),
    response: dataset,
    events: "progress",
  },
} as const satisfies Record<string, Route>;
