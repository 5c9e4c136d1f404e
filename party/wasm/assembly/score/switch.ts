/** What is added to an answer, and its way to a smaller modulus. */
import { below, notNegative, timesUnsigned } from "./modular";
import { P, POLYNOMIAL_BYTES } from "./table";

/** residues += others, both in [0, p). */
export function addResidues(residues: usize, others: usize, table: usize): void {
  const p = v128.load(table, P);
  for (const end = residues + POLYNOMIAL_BYTES; residues < end; residues += 16, others += 16)
    v128.store(residues, below(i32x4.add(v128.load(residues), v128.load(others)), p));
}

/** residues += errors, signed words far below p. */
export function addErrors(residues: usize, errors: usize, table: usize): void {
  const p = v128.load(table, P);
  for (const end = residues + POLYNOMIAL_BYTES; residues < end; residues += 16, errors += 16)
    v128.store(residues, below(notNegative(i32x4.add(v128.load(residues), v128.load(errors)), p), p));
}

/**
 * One prime's part of dividing by the last prime and rounding, exactly as SEAL's mod_switch_to_next: with l = (last +
 * half) mod lastPrime, residues = (residues - l + half) / lastPrime mod p. `constants`: vectors lastPrime, half, and the
 * factor lastPrime^-1 mod p; lastPrime < p.
 */
export function divideByLast(residues: usize, last: usize, constants: usize, table: usize): void {
  const p = v128.load(table, P);
  const lastPrime = v128.load(constants);
  const half = v128.load(constants, 16);
  const w = v128.load(constants, 32);
  const ws = v128.load(constants, 48);
  for (const end = residues + POLYNOMIAL_BYTES; residues < end; residues += 16, last += 16) {
    const l = below(i32x4.add(v128.load(last), half), lastPrime);
    const x = i32x4.add(i32x4.sub(i32x4.add(v128.load(residues), p), l), half);
    v128.store(residues, below(timesUnsigned(x, w, ws, p), p));
  }
}
