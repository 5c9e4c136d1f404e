import { describe, expect, test } from "vitest";
import { randomPermutation } from "../../party/crypto/shuffle.ts";
import { createPlatform } from "../../party/session/platform.ts";
import { fixedRandom } from "../support/fixed-random.ts";

const platform = await createPlatform({ random: fixedRandom("shuffle") });

/** Pearson's statistic of counts that should be equal. */
function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((a, b) => a + b, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

describe("randomPermutation", () => {
  test.each([0, 1, 2, 3, 1000, 20_000])("of %i is a permutation", (count) => {
    const sorted = Uint32Array.from(randomPermutation(platform, count)).sort();
    expect(sorted).toEqual(Uint32Array.from({ length: count }, (_, i) => i));
  });

  test("all 24 orders of four are equally frequent", () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const order = randomPermutation(platform, 4).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    // 23 degrees of freedom: 65 is passed once in a million; the bytes are fixed, so this does not flicker.
    expect(chiSquare([...counts.values()])).toBeLessThan(65);
  });

  test("each row reaches each position equally often", () => {
    const size = 11;
    const counts = new Array<number>(size * size).fill(0);
    for (let i = 0; i < 11_000; i++)
      randomPermutation(platform, size).forEach((row, position) => {
        counts[row * size + position] = (counts[row * size + position] ?? 0) + 1;
      });
    // (size - 1)^2 = 100 degrees of freedom: 178 is passed about once in 400,000.
    expect(chiSquare(counts)).toBeLessThan(178);
  });

  test("words that would favour a residue are thrown away", async () => {
    // Of 2^32 words, 0xffffffff is the one left over for a bound of 3; with it kept, 0xffffffff % 3 = 0 would be taken.
    const words = [0xffffffff, 1, 0];
    const drawn = await createPlatform({
      random: (length) => {
        const bytes = new Uint8Array(length);
        words.forEach((word, i) => {
          new DataView(bytes.buffer).setUint32(4 * i, word, true);
        });
        return bytes;
      },
    });
    // i = 2 draws 1 (after the rejection): swap 2 and 1; i = 1 draws 0: swap 1 and 0.
    expect([...randomPermutation(drawn, 3)]).toEqual([2, 0, 1]);
  });
});
