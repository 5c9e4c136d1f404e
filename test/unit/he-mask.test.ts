import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { roundExactly, roundingShares, uniformMask } from "../../party/he/mask.ts";
import { BLOCK_ROWS, DATA_PRIMES } from "../../party/he/params.ts";
import { fixedRandom } from "../support/fixed-random.ts";

const Q = DATA_PRIMES.reduce((product, prime) => product * BigInt(prime), 1n);
const T = 1n << 32n;

/** Residues of BLOCK_ROWS numbers, the last one repeated. */
function maskOf(values: readonly bigint[]): Uint32Array {
  const mask = new Uint32Array(DATA_PRIMES.length * BLOCK_ROWS);
  for (const [k, prime] of DATA_PRIMES.entries())
    for (let i = 0; i < BLOCK_ROWS; i++)
      mask[k * BLOCK_ROWS + i] = Number((values[Math.min(i, values.length - 1)] as bigint) % BigInt(prime));
  return mask;
}

/** -round(t/q * value) mod t, straight from the definition. */
function expectedShare(value: bigint): number {
  const rounded = (2n * T * value + Q) / (2n * Q);
  return Number(((-rounded % T) + T) % T);
}

describe("uniformMask", () => {
  test("every residue is below its prime and evenly spread", () => {
    const mask = uniformMask(fixedRandom("mask"));
    for (const [k, prime] of DATA_PRIMES.entries()) {
      const residues = mask.subarray(k * BLOCK_ROWS, (k + 1) * BLOCK_ROWS);
      expect(Math.max(...residues)).toBeLessThan(prime);
      const counts = new Array<number>(128).fill(0);
      for (const residue of residues) {
        const cell = Math.floor((residue / prime) * 128);
        counts[cell] = (counts[cell] ?? 0) + 1;
      }
      const chiSquare = counts.reduce((sum, count) => sum + (count - 64) ** 2 / 64, 0);
      // 127 degrees of freedom: 220 is passed less than once in 10^6; the bytes are fixed.
      expect(chiSquare).toBeLessThan(220);
    }
  });

  test("draws again until a residue is below its prime, and never reduces", () => {
    // Words in turn: the prime itself, all ones, then prime - 1; the high 5 bits do not count.
    const words = [DATA_PRIMES[0], 2 ** 32 - 1, (DATA_PRIMES[0] - 1) | 0xf8000000];
    let calls = 0;
    let at = 0;
    const forced = (length: number) => {
      calls++;
      const bytes = new Uint8Array(length);
      const view = new DataView(bytes.buffer);
      for (let i = 0; i < length; i += 4) {
        // After the first prime's residues, zeros are accepted at once.
        view.setUint32(i, at < 3 * BLOCK_ROWS ? (words[at++ % 3] as number) >>> 0 : 0, true);
      }
      return bytes;
    };
    const mask = uniformMask(forced);
    expect(mask.subarray(0, BLOCK_ROWS).every((residue) => residue === DATA_PRIMES[0] - 1)).toBe(true);
    expect(mask.subarray(BLOCK_ROWS).every((residue) => residue === 0)).toBe(true);
    expect(calls).toBeGreaterThan(1);
  });

  test("asks for fresh bytes each time", () => {
    const random = (length: number) => new Uint8Array(randomBytes(length));
    const [one, two] = [uniformMask(random), uniformMask(random)];
    expect(one.filter((value, i) => value === two[i]).length).toBeLessThan(4);
  });
});

describe("roundingShares", () => {
  test("equals the definition for random numbers", () => {
    const bytes = randomBytes(17 * BLOCK_ROWS);
    const values = Array.from(
      { length: BLOCK_ROWS },
      (_, i) => BigInt(`0x${bytes.toString("hex", 17 * i, 17 * i + 17)}`) % Q,
    );
    const shares = roundingShares(maskOf(values));
    expect([...shares]).toEqual(values.map(expectedShare));
  });

  test("equals the definition beside every kind of boundary", () => {
    const steps = [0n, 1n, 2n, 12_345n, T / 2n, T - 2n, T - 1n];
    // Half-way between k and k + 1, where the double's sum is in doubt, and whole multiples of Delta.
    const edges = steps.flatMap((k) => [((2n * k + 1n) * Q) / (2n * T), (k * Q) / T]);
    const values = edges.flatMap((edge) => [-2n, -1n, 0n, 1n, 2n].map((d) => (((edge + d) % Q) + Q) % Q));
    const shares = roundingShares(maskOf(values));
    expect([...shares.subarray(0, values.length)]).toEqual(values.map(expectedShare));
  });

  test("the exact path alone equals the definition", () => {
    for (const value of [0n, 1n, Q - 1n, Q / 2n, Q / 3n, Q / (2n * T), Q / (2n * T) + 1n]) {
      const rounded = roundExactly(DATA_PRIMES.map((prime) => Number(value % BigInt(prime))));
      expect(-rounded >>> 0).toBe(expectedShare(value));
    }
  });
});
