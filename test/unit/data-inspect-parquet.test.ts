import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { dataFolder, failure } from "../support/data-folder.ts";

const ROWS = `FROM (VALUES ('13800138000', 1, 1.5::DOUBLE), (NULL, 2, 2), ('138 0013 8000', 3, 3),
  ('13900139000', 4, 'inf'::DOUBLE), ('13900139001', NULL, 'nan'::DOUBLE)) t(phone, n, x)`;

describe("Parquet", () => {
  it("counts, types and row numbers", async () => {
    await using folder = await dataFolder();
    await folder.parquet(
      "a.parquet",
      `SELECT *, 'a' AS "te""xt", true AS flag, 1.25::DECIMAL(5, 2) AS amount, DATE '2026-01-01' AS day, [1] AS list ${ROWS}`,
    );
    const registration = await folder.inspect("a.parquet");
    expect(registration).toMatchObject({
      rows: 5,
      accepted: 2,
      duplicates: 1,
      rejectedByReason: { "id-empty": 1, "number-invalid": 1 },
    });
    expect(registration).not.toHaveProperty("dialect");
    expect(registration.columns.map(({ name, type }) => `${name}:${type}`)).toEqual([
      "phone:id",
      "n:number",
      "x:number",
      'te"xt:text',
      "flag:number",
      "amount:number",
      "day:other",
      "list:other",
    ]);
    expect(await folder.quarantine()).toEqual([
      { line: 2, reason: "id-empty", id: null },
      { line: 4, reason: "number-invalid", column: "x", id: "13900139000" },
      { line: 3, reason: "duplicate", id: "138 0013 8000" },
    ]);
  });

  it("takes an integer as an id, not a double", async () => {
    await using folder = await dataFolder();
    await folder.parquet("int.parquet", "SELECT 13800138000::BIGINT AS phone");
    expect(await folder.inspect("int.parquet")).toMatchObject({ accepted: 1 });
    await folder.parquet("double.parquet", "SELECT 13800138000::DOUBLE AS phone");
    expect((await failure(folder.inspect("double.parquet"))).code).toBe("DATASET_COLUMN_TYPE");
  });

  it("reads no columns out of the path", async () => {
    await using folder = await dataFolder();
    await folder.parquet("day=1.parquet", `SELECT phone ${ROWS}`);
    expect((await folder.inspect("day=1.parquet")).columns).toEqual([{ name: "phone", type: "id" }]);
  });

  it("refuses what is cut, damaged, foreign or empty", async () => {
    await using folder = await dataFolder();
    const whole = await readFile(
      await folder.parquet("a.parquet", "SELECT (13800000000 + i * 7919)::VARCHAR AS phone FROM range(20000) t(i)"),
    );
    const damaged = Uint8Array.from(whole);
    damaged.fill(0x55, whole.length >> 2, (whole.length >> 2) + 4000);
    const footer = Uint8Array.from(whole);
    footer.fill(0xff, whole.length - 200, whole.length - 8);
    const contents = {
      half: whole.subarray(0, whole.length >> 1),
      short: whole.subarray(0, whole.length - 1),
      tiny: whole.subarray(0, 4),
      damaged,
      footer,
      text: Buffer.from("phone,x\n13800138000,1\n"),
    };
    for (const [name, content] of Object.entries(contents)) {
      await folder.write(`${name}.parquet`, content);
      expect([name, (await failure(folder.inspect(`${name}.parquet`))).code]).toEqual([name, "DATASET_FORMAT"]);
    }
    await folder.write("none.parquet", "");
    expect((await failure(folder.inspect("none.parquet"))).code).toBe("DATASET_EMPTY");
    await folder.parquet("zero.parquet", `SELECT phone ${ROWS} WHERE false`);
    expect((await failure(folder.inspect("zero.parquet"))).code).toBe("DATASET_EMPTY");
    await folder.parquet("blank.parquet", `SELECT phone ${ROWS} WHERE phone IS NULL`);
    expect((await failure(folder.inspect("blank.parquet"))).code).toBe("DATASET_ID_EMPTY");
    await folder.write("a.csv", whole);
    expect((await failure(folder.inspect("a.csv"))).code).toBe("DATASET_FORMAT");
    expect(
      await failure(folder.inspect("a.parquet", { ids: [{ column: "mobile", normaliser: "phone-e164" }] })),
    ).toEqual({
      code: "DATASET_COLUMN_UNKNOWN",
      detail: "mobile",
    });
  });
});
