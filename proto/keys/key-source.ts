/**
 * Where the key comes from under which a folder's secrets are encrypted: a file, as a secret that is mounted into a container,
 * or an environment variable. 32 bytes in hex or base64, or `passphrase:` and a passphrase, which scrypt stretches.
 */
import { scryptSync } from "node:crypto";
import { fromUtf8, utf8 } from "../encoding/bytes.ts";
import { EntenteError } from "../errors.ts";
import type { Files } from "../ports/ports.ts";
import { Secret } from "./secret.ts";

export type KeySource =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "text"; readonly text: Secret<string> };

export const KEY_BYTES = 32;

/**
 * Of scrypt (RFC 7914): the strongest of the equivalent settings that the OWASP Password Storage Cheat Sheet gives as a minimum,
 * 128 MiB and about half a second. Paid once, when a folder is opened.
 */
export const SCRYPT = { n: 131_072, r: 8, p: 1 } as const;
export const SALT_BYTES = 16;
/** NIST SP 800-63B section 3.1.1.2: what alone guards something has 15 characters at least. */
const MIN_PASSPHRASE_CHARACTERS = 15;
const PASSPHRASE = "passphrase:";

type Environment = Record<string, string | undefined>;

/** Takes the key out of the environment, so that no child process, thread or dump of it has the key. Throws BAD_REQUEST when it
 * is given twice. */
export function takeKeySource(environment: Environment): KeySource | undefined {
  const { ENTENTE_KEY: text, ENTENTE_KEY_FILE: path } = environment;
  delete environment.ENTENTE_KEY;
  delete environment.ENTENTE_KEY_FILE;
  if (text && path) throw new EntenteError("BAD_REQUEST", { detail: "ENTENTE_KEY and ENTENTE_KEY_FILE: give one" });
  if (text) return { kind: "text", text: new Secret(text) };
  return path ? { kind: "file", path } : undefined;
}

/** What a source holds: 32 bytes, or what they are derived from. */
export type KeyText =
  | { readonly kind: "key"; readonly key: Secret<Uint8Array> }
  | { readonly kind: "passphrase"; readonly passphrase: Secret<string> };

/** Throws KEY_UNREADABLE when the file is not there, lies in the folder that it is to guard, or holds no key. */
export async function readKeyText(files: Files, folder: string, source: KeySource): Promise<KeyText> {
  if (source.kind === "text") return parseKeyText(source.text.expose());
  if (isWithin(folder, source.path)) throw unreadable("its file is in the folder that it guards");
  const bytes = await files.read(source.path).catch(() => undefined);
  if (bytes === undefined) throw unreadable("its file is not there or cannot be read");
  try {
    return parseKeyText(fromUtf8(bytes));
  } finally {
    bytes.fill(0);
  }
}

function parseKeyText(given: string): KeyText {
  const text = given.trim();
  if (text.startsWith(PASSPHRASE)) {
    const passphrase = text.slice(PASSPHRASE.length).trim();
    if ([...passphrase].length < MIN_PASSPHRASE_CHARACTERS)
      throw unreadable(`a passphrase has ${MIN_PASSPHRASE_CHARACTERS} characters at least`);
    return { kind: "passphrase", passphrase: new Secret(passphrase.normalize("NFC")) };
  }
  const key = /^[0-9a-fA-F]{64}$/.test(text) ? Uint8Array.fromHex(text) : base64(text);
  if (key?.length !== KEY_BYTES)
    throw unreadable("32 bytes in hex or base64, or 'passphrase:' and a passphrase, are expected");
  return { kind: "key", key: new Secret(key) };
}

function base64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.fromBase64(text);
  } catch {
    // No cause: it could quote the key.
    return undefined;
  }
}

/** 32 bytes. `salt` is for a passphrase alone. */
export function deriveKey(text: KeyText, salt: Uint8Array | undefined): Uint8Array {
  if (text.kind === "key") return new Uint8Array(text.key.expose());
  const { n, r, p } = SCRYPT;
  // Its own limit is below what these parameters take: 128 N r bytes, and a little.
  const maxmem = 129 * n * r;
  const secret = utf8(text.passphrase.expose());
  const key = scryptSync(secret, salt ?? new Uint8Array(), KEY_BYTES, { N: n, r, p, maxmem });
  secret.fill(0);
  return new Uint8Array(key.buffer, key.byteOffset, key.length);
}

/** Both absolute. */
export function isWithin(folder: string, path: string): boolean {
  return relativePath(folder, path) !== undefined;
}

/** With `/` between its parts; undefined for a path outside of the folder. */
export function relativePath(folder: string, path: string): string | undefined {
  const [inner, outer] = [path, folder].map((one) => one.replaceAll("\\", "/").replace(/\/+$/, "")) as [string, string];
  if (inner.split("/").includes("..")) return undefined;
  return inner.startsWith(`${outer}/`) ? inner.slice(outer.length + 1) : undefined;
}

function unreadable(detail: string): EntenteError {
  return new EntenteError("KEY_UNREADABLE", { detail });
}
