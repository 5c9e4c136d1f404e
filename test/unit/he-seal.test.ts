import { describe, expect, test } from "vitest";
import type { EncryptedModel, HeKeys } from "../../party/he/he.ts";
import {
  CIPHERTEXT_HEAD_BYTES,
  ciphertextBuffer,
  PLAINTEXT_HEAD_BYTES,
  plaintextBuffer,
  savedWords,
} from "../../party/he/layout.ts";
import * as params from "../../party/he/params.ts";
import { answerBytes } from "../../party/he/released.ts";
import { bulkAes } from "../../party/session/bulk-aes.ts";
import { codeOf } from "../support/code-of.ts";
import { scorePlatform } from "../support/score-run.ts";
import { loadChain, residuesOf } from "../support/score-seal.ts";

const { ALL_PRIMES, BLOCK_ROWS, DATA_PRIMES } = params;
const { he } = scorePlatform;
const chain = await loadChain();
const { seal } = chain;
const none = seal.module.ComprModeType.none;

describe("parameters", () => {
  test("primes are what the ring needs and the modulus is within the 192-bit limit that SEAL knows", () => {
    for (const prime of ALL_PRIMES) {
      expect(prime % (2 * BLOCK_ROWS)).toBe(1);
      expect(prime).toBeLessThan(2 ** params.RESIDUE_BITS);
      using modulus = new seal.module.Modulus(BigInt(prime));
      expect(modulus.isPrime()).toBe(true);
    }
    using key = seal.weights.context.keyContextData();
    expect(key.totalCoeffModulusBitCount()).toBe(151);
    expect(seal.module.CoeffModulus.MaxBitCount(BLOCK_ROWS, seal.module.SecLevelType.tc192)).toBe(152);
  });

  test("lengths are those of 27 bits a residue", () => {
    expect(params.CIPHERTEXT_BYTES).toBe(276_480);
    expect(params.SECRET_KEY_BYTES).toBe(165_888);
    expect(answerBytes({ count: BLOCK_ROWS })).toBe(165_888);
    expect(answerBytes({ count: 512 })).toBe(88_128);
  });

  test("a row fails to decrypt with odds below 2^-43, whatever the number of features", () => {
    expect(Math.log2(params.ANSWER_DELTA)).toBeCloseTo(48.98, 2);
    expect(Math.log2(params.failureOdds(1))).toBeLessThan(-43.2);
    expect(Math.log2(params.failureOdds(params.MAX_FEATURES))).toBeLessThan(-43.2);
    // With two primes rows would fail once in 2^16.
    expect(params.ANSWER_PRIMES.length).toBe(3);
  });

  test("noise is hidden up to a bound of rows times features, and refused above it", () => {
    expect(Math.log2(params.DELTA)).toBeCloseTo(102.965, 2);
    expect(codeOf(() => params.assertNoiseHidden(6, 2 ** 26))).toBeUndefined();
    expect(codeOf(() => params.assertNoiseHidden(6, 2 ** 27))).toBe("BAD_REQUEST");
    expect(codeOf(() => params.assertNoiseHidden(256, 2 ** 21))).toBeUndefined();
    expect(codeOf(() => params.assertNoiseHidden(256, 2 ** 22))).toBe("BAD_REQUEST");
    expect(codeOf(() => params.assertNoiseHidden(Number.NaN, 1))).toBe("BAD_REQUEST");
  });
});

describe("serialised layout", () => {
  test("headers are byte for byte what SEAL writes", () => {
    using generator = new seal.module.KeyGenerator(seal.weights.context);
    using secretKey = generator.secretKey();
    using publicKey = generator.createPublicKey();
    using encryptor = new seal.module.Encryptor(seal.weights.context, publicKey, secretKey);
    using plaintext = new seal.module.Plaintext(BLOCK_ROWS, BLOCK_ROWS);
    using ciphertext = new seal.module.Ciphertext();
    encryptor.encryptSymmetric(plaintext, ciphertext);
    const saved = [plaintext, ciphertext, publicKey].map((object) => object.saveToArray(none) as Uint8Array);
    const mine = [
      plaintextBuffer(BLOCK_ROWS),
      ciphertextBuffer(new Uint32Array(2 * DATA_PRIMES.length * BLOCK_ROWS), seal.weights.dataId, false),
      ciphertextBuffer(new Uint32Array(2 * ALL_PRIMES.length * BLOCK_ROWS), seal.weights.keyId, true),
    ];
    const heads = [PLAINTEXT_HEAD_BYTES, CIPHERTEXT_HEAD_BYTES, CIPHERTEXT_HEAD_BYTES];
    for (const [i, head] of heads.entries()) {
      expect(mine[i]?.length).toBe(saved[i]?.length);
      expect(mine[i]?.subarray(0, head)).toEqual(saved[i]?.slice(0, head));
    }
  });

  test("words of another length are refused", () => {
    expect(codeOf(() => savedWords(new Uint8Array(88 + 8), PLAINTEXT_HEAD_BYTES, 2))).toBe("INTERNAL");
  });
});

describe("noise", () => {
  /** Noise modulo the first prime of encryptions of zero: c0 + c1 * s, centred. */
  function noise(): number[] {
    using generator = new seal.module.KeyGenerator(seal.weights.context);
    using secretKey = generator.secretKey();
    using publicKey = generator.createPublicKey();
    using encryptor = new seal.module.Encryptor(seal.weights.context, publicKey, secretKey);
    using evaluator = new seal.module.Evaluator(seal.weights.context);
    using zero = new seal.module.Plaintext(BLOCK_ROWS, BLOCK_ROWS);
    using ciphertext = new seal.module.Ciphertext();
    encryptor.encryptSymmetric(zero, ciphertext);
    evaluator.cipherTransformToNttInplace(ciphertext);
    const c = residuesOf(chain, ciphertext);
    const saved = secretKey.saveToArray(none) as Uint8Array;
    const s = savedWords(saved, PLAINTEXT_HEAD_BYTES, ALL_PRIMES.length * BLOCK_ROWS);
    const prime = BigInt(DATA_PRIMES[0]);
    const phase = new Uint32Array(c.length);
    for (let i = 0; i < BLOCK_ROWS; i++) {
      const c1 = BigInt(c[DATA_PRIMES.length * BLOCK_ROWS + i] as number);
      phase[i] = Number((BigInt(c[i] as number) + c1 * BigInt(s[i] as number)) % prime);
    }
    ciphertext.loadFromArray(seal.weights.context, ciphertextBuffer(phase, seal.weights.dataId, true));
    evaluator.cipherTransformFromNttInplace(ciphertext);
    const values = residuesOf(chain, ciphertext).subarray(0, BLOCK_ROWS);
    return Array.from(values, (value) => (value > DATA_PRIMES[0] / 2 ? value - DATA_PRIMES[0] : value));
  }

  test("of a weight is one error term: at most 21, variance 10.5", () => {
    const errors = noise();
    expect(Math.max(...errors.map(Math.abs))).toBeLessThanOrEqual(21);
    const variance = errors.reduce((sum, error) => sum + error * error, 0) / errors.length;
    // The deviation of a variance over 8,192 draws is 0.16.
    expect(variance).toBeGreaterThan(9.5);
    expect(variance).toBeLessThan(11.5);
  });
});

describe("keys", () => {
  /** What an answer would be if a weight's own ciphertext were one. */
  const switched = (keys: HeKeys, model: EncryptedModel) => {
    const stream = (seed: number) => bulkAes.ctrStream(new Uint8Array(16).fill(seed));
    const column = new Int16Array(BLOCK_ROWS);
    column[0] = 1;
    const all = { first: 0, stride: 1, count: BLOCK_ROWS };
    const answer = model.answer([column], { mask: stream(1), zero: stream(2) }, all);
    const shares = he.shares(stream(1), all);
    return Int32Array.from(keys.decrypt(answer, all), (value, i) => value + (shares[i] as number));
  };

  test("encrypt every coefficient; what is exported opens the same answers", async () => {
    using keys = await he.createKeys();
    using again = await he.createKeys(keys.exportSecret());
    expect(Buffer.compare(again.exportSecret(), keys.exportSecret())).toBe(0);
    const coefficients = Int32Array.of(-5, 0, 2 ** 31 - 1, -(2 ** 31), 7);
    for (const maker of [keys, again]) {
      using model = he.createEncryptedModel(1);
      model.add(maker.encrypt(Int32Array.of(0)));
      model.add(maker.encrypt(coefficients));
      const opened = switched(maker === keys ? again : keys, model);
      expect(opened.subarray(0, 5)).toEqual(coefficients);
      expect(opened.subarray(5).every((value) => value === 0)).toBe(true);
    }
  });

  test("of another bank open nothing", async () => {
    using keys = await he.createKeys();
    using other = await he.createKeys();
    using model = he.createEncryptedModel(1);
    model.add(keys.encrypt(Int32Array.of(0)));
    model.add(keys.encrypt(Int32Array.of(0)));
    expect(switched(other, model).filter((value) => value === 0).length).toBeLessThan(3);
  });

  test("encrypt afresh each time", async () => {
    using keys = await he.createKeys();
    const [one, two] = [keys.encrypt(Int32Array.of(5)), keys.encrypt(Int32Array.of(5))];
    expect(one.filter((byte, i) => byte === two[i]).length / one.length).toBeLessThan(0.01);
  });

  test("refuse bytes that are no secret key, and coefficients that are none", async () => {
    using keys = await he.createKeys();
    const secret = keys.exportSecret();
    for (const bytes of [secret.subarray(1), new Uint8Array(secret.length).fill(0xff)])
      await expect(he.createKeys(bytes)).rejects.toMatchObject({ code: "INTERNAL" });
    for (const length of [0, BLOCK_ROWS + 1])
      expect(codeOf(() => keys.encrypt(new Int32Array(length)))).toBe("INTERNAL");
  });
});
