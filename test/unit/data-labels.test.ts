import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { parseFilter } from "../../party/data/filter.ts";
import { packTexts, textAt } from "../../party/data/packed-text.ts";
import { prepareInput } from "../../party/data/prepare.ts";
import { type LabelColumn, labelsBytes } from "../../proto/agreement/label-columns.ts";
import { type LabelValue, labelReader } from "../../proto/codec/labels.ts";
import { dataFolder, failure } from "../support/data-folder.ts";
import { spillPlace } from "../support/partition-run.ts";

const jobKey = Uint8Array.from({ length: 32 }, (_, i) => i);
const CITY = { name: "city", type: "text", maxBytes: 40 } as const;
const BALANCE: LabelColumn = { name: "balance", type: "number" };
const CAR: LabelColumn = { name: "has_car", type: "boolean" };

type Registration = Parameters<typeof prepareInput>[0];
type Options = Partial<Parameters<typeof prepareInput>[1]>;

/** Labels by subject, over all partitions. */
async function labelsOf(registration: Registration, labels: readonly LabelColumn[], options: Options = {}) {
  const prepared = await prepareInput(registration, {
    ...{ jobKey, columns: [], partitions: 3, withSubjects: true, labels },
    ...options,
  });
  const found: Record<string, LabelValue[]> = {};
  const width = labelsBytes(labels);
  const read = labelReader(labels);
  for (let partition = 0; partition < prepared.partitions; partition++) {
    const rows = await prepared.rows(partition);
    const subjects = await prepared.subjects(partition);
    expect(rows.labels.length).toBe(subjects.count * width);
    for (let i = 0; i < subjects.count; i++)
      found[textAt(subjects, i)] = read(rows.labels.subarray(i * width, (i + 1) * width));
  }
  await prepared.destroy();
  return found;
}

const CSV = `phone,city,balance,has_car,age
13800138000,上海,1.5,true,30
13800138001,  a city whose name is longer than 28 bytes ,,FALSE,31
13800138002,,-3,,32
13800138000,Beijing,9,false,33
13800138003,杭州杭州杭州杭州,0,1,34
bad,x,1,nonsense,35
`;

describe("label columns of a dataset", () => {
  it("come typed from a CSV, of the first row of each id, whatever else is read", async () => {
    await using folder = await dataFolder();
    await folder.write("a.csv", CSV);
    const registration = await folder.inspect("a.csv");
    const expected = {
      "+8613800138000": ["上海", 1.5, true],
      "+8613800138001": ["a city whose name is longer than 28 bytes".slice(0, 41), null, false],
      "+8613800138002": [null, -3, null],
      "+8613800138003": ["杭州杭州杭州杭州", 0, true],
    };
    const labels = [{ ...CITY, maxBytes: 41 }, BALANCE, CAR];
    expect(await labelsOf(registration, labels)).toEqual(expected);
    const filter = await parseFilter(registration, "age > 31");
    expect(
      await labelsOf(registration, labels, { selection: filter, columns: [{ name: "age" }], partitions: 1 }),
    ).toEqual({
      "+8613800138002": expected["+8613800138002"],
      "+8613800138003": expected["+8613800138003"],
      // The row that passes is the first that does.
      "+8613800138000": ["Beijing", 9, false],
    });
    const people = await packTexts(Readable.from(["+8613800138003", "+8613800138000"]));
    const listed = { kind: "all", of: [filter, { kind: "people", people }] } as const;
    expect(await labelsOf(registration, labels, { selection: listed })).toEqual({
      "+8613800138003": expected["+8613800138003"],
      "+8613800138000": ["Beijing", 9, false],
    });
  });

  it("come typed from Parquet, dates as text, through a spill", async () => {
    await using folder = await dataFolder();
    await folder.parquet(
      "a.parquet",
      `SELECT * FROM (VALUES ('13800138000', TRUE, DATE '2026-01-31', 7::BIGINT, 'yes'),
         ('13800138001', NULL, NULL, NULL, NULL), ('13800138002', FALSE, DATE '2025-12-01', 8, '上')) t(phone, car, since, n, t)`,
    );
    const labels: LabelColumn[] = [
      { name: "car", type: "boolean" },
      { name: "since", type: "text", maxBytes: 10 },
      { name: "n", type: "number" },
      { name: "t", type: "text", maxBytes: 3 },
    ];
    expect(await labelsOf(await folder.inspect("a.parquet"), labels, { spill: spillPlace(folder.path) })).toEqual({
      "+8613800138000": [true, "2026-01-31", 7, "yes"],
      "+8613800138001": [null, null, null, null],
      "+8613800138002": [false, "2025-12-01", 8, "上"],
    });
  });

  it("hold for many chunks, in the row's own order", async () => {
    await using folder = await dataFolder();
    const rows = Array.from(
      { length: 10_000 },
      (_, i) => [`+86${13_000_000_000 + i * 7}`, `name-${i % 977}`, i] as const,
    );
    await folder.write("a.csv", `phone,t,n\n${rows.map((row) => row.join(",")).join("\n")}\n`);
    const labels: LabelColumn[] = [
      { name: "t", type: "text", maxBytes: 8 },
      { name: "n", type: "number" },
    ];
    const found = await labelsOf(await folder.inspect("a.csv"), labels);
    expect(found).toEqual(Object.fromEntries(rows.map(([id, t, n]) => [id, [t, n]])));
  });

  it.each([
    [[{ ...CITY, maxBytes: 23 }], { code: "LABEL_UNFIT", detail: "city" }],
    [[{ name: "age", type: "boolean" }], { code: "LABEL_UNFIT", detail: "age" }],
    [[{ name: "city", type: "boolean" }], { code: "LABEL_UNFIT", detail: "city" }],
    [[{ name: "nowhere", type: "text", maxBytes: 4 }], { code: "DATASET_COLUMN_UNKNOWN", detail: "nowhere" }],
    [[{ name: "city", type: "number" }], { code: "DATASET_COLUMN_TYPE", detail: "city is of type text, not number" }],
    [
      [{ name: "phone", type: "text", maxBytes: 20 }],
      { code: "DATASET_COLUMN_TYPE", detail: "phone is of type id, not text" },
    ],
  ] as const)("refuse %j", async (labels, expected) => {
    await using folder = await dataFolder();
    await folder.write("a.csv", CSV);
    expect(await failure(labelsOf(await folder.inspect("a.csv"), labels))).toEqual(expected);
  });
});
