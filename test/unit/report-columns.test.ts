/** What a report reads of a dataset: the texts that a column is broken down by, and each row's groups. */
import { expect, test } from "vitest";
import { parseFilter } from "../../party/data/filter.ts";
import { columnValues } from "../../party/report/column-values.ts";
import { groupColumns } from "../../party/report/group-columns.ts";
import type { Digest } from "../../proto/ids.ts";
import type { Grouping } from "../../proto/report/grouping.ts";
import { dataFolder, failure } from "../support/data-folder.ts";

const person = (n: number) => `138${String(n).padStart(8, "0")}`;

async function registered(cities: readonly string[]) {
  const folder = await dataFolder();
  await folder.write("a.csv", `phone,n,city\n${cities.map((city, n) => `${person(n)},${n},${city}`).join("\n")}\n`);
  return { registration: await folder.inspect("a.csv"), folder };
}

test("texts of a column, those of most rows first, of the rows that a selection holds", async () => {
  const { registration, folder } = await registered(["b", "a", "", "c", "a", "上海", " a ", "c", '"d,e"']);
  const values = (most: number) =>
    columnValues(registration, { column: "city", selection: undefined, most, access: {} });
  expect(await values(10)).toEqual(["a", "c", "b", "d,e", "上海"]);
  expect(await values(2)).toEqual(["a", "c"]);
  const selection = await parseFilter(registration, "n < 4");
  expect(await columnValues(registration, { column: "city", selection, most: 10, access: {} })).toEqual([
    "a",
    "b",
    "c",
  ]);
  await folder[Symbol.asyncDispose]();
});

test("read as all datasets are: where data may be, by the node's databases", async () => {
  const { registration, folder } = await registered(["a", "b"]);
  const places = { nodeFolder: folder.path, secretFiles: async () => [] };
  const wanted = { column: "city", selection: undefined, most: 10, access: { places } };
  expect((await failure(columnValues(registration, wanted))).code).toBe("DATASET_PLACE");
  await folder[Symbol.asyncDispose]();
});

test.each([
  ["long texts", ["x".repeat(65), "y"]],
  ["too many", Array.from({ length: 10_001 }, (_, n) => `city ${n}`)],
])("no column of %s", async (_what, cities) => {
  const { registration, folder } = await registered(cities);
  const refused = failure(columnValues(registration, { column: "city", selection: undefined, most: 10, access: {} }));
  // Names the column, and no value.
  expect(await refused).toMatchObject({
    code: "BAD_REQUEST",
    detail: expect.stringMatching(/^by: city: .*name the values/),
  });
  await folder[Symbol.asyncDispose]();
});

test("a column is read once, whichever groupings name it, and segments in one column of bits", () => {
  const content = "1".repeat(64) as Digest;
  const groupings: Grouping[] = [
    { kind: "values", column: "city", values: ["a", "b"] },
    { kind: "segment", segment: "one", version: 1, content },
    { kind: "ranges", column: "n", bounds: [10] },
    { kind: "values", column: "city", values: ["c", "b"] },
    { kind: "segment", segment: "two", version: 1, content },
  ];
  const [one, two] = [
    { kind: "all" as const, of: [] },
    { kind: "any" as const, of: [] },
  ];
  const { columns, groupsAt } = groupColumns(groupings, [one, two]);
  expect(columns).toEqual([{ name: "city", texts: ["a", "b", "c"] }, { name: "n" }, { inside: [one, two] }]);
  // a, b, c, another, blank; and both, none, the first, the second segment.
  const read = [
    [0, 1, 2, -1, Number.NaN],
    [5, 10, 15, Number.NaN, 0],
    [3, 0, 1, 2, 3],
  ].map((cells) => Float64Array.from(cells));
  expect([0, 1, 2, 3, 4].map((row) => groupsAt(read, row))).toEqual([
    [0, 0, 0, 2, 0],
    [1, 1, 1, 1, 1],
    [2, 0, 1, 0, 1],
    [2, 1, 2, 2, 0],
    [3, 0, 0, 3, 0],
  ]);
});
