import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { idColumns } from "../../party/data/cells.ts";
import { ChunkIds } from "../../party/data/chunk-ids.ts";
import { type NormalisedId, normaliseId } from "../../party/data/composite-id.ts";
import { MAX_ID_BYTES } from "../../party/data/limits.ts";
import { reasonOf } from "../../party/data/normalise-bytes.ts";
import type { IdColumn } from "../../proto/agreement/fields.ts";
import { fromUtf8 } from "../../proto/encoding/bytes.ts";

const OPAQUE: readonly IdColumn[] = ["a", "b"].map((column) => ({ column, normaliser: "opaque" }));
const FORMS: readonly (readonly IdColumn[])[] = [
  [{ column: "a", normaliser: "opaque" }],
  OPAQUE,
  [
    { column: "phone", normaliser: "phone-e164" },
    { column: "name", normaliser: "opaque" },
    { column: "mail", normaliser: "email" },
  ],
];

const text = fc.oneof(
  fc.string({ unit: fc.constantFrom(..."ab\u001f \u00e9\u4e2d@"), maxLength: 40 }),
  fc.constantFrom("13800138000", "a@b", "x".repeat(127), "x".repeat(128), "x".repeat(256), "1.38E+10"),
);
const cell = fc.option(text, { nil: null });

const sql = (value: string | null) => (value === null ? "NULL" : `'${value.replaceAll("'", "''")}'`);

describe("an id of several columns", () => {
  it("is read from DuckDB's vectors as it is from strings", async () => {
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const outcomes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...FORMS),
        fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 30 }),
        async (ids, rows) => {
          const names = ids.map((_, k) => `id${k}`);
          const values = rows.map((row) => `(${ids.map((_, k) => `${sql(row[k] ?? null)}::VARCHAR`).join(", ")})`);
          const selected = names.flatMap((name) => idColumns(name)).join(", ");
          const result = await connection.stream(
            `SELECT ${selected} FROM (VALUES ${values.join(", ")}) t(${names.join(", ")})`,
          );
          const chunk = await result.fetchChunk();
          if (chunk === null) throw new Error("no chunk");
          const placed = ids.map(({ normaliser }, index) => ({ index, normaliser }));
          const reader = new ChunkIds(chunk, placed);
          const out = new Uint8Array(MAX_ID_BYTES + 5);
          for (const [i, row] of rows.entries()) {
            const raw = ids.map((_, k) => row[k] ?? null);
            const length = reader.write(i, out, 3);
            const seen: NormalisedId =
              length < 0
                ? { ok: false, reason: reasonOf(length), column: ids[reader.failedPart]?.column ?? "" }
                : { ok: true, id: fromUtf8(out.subarray(3, 3 + length)) };
            const expected = normaliseId(ids, raw);
            expect(seen).toEqual(expected);
            expect(reader.raw(i)).toEqual(ids.length === 1 ? raw[0] : raw);
            outcomes.add(expected.ok ? "ok" : `${expected.reason} ${expected.column}`);
          }
        },
      ),
      { numRuns: 150 },
    );
    connection.closeSync();
    instance.closeSync();
    for (const outcome of ["ok", "id-empty a", "id-characters b", "id-length b", "id-exponent phone", "id-form mail"])
      expect([...outcomes]).toContain(outcome);
  });

  it("is equal to another one only where all parts are", () => {
    const part = fc.string({ unit: fc.constantFrom(..."aabbaab\u001f"), minLength: 1, maxLength: 3 });
    let accepted = 0;
    fc.assert(
      fc.property(fc.tuple(part, part), fc.tuple(part, part), (first, second) => {
        const [a, b] = [normaliseId(OPAQUE, first), normaliseId(OPAQUE, second)];
        if (!a.ok || !b.ok) return;
        accepted++;
        expect(a.id === b.id).toBe(first[0] === second[0] && first[1] === second[1]);
      }),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(50);
  });
});
