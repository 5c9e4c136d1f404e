/** The kernels against node-seal, bit for bit, and against the plain integers. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EncryptedModel } from "../../party/he/he.ts";
import { BLOCK_ROWS, DATA_PRIMES } from "../../party/he/params.ts";
import { answerBytes, type Released } from "../../party/he/released.ts";
import { bulkAes } from "../../party/session/bulk-aes.ts";
import { codeOf } from "../support/code-of.ts";
import { scorePlatform, sequence } from "../support/score-run.ts";
import { loadChain, SealModel } from "../support/score-seal.ts";

const { he } = scorePlatform;
const chain = await loadChain();
const keys = await he.createKeys();
const ALL: Released = { first: 0, stride: 1, count: BLOCK_ROWS };
const streams = (seed: number) => ({
  mask: bulkAes.ctrStream(new Uint8Array(16).fill(seed)),
  zero: bulkAes.ctrStream(new Uint8Array(16).fill(seed + 100)),
});

function modelsOf(weights: readonly Int32Array[]): [EncryptedModel, SealModel] {
  const models: [EncryptedModel, SealModel] = [
    he.createEncryptedModel(weights.length),
    new SealModel(chain, weights.length),
  ];
  for (const weight of [Int32Array.of(0), ...weights]) {
    const ciphertext = keys.encrypt(weight);
    for (const model of models) model.add(ciphertext);
  }
  return models;
}

function randomColumn(seed: number, low = -32768, high = 32767): Int16Array {
  const next = sequence(seed);
  return Int16Array.from({ length: BLOCK_ROWS }, () => low + Math.floor(next() * (high - low + 1)));
}

/** Scores of the released coefficients as bank and partner make them together. */
function scores(model: EncryptedModel, columns: readonly Int16Array[], seed: number, released = ALL): Int32Array {
  const answer = model.answer(columns, streams(seed), released);
  expect(answer.length).toBe(answerBytes(released));
  const shares = he.shares(streams(seed).mask, released);
  return Int32Array.from(keys.decrypt(answer, released), (value, i) => value + (shares[i] as number));
}

/** Coefficients of sum_j w_j(X) x_j(X) modulo X^n + 1 and 2^32. */
function products(weights: readonly Int32Array[], columns: readonly Int16Array[]): Int32Array {
  const out = new Int32Array(BLOCK_ROWS);
  for (const [j, weight] of weights.entries())
    for (const [k, w] of weight.entries())
      for (let i = 0; i < BLOCK_ROWS; i++) {
        const product = Math.imul(w, columns[j]?.[i] as number);
        const at = i + k;
        if (at < BLOCK_ROWS) out[at] = (out[at] as number) + product;
        else out[at - BLOCK_ROWS] = (out[at - BLOCK_ROWS] as number) - product;
      }
  return out;
}

describe("kernel answers", () => {
  test("equal node-seal's bit for bit, decrypt there to the integers, and differ with each stream", () => {
    const weights = [Int32Array.of(31_337), Int32Array.of(-2), Int32Array.of(0)];
    const columns = [randomColumn(1), randomColumn(2, -3, 3), randomColumn(3)];
    const [kernel, seal] = modelsOf(weights);
    using _kernel = kernel;
    using _seal = seal;
    const mine = kernel.answer(columns, streams(1), ALL);
    expect(Buffer.compare(mine, seal.answer(columns, streams(1), ALL))).toBe(0);
    expect(scores(kernel, columns, 1)).toEqual(products(weights, columns));
    const other = kernel.answer(columns, { ...streams(1), zero: streams(2).zero }, ALL);
    const equal = mine.filter((byte, i) => byte === other[i]).length;
    expect(equal / mine.length).toBeLessThan(0.01);
  });

  test("of columns that are zero, constant or at the ends of their range", () => {
    const ends = (first: number) =>
      Int16Array.from({ length: BLOCK_ROWS }, (_, i) => (i % 2 === 0 ? first : -1 - first));
    const columns = [-32768, 32767, 0, 1, -1].map((value) => new Int16Array(BLOCK_ROWS).fill(value));
    columns.push(ends(32767), ends(-32768));
    const weights = [-2_000, 1_999, 777, -5, 2 ** 20, 3_000, -16_000].map((weight) => Int32Array.of(weight));
    const [kernel, seal] = modelsOf(weights);
    using _kernel = kernel;
    using _seal = seal;
    expect(Buffer.compare(kernel.answer(columns, streams(3), ALL), seal.answer(columns, streams(3), ALL))).toBe(0);
    expect(scores(kernel, columns, 3)).toEqual(products(weights, columns));
  });

  test.each([15, 16, 33])("of %i features: groups of columns that are full, or not", (count) => {
    const weights = Array.from({ length: count }, (_, j) => Int32Array.of(j % 2 === 0 ? 1000 + j : -500 - j));
    const columns = weights.map((_, j) => randomColumn(j + 10, -1000, 1000));
    using model = he.createEncryptedModel(count);
    for (const weight of [Int32Array.of(0), ...weights]) model.add(keys.encrypt(weight));
    expect(scores(model, columns, 4)).toEqual(products(weights, columns));
  });

  test("of as many features as there may be: partial sums stay in their lanes", () => {
    const [zero, weight] = [keys.encrypt(Int32Array.of(0)), keys.encrypt(Int32Array.of(255))];
    using model = he.createEncryptedModel(256);
    model.add(zero);
    for (let j = 0; j < 256; j++) model.add(weight);
    // One ciphertext again and again and equal columns: what is summed up is always the same, and so are its residues.
    for (const column of [new Int16Array(BLOCK_ROWS).fill(32_767), randomColumn(6)])
      expect(scores(model, new Array<Int16Array>(256).fill(column), 6)).toEqual(
        Int32Array.from(column, (value) => 256 * 255 * value),
      );
  });

  test("with polynomials as weights, released in every sixteenth coefficient", () => {
    const released: Released = { first: 15, stride: 16, count: 512 };
    const weights = [1, 2].map((seed) => Int32Array.from(randomColumn(seed).subarray(0, 16), (x) => x * 500));
    const columns = [randomColumn(21, 0, 1), randomColumn(22, 0, 1)];
    const [kernel, seal] = modelsOf(weights);
    using _kernel = kernel;
    using _seal = seal;
    expect(
      Buffer.compare(kernel.answer(columns, streams(5), released), seal.answer(columns, streams(5), released)),
    ).toBe(0);
    const whole = products(weights, columns);
    expect(scores(kernel, columns, 5, released)).toEqual(
      Int32Array.from({ length: 512 }, (_, i) => whole[15 + 16 * i] as number),
    );
  });

  test("are exact for any weights, columns and number of released coefficients", () => {
    const int16 = fc.integer({ min: -32768, max: 32767 });
    const feature = fc.record({
      weight: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      edge: int16,
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(
        fc.array(feature, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 1024 }),
        (features, eights) => {
          const weights = features.map(({ weight }) => Int32Array.of(weight));
          const columns = features.map(({ edge, seed }) =>
            randomColumn(seed + 1, Math.min(0, edge), Math.max(0, edge)),
          );
          const [kernel, seal] = modelsOf(weights);
          using _kernel = kernel;
          using _seal = seal;
          const released = { first: 0, stride: 1, count: 8 * eights };
          const expected = products(weights, columns).subarray(0, 8 * eights);
          expect(scores(kernel, columns, eights % 100, released)).toEqual(expected);
        },
      ),
      { numRuns: 6 },
    );
  });
});

describe("refused", () => {
  const column = new Int16Array(BLOCK_ROWS);

  test("bytes that are not residues below their primes, at every prime and polynomial", () => {
    const good = keys.encrypt(Int32Array.of(1));
    using model = he.createEncryptedModel(1);
    for (const bytes of [good.subarray(1), new Uint8Array(good.length + 1), new Uint8Array(0)])
      expect(codeOf(() => model.add(bytes))).toBe("CIPHERTEXT_INVALID");
    for (let polynomial = 0; polynomial < 10; polynomial++) {
      const prime = DATA_PRIMES[polynomial % 5] as number;
      for (const [value, code] of [
        [prime, "CIPHERTEXT_INVALID"],
        [2 ** 27 - 1, "CIPHERTEXT_INVALID"],
      ] as const) {
        const bytes = good.slice();
        // The first residue of a polynomial takes the first 27 bits.
        new DataView(bytes.buffer).setUint32(polynomial * 27_648, value, true);
        expect(codeOf(() => model.add(bytes))).toBe(code);
      }
    }
    expect(model.complete).toBe(false);
    const least = good.slice();
    new DataView(least.buffer).setUint32(0, DATA_PRIMES[0] - 1, true);
    expect(codeOf(() => model.add(least))).toBeUndefined();
  });

  test("answers that are not residues of the number released", () => {
    const some: Released = { first: 0, stride: 1, count: 16 };
    const zeros = new Uint8Array(answerBytes(some));
    expect(codeOf(() => keys.decrypt(zeros, some))).toBeUndefined();
    for (const bytes of [zeros.subarray(1), new Uint8Array(answerBytes(ALL)), new Uint8Array(0), zeros.map(() => 255)])
      expect(codeOf(() => keys.decrypt(bytes, some))).toBe("CIPHERTEXT_INVALID");
  });

  test("columns and ciphertexts of another number, and coefficients that are not in a block", () => {
    using model = he.createEncryptedModel(1);
    model.add(keys.encrypt(Int32Array.of(0)));
    expect(codeOf(() => model.answer([column], streams(1), ALL))).toBe("INTERNAL");
    model.add(keys.encrypt(Int32Array.of(7)));
    expect(codeOf(() => model.add(keys.encrypt(Int32Array.of(7))))).toBe("INTERNAL");
    for (const columns of [[], [column, column], [column.subarray(1)]])
      expect(codeOf(() => model.answer(columns, streams(1), ALL))).toBe("INTERNAL");
    for (const change of [
      { count: 12 },
      { count: 0 },
      { stride: 0 },
      { first: -8 },
      { first: 8 },
      { count: Number.NaN },
    ])
      expect(codeOf(() => model.answer([column], streams(1), { ...ALL, ...change }))).toBe("INTERNAL");
    for (const features of [0, 513, 1.5]) expect(codeOf(() => he.createEncryptedModel(features))).toBe("INTERNAL");
  });
});
