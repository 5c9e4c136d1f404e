import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  logTailBound,
  MAX_AUDIENCE_ROWS,
  MAX_SCORE_ROWS,
  partitionOf,
  partitionPlan,
  planDigest,
} from "../../party/protocols/plan.ts";
import { createPlatform } from "../../party/session/platform.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { classRows, MAX_SIZE_CLASS, MIN_SIZE_CLASS, sizeClassOf } from "../../proto/size-class.ts";

const BAD_REQUEST = expect.objectContaining({ code: "BAD_REQUEST" });

/** ln n!, by Stirling's series; exact to 1e-12 from n = 20 on, and summed below. */
function logFactorial(n: number): number {
  if (n < 20) {
    let sum = 0;
    for (let i = 2; i <= n; i++) sum += Math.log(i);
    return sum;
  }
  return n * Math.log(n) - n + Math.log(2 * Math.PI * n) / 2 + 1 / (12 * n) - 1 / (360 * n ** 3) + 1 / (1260 * n ** 5);
}

/** ln Pr[X >= rows], X ~ Binomial(n, p), rows > n p: the largest term by logarithms, the rest by ratios. */
function logTail(n: number, p: number, rows: number): number {
  const first =
    logFactorial(n) - logFactorial(rows) - logFactorial(n - rows) + rows * Math.log(p) + (n - rows) * Math.log1p(-p);
  let sum = 1;
  let term = 1;
  for (let k = rows; k < n && term > 1e-18 * sum; k++) {
    term *= ((n - k) / (k + 1)) * (p / (1 - p));
    sum += term;
  }
  return first + Math.log(sum);
}

describe("size classes", () => {
  test("classRows is the exact floor of 2^(k/8)", () => {
    for (let k = MIN_SIZE_CLASS; k <= MAX_SIZE_CLASS; k++) {
      const rows = BigInt(classRows(k));
      expect(rows ** 8n <= 2n ** BigInt(k) && (rows + 1n) ** 8n > 2n ** BigInt(k)).toBe(true);
    }
    expect(classRows(80)).toBe(1024);
    expect(classRows(256)).toBe(2 ** 32);
  });

  test("sizeClassOf is the smallest class that holds the rows, with at most 9.1 % added", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 }), (rows) => {
        const k = sizeClassOf(rows);
        expect(classRows(k)).toBeGreaterThanOrEqual(rows);
        if (k > MIN_SIZE_CLASS) {
          expect(classRows(k - 1)).toBeLessThan(rows);
          expect(classRows(k)).toBeLessThanOrEqual(Math.ceil(rows * 1.0906));
        }
      }),
    );
    for (const rows of [0, 1, 2, 10, 1000, 1024]) expect(sizeClassOf(rows)).toBe(80);
    expect(sizeClassOf(1025)).toBe(81);
    expect(sizeClassOf(2 ** 20)).toBe(160);
    expect(sizeClassOf(2 ** 20 + 1)).toBe(161);
  });

  test.each([-1, 1.5, Number.NaN, 2 ** 32 + 1])("refuses %d rows", (rows) => {
    expect(() => sizeClassOf(rows)).toThrow(BAD_REQUEST);
  });
  test.each([79, 257, 80.5])("refuses class %d", (k) => {
    expect(() => classRows(k)).toThrow(BAD_REQUEST);
  });
});

describe("partition plan", () => {
  test("one partition: the capacities are the classes", () => {
    for (const [receiverClass, senderClass] of [
      [80, 80],
      [80, 176],
      [130, 101],
    ] as const) {
      expect(partitionPlan({ receiverClass, senderClass, maxRows: MAX_AUDIENCE_ROWS })).toEqual({
        partitions: 1,
        receiverCapacity: classRows(receiverClass),
        senderCapacity: classRows(senderClass),
      });
    }
  });

  test.each([
    { receiverClass: 80, senderClass: 177, maxRows: MAX_AUDIENCE_ROWS },
    { receiverClass: 177, senderClass: 186, maxRows: MAX_AUDIENCE_ROWS },
    { receiverClass: 145, senderClass: 153, maxRows: MAX_SCORE_ROWS },
    { receiverClass: 80, senderClass: 176, maxRows: MAX_SCORE_ROWS },
    { receiverClass: 200, senderClass: 215, maxRows: MAX_SCORE_ROWS },
    { receiverClass: 90, senderClass: 95, maxRows: 256 },
  ])("classes $receiverClass and $senderClass: overflow of the exact binomial is at most 2^-41", (input) => {
    const plan = partitionPlan(input);
    expect(plan.partitions).toBeGreaterThan(1);
    const sides = [
      { n: classRows(input.receiverClass), capacity: plan.receiverCapacity },
      { n: classRows(input.senderClass), capacity: plan.senderCapacity },
    ];
    let overflow = 0;
    for (const { n, capacity } of sides) {
      expect(capacity).toBeLessThanOrEqual(input.maxRows);
      expect(capacity * plan.partitions).toBeGreaterThan(n);
      const one = logTail(n, 1 / plan.partitions, capacity + 1);
      overflow += plan.partitions * Math.exp(one);
      // And no more padding than the bound needs: it is within a few bits of the truth.
      expect(Math.log(plan.partitions) + one).toBeGreaterThan(-50 * Math.LN2);
    }
    expect(overflow).toBeLessThanOrEqual(2 ** -41);
    expect(overflow).toBeGreaterThan(0);
  });

  test("one row less of capacity would break the bound that the plan promises", () => {
    const n = classRows(177);
    const { partitions, senderCapacity } = partitionPlan({ receiverClass: 80, senderClass: 177, maxRows: 2 ** 22 });
    const p = 1 / partitions + 2 ** -32;
    const target = -42 * Math.LN2 - Math.log(partitions);
    expect(logTailBound(n, p, senderCapacity + 1)).toBeLessThanOrEqual(target);
    expect(logTailBound(n, p, senderCapacity)).toBeGreaterThan(target);
  });

  test("the Chernoff bound is above the exact tail", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 50, max: 5000 }),
        fc.integer({ min: 2, max: 40 }),
        fc.double({ min: 1.05, max: 3, noNaN: true }),
        (n, parts, factor) => {
          const rows = Math.ceil((n / parts) * factor);
          fc.pre(rows > n / parts && rows < n);
          expect(logTailBound(n, 1 / parts, rows)).toBeGreaterThanOrEqual(logTail(n, 1 / parts, rows) - 1e-9);
        },
      ),
    );
    expect(logTailBound(100, 0.25, 101)).toBe(Number.NEGATIVE_INFINITY);
    expect(logTailBound(100, 0.25, 25)).toBe(0);
    expect(logTailBound(100, 0.5, 100)).toBeCloseTo(-100 * Math.LN2, 9);
  });

  test("lists beyond 1024 partitions are refused", () => {
    expect(() => partitionPlan({ receiverClass: 80, senderClass: 256, maxRows: MAX_SCORE_ROWS })).toThrow(BAD_REQUEST);
  });

  test("the digest depends on every number", () => {
    const input = { receiverClass: 100, senderClass: 120, maxRows: MAX_AUDIENCE_ROWS };
    const plan = partitionPlan(input);
    const digests = [
      planDigest(input, plan),
      planDigest({ ...input, receiverClass: 101 }, plan),
      planDigest({ ...input, maxRows: 1 }, plan),
      planDigest(input, { ...plan, senderCapacity: 1 }),
      planDigest(input, { ...plan, partitions: 2 }),
    ].map(toHex);
    expect(new Set(digests).size).toBe(digests.length);
    expect(planDigest({ ...input }, { ...plan })).toEqual(planDigest(input, plan));
  });
});

describe("partitionOf", () => {
  test("cuts the hash range evenly, in order", async () => {
    const platform = await createPlatform();
    const hash = (leading: number) =>
      Uint8Array.of(leading >>> 24, leading >>> 16, leading >>> 8, leading, ...new Array(12).fill(7));
    expect(partitionOf(hash(0), 0, 5)).toBe(0);
    expect(partitionOf(hash(0xffffffff), 0, 5)).toBe(4);
    expect(partitionOf(hash(0xffffffff), 0, 1)).toBe(0);
    expect(partitionOf(hash(0x7fffffff), 0, 2)).toBe(0);
    expect(partitionOf(hash(0x80000000), 0, 2)).toBe(1);
    const loads = new Array<number>(7).fill(0);
    for (let i = 0; i < 7000; i++) {
      const p = partitionOf(platform.random(16), 0, 7);
      loads[p] = (loads[p] ?? 0) + 1;
    }
    // Binomial(7000, 1/7), deviation 29: ten deviations.
    for (const load of loads) expect(Math.abs(load - 1000)).toBeLessThan(293);
  });
});
