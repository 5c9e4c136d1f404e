/** The committed demo tables, against what their README says and against DuckDB doing the work by itself. */
import { fileURLToPath } from "node:url";
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, it } from "vitest";
import { inspectDataset } from "../../party/data/inspect.ts";
import { textAt } from "../../party/data/packed-text.ts";
import { prepareInput } from "../../party/data/prepare.ts";
import { datasetName } from "../../proto/ids.ts";

const COMMON = 18_437;

function register(name: "bank" | "bureau") {
  const path = fileURLToPath(new URL(`../data/${name}.parquet`, import.meta.url));
  return inspectDataset({
    name: datasetName(name),
    format: "parquet",
    path,
    ids: [{ column: "phone", normaliser: "phone-e164" }],
  });
}

describe("demo tables", () => {
  it("hold the people, repetitions and broken ids that the README names", async () => {
    expect(await register("bank")).toMatchObject({
      rows: 24_180,
      accepted: 24_000,
      duplicates: 120,
      rejectedByReason: { "id-empty": 30, "id-characters": 10, "id-not-mainland-mobile": 20 },
    });
    expect(await register("bureau")).toMatchObject({
      rows: 24_144,
      accepted: 24_000,
      duplicates: 96,
      rejectedByReason: { "id-empty": 16, "id-characters": 8, "id-not-mainland-mobile": 24 },
    });
  });

  it("share 18,437 people by hash in equal partitions, and by a plain join of cleaned digits", async () => {
    const jobKey = new Uint8Array(32).fill(7);
    const options = { jobKey, columns: [], partitions: 4, withSubjects: false };
    const [bank, bureau] = await Promise.all(
      [await register("bank"), await register("bureau")].map((one) => prepareInput(one, options)),
    );
    let common = 0;
    for (let partition = 0; partition < 4; partition++) {
      const hashes = (bytes: Uint8Array) =>
        new Set(Array.from({ length: bytes.length / 16 }, (_, i) => bytes.subarray(i * 16, i * 16 + 16).toHex()));
      const [own, others] = await Promise.all(
        [bank, bureau].map(async (input) => hashes((await input?.rows(partition))?.ids ?? new Uint8Array())),
      );
      common += [...(own ?? [])].filter((hash) => others?.has(hash)).length;
    }
    expect(common).toBe(COMMON);

    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    const file = (name: string) => `'${fileURLToPath(new URL(`../data/${name}.parquet`, import.meta.url))}'`;
    const [[joined, asWritten] = []] = (
      await connection.runAndReadAll(`
        WITH cleaned AS (
          SELECT *, right(regexp_replace(translate(phone, '０１２３４５６７８９', '0123456789'), '[^0-9]', '', 'g'), 11) AS digits
          FROM (SELECT phone, 'bank' AS side FROM ${file("bank")} UNION ALL SELECT phone, 'bureau' FROM ${file("bureau")})),
        good AS (SELECT DISTINCT side, digits FROM cleaned WHERE regexp_full_match(digits, '1[3-9][0-9]{9}') AND
          regexp_full_match(translate(phone, '０１２３４５６７８９', '0123456789'), '[^0-9]*(0086|86)?[^0-9]*1.{10,14}'))
        SELECT (SELECT count(*) FROM good a JOIN good b USING (digits) WHERE a.side = 'bank' AND b.side = 'bureau')::INTEGER,
          (SELECT count(DISTINCT a.phone) FROM ${file("bank")} a JOIN ${file("bureau")} b USING (phone)
           WHERE length(a.phone) = 11)::INTEGER`)
    ).getRows();
    expect(joined).toBe(COMMON);
    // Without normalising, most of them would be missed.
    expect(asWritten).toBeGreaterThan(0);
    expect(asWritten).toBeLessThan(COMMON / 4);
  });

  it("gives no two customers one number", async () => {
    const options = {
      jobKey: new Uint8Array(32),
      columns: [{ name: "customer_no" }],
      partitions: 1,
      withSubjects: true,
    };
    const input = await prepareInput(await register("bank"), options);
    const { count } = input;
    const { features } = await input.rows(0);
    const subjects = await input.subjects(0);
    expect(new Set(features[0]).size).toBe(count);
    for (let i = 0; i < count; i += 101) expect(textAt(subjects, i)).toMatch(/^\+861[3-9]\d{9}$/);
  });
});
