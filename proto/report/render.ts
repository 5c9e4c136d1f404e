/** A report as a file: JSON for programs, a picture, or a page. */
import { reportChart } from "./chart.ts";
import type { OverlapReport } from "./overlap-report.ts";
import { reportPage } from "./page.ts";
import type { ReportedJob } from "./reported-job.ts";

/** Also the ends of the files' names. */
export const REPORT_FORMATS = ["html", "json", "svg"] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** Text of the file, to be written as UTF-8. */
export function renderReport(format: ReportFormat, job: ReportedJob, report: OverlapReport): string {
  if (format === "html") return reportPage(report, job);
  return format === "svg" ? reportChart(report) : `${JSON.stringify({ job, report }, null, 2)}\n`;
}
