/** A report as one HTML page that asks for nothing: chart, table, and what the limits were. */
import { escapeMarkup } from "../encoding/markup.ts";
import { reportChart } from "./chart.ts";
import type { OverlapReport, ReportRow } from "./overlap-report.ts";
import type { ReportedJob } from "./reported-job.ts";
import type { ReportStrings } from "./strings.ts";

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1f; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; } svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; } th:first-child { width: 46%; overflow-wrap: anywhere; } th, td { text-align: left; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid #ccc; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; } code { font-size: .85em; overflow-wrap: anywhere; }
footer { color: #444; font-size: .9rem; margin-top: 2rem; }
@media print { * { print-color-adjust: exact; } body { margin: 0; max-width: none; } tr, svg { break-inside: avoid; } }`;

/** The texts of a row's cells; also of a table in a terminal. */
export function rowTexts({ size, overlap, rate }: ReportRow, strings: ReportStrings): string[] {
  const shown = overlap === null ? strings.withheld : strings.count(overlap);
  return [strings.count(size), shown, rate ?? strings.withheld];
}

function tableOf(rows: readonly (readonly [string, ReportRow])[], strings: ReportStrings): string {
  const { group, size, overlap, rate } = strings.heads;
  const body = rows.map(([label, row]) => {
    const numbers = rowTexts(row, strings).map((text) => `<td class="number">${escapeMarkup(text)}</td>`);
    return `<tr><th scope="row">${escapeMarkup(label)}</th>${numbers.join("")}</tr>`;
  });
  const heads = [size, overlap, rate].map((text) => `<th scope="col" class="number">${escapeMarkup(text)}</th>`);
  return `<table><thead><tr><th scope="col">${escapeMarkup(group)}</th>${heads.join("")}</tr></thead>
<tbody>${body.join("\n")}</tbody></table>`;
}

/** UTF-8 text of the page. */
export function reportPage(report: OverlapReport, job: ReportedJob, strings: ReportStrings): string {
  const { floors, noiseScale, total, breakdowns } = report;
  const { group, result, matchRateCapPercent: cap } = floors;
  const about = escapeMarkup(strings.about(job));
  const tables = breakdowns.map(({ kind, name, groups }) => {
    const rows = groups.map(({ group: label, ...row }) => [strings.group(label), row] as const);
    return `<h2>${escapeMarkup(strings.breakdown(kind, name))}</h2>\n${tableOf(rows, strings)}`;
  });
  const notes = strings.notes({ group, result, cap, noiseScale }).map((note) => `<p>${escapeMarkup(note)}</p>`);
  return `<!doctype html>
<html lang="${strings.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeMarkup(strings.title)}: ${about}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeMarkup(strings.title)}</h1>
<p>${about}</p>
${reportChart(report, strings)}
${tableOf([[strings.total, total]], strings)}
${tables.join("\n")}
<footer>${notes.join("\n")}
<p><code>${escapeMarkup(job.finishedAt)}</code> <code>${escapeMarkup(job.jobId)}</code> <code>${escapeMarkup(job.agreement)}</code></p>
</footer>
</body>
</html>
`;
}
