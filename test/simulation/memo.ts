/**
 * Ed25519's keys and verifications, remembered: the same agreements and keysets are verified again and again in every simulation of a
 * thread, and what was signed here verifies. All are functions of their arguments alone (RFC 8032: so is a signature), so nothing
 * that runs can tell. Imported before anything else.
 */
import crypto, { type KeyObject } from "node:crypto";
import { syncBuiltinESMExports } from "node:module";

const MAX_KEPT = 20_000;
/** Algorithm, message, key, signature: no callback. */
type VerifyArguments = [string | null | undefined, Uint8Array, KeyObject, Uint8Array];
type SignArguments = [string | null | undefined, Uint8Array, KeyObject];

const { createPrivateKey, createPublicKey, hash } = crypto;
const verify = crypto.verify as (...args: VerifyArguments) => boolean;
const sign = crypto.sign as (...args: SignArguments) => Buffer;

const keys = new Map<string, KeyObject>();
/** Of a private key, its public half. */
const publicHalves = new WeakMap<KeyObject, KeyObject>();
/** DER of the public keys that were read here, base64. */
const names = new WeakMap<KeyObject, string>();
const verified = new Map<string, boolean>();

function keep<V>(kept: Map<string, V>, name: string, value: V): V {
  if (kept.size >= MAX_KEPT) kept.delete(kept.keys().next().value as string);
  kept.set(name, value);
  return value;
}

function derOf(input: unknown): Buffer | undefined {
  if (typeof input !== "object" || input === null || !("key" in input)) return undefined;
  return Buffer.isBuffer(input.key) && "format" in input && input.format === "der" ? input.key : undefined;
}

function rememberedPrivate(...args: Parameters<typeof createPrivateKey>): KeyObject {
  const der = derOf(args[0]);
  if (der === undefined) return createPrivateKey(...args);
  const name = `private ${der.toString("base64")}`;
  return keys.get(name) ?? keep(keys, name, createPrivateKey(...args));
}

function rememberedPublic(...args: Parameters<typeof createPublicKey>): KeyObject {
  const [input] = args;
  const der = derOf(input);
  if (der !== undefined) {
    const name = der.toString("base64");
    const known = keys.get(name) ?? keep(keys, name, createPublicKey(...args));
    names.set(known, name);
    return known;
  }
  if (!(input instanceof crypto.KeyObject)) return createPublicKey(...args);
  const half = publicHalves.get(input) ?? createPublicKey(...args);
  publicHalves.set(input, half);
  if (!names.has(half)) names.set(half, half.export({ format: "der", type: "spki" }).toString("base64"));
  return half;
}

function claimOf(name: string, message: Uint8Array, signature: Uint8Array): string {
  return `${name} ${Buffer.from(signature).toString("base64")} ${hash("sha256", message, "base64")}`;
}

function rememberedVerify(...args: VerifyArguments): boolean {
  const [algorithm, message, key, signature] = args;
  const name = names.get(key);
  if (algorithm !== null || name === undefined) return verify(...args);
  const claim = claimOf(name, message, signature);
  return verified.get(claim) ?? keep(verified, claim, verify(...args));
}

function rememberedSign(...args: SignArguments): Buffer {
  const [algorithm, message, key] = args;
  const signature = sign(...args);
  const half = publicHalves.get(key);
  const name = half && names.get(half);
  if (algorithm === null && name !== undefined) keep(verified, claimOf(name, message, signature), true);
  return signature;
}

Object.assign(crypto, {
  createPrivateKey: rememberedPrivate,
  createPublicKey: rememberedPublic,
  sign: rememberedSign,
  verify: rememberedVerify,
});
syncBuiltinESMExports();
