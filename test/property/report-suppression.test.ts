/** Nothing of up to the floor's number of people follows from a report, whoever they are. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Digest } from "../../proto/ids.ts";
import type { Grouping } from "../../proto/report/grouping.ts";
import { isReportable, makeReport, type OverlapReport } from "../../proto/report/overlap-report.ts";
import { mayBeShown, sumOf } from "../../proto/report/suppression.ts";
import { betrayed, boundsOf, type Cell, everyTruth, type Told } from "../support/report-adversary.ts";

const NOISE_KEY = new Uint8Array(32);
interface World {
  readonly cells: readonly Cell[];
  readonly groupings: readonly Grouping[];
  readonly floors: Parameters<typeof isReportable>[1];
}

function reportOf({ cells, groupings, floors }: World, truth: readonly number[]): OverlapReport | undefined {
  const atoms = cells.map((cell, i) => ({ ...cell, matched: truth[i] as number }));
  if (!isReportable(sumOf(atoms), floors)) return undefined;
  const agreed = { floors, noise: { kind: "none" } } as const;
  return makeReport({ groupings, shown: groupings.map((_, i) => i), atoms, agreed, noiseSecret: NOISE_KEY });
}

/** What a reader adds up: nothing of groups that the report leaves out, or does not show. */
function toldBy(report: OverlapReport, groupings: readonly Grouping[]): Told[] {
  const groups = report.breakdowns.flatMap((breakdown, i) =>
    breakdown.groups.flatMap(({ group, overlap }) => {
      if (overlap === null) return [];
      const number = group.kind === "value" ? Number(group.value) : 0;
      return [{ holds: (cell: Cell) => cell.groups[i] === number, matched: overlap }];
    }),
  );
  const { overlap } = report.total;
  expect(report.breakdowns).toHaveLength(groupings.length);
  return overlap === null ? groups : [{ holds: () => true, matched: overlap }, ...groups];
}

function truthsThatFit(world: World, report: OverlapReport, truths: readonly number[][]): number[][] {
  const told = toldBy(report, world.groupings);
  return truths.filter((truth) =>
    told.every(
      ({ holds, matched }) =>
        matched === truth.reduce((sum, x, i) => (holds(world.cells[i] as Cell) ? sum + x : sum), 0),
    ),
  );
}

const column = (groups: number): Grouping => ({
  kind: "values",
  column: "city",
  values: Array.from({ length: groups }, (_, i) => String(i)),
});
const segment = (name: string): Grouping => ({
  kind: "segment",
  segment: name,
  version: 1,
  content: "1".repeat(64) as Digest,
});

const floorsOf = (group: number, result: number, cap: number): World["floors"] => ({
  result,
  group,
  matchRateCapPercent: cap,
});

const smallFloors = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 2 }), fc.constantFrom(60, 85, 100))
  .map(([group, more, cap]) => floorsOf(group, group + more, cap));

const onePartition: fc.Arbitrary<World> = fc
  .tuple(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }), smallFloors)
  .map(([sizes, floors]) => ({
    cells: sizes.map((size, i) => ({ groups: [i], size })),
    groupings: [column(sizes.length)],
    floors,
  }));

/** Segments that overlap as they like, and a column beside them. */
const severalGroupings: fc.Arbitrary<World> = fc
  .tuple(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 8, maxLength: 8 }), smallFloors, fc.boolean())
  .map(([sizes, floors, withColumn]) => {
    const all = sizes.map((size, i) => ({ groups: [i & 1, (i >> 1) & 1, i >> 2], size }));
    const chosen = withColumn ? all.slice(0, 5) : all.slice(0, 4);
    return {
      cells: chosen.filter(({ size }) => size > 0),
      groupings: [segment("a"), segment("b"), withColumn ? column(2) : segment("c")],
      floors,
    };
  });

describe("small lists, every truth tried", () => {
  test("one grouping: not even by who knows how a report is made and what it would be for every other truth", () => {
    fc.assert(
      fc.property(onePartition, (world) => {
        const byReport = Map.groupBy(everyTruth(world.cells), (truth) => JSON.stringify(reportOf(world, truth)));
        byReport.delete(undefined as never);
        for (const truths of byReport.values())
          expect(betrayed(world.cells, truths, world.floors.group)).toBeUndefined();
      }),
      { numRuns: 40 },
    );
  });

  test("several groupings that overlap: not by who knows sizes and all that is shown", () => {
    fc.assert(
      fc.property(severalGroupings, fc.integer({ min: 0 }), (world, seed) => {
        const truths = everyTruth(world.cells);
        const truth = truths[seed % truths.length] as number[];
        const report = reportOf(world, truth);
        if (report === undefined) return;
        expect(betrayed(world.cells, truthsThatFit(world, report, truths), world.floors.group)).toBeUndefined();
      }),
      { numRuns: 100 },
    );
  });
});

/** A list of thousands: sizes, and rates that are often at an edge. */
const largeWorld = fc
  .array(
    fc.record({
      size: fc.oneof(fc.integer({ min: 1, max: 120 }), fc.integer({ min: 120, max: 3000 })),
      rate: fc.oneof(
        { weight: 4, arbitrary: fc.double({ min: 0.1, max: 0.8, noNaN: true }) },
        { weight: 1, arbitrary: fc.constantFrom(0, 0.05, 0.85, 0.95, 1) },
      ),
    }),
    { minLength: 2, maxLength: 12 },
  )
  .map((groups) => ({
    world: {
      cells: groups.map(({ size }, i) => ({ groups: [i], size })),
      groupings: [column(groups.length)],
      floors: floorsOf(50, 100, 85),
    },
    truth: groups.map(({ size, rate }) => Math.round(size * rate)),
  }));

/** What the reader can tell of each cell that nobody may: that fewer than the floor matched, or did not. */
function toldTooMuch({ cells, floors }: World, told: readonly Told[]): number[] {
  return boundsOf(cells, told).flatMap(({ lo, hi }, i) => {
    const { size } = cells[i] as Cell;
    return hi < Math.min(size, floors.group) || lo > Math.max(0, size - floors.group) ? [i] : [];
  });
}

describe("lists of thousands, bounds of every cell from all that is shown", () => {
  test("one grouping: each cell that is withheld can hold the floor's number of people who matched, and of those who did not", () => {
    let shown = 0;
    fc.assert(
      fc.property(largeWorld, ({ world, truth }) => {
        const report = reportOf(world, truth);
        if (report === undefined) return;
        shown += report.breakdowns[0]?.groups.filter(({ overlap }) => overlap !== null).length ?? 0;
        expect(toldTooMuch(world, toldBy(report, world.groupings))).toEqual([]);
      }),
      { numRuns: 300 },
    );
    // The rule that shows nothing would pass as well.
    expect(shown).toBeGreaterThan(200);
  });

  test("the same reader finds what a report without secondary suppression would tell", () => {
    const world = {
      cells: [900, 700, 400].map((size, i) => ({ groups: [i], size })),
      groupings: [column(3)],
      floors: floorsOf(50, 100, 85),
    };
    const truth = [400, 300, 49];
    const atoms = world.cells.map((cell, i) => ({ ...cell, matched: truth[i] as number }));
    const naive = atoms.filter((atom) => mayBeShown(atom, world.floors));
    const told = naive.map(({ groups, matched }) => ({ holds: (cell: Cell) => cell.groups[0] === groups[0], matched }));
    expect(naive).toHaveLength(2);
    expect(toldTooMuch(world, [{ holds: () => true, matched: 749 }, ...told])).toEqual([2]);
    expect(toldTooMuch(world, toldBy(reportOf(world, truth) as OverlapReport, world.groupings))).toEqual([]);
  });

  test("a segment that is another group and one person more is not shown beside it", () => {
    const cells = [
      { groups: [0, 0], size: 1000 },
      { groups: [1, 0], size: 1 },
      { groups: [1, 1], size: 2000 },
    ];
    const world = { cells, groupings: [column(2), segment("one more")], floors: floorsOf(50, 100, 85) };
    const report = reportOf(world, [500, 1, 900]) as OverlapReport;
    expect(report.breakdowns.map(({ groups }) => groups.map(({ overlap }) => overlap))).toEqual([[500, 901], [null]]);
    expect(toldTooMuch(world, toldBy(report, world.groupings))).toEqual([]);
    // The cell of one person lies open as soon as it is: the reader subtracts.
    const both = [...toldBy(report, world.groupings), { holds: ({ groups }: Cell) => groups[1] === 0, matched: 501 }];
    expect(toldTooMuch(world, both)).toEqual([1]);
  });

  test("a later report of the same list, with another grouping, tells nothing of few people together with the first", () => {
    fc.assert(
      fc.property(severalGroupings, fc.integer({ min: 0 }), (world, seed) => {
        const truths = everyTruth(world.cells);
        const truth = truths[seed % truths.length] as number[];
        // The first was by the first grouping alone; the second is made as if it had been asked for with both.
        const [first, ...later] = world.groupings.map((_, i) => ({
          ...world,
          groupings: world.groupings.slice(0, i + 1),
        }));
        let fitting: readonly number[][] = truths;
        for (const each of [first as World, ...later]) {
          const report = reportOf(each, truth);
          if (report === undefined) return;
          fitting = fitting.filter((other) => truthsThatFit(each, report, [other]).length > 0);
        }
        expect(betrayed(world.cells, fitting, world.floors.group)).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });
});
