/** What hides an answer: the mask and its shares, u and e1. */
import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { ByteStream } from "../../party/crypto/bulk.ts";
import { drawErrors, drawMask, drawTernary, loadScoreKernels, POLYNOMIAL_BYTES } from "../../party/he/kernels.ts";
import { shareOf } from "../../party/he/mask.ts";
import { BLOCK_ROWS, DATA_PRIMES } from "../../party/he/params.ts";
import { bulkAes } from "../../party/session/bulk-aes.ts";
import { wasmModule } from "../../party/wasm/modules.ts";
import { scorePlatform } from "../support/score-run.ts";
import { errorsTwin, maskTwin, Q, shareTwin, ternaryTwin } from "../support/score-twin.ts";

const kernels = loadScoreKernels(wasmModule("score"));
const T = 1n << 32n;
const ALL = { first: 0, stride: 1, count: BLOCK_ROWS };
const aes = (seed: number): ByteStream => bulkAes.ctrStream(new Uint8Array(16).fill(seed));

function draw(length: number, work: (at: number) => void): Uint8Array {
  return kernels.scoped(() => {
    const out = kernels.allocate(length);
    work(out.at);
    return out.copy();
  });
}

function mask(stream: ByteStream): Uint32Array {
  return kernels.scoped(() => {
    const out = kernels.allocate(DATA_PRIMES.length * POLYNOMIAL_BYTES);
    drawMask(kernels, stream, out);
    return new Uint32Array(out.copy().buffer);
  });
}

const ternary = (stream: ByteStream) =>
  new Int16Array(draw(2 * BLOCK_ROWS, (at) => drawTernary(kernels, stream, at)).buffer);
const errors = (stream: ByteStream) =>
  new Int32Array(draw(4 * BLOCK_ROWS, (at) => drawErrors(kernels, stream, at)).buffer);

function chiSquare(counts: readonly number[], expected: readonly number[]): number {
  return counts.reduce((sum, count, i) => sum + (count - (expected[i] as number)) ** 2 / (expected[i] as number), 0);
}

/** Words in turn, then zeros for ever; counts how often it is asked. */
function forced(words: readonly number[], times: number) {
  let at = 0;
  const state = { calls: 0 };
  const stream: ByteStream = (out) => {
    state.calls++;
    const view = new DataView(out.buffer, out.byteOffset, out.length);
    for (let i = 0; i + 4 <= out.length; i += 4)
      view.setUint32(i, at < times ? (words[at++ % words.length] as number) >>> 0 : 0, true);
  };
  return { stream, state };
}

describe("the mask", () => {
  test("is its twin's, below each prime and evenly spread", () => {
    const drawn = mask(aes(1));
    expect(Buffer.compare(Buffer.from(drawn.buffer), Buffer.from(maskTwin(aes(1)).buffer))).toBe(0);
    for (const [k, prime] of DATA_PRIMES.entries()) {
      const residues = drawn.subarray(k * BLOCK_ROWS, (k + 1) * BLOCK_ROWS);
      expect(Math.max(...residues)).toBeLessThan(prime);
      const counts = new Array<number>(128).fill(0);
      for (const residue of residues) {
        const cell = Math.floor((residue / prime) * 128);
        counts[cell] = (counts[cell] as number) + 1;
      }
      // 127 degrees of freedom: 220 is passed less than once in 10^6; the bytes are fixed.
      expect(chiSquare(counts, new Array<number>(128).fill(64))).toBeLessThan(220);
    }
  });

  test("draws again until a residue is below its prime, and never reduces", () => {
    // The prime itself, all ones, then prime - 1; the high 5 bits do not count.
    const words = [DATA_PRIMES[0], 2 ** 32 - 1, (DATA_PRIMES[0] - 1) | 0xf8000000];
    const { stream, state } = forced(words, 3 * BLOCK_ROWS);
    const drawn = mask(stream);
    expect(drawn.subarray(0, BLOCK_ROWS).every((residue) => residue === DATA_PRIMES[0] - 1)).toBe(true);
    expect(drawn.subarray(BLOCK_ROWS).every((residue) => residue === 0)).toBe(true);
    expect(state.calls).toBeGreaterThan(DATA_PRIMES.length);
  });
});

describe("u", () => {
  test("is its twin's, and uniform over -1, 0, 1", () => {
    const drawn = ternary(aes(2));
    expect(drawn).toEqual(ternaryTwin(aes(2)));
    const counts = [-1, 0, 1].map((value) => drawn.filter((u) => u === value).length);
    expect(counts.reduce((sum, count) => sum + count)).toBe(BLOCK_ROWS);
    // 2 degrees of freedom: 28 is passed less than once in 10^6.
    expect(chiSquare(counts, new Array<number>(3).fill(BLOCK_ROWS / 3))).toBeLessThan(28);
  });

  test("draws again where the two bits are 3", () => {
    // 3, 3, 3, 2 in each byte: one of four pairs is kept.
    const { stream, state } = forced([0xbfbfbfbf], 2 ** 20);
    expect(ternary(stream).every((u) => u === 1)).toBe(true);
    expect(state.calls).toBeGreaterThan(2);
  });
});

describe("e1", () => {
  test("is its twin's, and of the centred binomial distribution of 42 bits", () => {
    const drawn = errors(aes(3));
    expect(drawn).toEqual(errorsTwin(aes(3)));
    // Pr[e = k] = C(42, 21 + k) / 2^42; the tails beyond 8 together.
    const odds = new Array<number>(43).fill(0);
    for (let i = 0, choose = 1; i <= 42; choose = (choose * (42 - i)) / (i + 1), i++) odds[i] = choose / 2 ** 42;
    const cell = (value: number) => Math.max(-9, Math.min(9, value)) + 9;
    const [counts, expected] = [new Array<number>(19).fill(0), new Array<number>(19).fill(0)];
    for (const value of drawn) counts[cell(value)] = (counts[cell(value)] as number) + 1;
    for (const [i, odd] of odds.entries())
      expected[cell(i - 21)] = (expected[cell(i - 21)] as number) + odd * BLOCK_ROWS;
    // 18 degrees of freedom: 62 is passed less than once in 10^6.
    expect(chiSquare(counts, expected)).toBeLessThan(62);
  });

  test("reaches both ends", () => {
    const of =
      (bytes: readonly number[]): ByteStream =>
      (out) => {
        for (let i = 0; i < out.length; i++) out[i] = bytes[i % bytes.length] as number;
      };
    expect(errors(of([0xff, 0xff, 0x1f, 0, 0, 0])).every((e) => e === 21)).toBe(true);
    expect(errors(of([0, 0, 0xe0, 0xff, 0xff, 0x03])).every((e) => e === -21)).toBe(true);
    expect(errors(of([0, 0, 0, 0, 0, 0xfc])).every((e) => e === 0)).toBe(true);
  });
});

/** A stream from which exactly these numbers are drawn, the last one again and again. */
function streamOf(values: readonly bigint[]): ByteStream {
  let prime = 0;
  return (out) => {
    const view = new DataView(out.buffer, out.byteOffset, out.length);
    for (let i = 0; i < BLOCK_ROWS; i++) {
      const value = values[Math.min(i, values.length - 1)] as bigint;
      view.setUint32(4 * i, Number(value % BigInt(DATA_PRIMES[prime] as number)), true);
    }
    prime++;
  };
}

describe("shares", () => {
  test("equal the definition for random numbers", () => {
    const bytes = randomBytes(17 * BLOCK_ROWS);
    const values = Array.from(
      { length: BLOCK_ROWS },
      (_, i) => BigInt(`0x${bytes.toString("hex", 17 * i, 17 * i + 17)}`) % Q,
    );
    expect([...scorePlatform.he.shares(streamOf(values), ALL)]).toEqual(values.map(shareTwin));
    const some = { first: 15, stride: 16, count: 512 };
    expect([...scorePlatform.he.shares(streamOf(values), some)]).toEqual(
      Array.from({ length: 512 }, (_, i) => shareTwin(values[15 + 16 * i] as bigint)),
    );
  });

  test("equal the definition beside every kind of boundary, where the kernel leaves the rounding open", () => {
    const steps = [0n, 1n, 2n, 12_345n, T / 2n, T - 2n, T - 1n];
    // Half-way between k and k + 1, and whole multiples of Delta.
    const edges = steps.flatMap((k) => [((2n * k + 1n) * Q) / (2n * T), (k * Q) / T]);
    const values = edges.flatMap((edge) => [-2n, -1n, 0n, 1n, 2n].map((d) => (((edge + d) % Q) + Q) % Q));
    const shares = scorePlatform.he.shares(streamOf(values), ALL);
    expect([...shares.subarray(0, values.length)]).toEqual(values.map(shareTwin));
  });

  test("of the exact path alone equal the definition", () => {
    for (const value of [0n, 1n, Q - 1n, Q / 2n, Q / 3n, Q / (2n * T), Q / (2n * T) + 1n])
      expect(shareOf(DATA_PRIMES.map((prime) => Number(value % BigInt(prime))))).toBe(shareTwin(value));
  });
});
