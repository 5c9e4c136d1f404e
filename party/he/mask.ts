/** One share of a score in big integers: what the kernel leaves open (see `roundShares`), and what it is held against. */
import { DATA_PRIMES, PLAIN_MODULUS_BITS } from "./params.ts";
import { BASIS_INVERSES } from "./tables.ts";

const Q = DATA_PRIMES.reduce((product, prime) => product * BigInt(prime), 1n);

/** -round(t/q * R) mod t for one coefficient. `residues`: R modulo each data prime. */
export function shareOf(residues: readonly number[]): number {
  let value = 0n;
  for (const [i, prime] of DATA_PRIMES.entries()) {
    const digit = (BigInt(residues[i] as number) * BigInt(BASIS_INVERSES[i] as number)) % BigInt(prime);
    value += (Q / BigInt(prime)) * digit;
  }
  value %= Q;
  // q is odd, so that t/q * R is never half-way between two integers.
  const rounded = ((value << BigInt(PLAIN_MODULUS_BITS + 1)) + Q) / (2n * Q);
  return Number(BigInt.asUintN(PLAIN_MODULUS_BITS, -rounded));
}
