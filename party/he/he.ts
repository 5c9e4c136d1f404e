/**
 * Encryption for scoring, as the protocols see it: bytes and typed arrays in and out, no SEAL object. node-seal draws its
 * own randomness (from the operating system); that is the one exception to "all randomness through Platform".
 */
import { createEncryptedModel } from "./encrypted-model.ts";
import { createKeys } from "./keys.ts";
import { loadSeal } from "./seal.ts";

/** A bank's key pair, used with one model version only. Disposing frees it; the secret key never leaves SEAL. */
export interface HeKeys extends Disposable {
  /** PUBLIC_KEY_BYTES packed residues. */
  publicKey(): Uint8Array;
  /** A fresh encryption of the constant polynomial `weight` (int32) under the secret key: CIPHERTEXT_BYTES. */
  encryptWeight(weight: number): Uint8Array;
  /** An answer's BLOCK_ROWS coefficients in [0, 2^32): score + mask. Throws CIPHERTEXT_INVALID on other bytes. */
  decrypt(answer: Uint8Array): Uint32Array;
}

/** A bank's encrypted weights at the partner. */
export interface EncryptedModel extends Disposable {
  /** Weights added so far. */
  readonly features: number;
  /** One more weight's ciphertext. Throws CIPHERTEXT_INVALID. */
  addWeight(ciphertext: Uint8Array): void;
  /**
   * sum_j Enc(w_j) * column_j + Enc(0) + (R, 0): CIPHERTEXT_BYTES that tell the key's owner nothing but score + R.
   * `columns`: one Int16Array of BLOCK_ROWS coefficients for each weight. `maskSecret`: R by `uniformMask`, used once.
   */
  answer(columns: readonly Int16Array[], maskSecret: Uint32Array): Uint8Array;
}

export interface He {
  /** A fresh key pair. */
  createKeys(): HeKeys;
  /** `publicKey`: a peer's bytes. Throws CIPHERTEXT_INVALID unless they are residues below their primes. */
  createEncryptedModel(publicKey: Uint8Array): EncryptedModel;
}

/** Takes 0.1 to 0.3 s, once for each thread. */
export async function createHe(): Promise<He> {
  const seal = await loadSeal();
  return {
    createKeys: () => createKeys(seal),
    createEncryptedModel: (publicKey) => createEncryptedModel(seal, publicKey),
  };
}
