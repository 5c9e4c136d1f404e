/** Joint audience reports on the command line: what to break a list down by, and what came out. */
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { EntenteError } from "../../proto/errors.ts";
import type { RouteRequest, RouteResponse } from "../../proto/http/routes.ts";
import type { Language } from "../../proto/language.ts";
import { rowTexts } from "../../proto/report/page.ts";
import { REPORT_FORMATS, type ReportFormat, reportStrings } from "../../proto/report/render.ts";
import { clientOf, outputOf } from "./context.ts";
import { fields, table } from "./output.ts";
import { saveFile } from "./save.ts";

type Breakdown = NonNullable<RouteRequest<"startJob">["by"]>[number];

export const BY_HELP = "column:NAME, column:NAME=VALUE,VALUE, bins:NAME=BOUND,BOUND, or segment:NAME; again for more";

/** One `--by`, after those before it. */
export function collectBy(text: string, before: readonly Breakdown[] = []): Breakdown[] {
  return [...before, parseBy(text)];
}

function parseBy(text: string): Breakdown {
  const [, kind, name = "", list] = /^(column|bins|segment):([^=]+)(?:=(.+))?$/s.exec(text) ?? [];
  const parts = list?.split(",");
  if (kind === "column") return { column: name, ...(parts && { values: parts }) };
  if (kind === "bins" && parts !== undefined) {
    const bounds = parts.map(Number);
    if (parts.every((part) => part.trim() !== "") && bounds.every(Number.isFinite)) return { column: name, bounds };
  }
  if (kind === "segment" && parts === undefined) return { segment: name };
  throw new InvalidArgumentError(`It is ${BY_HELP}.`);
}

/** By the file's name. Throws BAD_REQUEST for another kind of file. */
export function formatOf(file: string): ReportFormat {
  const format = REPORT_FORMATS.find((end) => file.toLowerCase().endsWith(`.${end}`));
  if (format === undefined)
    throw new EntenteError("BAD_REQUEST", { detail: `--out: a file that ends in .${REPORT_FORMATS.join(", .")}` });
  return format;
}

export function reportTable({ report }: RouteResponse<"jobReport">, language: Language = "en"): string {
  const strings = reportStrings(language);
  const { heads } = strings;
  const head = [heads.group, heads.size, heads.overlap, heads.rate];
  const rows = [[strings.total, ...rowTexts(report.total, strings)]];
  for (const { kind, name, groups } of report.breakdowns) {
    rows.push([strings.breakdown(kind, name), "", "", ""]);
    for (const { group, ...row } of groups) rows.push([`  ${strings.group(group)}`, ...rowTexts(row, strings)]);
  }
  const { group, result, matchRateCapPercent: cap } = report.floors;
  const notes = strings.notes({ group, result, cap, noiseScale: report.noiseScale });
  return `${table(head, rows, "")}\n\n${notes.join("\n")}`;
}

export interface ReportTarget {
  readonly out?: string | undefined;
  readonly language: Language;
}

/** The job's report as a table, and as a file where `out` names one. */
export async function answerReport(jobId: string, { out, language }: ReportTarget, command: Command): Promise<void> {
  const client = await clientOf(command);
  const answer = await client.call("jobReport", { jobId });
  if (out !== undefined)
    await saveFile(out, await client.download("jobReportFile", { jobId, format: formatOf(out), language }));
  const file = out === undefined ? {} : { file: resolve(out) };
  outputOf(command).answer(
    { ...answer, ...file },
    `${reportTable(answer, language)}${out === undefined ? "" : `\n\n${fields(file)}`}`,
  );
}
