/** Routes about what a job found. */
import * as z from "zod";
import { jobIdField, writtenText } from "../agreement/fields.ts";
import { TABLE_TYPES } from "./file-types.ts";
import type { Route } from "./route.ts";

export const RESULT_ROUTES = {
  exportResult: {
    method: "GET",
    path: "/v1/jobs/:jobId/result",
    summary: "Matched people of a job with labels, as a file",
    description: "The matched people of a job with labels: subject, tier and score as released, labels.",
    roles: ["analyst"],
    request: z
      .strictObject({
        jobId: jobIdField,
        format: z.enum(["csv", "parquet"]),
        destination: writtenText(200).optional(),
        forSpreadsheet: z
          .literal("yes")
          .optional()
          .describe(
            "CSV for people who open it in a spreadsheet: a label's text that such a program would run gets an apostrophe before it.",
          ),
      })
      .describe("The destination is committed to in the log; its text stays at this node."),
    response: z.never(),
    file: TABLE_TYPES,
  },
} as const satisfies Record<string, Route>;
