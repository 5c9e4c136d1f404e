/**
 * An answer of trees carries more than scores: beside each row's score stand sums that tell its leaf. They are masked like
 * the scores, and neither they nor their shares are sent.
 */
import { describe, expect, test } from "vitest";
import { BLOCK_ROWS } from "../../party/he/params.ts";
import { answerBytes } from "../../party/he/released.ts";
import { releasedOf } from "../../party/protocols/score-linear/params.ts";
import { bulkAes } from "../../party/session/bulk-aes.ts";
import { leafIndex, type Tree } from "../../proto/model/tree.ts";
import { fullTree } from "../support/model-trees.ts";
import { scorePlatform, sequence } from "../support/score-run.ts";
import { unpackResidues } from "../support/score-twin.ts";
import { modelOfTrees, partnerRows, treeCase, treesContext } from "../support/tree-run.ts";

const { he } = scorePlatform;
const ALL = { first: 0, stride: 1, count: BLOCK_ROWS };
const ROWS = 512;
const SAME = 7;
const streams = (mask: number, zero: number) => ({
  mask: bulkAes.ctrStream(new Uint8Array(16).fill(mask)),
  zero: bulkAes.ctrStream(new Uint8Array(16).fill(zero)),
});

const copied = (block: readonly Int16Array[]) => block.map((values) => values.slice());

function firstOf<T>(items: Iterable<T>, copy: (item: T) => T): T {
  for (const item of items) return copy(item);
  throw new Error("no block");
}

/** All sixteen leaves have one value, so that scores tell nothing. */
const tree: Tree = { ...fullTree(4, 3, 5), leaves: new Array(16).fill(2 ** 30) };
const of = treeCase(modelOfTrees([tree]));
of.polynomials[0]?.fill(SAME);
const next = sequence(3);
const rows = Array.from({ length: ROWS }, () => ({
  own: [],
  partner: of.view.columns.map(() => next() * 2 - 1),
}));
/** The tree names columns by its own numbers, the view in the order of use. */
const inOrder = (values: readonly number[]) =>
  [..."abc"].map((name) => values[of.view.columns.indexOf(name)] as number);
const leaves = rows.map(({ partner }) => leafIndex(tree, inOrder(partner), "float32-below"));
/** Wiped once the next block is asked for. */
const polynomials = firstOf(partnerRows(of, rows).blocks(Uint32Array.from({ length: ROWS }, (_, i) => i)), copied);
const released = releasedOf(treesContext(of, { senderCapacity: ROWS }), 0);

const keys = await he.createKeys();
const model = he.createEncryptedModel(1);
model.add(keys.encrypt(Int32Array.of(0)));
model.add(keys.encrypt(of.polynomials[0] as Int32Array));
const answer = (which: typeof ALL, mask = 1, zero = 2) => model.answer(polynomials, streams(mask, zero), which);

/** Where a row's own leaf begins to count, beside what is left of the row before. Into the first row the last one wraps. */
function leavesFrom(coefficients: Uint32Array, first: number): number[] {
  const found = [first];
  for (let i = 1; i < ROWS; i++) {
    const before = found[i - 1] as number;
    const own = (j: number) => (coefficients[16 * i + j] as number) - (before > j ? SAME : 0);
    found.push(Array.from({ length: 16 }, (_, j) => j).findIndex((j) => own(j) === SAME));
  }
  return found;
}

describe("what a bank would see", () => {
  test("of all shares: every row's leaf, although all scores are equal", () => {
    const shares = he.shares(streams(1, 2).mask, ALL);
    const plain = keys.decrypt(answer(ALL), ALL).map((value, i) => value + (shares[i] as number));
    expect(new Set(leaves).size).toBeGreaterThan(4);
    expect(leavesFrom(plain, leaves[0] as number)).toEqual(leaves);
    expect(plain.filter((_, i) => i % 16 === 15).every((score) => score === SAME)).toBe(true);
  });

  test("of all coefficients without shares: nothing", () => {
    const masked = keys.decrypt(answer(ALL), ALL);
    // A value is the same by chance once in 2^32.
    expect(masked.filter((value) => value === SAME || value === 0).length).toBeLessThan(2);
    const again = keys.decrypt(answer(ALL, 3, 4), ALL);
    expect(masked.filter((value, i) => value === again[i]).length).toBeLessThan(2);
    const counts = new Array<number>(256).fill(0);
    for (const value of masked) counts[value >>> 24] = (counts[value >>> 24] as number) + 1;
    // 255 degrees of freedom: 400 is passed less than once in 10^7.
    expect(counts.reduce((sum, count) => sum + (count - 32) ** 2 / 32, 0)).toBeLessThan(400);
  });
});

test("only the scores' coefficients are sent, and shares are of these", () => {
  expect(released).toEqual({ first: 15, stride: 16, count: ROWS });
  const [sent, all] = [unpackResidues(answer(released)), unpackResidues(answer(ALL))];
  expect(answer(released).length).toBe(88_128);
  expect(answerBytes(released)).toBe(88_128);
  // c0 modulo three primes, then c1, whole in both.
  const kept = [0, 1, 2].flatMap((k) =>
    [...all.subarray(k * BLOCK_ROWS, (k + 1) * BLOCK_ROWS)].filter((_, i) => i % 16 === 15),
  );
  expect([...sent.subarray(0, 3 * ROWS)]).toEqual(kept);
  expect(sent.subarray(3 * ROWS)).toEqual(all.subarray(3 * BLOCK_ROWS));
  const [few, many] = [released, ALL].map((which) => he.shares(streams(1, 2).mask, which)) as [
    Uint32Array,
    Uint32Array,
  ];
  expect([...few]).toEqual([...many.filter((_, i) => i % 16 === 15)]);
  const scores = keys.decrypt(answer(released), released).map((value, i) => value + (few[i] as number));
  expect(scores.every((score) => score === SAME)).toBe(true);
});

test("of the last block only the slots that there are", () => {
  const at = (senderCapacity: number, block: number) => releasedOf(treesContext(of, { senderCapacity }), block);
  expect(at(513, 0).count).toBe(512);
  expect(at(513, 1)).toEqual({ first: 15, stride: 16, count: 8 });
  expect(at(1024, 1).count).toBe(512);
});

test("padding has a leaf as rows have", () => {
  const [ones] = firstOf(partnerRows(of, rows.slice(0, 1)).blocks(Uint32Array.of(5, 0, 9)), copied) as [Int16Array];
  const hot = [...ones.keys()].filter((i) => ones[i] !== 0);
  expect(hot.map((i) => Math.floor(i / 16))).toEqual([0, 1, 2]);
  expect(hot.map((i) => ones[i])).toEqual([1, 1, 1]);
  expect((hot[1] as number) % 16).toBe(leaves[0]);
});
