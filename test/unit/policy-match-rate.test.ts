import { describe, expect, test } from "vitest";
import { discreteLaplace } from "../../proto/policy/discrete-laplace.ts";
import { matchRate, noisyCount } from "../../proto/policy/match-rate.ts";

const FLOORS = { matchRateCapPercent: 85 };

test.each([
  [0, 1000, "0%"],
  [4, 1000, "0%"],
  [5, 1000, "1%"],
  [614, 1000, "61%"],
  [615, 1000, "62%"],
  [624, 1000, "62%"],
  [625, 1000, "63%"],
  [844, 1000, "84%"],
  [849, 1000, "85%"],
  [850, 1000, "85%"],
  [851, 1000, ">85%"],
  [1000, 1000, ">85%"],
  [850_001, 1_000_000, ">85%"],
  [0, 0, "0%"],
  [3_400_000_000, 4_000_000_000, "85%"],
  [3_400_000_001, 4_000_000_000, ">85%"],
])("%i of %i is shown as %s", (matched, own, shown) => {
  expect(matchRate(matched, own, FLOORS)).toBe(shown);
});

test("another cap, and none", () => {
  expect(matchRate(601, 1000, { matchRateCapPercent: 60 })).toBe(">60%");
  expect(matchRate(1000, 1000, { matchRateCapPercent: 100 })).toBe("100%");
});

/** A word source that is no part of the product: xorshift128 (Marsaglia 2003) with a fixed seed. */
function testWords(seed: number): () => number {
  let [x, y, z, w] = [seed, 362436069, 521288629, 88675123];
  return () => {
    const t = x ^ (x << 11);
    [x, y, z] = [y, z, w];
    w = w ^ (w >>> 19) ^ t ^ (t >>> 8);
    return w >>> 0;
  };
}

/** P(X = x), from the definition. */
function probability(x: number, scale: number): number {
  const e = Math.exp(1 / scale);
  return ((e - 1) / (e + 1)) * Math.exp(-Math.abs(x) / scale);
}

/** Pearson's statistic over the values with at least 10 expected draws; the two tails are one bin each. */
function chiSquare(draws: readonly number[], scale: number): { statistic: number; freedom: number } {
  let reach = 0;
  while (draws.length * probability(reach + 1, scale) >= 10) reach++;
  const bins = Array.from({ length: 2 * reach + 3 }, () => 0);
  for (const draw of draws) {
    const at = Math.min(Math.max(draw, -reach - 1), reach + 1) + reach + 1;
    bins[at] = (bins[at] as number) + 1;
  }
  const inner = bins.map((_, i) => (i === 0 || i === bins.length - 1 ? 0 : probability(i - reach - 1, scale)));
  const tail = (1 - inner.reduce((sum, p) => sum + p, 0)) / 2;
  const statistic = bins.reduce((sum, seen, i) => {
    const expected = draws.length * (i === 0 || i === bins.length - 1 ? tail : (inner[i] as number));
    return sum + (seen - expected) ** 2 / expected;
  }, 0);
  return { statistic, freedom: bins.length - 1 };
}

describe("discrete Laplace noise", () => {
  test.each([1, 2, 8, 50])("of scale %i has its distribution", (scale) => {
    const word = testWords(20_260_501);
    const draws = Array.from({ length: 40_000 }, () => discreteLaplace(scale, word));
    const { statistic, freedom } = chiSquare(draws, scale);
    // Mean k and standard deviation sqrt(2k): above five of them by chance less than once in 10^5.
    expect(statistic).toBeLessThan(freedom + 5 * Math.sqrt(2 * freedom));
    // The same test refuses the neighbouring scale, so it can fail.
    const other = chiSquare(draws, scale * 1.25);
    expect(other.statistic).toBeGreaterThan(other.freedom + 5 * Math.sqrt(2 * other.freedom));
  });

  test("zero comes once, not as +0 and -0: the mass of 0 is not doubled", () => {
    const word = testWords(7);
    const draws = Array.from({ length: 40_000 }, () => discreteLaplace(1, word));
    const zeros = draws.filter((draw) => draw === 0).length / draws.length;
    expect(Math.abs(zeros - probability(0, 1))).toBeLessThan(0.012);
    expect(draws.some((draw) => Object.is(draw, -0))).toBe(false);
  });
});

/** From another program: algorithm 2 in Python over its own HMAC stream, for keys 01.., 02.., to 05... */
const KNOWN = [-28, 0, 15, 1, -27];

describe("sticky noise", () => {
  const noise = { kind: "discrete-laplace", scale: 20 } as const;
  const key = (n: number) => new Uint8Array(32).fill(n);

  test("asking again with the same key gives the same; attack: averaging a hundred answers gives nothing more", () => {
    const first = noisyCount(5000, 10_000, noise, key(1));
    const answers = Array.from({ length: 100 }, () => noisyCount(5000, 10_000, noise, key(1)));
    expect(new Set(answers)).toEqual(new Set([first]));
    // Known answers: a change of the stream would unstick every noise that was given out.
    expect([1, 2, 3, 4, 5].map((n) => noisyCount(5000, 10_000, noise, key(n)) - 5000)).toEqual(KNOWN);
  });

  test("keys draw independently, around the true count", () => {
    const drawn = Array.from({ length: 250 }, (_, n) => noisyCount(5000, 10_000, noise, key(n)) - 5000);
    expect(new Set(drawn).size).toBeGreaterThan(50);
    const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
    // Standard deviation sqrt(2) * 20 / sqrt(250) = 1.8.
    expect(Math.abs(mean)).toBeLessThan(9);
  });

  test("stays a count of people, and none is added where none is agreed", () => {
    for (let n = 0; n < 64; n++) {
      expect(noisyCount(0, 10, noise, key(n))).toBeGreaterThanOrEqual(0);
      expect(noisyCount(10, 10, noise, key(n))).toBeLessThanOrEqual(10);
      expect(noisyCount(7, 10, { kind: "none" }, key(n))).toBe(7);
    }
  });
});
