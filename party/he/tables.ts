/** The kernels' constants: the layout of `party/wasm/assembly/score/table.ts`, computed once for each thread. */
import { BLOCK_ROWS, DATA_PRIMES } from "./params.ts";

const LANES = 4;
/** Vectors of a polynomial. */
const VECTORS = BLOCK_ROWS / LANES;
const VECTOR_BYTES = 16;
const FACTOR_BYTES = 2 * VECTOR_BYTES;

const P = 0;
const TWICE_P = 16;
const P_INVERSE = 32;
const WORD = 48;
const N_INVERSE = 80;
const ONE = 112;
const FIRST_STAGES = 144;
const LAST_STAGES = 240;
const FORWARD = 1024;
const INVERSE = FORWARD + VECTORS * FACTOR_BYTES;
/** Of one prime. */
export const TABLE_BYTES = INVERSE + VECTORS * FACTOR_BYTES;
/** lastPrime, its half, and a factor: of one step of `divideByLast`. */
export const DIVISION_BYTES = 4 * VECTOR_BYTES;
/** Four 64-bit words for each data prime, for `roundShares`. */
const SHARE_PRIME_BYTES = 32;

/** a * b mod p for p below 2^27: every intermediate value stays below 2^53. */
export function multiply(a: number, b: number, p: number): number {
  const high = Math.floor(b / 2 ** 14);
  return (((a * high) % p) * 2 ** 14 + a * (b % 2 ** 14)) % p;
}

export function power(base: number, exponent: number, p: number): number {
  let result = 1;
  for (let square = base, rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result = multiply(result, square, p);
    square = multiply(square, square, p);
  }
  return result;
}

export function inverse(value: number, p: number): number {
  return power(value, p - 2, p);
}

/** floor(w * 2^32 / p), exact: no quotient of the two steps is near enough to an integer for a double to err. */
function shoup(w: number, p: number): number {
  const upper = Math.floor((w * 2 ** 16) / p);
  const rest = w * 2 ** 16 - upper * p;
  return upper * 2 ** 16 + Math.floor((rest * 2 ** 16) / p);
}

/** A root of X^n + 1: of order 2n, as its nth power is -1. */
function root(p: number): number {
  for (let candidate = 2; ; candidate++) {
    const psi = power(candidate, (p - 1) / (2 * BLOCK_ROWS), p);
    if (power(psi, BLOCK_ROWS, p) === p - 1) return psi;
  }
}

/** Powers of `psi` in bit-reversed order. */
function reversedPowers(psi: number, p: number): Uint32Array {
  const powers = new Uint32Array(BLOCK_ROWS);
  const bits = Math.log2(BLOCK_ROWS);
  for (let i = 0, value = 1; i < BLOCK_ROWS; i++, value = multiply(value, psi, p)) {
    let reversed = 0;
    for (let bit = 0; bit < bits; bit++) reversed |= ((i >>> bit) & 1) << (bits - 1 - bit);
    powers[reversed] = value;
  }
  return powers;
}

/** Writes one lane of a signed factor: w in (-p/2, p/2) and round(w * 2^32 / p). */
function writeSigned(view: DataView, at: number, w: number, p: number): void {
  const centred = w > p / 2 ? w - p : w;
  view.setInt32(at, centred, true);
  view.setInt32(at + VECTOR_BYTES, Math.round(centred * (2 ** 32 / p)), true);
}

function writeUnsigned(view: DataView, at: number, w: number, p: number): void {
  view.setUint32(at, w, true);
  view.setUint32(at + VECTOR_BYTES, shoup(w, p), true);
}

type WriteFactor = (view: DataView, at: number, w: number, p: number) => void;

function everyLane(write: (lane: number) => void): void {
  for (let lane = 0; lane < LANES; lane++) write(4 * lane);
}

/** Factors 1, 2, 3 are of the two stages across quarters; 4m + lm + i is of block i in quarter l, which m blocks make. */
function writeStages(view: DataView, powers: Uint32Array, p: number, ends: number, rest: number, write: WriteFactor) {
  for (let k = 1; k < LANES; k++)
    everyLane((lane) => write(view, ends + (k - 1) * FACTOR_BYTES + lane, powers[k] as number, p));
  for (let blocks = 1; blocks < VECTORS; blocks *= 2)
    for (let i = 0; i < blocks; i++)
      for (let quarter = 0; quarter < LANES; quarter++) {
        const factor = powers[LANES * blocks + quarter * blocks + i] as number;
        write(view, rest + (blocks + i) * FACTOR_BYTES + 4 * quarter, factor, p);
      }
}

/** p^-1 modulo 2^32, by Newton's iteration. */
function wordInverse(p: number): number {
  let inverted = p;
  for (let i = 0; i < 5; i++) inverted = Math.imul(inverted, 2 - Math.imul(p, inverted));
  return inverted;
}

/** TABLE_BYTES for one prime. */
export function primeTable(p: number): Uint8Array {
  const bytes = new Uint8Array(TABLE_BYTES);
  const view = new DataView(bytes.buffer);
  everyLane((lane) => {
    view.setUint32(P + lane, p, true);
    view.setUint32(TWICE_P + lane, 2 * p, true);
    view.setInt32(P_INVERSE + lane, wordInverse(p), true);
    writeSigned(view, WORD + lane, 2 ** 32 % p, p);
    writeSigned(view, N_INVERSE + lane, inverse(BLOCK_ROWS, p), p);
    writeSigned(view, ONE + lane, 1, p);
  });
  const psi = root(p);
  writeStages(view, reversedPowers(psi, p), p, FIRST_STAGES, FORWARD, writeSigned);
  // A power of psi^-1 in the same place is the inverse of the power of psi.
  writeStages(view, reversedPowers(inverse(psi, p), p), p, LAST_STAGES, INVERSE, writeUnsigned);
  return bytes;
}

/** DIVISION_BYTES for dividing by `last` modulo `prime`. */
export function divisionConstants(last: number, prime: number): Uint8Array {
  const bytes = new Uint8Array(DIVISION_BYTES);
  const view = new DataView(bytes.buffer);
  everyLane((lane) => {
    view.setUint32(lane, last, true);
    view.setUint32(VECTOR_BYTES + lane, Math.floor(last / 2), true);
    writeUnsigned(view, 2 * VECTOR_BYTES + lane, inverse(last % prime, prime), prime);
  });
  return bytes;
}

/** (q / p)^-1 modulo p, for each data prime. */
export const BASIS_INVERSES: readonly number[] = DATA_PRIMES.map((p) =>
  inverse(
    DATA_PRIMES.reduce((product: number, other) => (other === p ? product : multiply(product, other % p, p)), 1),
    p,
  ),
);

/** The constants of `roundShares`. */
export function shareConstants(): Uint8Array {
  const bytes = new Uint8Array(DATA_PRIMES.length * SHARE_PRIME_BYTES);
  const view = new DataView(bytes.buffer);
  for (const [k, p] of DATA_PRIMES.entries()) {
    const w = BASIS_INVERSES[k] as number;
    const words = [BigInt(p), BigInt(w), BigInt(shoup(w, p)), 2n ** 64n / BigInt(p)];
    for (const [i, word] of words.entries()) view.setBigUint64(k * SHARE_PRIME_BYTES + 8 * i, word, true);
  }
  return bytes;
}
