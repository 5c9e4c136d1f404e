/** Which counts a report shows, at each limit and beside it, and what noise does to them. */
import { describe, expect, test } from "vitest";
import type { Digest } from "../../proto/ids.ts";
import { AtomTable } from "../../proto/report/atoms.ts";
import {
  countGroups,
  type Grouping,
  groupingsDigest,
  groupingsSchema,
  groupNames,
  groupOf,
} from "../../proto/report/grouping.ts";
import { isReportable, makeReport, overlapReportSchema } from "../../proto/report/overlap-report.ts";
import { mayBeShown } from "../../proto/report/suppression.ts";

const FLOORS = { result: 100, group: 50, matchRateCapPercent: 85 };
const KEY = new Uint8Array(32).fill(7);
const CITY: Grouping = { kind: "values", column: "city", values: ["Shanghai", "Beijing", "Xi'an"] };
const VIP: Grouping = { kind: "segment", segment: "vip", version: 1, content: "1".repeat(64) as Digest };

test.each([
  // The floor, from below and from above.
  [49, 1000, false],
  [50, 1000, true],
  [51, 1000, true],
  [149, 200, true],
  [150, 200, true],
  [151, 200, false],
  // Of a list of sixty there is none that may be shown: 59 would tell of nearly everybody.
  [59, 60, false],
  [30, 60, false],
  [49, 99, false],
  [50, 99, false],
  [50, 100, true],
  [51, 100, false],
  // The cap.
  [849, 1000, true],
  [850, 1000, true],
  [851, 1000, false],
  [0, 0, false],
])("%i of %i", (matched, size, shown) => {
  expect(mayBeShown({ matched, size }, FLOORS)).toBe(shown);
});

test.each([
  [99, 1000, false],
  [100, 1000, true],
  [101, 1000, true],
  [850, 1000, true],
  // Above the cap it is said to be, where that leaves 50 people out: 334 people are the fewest.
  [851, 1000, true],
  [1000, 1000, true],
  [333, 333, false],
  [334, 334, true],
  [150, 200, true],
  [151, 200, false],
])("a total of %i of %i", (matched, size, isShown) => {
  expect(isReportable({ matched, size }, FLOORS)).toBe(isShown);
});

function reportOf(
  counts: readonly (readonly [readonly number[], number, number])[],
  groupings: readonly Grouping[] = [CITY],
  {
    noise = { kind: "none" },
    shown = groupings.map((_, i) => i),
    key = KEY,
  }: {
    noise?: { kind: "none" } | { kind: "discrete-laplace"; scale: number };
    shown?: number[];
    key?: Uint8Array;
  } = {},
) {
  const atoms = counts.map(([groups, matched, size]) => ({ groups, matched, size }));
  const report = makeReport({ groupings, shown, atoms, agreed: { floors: FLOORS, noise }, noiseSecret: key });
  return overlapReportSchema.parse(report);
}
const shownIn = ({ breakdowns }: ReturnType<typeof reportOf>) =>
  breakdowns.map(({ groups }) => groups.map(({ overlap }) => overlap));

describe("a report", () => {
  test("shows groups with their sizes, counts and rates, and leaves out groups of nobody", () => {
    const report = reportOf([
      [[0], 620, 1000],
      [[1], 110, 500],
      [[4], 60, 200],
    ]);
    expect(report).toMatchObject({ noiseScale: null, total: { size: 1700, overlap: 790, rate: "46%" } });
    expect(report.breakdowns).toEqual([
      {
        kind: "column",
        name: "city",
        groups: [
          { group: { kind: "value", value: "Shanghai" }, size: 1000, overlap: 620, rate: "62%" },
          { group: { kind: "value", value: "Beijing" }, size: 500, overlap: 110, rate: "22%" },
          { group: { kind: "blank" }, size: 200, overlap: 60, rate: "30%" },
        ],
      },
    ]);
  });

  test.each([
    [49, [620, null, null]],
    [50, [620, 110, 50]],
    [51, [620, 110, 51]],
  ])("with %i in one group: %j, as another is withheld with it", (matched, expected) => {
    const report = reportOf([
      [[0], 620, 1000],
      [[1], 110, 500],
      [[2], matched, 400],
    ]);
    expect(shownIn(report)).toEqual([expected]);
    expect(report.breakdowns[0]?.groups.every(({ overlap, rate }) => (overlap === null) === (rate === null))).toBe(
      true,
    );
  });

  test.each([
    [350, [620, 110, null]],
    [350, [620, 110, 350]],
  ])("by the floor for those who did not match", (matched, _expected) => {
    const at = (size: number) =>
      shownIn(
        reportOf([
          [[0], 620, 1000],
          [[1], 110, 500],
          [[2], matched, size],
        ]),
      )[0];
    // 85 percent of 411 are 349.35; 350 are 85 percent of 412.
    expect(at(411)).toEqual([620, null, null]);
    expect(at(412)).toEqual([620, 110, 350]);
  });

  test("withholds the next smallest group with one that is too small, whatever came of it", () => {
    for (const matched of [0, 5, 10])
      expect(
        shownIn(
          reportOf([
            [[0], 620, 1000],
            [[1], 110, 500],
            [[2], matched, 10],
          ]),
        ),
      ).toEqual([[620, null, null]]);
  });

  test("above the cap says so of all, and nothing of groups", () => {
    const report = reportOf([
      [[0], 950, 1000],
      [[1], 450, 500],
    ]);
    expect(report.total).toEqual({ size: 1500, overlap: null, rate: ">85%" });
    expect(shownIn(report)).toEqual([[null, null]]);
  });

  test("shows overlapping segments, each only where the others do not leave few people between them", () => {
    const B: Grouping = { kind: "segment", segment: "b", version: 1, content: "1".repeat(64) as Digest };
    const counts = (few: number) =>
      [
        [[0, 0], 200, 400],
        [[0, 1], 100, 300],
        [[1, 0], few, 300],
        [[1, 1], 500, 2000],
      ] as const;
    expect(shownIn(reportOf(counts(50), [VIP, B]))).toEqual([[300], [250]]);
    expect(shownIn(reportOf(counts(49), [VIP, B]))).toEqual([[300], [null]]);
  });

  test("only of the groupings that are asked for, as if those of earlier reports were, too", () => {
    const B: Grouping = { kind: "segment", segment: "b", version: 1, content: "1".repeat(64) as Digest };
    const counts = [
      [[0, 0], 200, 400],
      [[0, 1], 49, 300],
      [[1, 0], 100, 300],
      [[1, 1], 500, 2000],
    ] as const;
    expect(shownIn(reportOf(counts, [VIP, B], { shown: [1] }))).toEqual([[null]]);
    const alone = [
      [[0], 300, 700],
      [[1], 549, 2300],
    ] as const;
    expect(shownIn(reportOf(alone, [B]))).toEqual([[300]]);
  });

  test("is none of a total that may not be shown", () => {
    expect(() => reportOf([[[0], 99, 1000]])).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }));
  });
});

describe("noise", () => {
  const noise = { kind: "discrete-laplace", scale: 20 } as const;
  const counts = [
    [[0], 620, 1000],
    [[1], 110, 500],
    [[2], 50, 100],
  ] as const;

  test("is of each count by itself, the same again, and stays where counts may be shown", () => {
    const first = reportOf(counts, [CITY], { noise });
    expect(reportOf(counts, [CITY], { noise })).toEqual(first);
    const drawn = Array.from({ length: 40 }, (_, n) =>
      reportOf(counts, [CITY], { noise, key: new Uint8Array(32).fill(n) }),
    );
    const [large, middle, small] = [0, 1, 2].map((i) => drawn.map((report) => shownIn(report)[0]?.[i] as number));
    expect(new Set(large).size).toBeGreaterThan(20);
    expect(large?.map((value) => value - 620)).not.toEqual(middle?.map((value) => value - 110));
    for (const value of middle ?? []) expect(value).toBeGreaterThanOrEqual(50);
    // 50 of 100 is the only count of a hundred people that may be shown.
    expect(new Set(small)).toEqual(new Set([50]));
    const sums = drawn.filter(
      (report) => report.total.overlap === shownIn(report)[0]?.reduce((a, b) => (a ?? 0) + (b ?? 0), 0),
    );
    expect(sums.length).toBeLessThan(10);
    expect(first.noiseScale).toBe(20);
  });

  test("of one group is the same beside other groups", () => {
    const other: Grouping = { ...CITY, values: ["Beijing", "Shanghai"] };
    const beside = reportOf(
      [
        [[1], 620, 1000],
        [[0], 110, 500],
        [[2], 50, 100],
      ],
      [other],
      { noise },
    );
    const [shanghai, beijing] = shownIn(reportOf(counts, [CITY], { noise }))[0] ?? [];
    expect(shownIn(beside)[0]?.slice(0, 2)).toEqual([beijing, shanghai]);
  });
});

describe("groupings", () => {
  const ranges: Grouping = { kind: "ranges", column: "balance", bounds: [0, 1000] };

  test("put each cell into one group", () => {
    expect([-1, 0, 999.9, 1000, Number.NaN].map((cell) => groupOf(ranges, cell))).toEqual([0, 1, 1, 2, 3]);
    expect([0, 2, -1, Number.NaN].map((cell) => groupOf(CITY, cell))).toEqual([0, 2, 3, 4]);
    expect([1, 0].map((cell) => groupOf(VIP, cell))).toEqual([0, 1]);
    expect(groupNames(ranges)).toEqual([
      { kind: "range", from: null, below: 0 },
      { kind: "range", from: 0, below: 1000 },
      { kind: "range", from: 1000, below: null },
      { kind: "blank" },
    ]);
    expect(countGroups([ranges, CITY, VIP])).toBe(4 + 5 + 1);
  });

  test.each([
    ["bounds that do not ascend", [{ ...ranges, bounds: [1, 1] }]],
    ["no bound", [{ ...ranges, bounds: [] }]],
    ["one value twice", [{ ...CITY, values: ["a", "a"] }]],
    ["none", []],
    ["nine", Array.from({ length: 9 }, () => VIP)],
  ])("%s is no form of them", (_what, groupings) => {
    expect(groupingsSchema.safeParse(groupings).success).toBe(false);
  });

  test("have one digest for one definition", () => {
    expect(groupingsDigest([CITY, VIP])).toBe(groupingsDigest([{ ...CITY }, { ...VIP }]));
    expect(groupingsDigest([CITY, VIP])).not.toBe(groupingsDigest([VIP, CITY]));
    expect(groupingsDigest([VIP])).not.toBe(groupingsDigest([{ ...VIP, content: "2".repeat(64) as Digest }]));
  });
});

test("people are counted by all their groups at once", () => {
  const table = new AtomTable();
  for (const [groups, isMatched] of [
    [[1, 0], true],
    [[0, 1], false],
    [[1, 0], false],
    [[0, 0], true],
  ] as const)
    table.add(groups, isMatched);
  expect(table.atoms()).toEqual([
    { groups: [0, 0], size: 1, matched: 1 },
    { groups: [0, 1], size: 1, matched: 0 },
    { groups: [1, 0], size: 2, matched: 1 },
  ]);
});
