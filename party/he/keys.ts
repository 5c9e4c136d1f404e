/** The bank's side: keys, encryption of weights, decryption of answers. */
import type { Decryptor, Encryptor, PublicKey, SecretKey } from "node-seal/allows";
import { EntenteError } from "../../proto/errors.ts";
import type { HeKeys } from "./he.ts";
import { CIPHERTEXT_HEAD_BYTES, PLAINTEXT_HEAD_BYTES, plaintextBuffer, savedWords } from "./layout.ts";
import { ALL_PRIMES, BLOCK_ROWS, DATA_PRIMES } from "./params.ts";
import { packResidues, unpackResidues } from "./residues.ts";
import { ciphertextResidues, loadCiphertext, loadPlaintext, type Seal } from "./seal.ts";

export function createKeys(seal: Seal): HeKeys {
  return new SealKeys(seal);
}

class SealKeys implements HeKeys {
  readonly #seal: Seal;
  readonly #secretKey: SecretKey;
  readonly #publicKey: PublicKey;
  readonly #encryptor: Encryptor;
  readonly #decryptor: Decryptor;

  constructor(seal: Seal) {
    this.#seal = seal;
    using generator = new seal.module.KeyGenerator(seal.context);
    this.#secretKey = generator.secretKey();
    this.#publicKey = generator.createPublicKey();
    this.#encryptor = new seal.module.Encryptor(seal.context, this.#publicKey, this.#secretKey);
    this.#decryptor = new seal.module.Decryptor(seal.context, this.#secretKey);
  }

  publicKey(): Uint8Array {
    const saved = this.#publicKey.saveToArray(this.#seal.module.ComprModeType.none) as Uint8Array;
    return packResidues(savedWords(saved, CIPHERTEXT_HEAD_BYTES, 2 * ALL_PRIMES.length * BLOCK_ROWS));
  }

  encryptWeight(weight: number): Uint8Array {
    if (!Number.isInteger(weight) || weight !== (weight | 0))
      throw new EntenteError("MODEL_HEADROOM", { detail: "a weight is not a 32-bit integer" });
    const buffer = plaintextBuffer(1);
    new DataView(buffer.buffer).setUint32(PLAINTEXT_HEAD_BYTES, weight >>> 0, true);
    using plaintext = new this.#seal.module.Plaintext();
    using ciphertext = new this.#seal.module.Ciphertext();
    loadPlaintext(this.#seal, plaintext, buffer);
    // Under the secret key: the noise is one error term, 2^13 times smaller in the worst case than under the public one.
    this.#encryptor.encryptSymmetric(plaintext, ciphertext);
    return packResidues(ciphertextResidues(this.#seal, ciphertext));
  }

  decrypt(answer: Uint8Array): Uint32Array {
    using ciphertext = loadCiphertext(this.#seal, unpackResidues(answer, 2, DATA_PRIMES));
    using plaintext = new this.#seal.module.Plaintext();
    this.#decryptor.decrypt(ciphertext, plaintext);
    // SEAL cuts leading zero coefficients off; the length shows in this process only.
    const kept = plaintext.coeffCount();
    const saved = plaintext.saveToArray(this.#seal.module.ComprModeType.none) as Uint8Array;
    const coefficients = new Uint32Array(BLOCK_ROWS);
    coefficients.set(savedWords(saved, PLAINTEXT_HEAD_BYTES, kept));
    return coefficients;
  }

  [Symbol.dispose](): void {
    this.#decryptor.delete();
    this.#encryptor.delete();
    this.#publicKey.delete();
    this.#secretKey.delete();
  }
}
