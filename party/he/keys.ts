/** The bank's side: keys, encryption of weights, decryption of answers. */
import type { Decryptor, Encryptor, SecretKey } from "node-seal/allows";
import { EntenteError } from "../../proto/errors.ts";
import type { HeKeys } from "./he.ts";
import { loadScoreKernels, type ScoreKernels, SPARE_BYTES } from "./kernels.ts";
import {
  CIPHERTEXT_HEAD_BYTES,
  ciphertextBuffer,
  PLAINTEXT_HEAD_BYTES,
  plaintextBuffer,
  savedWords,
} from "./layout.ts";
import {
  ALL_PRIMES,
  ANSWER_PRIMES,
  BLOCK_ROWS,
  CIPHERTEXT_BYTES,
  DATA_PRIMES,
  RESIDUE_BITS,
  SECRET_KEY_BYTES,
  SPECIAL_PRIME,
} from "./params.ts";
import { answerBytes, checkReleased, type Released, residueBytes } from "./released.ts";
import { loadPlaintext, type Seal, type SealContext } from "./seal.ts";

const WORD_BYTES = 8;
/** A polynomial modulo one prime in SEAL's form. */
const SEAL_POLYNOMIAL_BYTES = WORD_BYTES * BLOCK_ROWS;

export function createKeys(seal: Seal, wasm: Uint8Array<ArrayBuffer>, secretKey?: Uint8Array): HeKeys {
  return new SealKeys(seal, loadScoreKernels(wasm), secretKey);
}

/** Of the words of a secret key modulo `primes`; it lies in SEAL as a plaintext does, transformed modulo each prime. */
function loadSecret(seal: Seal, { context, keyId }: SealContext, words: Uint32Array): SecretKey {
  const buffer = plaintextBuffer(words.length, keyId);
  const low = new Uint32Array(buffer.buffer, PLAINTEXT_HEAD_BYTES);
  for (let i = 0; i < words.length; i++) low[2 * i] = words[i] as number;
  const secretKey = new seal.module.SecretKey();
  secretKey.loadFromArray(context, buffer);
  buffer.fill(0);
  return secretKey;
}

class SealKeys implements HeKeys {
  readonly #seal: Seal;
  readonly #kernels: ScoreKernels;
  readonly #secretWords: Uint32Array;
  readonly #secretKeys: readonly SecretKey[];
  readonly #encryptor: Encryptor;
  readonly #decryptor: Decryptor;
  /** Where answers are laid out for SEAL, behind the header that is written once. */
  readonly #laidOut: number;
  readonly #laidOutBytes: number;

  constructor(seal: Seal, kernels: ScoreKernels, exported?: Uint8Array) {
    this.#seal = seal;
    this.#kernels = kernels;
    this.#secretWords = exported === undefined ? this.#generate() : this.#unpackSecret(exported);
    const secretKey = loadSecret(seal, seal.weights, this.#secretWords);
    // A transform modulo a prime does not depend on the other primes of its context.
    const kept = [...ANSWER_PRIMES, SPECIAL_PRIME].map((prime) => ALL_PRIMES.indexOf(prime as never));
    const answerWords = new Uint32Array(kept.length * BLOCK_ROWS);
    for (const [i, k] of kept.entries())
      answerWords.set(this.#secretWords.subarray(k * BLOCK_ROWS, (k + 1) * BLOCK_ROWS), i * BLOCK_ROWS);
    const answerKey = loadSecret(seal, seal.answers, answerWords);
    answerWords.fill(0);
    this.#secretKeys = [secretKey, answerKey];
    const { module } = seal;
    using generator = new module.KeyGenerator(seal.weights.context, secretKey);
    using publicKey = generator.createPublicKey();
    // Of the public key no use is made, but the encryptor asks for one.
    this.#encryptor = new module.Encryptor(seal.weights.context, publicKey, secretKey);
    this.#decryptor = new module.Decryptor(seal.answers.context, answerKey);
    const empty = ciphertextBuffer(new Uint32Array(2 * ANSWER_PRIMES.length * BLOCK_ROWS), seal.answers.dataId, false);
    this.#laidOut = kernels.place(empty).at;
    this.#laidOutBytes = empty.length;
  }

  #generate(): Uint32Array {
    using generator = new this.#seal.module.KeyGenerator(this.#seal.weights.context);
    using secretKey = generator.secretKey();
    const saved = secretKey.saveToArray(this.#seal.module.ComprModeType.none) as Uint8Array;
    const words = savedWords(saved, PLAINTEXT_HEAD_BYTES, ALL_PRIMES.length * BLOCK_ROWS);
    saved.fill(0);
    return words;
  }

  #unpackSecret(exported: Uint8Array): Uint32Array {
    const kernels = this.#kernels;
    if (exported.length !== SECRET_KEY_BYTES) throw new EntenteError("INTERNAL", { detail: "length of a secret key" });
    return kernels.scoped(() => {
      const packed = kernels.allocate(SECRET_KEY_BYTES + SPARE_BYTES);
      const words = kernels.allocate(4 * ALL_PRIMES.length * BLOCK_ROWS);
      packed.bytes().set(exported);
      for (const [k, prime] of ALL_PRIMES.entries()) {
        const from = packed.at + k * residueBytes(BLOCK_ROWS);
        if (kernels.call.unpackWords(from, BLOCK_ROWS, prime, words.at + 4 * k * BLOCK_ROWS, 4) !== 0)
          throw new EntenteError("INTERNAL", { detail: "residues of a secret key" });
      }
      return words.words().slice();
    });
  }

  exportSecret(): Uint8Array {
    const kernels = this.#kernels;
    return kernels.scoped(() => {
      const words = kernels.allocate(4 * this.#secretWords.length);
      words.words().set(this.#secretWords);
      const packed = kernels.allocate(SECRET_KEY_BYTES + SPARE_BYTES);
      kernels.call.packWords(words.at, 4, this.#secretWords.length, packed.at);
      return packed.copy().subarray(0, SECRET_KEY_BYTES);
    });
  }

  encrypt(coefficients: Int32Array): Uint8Array {
    if (coefficients.length < 1 || coefficients.length > BLOCK_ROWS)
      throw new EntenteError("INTERNAL", { detail: "coefficients of a weight" });
    const buffer = plaintextBuffer(coefficients.length);
    const low = new Uint32Array(buffer.buffer, PLAINTEXT_HEAD_BYTES);
    // Modulo t = 2^32 a negative number is its two's complement.
    for (let i = 0; i < coefficients.length; i++) low[2 * i] = coefficients[i] as number;
    using plaintext = new this.#seal.module.Plaintext();
    using ciphertext = new this.#seal.module.Ciphertext();
    loadPlaintext(this.#seal, plaintext, buffer);
    // Under the secret key: the noise is one error term, 2^13 times smaller in the worst case than under the public one.
    this.#encryptor.encryptSymmetric(plaintext, ciphertext);
    return this.#packSaved(ciphertext.saveToArray(this.#seal.module.ComprModeType.none) as Uint8Array);
  }

  #packSaved(saved: Uint8Array): Uint8Array {
    const kernels = this.#kernels;
    const count = 2 * DATA_PRIMES.length * BLOCK_ROWS;
    if (saved.length !== CIPHERTEXT_HEAD_BYTES + WORD_BYTES * count)
      throw new EntenteError("INTERNAL", { detail: "length of a serialised ciphertext" });
    return kernels.scoped(() => {
      const words = kernels.place(saved).at + CIPHERTEXT_HEAD_BYTES;
      const packed = kernels.allocate((count * RESIDUE_BITS) / 8 + SPARE_BYTES);
      kernels.call.packWords(words, WORD_BYTES, count, packed.at);
      return packed.copy().subarray(0, CIPHERTEXT_BYTES);
    });
  }

  decrypt(answer: Uint8Array, released: Released): Uint32Array {
    checkReleased(released);
    this.#layOut(answer, released);
    const { module, answers } = this.#seal;
    using ciphertext = new module.Ciphertext();
    using plaintext = new module.Plaintext();
    ciphertext.loadFromArray(answers.context, this.#kernels.view(this.#laidOut, this.#laidOutBytes));
    this.#decryptor.decrypt(ciphertext, plaintext);
    // SEAL cuts leading zero coefficients off; the length shows in this process only.
    const saved = plaintext.saveToArray(module.ComprModeType.none) as Uint8Array;
    const kept = savedWords(saved, PLAINTEXT_HEAD_BYTES, plaintext.coeffCount());
    const { first, stride, count } = released;
    const values = new Uint32Array(count);
    for (let i = 0, at = first; i < count && at < kept.length; i++, at += stride) values[i] = kept[at] as number;
    return values;
  }

  /** Checks a peer's residues while it writes them, behind a header of this side's own, as SEAL reads a ciphertext. */
  #layOut(answer: Uint8Array, released: Released): void {
    const kernels = this.#kernels;
    if (answer.length !== answerBytes(released))
      throw new EntenteError("CIPHERTEXT_INVALID", { detail: "number of residues" });
    kernels.scoped(() => {
      const packed = kernels.allocate(answer.length + SPARE_BYTES);
      packed.bytes().set(answer);
      let from = packed.at;
      let to = this.#laidOut + CIPHERTEXT_HEAD_BYTES;
      // Coefficients that are not released are zero, and decrypt to nothing that is read.
      kernels.view(to, ANSWER_PRIMES.length * SEAL_POLYNOMIAL_BYTES).fill(0);
      let outOfRange = 0;
      for (const { first, stride, count } of [released, { first: 0, stride: 1, count: BLOCK_ROWS }])
        for (const prime of ANSWER_PRIMES) {
          const at = to + WORD_BYTES * first;
          outOfRange += kernels.call.unpackWords(from, count, prime, at, WORD_BYTES * stride) as number;
          from += residueBytes(count);
          to += SEAL_POLYNOMIAL_BYTES;
        }
      if (outOfRange > 0) throw new EntenteError("CIPHERTEXT_INVALID", { detail: "residue not below its prime" });
    });
  }

  [Symbol.dispose](): void {
    this.#decryptor.delete();
    this.#encryptor.delete();
    for (const secretKey of this.#secretKeys) secretKey.delete();
    this.#secretWords.fill(0);
  }
}
