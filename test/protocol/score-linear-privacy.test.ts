/**
 * The attack that the recipe for answers exists against: with one feature, the second polynomial of sum_j Enc(w_j) x_j is
 * a * x with the bank's own a, and the bank divides. A mask on c0 does not touch it.
 */
import { expect, test } from "vitest";
import { addMask, createEncryptedModel } from "../../party/he/encrypted-model.ts";
import { createKeys } from "../../party/he/keys.ts";
import { ciphertextBuffer } from "../../party/he/layout.ts";
import { roundingShares, uniformMask } from "../../party/he/mask.ts";
import { BLOCK_ROWS, DATA_PRIMES } from "../../party/he/params.ts";
import { unpackResidues } from "../../party/he/residues.ts";
import { ciphertextResidues, loadCiphertext, loadSeal } from "../../party/he/seal.ts";
import { scorePlatform, sequence } from "../support/score-run.ts";

const seal = await loadSeal();
const evaluator = new seal.module.Evaluator(seal.context);
const PRIME = DATA_PRIMES[0];
/** Residues of c1 modulo the first prime. */
const SECOND = DATA_PRIMES.length * BLOCK_ROWS;

function transformed(residues: Uint32Array): Uint32Array {
  using ciphertext = loadCiphertext(seal, residues);
  evaluator.cipherTransformToNttInplace(ciphertext);
  return ciphertextResidues(seal, ciphertext);
}

function inverse(value: bigint): bigint {
  let result = 1n;
  let power = value;
  for (let exponent = BigInt(PRIME) - 2n; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * power) % BigInt(PRIME);
    power = (power * power) % BigInt(PRIME);
  }
  return result;
}

/** answer.c1 / weight.c1 modulo the first prime, centred: the column, if c1 = a * x. */
function divide(answer: Uint32Array, weight: Uint32Array): Int32Array {
  const [c1, a] = [transformed(answer), transformed(weight)];
  const quotient = new Uint32Array(c1.length);
  for (let i = SECOND; i < SECOND + BLOCK_ROWS; i++)
    quotient[i] = Number((BigInt(c1[i] as number) * inverse(BigInt(a[i] as number))) % BigInt(PRIME));
  using ciphertext = new seal.module.Ciphertext();
  ciphertext.loadFromArray(seal.context, ciphertextBuffer(quotient, seal.dataId, true));
  evaluator.cipherTransformFromNttInplace(ciphertext);
  const values = ciphertextResidues(seal, ciphertext).subarray(SECOND, SECOND + BLOCK_ROWS);
  return Int32Array.from(values, (value) => (value > PRIME / 2 ? value - PRIME : value));
}

function agreement(recovered: Int32Array, column: Int16Array): number {
  return recovered.filter((value, i) => value === column[i]).length;
}

test("a mask on c0 alone gives the column away; the answer as sent does not", () => {
  const next = sequence(11);
  const column = Int16Array.from({ length: BLOCK_ROWS }, () => Math.floor(next() * 2000) - 1000);
  using keys = createKeys(seal);
  const weight = keys.encryptWeight(31_337);
  using model = createEncryptedModel(seal, keys.publicKey());
  model.addWeight(weight);
  const weightResidues = unpackResidues(weight, 2, DATA_PRIMES);
  const maskSecret = uniformMask((length) => scorePlatform.random(length));

  using sum = model.weightedSum([column]);
  const maskedOnly = ciphertextResidues(seal, sum);
  addMask(maskedOnly, maskSecret);
  expect(agreement(divide(maskedOnly, weightResidues), column)).toBe(BLOCK_ROWS);

  const answer = model.answer([column], maskSecret);
  // Guessing hits one coefficient in 2^27.
  expect(agreement(divide(unpackResidues(answer, 2, DATA_PRIMES), weightResidues), column)).toBeLessThan(3);

  const shares = roundingShares(maskSecret);
  const scores = keys.decrypt(answer).map((value, i) => value + (shares[i] as number));
  expect(scores.every((score, i) => (score | 0) === 31_337 * (column[i] as number))).toBe(true);
});

test("two answers to the same question with the same mask differ everywhere: the encryption of zero is fresh", () => {
  using keys = createKeys(seal);
  using model = createEncryptedModel(seal, keys.publicKey());
  model.addWeight(keys.encryptWeight(1));
  const maskSecret = uniformMask((length) => scorePlatform.random(length));
  const column = new Int16Array(BLOCK_ROWS).fill(3);
  const [one, two] = [model.answer([column], maskSecret), model.answer([column], maskSecret)].map((answer) =>
    unpackResidues(answer, 2, DATA_PRIMES),
  ) as [Uint32Array, Uint32Array];
  // Equal residues by chance: 81,920 / 2^27.
  expect(one.filter((value, i) => value === two[i]).length).toBeLessThan(4);
});
