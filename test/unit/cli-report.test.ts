/** What a person writes to break a list down, and what the command prints of a report. */
import { describe, expect, test } from "vitest";
import { breakdownsField } from "../../proto/report/grouping.ts";
import { collectBy, formatOf, reportTable } from "../../sdk/cli/report.ts";

describe("--by", () => {
  test.each<[string, object]>([
    ["column:city", { column: "city" }],
    ["column:city=Shanghai,Xi'an", { column: "city", values: ["Shanghai", "Xi'an"] }],
    ["bins:balance=-10,0,1e3,10000.5", { column: "balance", bounds: [-10, 0, 1000, 10000.5] }],
    ["segment:vip", { segment: "vip" }],
    ["column:two words", { column: "two words" }],
  ])("%s", (text, breakdown) => {
    expect(breakdownsField.parse(collectBy(text))).toEqual([breakdown]);
  });

  test("again and again, in order", () => {
    const all = ["segment:vip", "column:city"].reduce<ReturnType<typeof collectBy>>(
      (by, text) => collectBy(text, by),
      [],
    );
    expect(all).toEqual([{ segment: "vip" }, { column: "city" }]);
  });

  test.each([
    "city",
    "column:",
    "bins:balance",
    "bins:balance=",
    "bins:balance=1,,2",
    "bins:balance=a",
    "segment:vip=1",
    "row:x",
  ])("%s is refused", (text) => {
    expect(() => collectBy(text)).toThrow(expect.objectContaining({ code: "commander.invalidArgument" }));
  });
});

test("the file's name says its form", () => {
  expect(["a.html", "/b/c.SVG", "d.json"].map(formatOf)).toEqual(["html", "svg", "json"]);
  for (const name of ["a", "a.pdf", "html"])
    expect(() => formatOf(name)).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }));
});

test("the table has a line for each group, and no control character of a value", () => {
  const text = reportTable({
    job: { jobId: "j", peer: "bureau", dataset: "a", peerDataset: "b", agreement: "d", finishedAt: "t" },
    report: {
      format: "entente-overlap-report/1",
      floors: { group: 50, result: 100, matchRateCapPercent: 85 },
      noiseScale: null,
      total: { size: 2000, overlap: 800, rate: "40%" },
      breakdowns: [
        {
          kind: "column",
          name: "city",
          groups: [
            { group: { kind: "value", value: "Shang\u001b[31mhai" }, size: 1500, overlap: 600, rate: "40%" },
            { group: { kind: "range", from: -5000, below: 12000 }, size: 500, overlap: null, rate: null },
          ],
        },
      ],
    },
  });
  const lines = text.split("\n").map((line) => line.replaceAll(/\s{2,}/g, " | ").trim());
  expect(lines).toContain("All | 2,000 | 800 | 40%");
  expect(lines).toContain("| Shang\ufffd[31mhai | 1,500 | 600 | 40%");
  expect(lines).toContain("| -5,000 to below 12,000 | 500 | withheld | withheld");
  expect(text).toContain("at least 50 did not");
});
