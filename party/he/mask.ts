/**
 * The mask R of an answer, uniform over Z_q, and the share of the score that it makes. By the Chinese remainder theorem
 * R is uniform when each residue is, independently.
 */
import { BLOCK_ROWS, DATA_PRIMES, PLAIN_MODULUS_BITS, RESIDUE_BITS } from "./params.ts";

const L = DATA_PRIMES.length;
const Q = DATA_PRIMES.reduce((product, prime) => product * BigInt(prime), 1n);
const RESIDUE_MASK = 2 ** RESIDUE_BITS - 1;

/** Source of fresh bytes: `Platform.random`. */
export type RandomBytes = (length: number) => Uint8Array;

/**
 * L * BLOCK_ROWS residues, prime by prime. Each is 27 random bits, drawn again until below its prime (at most 0.8 % of
 * draws are rejected): no bias, which a reduction would have.
 */
export function uniformMask(random: RandomBytes): Uint32Array<ArrayBuffer> {
  const maskSecret = new Uint32Array(L * BLOCK_ROWS);
  let filled = 0;
  while (filled < maskSecret.length) {
    const bytes = random(4 * (maskSecret.length - filled));
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < bytes.length; at += 4) {
      const candidate = view.getUint32(at, true) & RESIDUE_MASK;
      const prime = DATA_PRIMES[Math.floor(filled / BLOCK_ROWS)] as number;
      if (candidate < prime) maskSecret[filled++] = candidate;
    }
    bytes.fill(0);
  }
  return maskSecret;
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n];
  while (b !== 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return ((x % modulus) + modulus) % modulus;
}

const BASIS = DATA_PRIMES.map((prime) => {
  const rest = Q / BigInt(prime);
  const factor = Number(inverse(rest, BigInt(prime)));
  return { prime, reciprocal: 1 / prime, factorHigh: Math.floor(factor / 2 ** 14), factorLow: factor % 2 ** 14, rest };
});

/** round(t/q * R) mod t for one coefficient, in big integers. `residues`: one for each data prime. */
export function roundExactly(residues: readonly number[]): number {
  let value = 0n;
  for (const [i, { prime, rest }] of BASIS.entries())
    value += rest * ((BigInt(residues[i] as number) * inverse(rest, BigInt(prime))) % BigInt(prime));
  value %= Q;
  // q is odd, so that t/q * R is never half-way between two integers.
  return Number(((((value << BigInt(PLAIN_MODULUS_BITS)) << 1n) + Q) / (2n * Q)) & 0xffffffffn);
}

/** Closer to a rounding boundary than this, doubles do not decide: they are off by at most 2^-49 here. */
const DOUBT = 2 ** -40;

/**
 * The share r = -round(t/q * R) mod t of each coefficient, exactly. With y_i = R_i * (q/q_i)^-1 mod q_i,
 * t/q * R = sum_i t * y_i / q_i modulo t; quotients and remainders of t * y_i by q_i are exact in doubles, and only the
 * sum of the five fractions is not, which falls back to big integers when in doubt (odds 2^-39 a coefficient).
 */
export function roundingShares(maskSecret: Uint32Array): Uint32Array<ArrayBuffer> {
  const shares = new Uint32Array(BLOCK_ROWS);
  for (let j = 0; j < BLOCK_ROWS; j++) {
    let whole = 0;
    let fraction = 0.5;
    for (let i = 0; i < L; i++) {
      const { prime, reciprocal, factorHigh, factorLow } = BASIS[i] as (typeof BASIS)[number];
      const residue = maskSecret[i * BLOCK_ROWS + j] as number;
      // Every product stays below 2^43, where a double's quotient is off by one at most.
      const high = remainder(residue * factorHigh, prime, reciprocal);
      const y = remainder(high * 2 ** 14 + residue * factorLow, prime, reciprocal);
      const upper = y * 2 ** 16;
      const upperRest = remainder(upper, prime, reciprocal);
      const lower = upperRest * 2 ** 16;
      const rest = remainder(lower, prime, reciprocal);
      whole += Math.round((upper - upperRest) * reciprocal) * 2 ** 16 + Math.round((lower - rest) * reciprocal);
      fraction += rest * reciprocal;
    }
    const rounded = Math.floor(fraction);
    const inDoubt = Math.abs(fraction - Math.round(fraction)) < DOUBT;
    const value = inDoubt
      ? roundExactly(BASIS.map((_, i) => maskSecret[i * BLOCK_ROWS + j] as number))
      : whole + rounded;
    shares[j] = -value;
  }
  return shares;
}

function remainder(value: number, prime: number, reciprocal: number): number {
  const rest = value - Math.floor(value * reciprocal) * prime;
  if (rest < 0) return rest + prime;
  return rest >= prime ? rest - prime : rest;
}
