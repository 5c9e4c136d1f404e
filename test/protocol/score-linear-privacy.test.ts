/**
 * The attack that the recipe for answers exists against: with one feature, the second polynomial of sum_j Enc(w_j) x_j is
 * a * x with the bank's own a, and the bank divides. A mask on c0 does not touch it.
 */
import { expect, test } from "vitest";
import { ciphertextBuffer } from "../../party/he/layout.ts";
import { BLOCK_ROWS, DATA_PRIMES } from "../../party/he/params.ts";
import { inverse, multiply } from "../../party/he/tables.ts";
import { bulkAes } from "../../party/session/bulk-aes.ts";
import { scorePlatform, sequence } from "../support/score-run.ts";
import { loadChain, loadCiphertext, residuesOf, SealModel } from "../support/score-seal.ts";
import { maskTwin, unpackResidues } from "../support/score-twin.ts";

const { he } = scorePlatform;
const chain = await loadChain();
const { seal } = chain;
const evaluator = new seal.module.Evaluator(chain.context);
const ALL = { first: 0, stride: 1, count: BLOCK_ROWS };
const streams = (mask: number, zero: number) => ({
  mask: bulkAes.ctrStream(new Uint8Array(16).fill(mask)),
  zero: bulkAes.ctrStream(new Uint8Array(16).fill(zero)),
});
const PRIME = DATA_PRIMES[0];
/** Residues of c1 modulo the first prime. */
const SECOND = DATA_PRIMES.length * BLOCK_ROWS;

function transformed(residues: Uint32Array): Uint32Array {
  using ciphertext = loadCiphertext(chain, residues);
  evaluator.cipherTransformToNttInplace(ciphertext);
  return residuesOf(chain, ciphertext);
}

/** answer.c1 / weight.c1 modulo the first prime, centred: the column, if c1 = a * x. */
function divide(answer: Uint32Array, weight: Uint32Array): Int32Array {
  const [c1, a] = [transformed(answer), transformed(weight)];
  const quotient = new Uint32Array(c1.length);
  for (let i = SECOND; i < SECOND + BLOCK_ROWS; i++)
    quotient[i] = multiply(c1[i] as number, inverse(a[i] as number, PRIME), PRIME);
  using ciphertext = new seal.module.Ciphertext();
  ciphertext.loadFromArray(chain.context, ciphertextBuffer(quotient, chain.dataId, true));
  evaluator.cipherTransformFromNttInplace(ciphertext);
  const values = residuesOf(chain, ciphertext).subarray(SECOND, SECOND + BLOCK_ROWS);
  return Int32Array.from(values, (value) => (value > PRIME / 2 ? value - PRIME : value));
}

function agreement(recovered: Int32Array, column: Int16Array): number {
  return recovered.filter((value, i) => value === column[i]).length;
}

test("a mask on c0 alone gives the column away; the answer does not, even before it is cut", async () => {
  const next = sequence(11);
  const column = Int16Array.from({ length: BLOCK_ROWS }, () => Math.floor(next() * 2000) - 1000);
  using keys = await he.createKeys();
  const [zero, weight] = [keys.encrypt(Int32Array.of(0)), keys.encrypt(Int32Array.of(31_337))];
  using kernel = he.createEncryptedModel(1);
  using model = new SealModel(chain, 1);
  for (const ciphertext of [zero, weight]) {
    kernel.add(ciphertext);
    model.add(ciphertext);
  }
  const weightResidues = unpackResidues(weight);

  using sum = model.weightedSum([undefined, column]);
  const maskedOnly = residuesOf(chain, sum);
  const maskSecret = maskTwin(streams(1, 2).mask);
  for (const [k, prime] of DATA_PRIMES.entries())
    for (let i = k * BLOCK_ROWS; i < (k + 1) * BLOCK_ROWS; i++)
      maskedOnly[i] = ((maskedOnly[i] as number) + (maskSecret[i] as number)) % prime;
  expect(agreement(divide(maskedOnly, weightResidues), column)).toBe(BLOCK_ROWS);

  // Guessing hits one coefficient in 2^27.
  const whole = model.wholeAnswer([column], streams(1, 2));
  expect(agreement(divide(whole, weightResidues), column)).toBeLessThan(3);
  // The kernels' answer is that one, cut: a function of what told nothing.
  const answer = kernel.answer([column], streams(1, 2), ALL);
  expect(Buffer.compare(answer, model.answer([column], streams(1, 2), ALL))).toBe(0);

  const shares = he.shares(streams(1, 2).mask, ALL);
  const scores = keys.decrypt(answer, ALL).map((value, i) => value + (shares[i] as number));
  expect(scores.every((score, i) => (score | 0) === 31_337 * (column[i] as number))).toBe(true);
});

test("the kernels' answer without its encryption of zero would give the column away", async () => {
  const column = new Int16Array(BLOCK_ROWS).fill(7);
  using keys = await he.createKeys();
  const weight = keys.encrypt(Int32Array.of(1));
  using model = he.createEncryptedModel(1);
  // A public key whose second polynomial is zero stands for leaving u * pk1 out, and the errors are zero bytes make of it.
  model.add(new Uint8Array(weight.length));
  model.add(weight);
  const still = (out: Uint8Array) => out.fill(0);
  const bare = model.answer([column], { mask: streams(3, 4).mask, zero: still }, ALL);
  expect(equalToBare(bare, weight)).toBe(BLOCK_ROWS);
  using recipe = he.createEncryptedModel(1);
  recipe.add(keys.encrypt(Int32Array.of(0)));
  recipe.add(weight);
  expect(equalToBare(recipe.answer([column], streams(3, 4), ALL), weight)).toBeLessThan(3);
});

/** Residues of the answer's c1 that are those of a * column, cut as answers are: what a bank that knows a would look for. */
function equalToBare(answer: Uint8Array, weight: Uint8Array): number {
  using model = new SealModel(chain, 1);
  model.add(new Uint8Array(weight.length));
  model.add(weight);
  using sum = model.weightedSum([undefined, new Int16Array(BLOCK_ROWS).fill(7)]);
  evaluator.cipherModSwitchToInplace(sum, chain.answerId);
  const expected = residuesOf(chain, sum).subarray(3 * BLOCK_ROWS, 4 * BLOCK_ROWS);
  return unpackResidues(answer)
    .subarray(3 * BLOCK_ROWS, 4 * BLOCK_ROWS)
    .filter((value, i) => value === expected[i]).length;
}

test("two answers with the same mask differ everywhere: the encryption of zero is fresh", async () => {
  using keys = await he.createKeys();
  using model = he.createEncryptedModel(1);
  model.add(keys.encrypt(Int32Array.of(0)));
  model.add(keys.encrypt(Int32Array.of(1)));
  const column = new Int16Array(BLOCK_ROWS).fill(3);
  const [one, two] = [5, 6].map((zero) => unpackResidues(model.answer([column], streams(1, zero), ALL))) as [
    Uint32Array,
    Uint32Array,
  ];
  // Equal residues by chance: 49,152 / 2^27.
  expect(one.filter((value, i) => value === two[i]).length).toBeLessThan(4);
});
