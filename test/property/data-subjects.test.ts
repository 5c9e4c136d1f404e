import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SubjectTable, textAt } from "../../party/data/packed-text.ts";

const id = fc.oneof(
  fc.integer({ min: 0, max: 40 }).map((n) => `+86138000000${n}`),
  fc.string({ unit: "binary", maxLength: 20 }).filter((text) => text.isWellFormed()),
);

describe("SubjectTable", () => {
  it("keeps the distinct texts in order of appearance, as a Set does", () => {
    fc.assert(
      fc.property(fc.array(id, { maxLength: 300 }), fc.nat(40), (ids, expectedSize) => {
        const table = new SubjectTable(expectedSize);
        const model = new Set<string>();
        for (const text of ids) {
          expect(table.add(text)).toBe(!model.has(text));
          model.add(text);
        }
        expect(table.count).toBe(model.size);
        expect(Array.from({ length: table.count }, (_, i) => textAt(table, i))).toEqual([...model]);
        expect(table.offsets.length).toBe(table.count + 1);
        expect(table.bytes.length).toBe(table.offsets[table.count]);
      }),
    );
  });

  it("slices with offsets from 0", () => {
    const table = new SubjectTable();
    for (const text of ["a", "\u4e2d\u6587", "", "bcd"]) table.add(text);
    const slice = table.slice(1, 3);
    expect([0, 1, 2].map((i) => textAt(slice, i))).toEqual(["\u4e2d\u6587", "", "bcd"]);
    expect([...slice.offsets]).toEqual([0, 6, 6, 9]);
    expect(() => textAt(slice, 3)).toThrow(RangeError);
    expect(() => textAt(slice, -1)).toThrow(RangeError);
  });

  it("grows past its expected size with many texts", () => {
    const table = new SubjectTable(16);
    for (let i = 0; i < 50_000; i++) expect(table.add(`${i}`)).toBe(true);
    for (let i = 0; i < 50_000; i += 997) {
      expect(table.add(`${i}`)).toBe(false);
      expect(textAt(table, i)).toBe(`${i}`);
    }
    expect(table.count).toBe(50_000);
  });
});
