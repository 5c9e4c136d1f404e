/**
 * Polynomials as residues, and their one wire form: polynomial by polynomial, prime by prime, coefficient by
 * coefficient, each residue in 27 bits, least significant bit first. The only way in for a peer's ciphertexts.
 */
import { EntenteError } from "../../proto/errors.ts";
import { BLOCK_ROWS, RESIDUE_BITS } from "./params.ts";

const RESIDUE_MASK = 2 ** RESIDUE_BITS - 1;

/** `residues`: below 2^27 each, a multiple of 8 of them. Returns residues.length * 27 / 8 bytes. */
export function packResidues(residues: Uint32Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array((residues.length * RESIDUE_BITS) / 8);
  for (let i = 0; i < residues.length; i++) {
    const value = residues[i] as number;
    const at = (i * RESIDUE_BITS) >>> 3;
    const shift = (i * RESIDUE_BITS) & 7;
    const rest = value >>> (8 - shift);
    out[at] = (out[at] as number) | (value << shift);
    out[at + 1] = rest;
    out[at + 2] = rest >>> 8;
    out[at + 3] = rest >>> 16;
    if (shift > 5) out[at + 4] = rest >>> 24;
  }
  return out;
}

/**
 * Reads `polynomials` of BLOCK_ROWS coefficients modulo each of `primes`. Throws CIPHERTEXT_INVALID unless the length is
 * exact and every residue is below its prime; nothing is allocated before the length was compared.
 */
export function unpackResidues(
  packed: Uint8Array,
  polynomials: number,
  primes: readonly number[],
): Uint32Array<ArrayBuffer> {
  const count = polynomials * primes.length * BLOCK_ROWS;
  if (packed.length !== (count * RESIDUE_BITS) / 8)
    throw new EntenteError("CIPHERTEXT_INVALID", { detail: "number of residues" });
  const residues = new Uint32Array(count);
  let outOfRange = 0;
  for (let start = 0, k = 0; start < count; start += BLOCK_ROWS, k = (k + 1) % primes.length) {
    const prime = primes[k] as number;
    for (let i = start; i < start + BLOCK_ROWS; i++) {
      const at = (i * RESIDUE_BITS) >>> 3;
      const shift = (i * RESIDUE_BITS) & 7;
      const low =
        ((packed[at] as number) >>> shift) |
        ((packed[at + 1] as number) << (8 - shift)) |
        ((packed[at + 2] as number) << (16 - shift)) |
        ((packed[at + 3] as number) << (24 - shift));
      const value = (shift > 5 ? low | ((packed[at + 4] as number) << (32 - shift)) : low) & RESIDUE_MASK;
      if (value >= prime) outOfRange++;
      residues[i] = value;
    }
  }
  if (outOfRange > 0) throw new EntenteError("CIPHERTEXT_INVALID", { detail: "residue not below its prime" });
  return residues;
}
