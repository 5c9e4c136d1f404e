/**
 * How a folder's secrets are encrypted. A random key of the folder's own encrypts every secret file; `keys/sealing.json` holds that
 * key, encrypted under the operator's. So another operator's key is one file written anew, at once or not at all.
 *
 *     secret file   "entente-sealed/1\n" || AES-256-GCM(folder key, path in the folder, content)
 */
import * as z from "zod";
import { openGcm, sealGcm } from "../encoding/aes-gcm.ts";
import { concat, equalBytes, fromBase64, fromHex, fromUtf8, toBase64, toHex, utf8 } from "../encoding/bytes.ts";
import { EntenteError } from "../errors.ts";
import type { Random } from "../ports/ports.ts";
import { deriveKey, KEY_BYTES, type KeyText, SALT_BYTES, SCRYPT } from "./key-source.ts";

const MAGIC = utf8("entente-sealed/1\n");

const headerSchema = z.strictObject({
  format: z.literal("entente-sealing/1"),
  /** `sealing`: begun, and files may still be plain. `sealed`: a plain secret file is refused. */
  state: z.enum(["sealing", "sealed"]),
  kdf: z.union([
    z.strictObject({ name: z.literal("none") }),
    z.strictObject({
      name: z.literal("scrypt"),
      n: z.literal(SCRYPT.n),
      r: z.literal(SCRYPT.r),
      p: z.literal(SCRYPT.p),
      salt: z.string().regex(/^[0-9a-f]{32}$/),
    }),
  ]),
  folderKey: z.string().regex(/^[A-Za-z0-9+/]{80}$/),
});

type Header = z.infer<typeof headerSchema>;
export type SealingState = Header["state"];

/** Everything else in the header is bound to the key in it. */
function purposeOf({ state, kdf }: Pick<Header, "state" | "kdf">): string {
  return `entente-sealing/1/${state}/${kdf.name === "none" ? "none" : `scrypt/${kdf.salt}`}`;
}

/** Throws STORAGE_FAILED. */
export function readHeader(bytes: Uint8Array): Header {
  try {
    return headerSchema.parse(JSON.parse(fromUtf8(bytes)));
  } catch (cause) {
    throw new EntenteError("STORAGE_FAILED", { detail: "keys/sealing.json is damaged", cause });
  }
}

/** Throws KEY_WRONG. Resolves to the folder's key, 32 bytes. */
export function openHeader(header: Header, text: KeyText): Uint8Array {
  const { kdf } = header;
  if ((kdf.name === "scrypt") !== (text.kind === "passphrase")) throw new EntenteError("KEY_WRONG");
  const key = deriveKey(text, kdf.name === "scrypt" ? fromHex(kdf.salt) : undefined);
  const opened = openGcm({ key, purpose: purposeOf(header), sealed: fromBase64(header.folderKey) });
  key.fill(0);
  if (opened?.length !== KEY_BYTES) throw new EntenteError("KEY_WRONG");
  return opened;
}

export function writeHeader(input: {
  readonly state: SealingState;
  readonly text: KeyText;
  readonly folderKey: Uint8Array;
  readonly random: Random;
}): Uint8Array {
  const { state, text, random } = input;
  const salt = text.kind === "passphrase" ? random.bytes(SALT_BYTES) : undefined;
  const kdf =
    salt === undefined ? ({ name: "none" } as const) : { name: "scrypt" as const, ...SCRYPT, salt: toHex(salt) };
  const key = deriveKey(text, salt);
  const sealed = sealGcm({ key, random, purpose: purposeOf({ state, kdf }), secret: input.folderKey });
  key.fill(0);
  const header: Header = { format: "entente-sealing/1", state, kdf, folderKey: toBase64(sealed) };
  return utf8(`${JSON.stringify(header, null, 2)}\n`);
}

export function isSealed(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && equalBytes(bytes.subarray(0, MAGIC.length), MAGIC);
}

/** `path`: in the folder, so that no sealed file stands in for another. */
export function sealContent(key: Uint8Array, random: Random, path: string, content: Uint8Array): Uint8Array {
  return concat(MAGIC, sealGcm({ key, random, purpose: `entente-sealed/1/${path}`, secret: content }));
}

/** Throws STORAGE_FAILED when it was changed or is another file's. */
export function openContent(key: Uint8Array, path: string, bytes: Uint8Array): Uint8Array {
  const sealed = bytes.subarray(MAGIC.length);
  const opened = openGcm({ key, purpose: `entente-sealed/1/${path}`, sealed });
  if (opened === undefined) throw new EntenteError("STORAGE_FAILED", { detail: `${path} does not decrypt` });
  return opened;
}
