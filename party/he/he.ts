/**
 * Encryption for scoring, as the protocols see it: bytes and typed arrays in and out, no SEAL object and no address.
 * node-seal draws its own randomness (from the operating system) for keys and encryption; that is the one exception to
 * "all randomness through Platform". Everything of the partner's comes from streams that the caller seeds.
 */
import type { ByteStream } from "../crypto/bulk.ts";
import { createEncryptedModel } from "./encrypted-model.ts";
import { createKeys } from "./keys.ts";
import type { Released } from "./released.ts";
import { loadSeal, type Seal } from "./seal.ts";
import { createShares } from "./shares.ts";

/** A bank's keys, used with one model version only. Disposing frees them. */
export interface HeKeys extends Disposable {
  /**
   * A fresh encryption under the secret key: CIPHERTEXT_BYTES. `coefficients`: of the polynomial, from the constant one
   * on, at most BLOCK_ROWS; the others are zero. Of zero (`Int32Array.of(0)`) it serves as the public key.
   */
  encrypt(coefficients: Int32Array): Uint8Array;
  /**
   * The released coefficients in [0, 2^32), in order: score + mask. `answer`: a peer's bytes. Throws CIPHERTEXT_INVALID
   * unless they are residues below their primes, of the expected number.
   */
  decrypt(answer: Uint8Array, released: Released): Uint32Array;
  /** SECRET_KEY_BYTES for `He.createKeys` in another process; to be sealed by whoever keeps them. */
  exportSecret(): Uint8Array;
}

/** Seeded freshly for each answer. */
export interface AnswerRandomness {
  /** The mask R, from the same seed as the shares that `He.shares` made of it. */
  readonly mask: ByteStream;
  /** The encryption of zero; of a seed that is used nowhere else. */
  readonly zero: ByteStream;
}

/** A bank's encrypted weights at the partner. */
export interface EncryptedModel extends Disposable {
  /** Weights. */
  readonly features: number;
  /** Whether the public key and all weights have been added. */
  readonly complete: boolean;
  /** The public key first, then each weight: a peer's bytes. Throws CIPHERTEXT_INVALID. */
  add(ciphertext: Uint8Array): void;
  /**
   * sum_j Enc(w_j) * column_j + Enc(0) + (R, 0), cut to q': `answerBytes(released)` that tell the key's owner nothing but
   * score + R in the released coefficients. `columns`: one of BLOCK_ROWS coefficients for each weight.
   */
  answer(columns: readonly Int16Array[], randomness: AnswerRandomness, released: Released): Uint8Array;
}

export interface He {
  /** A fresh key pair, or the one whose `exportSecret` is given. The first call loads SEAL: 0.3 to 0.5 s. */
  createKeys(secretKey?: Uint8Array): Promise<HeKeys>;
  /** Throws INTERNAL unless there are 1 to MAX_WEIGHTS. */
  createEncryptedModel(features: number): EncryptedModel;
  /** The partner's shares of the released coefficients, in order: r = -round(t/q * R) mod t. `mask`: see AnswerRandomness. */
  shares(mask: ByteStream, released: Released): Uint32Array;
}

/** `wasm`: party/wasm/gen/score.wasm. One for each thread. */
export function createHe(wasm: Uint8Array<ArrayBuffer>): He {
  let seal: Promise<Seal> | undefined;
  let shares: He["shares"] | undefined;
  return {
    async createKeys(secretKey) {
      seal ??= loadSeal();
      return createKeys(await seal, wasm, secretKey);
    },
    createEncryptedModel: (features) => createEncryptedModel(wasm, features),
    shares(mask, released) {
      shares ??= createShares(wasm);
      return shares(mask, released);
    },
  };
}
