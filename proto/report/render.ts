/** A report as a file: JSON for programs, a picture, or a page. */

import type { Language } from "../language.ts";
import { reportChart } from "./chart.ts";
import { CHINESE } from "./chinese.ts";
import { ENGLISH } from "./english.ts";
import type { OverlapReport } from "./overlap-report.ts";
import { reportPage } from "./page.ts";
import type { ReportedJob } from "./reported-job.ts";
import type { ReportStrings } from "./strings.ts";

/** Also the ends of the files' names. */
export const REPORT_FORMATS = ["html", "json", "svg"] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

const STRINGS: Readonly<Record<Language, ReportStrings>> = { en: ENGLISH, "zh-CN": CHINESE };

export function reportStrings(language: Language): ReportStrings {
  return STRINGS[language];
}

/** Text of the file, to be written as UTF-8; JSON is the same in every language. */
export function renderReport(
  { format, language }: { readonly format: ReportFormat; readonly language: Language },
  job: ReportedJob,
  report: OverlapReport,
): string {
  if (format === "html") return reportPage(report, job, STRINGS[language]);
  return format === "svg" ? reportChart(report, STRINGS[language]) : `${JSON.stringify({ job, report }, null, 2)}\n`;
}
