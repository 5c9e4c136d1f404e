import { expect, test } from "vitest";
import { classRange, classRows, MAX_SIZE_CLASS, MIN_SIZE_CLASS, sizeClassOf } from "../../proto/size-class.ts";

test("the ranges of the classes follow on each other, from none to 2^32, each at most 9.1 % wide after the first", () => {
  expect(classRange(MIN_SIZE_CLASS)).toEqual({ from: 0, to: 1024 });
  for (let k = MIN_SIZE_CLASS + 1; k <= MAX_SIZE_CLASS; k++) {
    const { from, to } = classRange(k);
    expect(from).toBe(classRange(k - 1).to + 1);
    expect(to / from).toBeLessThan(1.091);
    expect([sizeClassOf(from), sizeClassOf(to)]).toEqual([k, k]);
  }
  expect(classRows(MAX_SIZE_CLASS)).toBe(2 ** 32);
});

test("what is no size and no class is refused", () => {
  const code = expect.objectContaining({ code: "BAD_REQUEST" });
  for (const rows of [-1, 0.5, 2 ** 32 + 1, Number.NaN]) expect(() => sizeClassOf(rows)).toThrow(code);
  for (const k of [MIN_SIZE_CLASS - 1, MAX_SIZE_CLASS + 1, 80.5]) expect(() => classRows(k)).toThrow(code);
});
