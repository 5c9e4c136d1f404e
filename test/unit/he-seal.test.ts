import { describe, expect, test } from "vitest";
import { createEncryptedModel } from "../../party/he/encrypted-model.ts";
import { createKeys } from "../../party/he/keys.ts";
import {
  CIPHERTEXT_HEAD_BYTES,
  ciphertextBuffer,
  PLAINTEXT_HEAD_BYTES,
  plaintextBuffer,
  savedWords,
} from "../../party/he/layout.ts";
import * as params from "../../party/he/params.ts";
import { packResidues, unpackResidues } from "../../party/he/residues.ts";
import { ciphertextResidues, loadSeal } from "../../party/he/seal.ts";
import { SCORE_CIPHERTEXT_BYTES, SCORE_PUBLIC_KEY_BYTES } from "../../proto/codec/score-linear.ts";
import { EntenteError } from "../../proto/errors.ts";
import { sequence } from "../support/score-run.ts";

const { ALL_PRIMES, BLOCK_ROWS, DATA_PRIMES } = params;
const seal = await loadSeal();
const none = seal.module.ComprModeType.none;

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return error instanceof EntenteError ? error.code : String(error);
  }
  return undefined;
}

describe("parameters", () => {
  test("primes are what the ring needs and the modulus is within the 192-bit limit that SEAL knows", () => {
    for (const prime of ALL_PRIMES) {
      expect(prime % (2 * BLOCK_ROWS)).toBe(1);
      expect(prime).toBeLessThan(2 ** params.RESIDUE_BITS);
      using modulus = new seal.module.Modulus(BigInt(prime));
      expect(modulus.isPrime()).toBe(true);
    }
    using key = seal.context.keyContextData();
    expect(key.totalCoeffModulusBitCount()).toBe(151);
    expect(seal.module.CoeffModulus.MaxBitCount(BLOCK_ROWS, seal.module.SecLevelType.tc192)).toBe(152);
  });

  test("the wire's lengths are those of the parameters", () => {
    expect(SCORE_CIPHERTEXT_BYTES).toBe(params.CIPHERTEXT_BYTES);
    expect(SCORE_PUBLIC_KEY_BYTES).toBe(params.PUBLIC_KEY_BYTES);
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
    using generator = new seal.module.KeyGenerator(seal.context);
    using secretKey = generator.secretKey();
    using publicKey = generator.createPublicKey();
    using encryptor = new seal.module.Encryptor(seal.context, publicKey, secretKey);
    using plaintext = new seal.module.Plaintext(BLOCK_ROWS, BLOCK_ROWS);
    using ciphertext = new seal.module.Ciphertext();
    encryptor.encryptSymmetric(plaintext, ciphertext);
    const saved = [plaintext, ciphertext, publicKey].map((object) => object.saveToArray(none) as Uint8Array);
    const mine = [
      plaintextBuffer(BLOCK_ROWS),
      ciphertextBuffer(new Uint32Array(2 * DATA_PRIMES.length * BLOCK_ROWS), seal.dataId, false),
      ciphertextBuffer(new Uint32Array(2 * ALL_PRIMES.length * BLOCK_ROWS), seal.keyId, true),
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

describe("residues", () => {
  const next = sequence(3);
  const residues = Uint32Array.from({ length: 2 * DATA_PRIMES.length * BLOCK_ROWS }, (_, i) => {
    const prime = DATA_PRIMES[Math.floor(i / BLOCK_ROWS) % DATA_PRIMES.length] as number;
    return Math.floor(next() * prime);
  });

  test("27 bits each, least significant first", () => {
    let expected = 0n;
    for (let i = 15; i >= 0; i--) expected = (expected << 27n) | BigInt(residues[i] as number);
    const packed = packResidues(residues.slice(0, 16));
    expect(packed.length).toBe(54);
    expect(BigInt(`0x${packed.slice().reverse().toHex()}`)).toBe(expected);
  });

  test("come back", () => {
    expect(unpackResidues(packResidues(residues), 2, DATA_PRIMES)).toEqual(residues);
  });

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8191, 8192, 40_960, 81_919])(
    "at %i: prime - 1 is taken, the prime refused",
    (at) => {
      const prime = DATA_PRIMES[Math.floor(at / BLOCK_ROWS) % DATA_PRIMES.length] as number;
      const changed = residues.slice();
      changed[at] = prime - 1;
      expect(unpackResidues(packResidues(changed), 2, DATA_PRIMES)[at]).toBe(prime - 1);
      changed[at] = prime;
      expect(codeOf(() => unpackResidues(packResidues(changed), 2, DATA_PRIMES))).toBe("CIPHERTEXT_INVALID");
    },
  );

  test("of another number are refused", () => {
    const packed = packResidues(residues);
    for (const bytes of [packed.subarray(1), new Uint8Array(packed.length + 1), new Uint8Array(0)])
      expect(codeOf(() => unpackResidues(bytes, 2, DATA_PRIMES))).toBe("CIPHERTEXT_INVALID");
  });
});

describe("noise", () => {
  /** Noise modulo the first prime of encryptions of zero: c0 + c1 * s, centred. */
  function noise(symmetric: boolean): number[] {
    using generator = new seal.module.KeyGenerator(seal.context);
    using secretKey = generator.secretKey();
    using publicKey = generator.createPublicKey();
    using encryptor = new seal.module.Encryptor(seal.context, publicKey, secretKey);
    using evaluator = new seal.module.Evaluator(seal.context);
    using zero = new seal.module.Plaintext(BLOCK_ROWS, BLOCK_ROWS);
    using ciphertext = new seal.module.Ciphertext();
    if (symmetric) encryptor.encryptSymmetric(zero, ciphertext);
    else encryptor.encryptZero(ciphertext);
    evaluator.cipherTransformToNttInplace(ciphertext);
    const c = ciphertextResidues(seal, ciphertext);
    const saved = secretKey.saveToArray(none) as Uint8Array;
    const s = savedWords(saved, PLAINTEXT_HEAD_BYTES, ALL_PRIMES.length * BLOCK_ROWS);
    const prime = BigInt(DATA_PRIMES[0]);
    const phase = new Uint32Array(c.length);
    for (let i = 0; i < BLOCK_ROWS; i++) {
      const c1 = BigInt(c[DATA_PRIMES.length * BLOCK_ROWS + i] as number);
      phase[i] = Number((BigInt(c[i] as number) + c1 * BigInt(s[i] as number)) % prime);
    }
    ciphertext.loadFromArray(seal.context, ciphertextBuffer(phase, seal.dataId, true));
    evaluator.cipherTransformFromNttInplace(ciphertext);
    const values = ciphertextResidues(seal, ciphertext).subarray(0, BLOCK_ROWS);
    return Array.from(values, (value) => (value > DATA_PRIMES[0] / 2 ? value - DATA_PRIMES[0] : value));
  }

  test("of a weight is one error term: at most 21, variance 10.5", () => {
    const errors = noise(true);
    expect(Math.max(...errors.map(Math.abs))).toBeLessThanOrEqual(21);
    const variance = errors.reduce((sum, error) => sum + error * error, 0) / errors.length;
    // The deviation of a variance over 8,192 draws is 0.16.
    expect(variance).toBeGreaterThan(9.5);
    expect(variance).toBeLessThan(11.5);
  });

  test("of the encryption of zero is what dividing by the special prime leaves: far below n", () => {
    const largest = Math.max(...noise(false).map(Math.abs));
    expect(largest).toBeGreaterThan(0);
    expect(largest).toBeLessThan(BLOCK_ROWS / 8);
  });
});

describe("keys and encrypted models", () => {
  test("an all-zero answer decrypts to zeros although SEAL cuts it short", () => {
    using keys = createKeys(seal);
    expect(keys.decrypt(keys.encryptWeight(0))).toEqual(new Uint32Array(BLOCK_ROWS));
    const constant = keys.decrypt(keys.encryptWeight(-5));
    expect(constant[0]).toBe(2 ** 32 - 5);
    expect(constant.subarray(1).every((value) => value === 0)).toBe(true);
  });

  test("two encryptions of one weight differ", () => {
    using keys = createKeys(seal);
    expect(keys.encryptWeight(5)).not.toEqual(keys.encryptWeight(5));
  });

  test.each([0.5, 2 ** 31, Number.NaN])("a weight of %d is refused", (weight) => {
    using keys = createKeys(seal);
    expect(codeOf(() => keys.encryptWeight(weight))).toBe("MODEL_HEADROOM");
  });

  test("bytes that are not residues are refused wherever a peer's come in", () => {
    using keys = createKeys(seal);
    using model = createEncryptedModel(seal, keys.publicKey());
    const ones = (length: number) => new Uint8Array(length).fill(0xff);
    const [keyBytes, ciphertextBytes] = [params.PUBLIC_KEY_BYTES, params.CIPHERTEXT_BYTES];
    for (const bytes of [ones(keyBytes), ones(ciphertextBytes), new Uint8Array(0)])
      expect(codeOf(() => createEncryptedModel(seal, bytes))).toBe("CIPHERTEXT_INVALID");
    for (const bytes of [ones(ciphertextBytes), ones(keyBytes), new Uint8Array(0)]) {
      expect(codeOf(() => model.addWeight(bytes))).toBe("CIPHERTEXT_INVALID");
      expect(codeOf(() => keys.decrypt(bytes))).toBe("CIPHERTEXT_INVALID");
    }
    expect(model.features).toBe(0);
  });

  test("columns that do not fit the weights are refused", () => {
    using keys = createKeys(seal);
    using model = createEncryptedModel(seal, keys.publicKey());
    expect(codeOf(() => model.weightedSum([]))).toBe("INTERNAL");
    model.addWeight(keys.encryptWeight(1));
    expect(codeOf(() => model.weightedSum([]))).toBe("INTERNAL");
    expect(codeOf(() => model.weightedSum([new Int16Array(BLOCK_ROWS - 1)]))).toBe("INTERNAL");
  });
});
