/** Routes about joint audience reports: what came out of jobs of that output. */
import * as z from "zod";
import { jobIdField } from "../agreement/fields.ts";
import { LANGUAGES } from "../language.ts";
import { overlapReportSchema } from "../report/overlap-report.ts";
import { REPORT_FORMATS } from "../report/render.ts";
import { reportedJobSchema } from "../report/reported-job.ts";
import { REPORT_TYPES } from "./file-types.ts";
import type { Route } from "./route.ts";

export const REPORT_ROUTES = {
  jobReport: {
    method: "GET",
    path: "/v1/jobs/:jobId/report",
    summary: "Overlap report of a job",
    roles: ["analyst"],
    request: z.strictObject({ jobId: jobIdField }),
    response: z.object({ job: reportedJobSchema, report: overlapReportSchema }),
  },
  jobReportFile: {
    method: "GET",
    path: "/v1/jobs/:jobId/report-file",
    summary: "Overlap report of a job, as a file",
    description: "The same as a file.",
    roles: ["analyst"],
    request: z.strictObject({
      jobId: jobIdField,
      format: z.enum(REPORT_FORMATS),
      language: z.enum(LANGUAGES).default("en").describe("Of a page and a picture; JSON is alike in all."),
    }),
    response: z.never(),
    file: REPORT_TYPES,
  },
} as const satisfies Record<string, Route>;
