/** A report as one SVG picture: a bar for each group, its text beside it. No script, no font and no file from elsewhere. */
import { escapeMarkup } from "../encoding/markup.ts";
import type { OverlapReport, ReportRow } from "./overlap-report.ts";
import type { ReportStrings } from "./strings.ts";

const WIDTH = 760;
const LABEL_WIDTH = 200;
const BAR_WIDTH = 340;
const BAR_LEFT = LABEL_WIDTH + 10;
const TEXT_LEFT = BAR_LEFT + BAR_WIDTH + 10;
const ROW_HEIGHT = 26;
const BAR_HEIGHT = 16;
const HEAD_HEIGHT = 34;
/** Characters of a label that fit; East Asian wide ones take two. */
const MAX_LABEL = 28;

/** Dark on light, with outlines: readable without colour, and when printed. */
const STYLE = `text { font: 13px system-ui, sans-serif; fill: #1b1b1f; } .head { font-weight: 600; }
.track { fill: #fff; stroke: #555; } .bar { fill: #245a8d; } .withheld { fill: none; stroke: #777; stroke-dasharray: 4 3; }
.vague { font-style: italic; fill: #444; }`;

interface Line {
  readonly label: string;
  readonly row: ReportRow;
}

function clipped(label: string): string {
  let width = 0;
  let text = "";
  for (const char of label) {
    width += (char.codePointAt(0) as number) >= 0x1100 ? 2 : 1;
    if (width > MAX_LABEL) return `${text}…`;
    text += char;
  }
  return text;
}

function tellingOf({ size, overlap, rate }: ReportRow, strings: ReportStrings): string {
  if (overlap !== null) return `${rate} · ${strings.overlap(overlap, size)}`;
  return rate === null ? strings.withheldOf(size) : `${rate} · ${strings.count(size)}`;
}

function lineSvg({ label, row }: Line, top: number, strings: ReportStrings): string {
  const { size, overlap } = row;
  const baseline = top + BAR_HEIGHT - 3;
  const telling = tellingOf(row, strings);
  const track = `x="${BAR_LEFT}" y="${top}" width="${BAR_WIDTH}" height="${BAR_HEIGHT}"`;
  const bar =
    overlap === null
      ? `<rect class="withheld" ${track}/>`
      : `<rect class="track" ${track}/><rect class="bar" x="${BAR_LEFT}" y="${top}" width="${Math.round((BAR_WIDTH * overlap) / size)}" height="${BAR_HEIGHT}"/>`;
  return `<g><title>${escapeMarkup(`${label}: ${telling}`)}</title>
<text x="${LABEL_WIDTH}" y="${baseline}" text-anchor="end">${escapeMarkup(clipped(label))}</text>
${bar}
<text x="${TEXT_LEFT}" y="${baseline}"${overlap === null ? ' class="vague"' : ""}>${escapeMarkup(telling)}</text></g>`;
}

/** All that is said, for whoever cannot see the picture. */
function description(report: OverlapReport, strings: ReportStrings): string {
  const parts = [`${strings.total}: ${tellingOf(report.total, strings)}`];
  for (const { kind, name, groups } of report.breakdowns) {
    const told = groups.map(({ group, ...row }) => `${strings.group(group)}: ${tellingOf(row, strings)}`);
    parts.push(`${strings.breakdown(kind, name)}: ${told.join("; ")}`);
  }
  return `${parts.join(". ")}.`;
}

/** The whole `<svg>` element, as tall as the report is long. */
export function reportChart(report: OverlapReport, strings: ReportStrings): string {
  const parts: string[] = [];
  let top = 10;
  const add = (line: Line) => {
    parts.push(lineSvg(line, top, strings));
    top += ROW_HEIGHT;
  };
  add({ label: strings.total, row: report.total });
  for (const { kind, name, groups } of report.breakdowns) {
    parts.push(
      `<text class="head" x="10" y="${top + HEAD_HEIGHT - 14}">${escapeMarkup(strings.breakdown(kind, name))}</text>`,
    );
    top += HEAD_HEIGHT;
    for (const { group, ...row } of groups) add({ label: strings.group(group), row });
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="chart-title chart-text" lang="${strings.language}" width="${WIDTH}" height="${top}" viewBox="0 0 ${WIDTH} ${top}">
<title id="chart-title">${escapeMarkup(strings.title)}</title>
<desc id="chart-text">${escapeMarkup(description(report, strings))}</desc>
<style>${STYLE}</style>
<rect width="100%" height="100%" fill="#fff"/>
${parts.join("\n")}
</svg>
`;
}
