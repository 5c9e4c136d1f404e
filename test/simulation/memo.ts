/**
 * Ed25519 verification and the reading of public keys, remembered: the same agreements and keysets are verified again and again in every
 * simulation of a thread. Both are functions of their arguments alone, so nothing that runs can tell. Imported before anything else.
 */
import crypto, { type KeyObject } from "node:crypto";
import { syncBuiltinESMExports } from "node:module";

const MAX_KEPT = 20_000;
const { createPublicKey, hash } = crypto;
const verify = crypto.verify as (...args: VerifyArguments) => boolean;
/** Algorithm, message, key, signature: no callback. */
type VerifyArguments = [string | null | undefined, Uint8Array, KeyObject, Uint8Array];
const keys = new Map<string, KeyObject>();
/** Names of the keys that were read here. */
const names = new WeakMap<KeyObject, string>();
const verified = new Map<string, boolean>();

function keep<V>(kept: Map<string, V>, name: string, value: V): V {
  if (kept.size >= MAX_KEPT) kept.delete(kept.keys().next().value as string);
  kept.set(name, value);
  return value;
}

function rememberedKey(...args: Parameters<typeof createPublicKey>): KeyObject {
  const [input] = args;
  if (typeof input !== "object" || !("key" in input) || !Buffer.isBuffer(input.key) || input.format !== "der")
    return createPublicKey(...args);
  const name = input.key.toString("base64");
  const known = keys.get(name);
  if (known !== undefined) return known;
  const made = createPublicKey(...args);
  names.set(made, name);
  return keep(keys, name, made);
}

function rememberedVerify(...args: VerifyArguments): boolean {
  const [algorithm, message, key, signature] = args;
  const name = names.get(key);
  if (algorithm !== null || name === undefined) return verify(...args);
  const text = `${name} ${Buffer.from(signature).toString("base64")} ${hash("sha256", message, "base64")}`;
  return verified.get(text) ?? keep(verified, text, verify(...args));
}

Object.assign(crypto, { createPublicKey: rememberedKey, verify: rememberedVerify });
syncBuiltinESMExports();
