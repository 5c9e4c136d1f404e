/** Searches everything that a run wrote for marked values, in the forms in which a mistake would write them. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

export interface Needle {
  /** What was found, for the failure's text. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

const ascii = (text: string) => Buffer.from(text, "latin1");

/** A phone number as written, normalised, in UTF-16, as an integer of 8 bytes, and hashed without a key. */
export function idNeedles(phone: string): Needle[] {
  const forms = [phone, `86${phone}`, `+86${phone}`];
  const hashes = forms.flatMap((form) =>
    ["md5", "sha1", "sha256", "sha512"].flatMap((algorithm) => {
      const hash = createHash(algorithm).update(form).digest();
      const written = [hash.toString("hex"), hash.toString("hex").toUpperCase(), hash.toString("base64").slice(0, -3)];
      return [hash.subarray(0, 16), ...written.map(ascii)].map((bytes) => ({ name: `${algorithm} of ${form}`, bytes }));
    }),
  );
  const numbers = [phone, `86${phone}`].flatMap((digits) => {
    const [big, little] = [Buffer.alloc(8), Buffer.alloc(8)];
    big.writeBigUInt64BE(BigInt(digits));
    little.writeBigUInt64LE(BigInt(digits));
    return [big, little].map((bytes) => ({ name: `${digits} as an integer`, bytes }));
  });
  const texts = [ascii(phone), Buffer.from(phone, "utf16le")].map((bytes) => ({ name: phone, bytes }));
  return [...texts, ...numbers, ...hashes];
}

/** A number of at least seven digits as text and as a float of 8 bytes. */
export function numberNeedles(value: number): Needle[] {
  const [big, little] = [Buffer.alloc(8), Buffer.alloc(8)];
  big.writeDoubleBE(value);
  little.writeDoubleLE(value);
  return [ascii(String(value)), big, little].map((bytes) => ({ name: String(value), bytes }));
}

/** Names of the needles in some bytes, also where those hold them in base64 (payloads of signed statements). */
export function found(bytes: Uint8Array, needles: readonly Needle[]): string[] {
  const haystack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const decoded = haystack.toString("latin1").match(/[A-Za-z0-9+/_-]{24,}={0,2}/g) ?? [];
  const all = [haystack, ...decoded.map((text) => Buffer.from(text, "base64"))];
  return needles.filter((needle) => all.some((part) => part.includes(needle.bytes))).map(({ name }) => name);
}

/** Path below the folder to the needles in that file; paths for which `isSkipped` holds are not read. */
export async function foundInFolder(
  folder: string,
  needles: readonly Needle[],
  isSkipped: (path: string) => boolean = () => false,
): Promise<Record<string, string[]>> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const hits: Record<string, string[]> = {};
  for (const { parentPath, name } of names) {
    const path = join(parentPath, name).slice(folder.length + 1);
    if (isSkipped(path)) continue;
    const inFile = found(await readFile(join(folder, path)), needles);
    if (inFile.length > 0) hits[path] = inFile;
  }
  return hits;
}

/** All that a SQLite file holds in its tables but one, as bytes. */
export function tablesWithout(path: string, skipped: string): Uint8Array {
  const db = new DatabaseSync(path);
  try {
    const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all() as { name: string }[];
    const values = tables
      .filter(({ name }) => name !== skipped)
      .flatMap(({ name }) => db.prepare(`SELECT * FROM "${name}"`).all())
      .flatMap((row) => Object.values(row));
    return Buffer.concat(
      values.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : Buffer.from(` ${String(value)} `))),
    );
  } finally {
    db.close();
  }
}
