/** A rendered report: what stands in chart and page, and that nothing of it runs or is fetched. */
import { expect, test } from "vitest";
import { reportChart } from "../../proto/report/chart.ts";
import { CHINESE } from "../../proto/report/chinese.ts";
import { ENGLISH } from "../../proto/report/english.ts";
import type { OverlapReport } from "../../proto/report/overlap-report.ts";
import { reportPage } from "../../proto/report/page.ts";

const HOSTILE = `</text></svg><script>alert("1")</script><img src=x onerror='alert(1)'>&amp;`;
const JOB = {
  jobId: "0b".repeat(16),
  peer: "bureau",
  dataset: "customers",
  peerDataset: "subscribers",
  agreement: "5f".repeat(32),
  finishedAt: "2026-11-22T03:00:00.000Z",
};
const REPORT: OverlapReport = {
  format: "entente-overlap-report/1",
  floors: { group: 50, result: 100, matchRateCapPercent: 85 },
  noiseScale: 8,
  total: { size: 12_000, overlap: 4_800, rate: "40%" },
  breakdowns: [
    {
      kind: "column",
      name: "city <b>",
      groups: [
        { group: { kind: "value", value: HOSTILE }, size: 10_000, overlap: 4_000, rate: "40%" },
        { group: { kind: "range", from: 5, below: null }, size: 1_500, overlap: null, rate: null },
        { group: { kind: "blank" }, size: 500, overlap: null, rate: null },
      ],
    },
    { kind: "segment", name: "vip", groups: [{ group: { kind: "member" }, size: 3_000, overlap: 750, rate: "25%" }] },
  ],
};

/** Names of the elements, each as often as it is opened; throws when they are not nested well. */
function elementsIn(markup: string): string[] {
  const names: string[] = [];
  const open: string[] = [];
  for (const [, slash, name, rest] of markup.matchAll(/<(\/?)([a-z][a-z0-9]*)((?:"[^"]*"|[^"<>])*)>/g)) {
    if (slash === "/") expect(open.pop()).toBe(name);
    else {
      names.push(name as string);
      if (!(rest as string).endsWith("/") && name !== "meta") open.push(name as string);
    }
  }
  expect(open).toEqual([]);
  return names;
}

function attributesOf(markup: string, element: string, name: string): string[] {
  return [...markup.matchAll(new RegExp(`<${element}(?:\\s(?:"[^"]*"|[^"<>])*)?\\s${name}="([^"]*)"`, "g"))].map(
    ([, value]) => value as string,
  );
}

test("the chart has a bar as long as the rate for what is shown, and an outline for what is not", () => {
  const svg = reportChart(REPORT, ENGLISH);
  expect(new Set(elementsIn(svg))).toEqual(new Set(["svg", "title", "desc", "style", "rect", "g", "text"]));
  const bars = [...svg.matchAll(/<rect class="(track|bar|withheld)" [^>]*width="(\d+)"/g)].map(([, kind, width]) => [
    kind,
    Number(width),
  ]);
  const full = bars.find(([kind]) => kind === "track")?.[1] as number;
  const shown = (share: number) => [
    ["track", full],
    ["bar", Math.round(full * share)],
  ];
  expect(bars).toEqual([...shown(0.4), ...shown(0.4), ["withheld", full], ["withheld", full], ...shown(0.25)]);
  expect(svg).toContain(">40% · 4,800 of 12,000</text>");
  expect(svg).toContain(">withheld, 1,500 people</text>");
  // Lines lie below each other, inside the picture.
  const tops = attributesOf(svg, "rect", "y").map(Number);
  expect(tops).toEqual([...tops].sort((a, b) => a - b));
  expect(Math.max(...tops) + 16).toBeLessThan(Number(attributesOf(svg, "svg", "height")[0]));
});

test("says everything in words, too", () => {
  const svg = reportChart(REPORT, ENGLISH);
  expect(attributesOf(svg, "svg", "aria-labelledby")).toEqual(["chart-title chart-text"]);
  const [, said = ""] = /<desc id="chart-text">([^<]*)<\/desc>/.exec(svg) ?? [];
  for (const part of [
    "All: 40%",
    "By city",
    "5 and above: withheld, 1,500 people",
    "(blank)",
    "Segment vip: in the segment: 25% · 750 of 3,000",
  ])
    expect(said).toContain(part);
});

test("hostile values are text: no element, attribute or link comes of them, in chart and page", () => {
  for (const markup of [reportChart(REPORT, ENGLISH), reportPage(REPORT, { ...JOB, peer: HOSTILE }, ENGLISH)]) {
    const names = elementsIn(markup);
    for (const name of ["script", "img", "b", "a", "link", "image", "use", "iframe"]) expect(names).not.toContain(name);
    expect(markup).not.toMatch(/<[^>]*\s(?:on\w+|href|src)=(?:"|')?[^>]*>/);
    expect(markup).not.toMatch(/url\(|@import/);
    expect(markup).toContain("&lt;script&gt;");
  }
  // The only address is the name of a format.
  const addresses = reportPage(REPORT, JOB, ENGLISH).match(/https?:[^"' ]*/g);
  expect(addresses).toEqual(["http://www.w3.org/2000/svg"]);
});

test("the page has every row in a table, its limits, and its noise", () => {
  const page = reportPage(REPORT, JOB, ENGLISH);
  expect(page).toContain('<html lang="en">');
  expect(page).toContain("default-src 'none'");
  const rows = [...page.matchAll(/<tr><th scope="row">([^<]*)<\/th>((?:<td class="number">[^<]*<\/td>)*)<\/tr>/g)];
  expect(
    rows.map(([, label, cells]) => [label, ...(cells ?? "").split(/<[^>]*>/).filter((text) => text !== "")]),
  ).toEqual([
    ["All", "12,000", "4,800", "40%"],
    [expect.stringContaining("script"), "10,000", "4,000", "40%"],
    ["5 and above", "1,500", "withheld", "withheld"],
    ["(blank)", "500", "withheld", "withheld"],
    ["in the segment", "3,000", "750", "25%"],
  ]);
  expect(page).toMatch(/at least 50 of it matched, at least 50 did not/);
  expect(page).toMatch(/groups do not add up to the total/);
  expect(reportPage({ ...REPORT, noiseScale: null }, JOB, ENGLISH)).not.toMatch(/add up/);
  expect(page).toContain(JOB.jobId);
});

test("a total above the cap is told as that", () => {
  const capped = { ...REPORT, total: { size: 12_000, overlap: null, rate: ">85%" }, breakdowns: [] };
  expect(reportChart(capped, ENGLISH)).toContain(">&gt;85% · 12,000</text>");
  expect(reportPage(capped, JOB, ENGLISH)).toContain('<td class="number">&gt;85%</td>');
});

test("in Chinese: the same numbers and addresses, and every word", () => {
  const [english, chinese] = [ENGLISH, CHINESE].map((strings) =>
    reportPage(REPORT, { ...JOB, peer: HOSTILE }, strings),
  );
  expect(chinese).toContain('<html lang="zh-CN">');
  for (const words of [
    "联合客群报告",
    "名单人数",
    "不予显示，共 1,500 人",
    "12,000 人中 4,800 人",
    "分群 vip",
    "5 及以上",
  ])
    expect(chinese).toContain(words);
  // What is left in Latin letters besides markup, style and what the job and its data are called.
  const told = (chinese as string).replaceAll(/<style>[^<]*<\/style>|<[^>]*>|&[a-z]+;/g, " ").match(/[A-Za-z]{2,}/g);
  const names = new Set(`${HOSTILE} ${Object.values(JOB).join(" ")} city vip amp`.match(/[A-Za-z]+/g));
  expect(told?.filter((word) => !names.has(word))).toEqual([]);
  expect(elementsIn(chinese as string)).toEqual(elementsIn(english as string));
});
