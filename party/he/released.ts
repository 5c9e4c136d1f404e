/** Which coefficients of an answer's first polynomial the bank gets; the others are never sent. */
import { EntenteError } from "../../proto/errors.ts";
import { ANSWER_PRIMES, BLOCK_ROWS, RESIDUE_BITS } from "./params.ts";

/** Coefficients first, first + stride, ...: `count` of them. Of rows that lie in every coefficient: 0 and 1. */
export interface Released {
  readonly first: number;
  readonly stride: number;
  /** A multiple of 8, so that their residues are whole bytes. */
  readonly count: number;
}

/** Throws INTERNAL when these are not coefficients of a block. */
export function checkReleased({ first, stride, count }: Released): void {
  const numbers = [first, stride, count].every((value) => Number.isInteger(value) && value >= 0);
  const last = first + stride * (count - 1);
  if (!numbers || stride < 1 || count < 8 || count % 8 !== 0 || last >= BLOCK_ROWS)
    throw new EntenteError("INTERNAL", { detail: "released coefficients" });
}

/** Packed residues of `count` coefficients modulo one prime. */
export function residueBytes(count: number): number {
  return (count * RESIDUE_BITS) / 8;
}

/** Of one answer: the released coefficients of c0, then all of c1, modulo each of ANSWER_PRIMES; 165,888 for all. */
export function answerBytes({ count }: Pick<Released, "count">): number {
  return ANSWER_PRIMES.length * (residueBytes(count) + residueBytes(BLOCK_ROWS));
}
