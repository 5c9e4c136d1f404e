/** Oracle: a selection of random conditions and lists holds the rows that plain sets hold. */
import { Readable } from "node:stream";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { DatasetRegistration } from "../../party/data/dataset.ts";
import { effectiveRows } from "../../party/data/effective.ts";
import { parseFilter } from "../../party/data/filter.ts";
import { packTexts, textAt } from "../../party/data/packed-text.ts";
import { prepareInput } from "../../party/data/prepare.ts";
import { MAX_INSIDE, readDataset } from "../../party/data/read.ts";
import { type Selection, without } from "../../party/data/selection.ts";
import { type DataFolder, dataFolder } from "../support/data-folder.ts";

const ROWS = 2500;
const PEOPLE = 1700;
const jobKey = new Uint8Array(32).fill(7);

/** Row i is person `personOf(i)`; some are there twice or more, with other values. */
const personOf = (row: number) => (row * 7919) % PEOPLE;
const phone = (person: number) => `+86${13_800_000_000 + person}`;
const numberOf = (row: number) => (row % 11 === 0 ? undefined : row % 100);

interface Model {
  readonly selection: Selection;
  readonly holds: (row: number) => boolean;
}

let folder: DataFolder;
let registrations: DatasetRegistration[];
/** By file and threshold: a filter is of the columns that it was checked against. */
let filtersOf: Model[][];
let filters: Model[];
let lists: Model[];

beforeAll(async () => {
  folder = await dataFolder();
  const rows = Array.from({ length: ROWS }, (_, row) => `${phone(personOf(row))},${numberOf(row) ?? ""}`);
  await folder.write("a.csv", `phone,n\n${rows.join("\n")}\n`);
  const csv = `read_csv('${folder.path}/a.csv', all_varchar = true)`;
  await folder.parquet("a.parquet", `SELECT phone, TRY_CAST(n AS DOUBLE) AS n FROM ${csv}`);
  registrations = [await folder.inspect("a.csv"), await folder.inspect("a.parquet")];
  filtersOf = await Promise.all(
    registrations.map((registration) =>
      Promise.all(
        [10, 50, 90].map(async (limit) => ({
          selection: await parseFilter(registration, `n < ${limit}`),
          holds: (row: number) => (numberOf(row) ?? Number.POSITIVE_INFINITY) < limit,
        })),
      ),
    ),
  );
  filters = filtersOf[0] as Model[];
  lists = await Promise.all(
    [2, 3, PEOPLE * 2].map(async (step) => {
      const members = Array.from({ length: PEOPLE }, (_, person) => person).filter((person) => person % step === 1);
      // Somebody twice, and somebody who is not in the dataset.
      const ids = [...members, ...members.slice(0, 3), PEOPLE + step].map(phone);
      const people = await packTexts(Readable.from(ids));
      const set = new Set(members);
      return { selection: { kind: "people", people } as const, holds: (row: number) => set.has(personOf(row)) };
    }),
  );
});
afterAll(() => folder[Symbol.asyncDispose]());

const { tree: anyModel } = fc.letrec<{ tree: (file: number) => Model }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.nat(2).map((i) => (file: number) => filtersOf[file]?.[i] as Model),
    fc.nat(2).map((i) => () => lists[i] as Model),
    fc
      .tuple(fc.constantFrom("all", "any"), fc.array(tie("tree"), { maxLength: 3 }))
      .map(([kind, parts]) => (file: number) => {
        const of = parts.map((part) => part(file));
        const selection = { kind, of: of.map((part) => part.selection) } as Selection;
        const holds = (row: number) =>
          kind === "all" ? of.every((part) => part.holds(row)) : of.some((part) => part.holds(row));
        return { selection, holds };
      }),
    fc.tuple(tie("tree"), tie("tree")).map(([first, second]) => (file: number) => {
      const [from, minus] = [first(file), second(file)];
      return {
        selection: { kind: "minus", from: from.selection, minus: minus.selection } as const,
        holds: (row: number) => from.holds(row) && !minus.holds(row),
      };
    }),
  ),
}));

const allRows = Array.from({ length: ROWS }, (_, row) => row);

describe("a selection", () => {
  it("holds the rows that plain sets hold, and tells in which others they are", async () => {
    let mixed = 0;
    await fc.assert(
      fc.asyncProperty(anyModel, fc.array(anyModel, { maxLength: 4 }), fc.nat(1), async (made, others, file) => {
        const registration = registrations[file] as DatasetRegistration;
        const { selection, holds } = made(file);
        const inside = others.map((other) => other(file));
        const columns = [{ name: "n" }, { inside: inside.map((other) => other.selection) }];
        const found: [number, number][] = [];
        for await (const { rows, count, features, ids } of readDataset(registration, { columns, selection }))
          for (let i = 0; i < count; i++) {
            const row = rows[i] as number;
            expect(textAt(ids, i)).toBe(phone(personOf(row)));
            expect(features[0]?.[i]).toBe(numberOf(row) ?? Number.NaN);
            found.push([row, features[1]?.[i] as number]);
          }
        const expected = allRows
          .filter(holds)
          .map((row) => [row, inside.reduce((bits, other, j) => bits + (other.holds(row) ? 2 ** j : 0), 0)]);
        expect(found).toEqual(expected);
        const people = new Set(expected.map(([row]) => personOf(row as number)));
        expect(await effectiveRows(registration, selection)).toBe(people.size);
        if (people.size > 0 && people.size < PEOPLE) mixed++;
      }),
      { numRuns: 40 },
    );
    expect(mixed).toBeGreaterThan(5);
  }, 60_000);

  it("takes of each person the first row that is held, with its columns", async () => {
    const registration = registrations[0] as DatasetRegistration;
    const [low, middle] = filters as [Model, Model, Model];
    const [odd, third] = lists as [Model, Model, Model];
    const selection: Selection = {
      kind: "minus",
      from: { kind: "any", of: [low.selection, { kind: "all", of: [odd.selection, middle.selection] }] },
      minus: third.selection,
    };
    const holds = (row: number) => (low.holds(row) || (odd.holds(row) && middle.holds(row))) && !third.holds(row);
    const expected = new Map<number, number>();
    for (const row of allRows.filter(holds)) if (!expected.has(personOf(row))) expected.set(personOf(row), row);
    const columns = [{ inside: [odd.selection, middle.selection] }];
    const input = await prepareInput(registration, { jobKey, columns, partitions: 3, withSubjects: true, selection });
    expect(input.count).toBe(expected.size);
    const found = new Map<string, [number, number]>();
    for (const partition of [0, 1, 2]) {
      const { rowIndex, features } = await input.rows(partition);
      const subjects = await input.subjects(partition);
      for (const [i, row] of rowIndex.entries()) found.set(textAt(subjects, i), [row, features[0]?.[i] as number]);
    }
    expect(found).toEqual(
      new Map(
        [...expected].map(([person, row]) => [
          phone(person),
          [row, (odd.holds(row) ? 1 : 0) + (middle.holds(row) ? 2 : 0)],
        ]),
      ),
    );
  });

  it("without some people is all the others", async () => {
    const registration = registrations[0] as DatasetRegistration;
    const [, , one] = lists as [Model, Model, Model];
    const everybody = without(undefined, one.selection);
    expect(await effectiveRows(registration, everybody)).toBe(new Set(allRows.map(personOf)).size - 1);
    expect(without(one.selection, undefined)).toBe(one.selection);
  });

  it(`tells of ${MAX_INSIDE} selections exactly`, async () => {
    const registration = registrations[0] as DatasetRegistration;
    const inside = Array.from({ length: MAX_INSIDE }, (_, j) => (filters[j % 3] as Model).selection);
    const expected = (row: number) =>
      inside.reduce((bits, _, j) => bits + ((filters[j % 3] as Model).holds(row) ? 2 ** j : 0), 0);
    for await (const { rows, count, features } of readDataset(registration, { columns: [{ inside }] }))
      for (let i = 0; i < count; i++) expect(features[0]?.[i]).toBe(expected(rows[i] as number));
  });
});
