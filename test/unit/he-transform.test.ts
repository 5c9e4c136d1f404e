/** The transforms, pointwise products and packing against schoolbook arithmetic, for each prime. */
import { describe, expect, test } from "vitest";
import { COLUMN_BYTES, loadScoreKernels, POLYNOMIAL_BYTES, SPARE_BYTES } from "../../party/he/kernels.ts";
import { BLOCK_ROWS, DATA_PRIMES } from "../../party/he/params.ts";
import { wasmModule } from "../../party/wasm/modules.ts";
import { sequence } from "../support/score-run.ts";
import { packResidues, unpackResidues } from "../support/score-twin.ts";

const kernels = loadScoreKernels(wasmModule("score"));
const { call } = kernels;
const TILE_BYTES = POLYNOMIAL_BYTES / 256;

function random(seed: number, low: number, high: number): number[] {
  const next = sequence(seed);
  return Array.from({ length: BLOCK_ROWS }, () => low + Math.floor(next() * (high - low + 1)));
}

/** Modulo `prime`, in [0, prime): the kernels' sum_j columns_j * (weights_j, weights_j'), both polynomials. */
function kernelProducts(k: number, columns: readonly number[][], weights: readonly [number[], number[]][]): number[][] {
  const table = kernels.tables[k] as number;
  const count = columns.length;
  return kernels.scoped(() => {
    const column = kernels.allocate(COLUMN_BYTES);
    const residues = kernels.allocate(POLYNOMIAL_BYTES);
    const scratch = kernels.allocate(POLYNOMIAL_BYTES);
    const transformed = kernels.allocate(count * POLYNOMIAL_BYTES);
    const transformedWeights = kernels.allocate(2 * count * POLYNOMIAL_BYTES);
    const sums = kernels.allocate(2 * POLYNOMIAL_BYTES);
    for (let j = 0; j < count; j++) {
      column.bytes().set(new Uint8Array(Int16Array.from(columns[j] as number[]).buffer));
      call.forwardColumn(column.at, table, scratch.at, transformed.at + j * TILE_BYTES, count * TILE_BYTES);
      for (const [poly, values] of (weights[j] as [number[], number[]]).entries()) {
        const out = transformedWeights.at + (2 * j + poly) * TILE_BYTES;
        residues.words().set(values);
        call.centre(residues.at, table);
        call.forwardResidues(residues.at, table, scratch.at, out, 2 * count * TILE_BYTES);
        call.centreTiles(out, 2 * count * TILE_BYTES, table);
      }
    }
    sums.bytes().fill(0);
    call.accumulate(transformed.at, transformedWeights.at, count, table, sums.at);
    return [0, 1].map((poly) => {
      const at = sums.at + poly * POLYNOMIAL_BYTES;
      call.scale(at, table);
      call.inverse(at, table, residues.at);
      return [...residues.words()];
    });
  });
}

/** One coefficient of a * b modulo X^n + 1 and `prime`, in big integers. */
function coefficient(a: readonly number[], b: readonly number[], at: number, prime: number): bigint {
  let sum = 0n;
  for (let i = 0; i < BLOCK_ROWS; i++) {
    const j = at - i;
    const product = BigInt(a[i] as number) * BigInt(b[(j + BLOCK_ROWS) % BLOCK_ROWS] as number);
    sum += j < 0 ? -product : product;
  }
  return ((sum % BigInt(prime)) + BigInt(prime)) % BigInt(prime);
}

const PLACES = [0, 1, 2, 3, 5, 1023, 2047, 2048, 4095, 4096, 6143, 6144, 8190, 8191];

describe.each(DATA_PRIMES.map((prime, k) => [prime, k] as const))("modulo %i", (prime, k) => {
  test("products of random polynomials are schoolbook's", () => {
    const columns = [random(1, -32768, 32767), random(2, -9, 9)];
    const weights = [3, 5].map((seed): [number[], number[]] => [
      random(seed, 0, prime - 1),
      random(seed + 1, 0, prime - 1),
    ]);
    const got = kernelProducts(k, columns, weights);
    for (const poly of [0, 1] as const)
      for (const at of PLACES) {
        const expected = columns.reduce((sum, column, j) => {
          return sum + coefficient(column, (weights[j] as [number[], number[]])[poly], at, prime);
        }, 0n);
        expect(got[poly]?.[at]).toBe(Number(expected % BigInt(prime)));
      }
  });

  test("32 columns of extreme values do not overflow a lane", () => {
    // Constant polynomials keep the reference cheap; alternating signs make the largest sums.
    const extremes = [-32768, 32767].map((value) => new Array<number>(BLOCK_ROWS).fill(value));
    const columns = Array.from({ length: 32 }, (_, j) => extremes[j % 2] as number[]);
    const middle = (prime - 1) / 2;
    const weights = columns.map(
      (_, j): [number[], number[]] =>
        [middle + (j % 2), prime - 1].map((value) => [value, ...new Array<number>(BLOCK_ROWS - 1).fill(0)]) as [
          number[],
          number[],
        ],
    );
    const got = kernelProducts(k, columns, weights);
    const sum = (poly: 0 | 1) =>
      columns.reduce((total, column, j) => {
        return total + BigInt(column[0] as number) * BigInt((weights[j] as [number[], number[]])[poly][0] as number);
      }, 0n);
    for (const poly of [0, 1] as const) {
      const expected = Number(((sum(poly) % BigInt(prime)) + BigInt(prime)) % BigInt(prime));
      expect(got[poly]?.every((value) => value === expected)).toBe(true);
    }
  });

  test("dense extreme weights and columns are schoolbook's", () => {
    const column = Array.from({ length: BLOCK_ROWS }, (_, i) => (i % 3 === 0 ? -32768 : 32767));
    const weight = Array.from({ length: BLOCK_ROWS }, (_, i) => (prime - 1) / 2 + (i % 2));
    const [got] = kernelProducts(k, [column], [[weight, weight]]);
    for (const at of PLACES) expect(got?.[at]).toBe(Number(coefficient(column, weight, at, prime)));
  });

  test("residues are packed, unpacked and counted when they are not below the prime", () => {
    const residues = Uint32Array.from(random(7, 0, prime - 1));
    kernels.scoped(() => {
      const words = kernels.allocate(POLYNOMIAL_BYTES);
      const packed = kernels.allocate((27 * BLOCK_ROWS) / 8 + SPARE_BYTES);
      const back = kernels.allocate(2 * POLYNOMIAL_BYTES);
      words.words().set(residues);
      call.packWords(words.at, 4, BLOCK_ROWS, packed.at);
      const bytes = packed.copy().subarray(0, -SPARE_BYTES);
      expect(Buffer.compare(bytes, packResidues(residues))).toBe(0);
      expect(call.unpackWords(packed.at, BLOCK_ROWS, prime, back.at, 8)).toBe(0);
      expect(Uint32Array.from(residues, (_, i) => back.words()[2 * i] as number)).toEqual(unpackResidues(bytes));
      const most = Math.max(...residues);
      const notBelow = residues.filter((value) => value === most).length;
      expect(call.unpackWords(packed.at, BLOCK_ROWS, most, back.at, 8)).toBe(notBelow);
      expect(call.unpackWords(packed.at, BLOCK_ROWS, most + 1, back.at, 8)).toBe(0);
    });
  });
});
