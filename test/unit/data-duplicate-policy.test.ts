import { expect, test } from "vitest";
import type { DuplicatePolicy } from "../../proto/duplicate-policy.ts";
import { dataFolder, failure } from "../support/data-folder.ts";

const ROWS = "phone,amount,balance,city\n13800000001,1,5,x\n13800000001,2,6,y\n13800000001,,7,z\n";

test.each<[DuplicatePolicy, string, string | undefined]>([
  [{ kind: "aggregate", columns: { amount: "sum" } }, "BAD_REQUEST", "balance"],
  [{ kind: "aggregate", columns: { amount: "sum", city: "max" }, others: "mean" }, "DATASET_COLUMN_TYPE", "city"],
  [{ kind: "aggregate", columns: { spend: "sum" }, others: "mean" }, "DATASET_COLUMN_UNKNOWN", "spend"],
  [{ kind: "reject" }, "DATASET_ID_EMPTY", "duplicates are rejected"],
])("%j is refused: %s", async (duplicatePolicy, code, detail) => {
  await using folder = await dataFolder();
  await folder.write("a.csv", ROWS);
  const refused = await failure(folder.inspect("a.csv", { duplicatePolicy }));
  expect(refused).toEqual({ code, detail: expect.stringContaining(detail ?? "") });
});

test("reject sets aside every row of an id that has several, with its line", async () => {
  await using folder = await dataFolder();
  await folder.write("a.csv", `${ROWS}13800000002,1,1,x\n+8613800000001,1,1,x\n`);
  const registration = await folder.inspect("a.csv", { duplicatePolicy: { kind: "reject" } });
  expect(registration).toMatchObject({ rows: 5, accepted: 1, duplicates: 4, duplicatePolicy: { kind: "reject" } });
  expect((await folder.quarantine()).map(({ line, reason }) => [line, reason])).toEqual(
    [2, 3, 4, 6].map((line) => [line, "duplicate"]),
  );
});

test("the policy is `first` where none is named", async () => {
  await using folder = await dataFolder();
  await folder.write("a.csv", ROWS);
  expect(await folder.inspect("a.csv")).toMatchObject({
    accepted: 1,
    duplicates: 2,
    duplicatePolicy: { kind: "first" },
  });
});
