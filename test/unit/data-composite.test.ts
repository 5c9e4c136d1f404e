import { expect, test } from "vitest";
import { textAt } from "../../party/data/packed-text.ts";
import { readDataset } from "../../party/data/read.ts";
import { dataFolder, failure } from "../support/data-folder.ts";

const IDS = [
  { column: "owner", normaliser: "cn-resident-id" },
  { column: "plate", normaliser: "opaque" },
] as const;
const ROWS = [
  "plate,owner,value",
  "A1,11010519491231002X,1",
  "A2,11010519491231002x,2",
  " A1 ,11010519491231002X,3",
  ",11010519491231002X,4",
  "A3,110105194912310021,5",
  "A\u001f4,11010519491231002X,6",
];

test.each(["csv", "parquet"])("a %s dataset's id of two columns, in the order that was given", async (format) => {
  await using folder = await dataFolder();
  await folder.write("a.csv", `${ROWS.join("\n")}\n`);
  const ids = [...IDS];
  if (format === "parquet")
    await folder.parquet("a.parquet", `SELECT * FROM read_csv('${folder.path}/a.csv', all_varchar = true)`);
  const registration = await folder.inspect(`a.${format}`, { ids });
  expect(registration).toMatchObject({ ids, rows: 6, accepted: 2, duplicates: 1 });
  expect(registration.rejectedByReason).toEqual({ "id-empty": 1, "id-check-character": 1, "id-characters": 1 });
  expect(registration.columns.slice(0, 2).map(({ type }) => type)).toEqual(["id", "id"]);
  const line = (row: number) => (format === "csv" ? row + 1 : row);
  const empty = format === "csv" ? null : null;
  expect(await folder.quarantine()).toEqual([
    { line: line(4), reason: "id-empty", column: "plate", id: ["11010519491231002X", empty] },
    { line: line(5), reason: "id-check-character", column: "owner", id: ["110105194912310021", "A3"] },
    { line: line(6), reason: "id-characters", column: "plate", id: ["11010519491231002X", "A\u001f4"] },
    { line: line(3), reason: "duplicate", id: ["11010519491231002X", " A1 "] },
  ]);
  const seen: string[] = [];
  for await (const { ids: read, count } of readDataset(registration, { columns: [] }))
    for (let i = 0; i < count; i++) seen.push(textAt(read, i));
  const [first, second] = ["A1", "A2"].map((plate) => `11010519491231002X\u001f${plate}`);
  expect(seen).toEqual([first, second, first]);
});

test("names every id column when none of the ids is usable, and one that is missing", async () => {
  await using folder = await dataFolder();
  await folder.write("a.csv", "plate,owner,value\nA1,x,1\n");
  expect(await failure(folder.inspect("a.csv", { ids: [...IDS] }))).toEqual({
    code: "DATASET_ID_EMPTY",
    detail: "owner, plate: id-length 1",
  });
  expect(
    await failure(folder.inspect("a.csv", { ids: [...IDS, { column: "id", normaliser: "opaque" }] })),
  ).toMatchObject({
    code: "DATASET_COLUMN_UNKNOWN",
    detail: expect.stringMatching(/^id: /),
  });
});
