/**
 * Ed25519 (RFC 8032) through node:crypto, and nothing else: verifiers disagree on edge cases, and two auditors must not.
 * `node:crypto` is computation, not I/O; the browser build of the SDK does not import this file.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { EntenteError } from "../errors.ts";
import { concat, fromHex } from "./bytes.ts";

export interface VerifyingKey {
  /** Party and role, as `bank/jobs`; the name that signatures carry. */
  readonly keyId: string;
  /** Raw 32 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

export interface SigningKey extends VerifyingKey {
  sign(message: Uint8Array): Uint8Array<ArrayBuffer>;
}

// RFC 8410: fixed DER prefixes before the raw 32 bytes.
const SPKI_PREFIX = fromHex("302a300506032b6570032100");
const PKCS8_PREFIX = fromHex("302e020100300506032b657004220420");

export function publicKeyObject(raw: Uint8Array): KeyObject {
  if (raw.length !== 32) throw new EntenteError("WIRE_INVALID", { detail: "Ed25519 public key length" });
  return createPublicKey({ key: Buffer.from(concat(SPKI_PREFIX, raw)), format: "der", type: "spki" });
}

export function privateKeyObject(seed: Uint8Array): KeyObject {
  if (seed.length !== 32) throw new EntenteError("WIRE_INVALID", { detail: "Ed25519 seed length" });
  const der = concat(PKCS8_PREFIX, seed);
  try {
    return createPrivateKey({ key: Buffer.from(der.buffer), format: "der", type: "pkcs8" });
  } finally {
    der.fill(0);
  }
}

export function verifyingKey(keyId: string, publicKey: Uint8Array): VerifyingKey {
  const key = publicKeyObject(publicKey);
  return {
    keyId,
    publicKey: new Uint8Array(publicKey),
    verify: (message, signature) => signature.length === 64 && verify(null, message, key, signature),
  };
}

/** `seed`: the 32-byte private key of RFC 8032 section 5.1.5. */
export function signingKey(keyId: string, seed: Uint8Array): SigningKey {
  const key = privateKeyObject(seed);
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  const publicKey = new Uint8Array(spki.subarray(SPKI_PREFIX.length));
  return { ...verifyingKey(keyId, publicKey), sign: (message) => new Uint8Array(sign(null, message, key)) };
}
