/**
 * A model version encrypted: what the partner keeps from job to job (the bundle), and what the bank keeps (the bundle and
 * the secret key). Both are opaque bytes to whoever stores them, under the version's commitment. Shared by every scoring
 * protocol: a weight is a polynomial.
 */
import { concat, equalBytes } from "../../../proto/encoding/bytes.ts";
import { domainHash } from "../../../proto/encoding/sha256.ts";
import { EntenteError } from "../../../proto/errors.ts";
import type { Platform } from "../../crypto/platform.ts";
import type { EncryptedModel, He, HeKeys } from "../../he/he.ts";
import { CIPHERTEXT_BYTES, PARAMETER_DIGEST as HE_DIGEST, SECRET_KEY_BYTES } from "../../he/params.ts";

type ModelPlatform = Platform & { readonly he: He };

/** The public key's ciphertext and one for each weight. */
export function bundleBytes(weights: number): number {
  return (weights + 1) * CIPHERTEXT_BYTES;
}

/** At the bank. Disposing frees the keys. */
export interface BankModel extends Disposable {
  readonly keys: HeKeys;
  /** SHA-256 over the parameters and the weights. */
  readonly plainDigest: Uint8Array;
  /** CIPHERTEXT_BYTES for the public key, then for each weight. */
  readonly bundle: Uint8Array;
  /** SHA-256 of the bundle. */
  readonly bundleDigest: Uint8Array;
}

function bankModel(platform: Platform, keys: HeKeys, plainDigest: Uint8Array, bundle: Uint8Array): BankModel {
  return {
    keys,
    plainDigest,
    bundle,
    bundleDigest: platform.sha256(bundle),
    [Symbol.dispose]: () => keys[Symbol.dispose](),
  };
}

function plainDigestOf(weights: readonly Int32Array[]): Uint8Array {
  const parts = weights.map((weight) => new Uint8Array(weight.slice().buffer));
  return domainHash("entente score weights/1", HE_DIGEST, ...parts);
}

/** Fresh keys, and every weight encrypted: about 6 ms each. `weights`: coefficients of each polynomial, from the constant. */
export async function encryptModel(platform: ModelPlatform, weights: readonly Int32Array[]): Promise<BankModel> {
  const keys = await platform.he.createKeys();
  const bundle = new Uint8Array(bundleBytes(weights.length));
  for (const [j, weight] of [Int32Array.of(0), ...weights].entries())
    bundle.set(keys.encrypt(weight), j * CIPHERTEXT_BYTES);
  return bankModel(platform, keys, plainDigestOf(weights), bundle);
}

/** All of it as bytes, for another job with the same version. They hold the secret key: to be sealed. */
export function exportModel({ keys, plainDigest, bundle }: BankModel): Uint8Array {
  return concat(plainDigest, keys.exportSecret(), bundle);
}

/** Undefined when the bytes are of other parameters or weights: the model is then encrypted anew. */
export async function importModel(
  platform: ModelPlatform,
  exported: Uint8Array,
  weights: readonly Int32Array[],
): Promise<BankModel | undefined> {
  const plainDigest = plainDigestOf(weights);
  const head = plainDigest.length + SECRET_KEY_BYTES;
  if (exported.length !== head + bundleBytes(weights.length)) return undefined;
  if (!equalBytes(exported.subarray(0, plainDigest.length), plainDigest)) return undefined;
  const keys = await platform.he.createKeys(exported.subarray(plainDigest.length, head));
  return bankModel(platform, keys, plainDigest, exported.slice(head));
}

/** One ciphertext of a bundle; 0 is the public key. */
export function ciphertextAt(bundle: Uint8Array, index: number): Uint8Array {
  return bundle.subarray(index * CIPHERTEXT_BYTES, (index + 1) * CIPHERTEXT_BYTES);
}

/** The partner's model of a whole bundle. Throws CIPHERTEXT_INVALID. */
export function openBundle(he: He, bundle: Uint8Array, weights: number): EncryptedModel {
  if (bundle.length !== bundleBytes(weights))
    throw new EntenteError("CIPHERTEXT_INVALID", { detail: "number of ciphertexts" });
  const model = he.createEncryptedModel(weights);
  try {
    for (let j = 0; j <= weights; j++) model.add(ciphertextAt(bundle, j));
    return model;
  } catch (error) {
    model[Symbol.dispose]();
    throw error;
  }
}
