/** What is in a backup's folder, as it was written: `backup.json`, beside `store.db` and `files/`. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import * as z from "zod";
import { partyName } from "../../proto/agreement/fields.ts";
import { EntenteError } from "../../proto/errors.ts";

export const MANIFEST_FILE = "backup.json";
export const STORE_COPY = "store.db";
export const FILES_FOLDER = "files";

/** Of names that a backup makes: nothing leads out of the folder that it is restored to. */
const path = z
  .string()
  .max(4096)
  .refine(
    (text) => text.split("/").every((part) => part !== "" && part !== "." && part !== "..") && !text.includes("\0"),
  );

const manifest = z.strictObject({
  format: z.literal("entente-backup/1"),
  party: partyName,
  /** The version that made it. */
  program: z.string().max(64),
  madeAt: z.iso.datetime(),
  /** Of `store.db`, SHA-256 in hex. */
  store: z.string().regex(/^[0-9a-f]{64}$/),
  /** Below `files`. */
  files: z.array(z.strictObject({ path, sha256: z.string().regex(/^[0-9a-f]{64}$/) })),
});

export type Manifest = z.infer<typeof manifest>;

export async function digestOfFile(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

/** Reads it, and every file that it names. Throws NOT_FOUND, BACKUP_DAMAGED. */
export async function checkBackup(folder: string): Promise<Manifest> {
  const text = await readFile(join(folder, MANIFEST_FILE), "utf8").catch(() => undefined);
  if (text === undefined) throw new EntenteError("NOT_FOUND", { detail: `no ${MANIFEST_FILE} in that folder` });
  const read = parse(text);
  const all = [...read.files.map((file) => ({ ...file, path: `${FILES_FOLDER}/${file.path}` }))];
  for (const { path: name, sha256 } of [{ path: STORE_COPY, sha256: read.store }, ...all]) {
    const found = await digestOfFile(join(folder, name)).catch(() => "");
    if (found !== sha256) throw new EntenteError("BACKUP_DAMAGED", { detail: name });
  }
  return read;
}

function parse(text: string): Manifest {
  try {
    return manifest.parse(JSON.parse(text));
  } catch (cause) {
    throw new EntenteError("BACKUP_DAMAGED", { detail: MANIFEST_FILE, cause });
  }
}
