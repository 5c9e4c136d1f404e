/**
 * A copy of a node, made while it runs or not: its store as of one moment, the evidence logs as of the same one, and the other files of
 * its folder. What is written first is the log and then the store, so the logs are read before and after the moment, until they agree.
 */
import { chmod, copyFile, mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { schemaVersion } from "../../proto/database/history.ts";
import { type StorePlace, urlFileOf } from "../../proto/database/place.ts";
import { copyTables } from "../../proto/database/tables.ts";
import { EntenteError } from "../../proto/errors.ts";
import { diskError } from "../../proto/ports/disk-error.ts";
import { RECOVERY_KEY_FILE } from "../store/key-files.ts";
import { inspectStore, newTables, openFile } from "../store/look.ts";
import { STORE_FILE } from "../store/open.ts";
import { PARTY_HISTORY } from "../store/schema.ts";
import { PRODUCT_VERSION } from "../version.ts";
import { digestOfFile, FILES_FOLDER, MANIFEST_FILE, type Manifest, STORE_COPY } from "./manifest.ts";

const EVIDENCE = "evidence";
/** Of the run, or read anew from the data: spills are encrypted under keys that end with their job. */
const LEFT_OUT = ["spool", "exports", "quarantine", "api.json", RECOVERY_KEY_FILE];
const TEMPORARY = /^\..*\.(?:tmp|partial)$/;
/** How often a log may grow while the copy begins. */
const ATTEMPTS = 50;

export interface BackedUp {
  readonly party: string;
  readonly madeAt: string;
  readonly files: number;
  readonly rows: number;
}

/** `to`: absolute, made; it appears when it is whole. Throws ALREADY_EXISTS, STORE_TOO_OLD, OVERLOADED when the logs never rest,
 * DISK_FULL, STORAGE_FAILED. */
export async function backUp(
  place: StorePlace,
  party: string,
  { to, nowMs }: { readonly to: string; readonly nowMs: number },
): Promise<BackedUp> {
  if (await isThere(to)) throw new EntenteError("ALREADY_EXISTS", { detail: "the folder for the backup" });
  const part = join(dirname(to), `.${basename(to)}.partial`);
  const madeAt = new Date(nowMs).toISOString();
  try {
    await rm(part, { recursive: true, force: true });
    await mkdir(join(part, FILES_FOLDER), { recursive: true, mode: 0o700 });
    const rows = await copyMoment(place, party, part);
    for (const path of await filesOf(place)) await copyTo(join(place.folder, path), join(part, FILES_FOLDER, path));
    const files: Manifest["files"] = [];
    for (const path of await pathsBelow(join(part, FILES_FOLDER)))
      files.push({ path, sha256: await digestOfFile(join(part, FILES_FOLDER, path)) });
    const store = await digestOfFile(join(part, STORE_COPY));
    const manifest = { format: "entente-backup/1", party, program: PRODUCT_VERSION, madeAt, store, files };
    await writeFile(join(part, MANIFEST_FILE), JSON.stringify(manifest, null, 2), { mode: 0o600, flush: true });
    await rename(part, to);
    await syncFolder(dirname(to));
    return { party, madeAt, files: files.length, rows };
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    throw diskError(error, "the backup");
  }
}

/** Store and evidence of one moment; how many rows. */
async function copyMoment(place: StorePlace, party: string, part: string): Promise<number> {
  const [from, to] = [join(place.folder, EVIDENCE), join(part, FILES_FOLDER, EVIDENCE)];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const before = await headsOf(from);
    const rows = await inspectStore(place, async (reader, { version }) => {
      if (version < schemaVersion(PARTY_HISTORY)) throw new EntenteError("STORE_TOO_OLD");
      // A tile that is filled up meanwhile takes the place of one that is being copied: then the heads differ.
      const isCopied = await copyFolder(from, to);
      if (!isCopied || (await headsOf(from)) !== before) return undefined;
      const copy = openFile(join(part, STORE_COPY), party);
      try {
        return await copyTables(reader, copy, await newTables());
      } finally {
        await copy.close();
        await rm(join(part, `${STORE_COPY}-wal`), { force: true });
        await chmod(join(part, STORE_COPY), 0o600);
      }
    });
    if (rows !== undefined) return rows;
    await rm(to, { recursive: true, force: true });
  }
  throw new EntenteError("OVERLOADED", { detail: "evidence is written all the time; try again when fewer jobs run" });
}

/** What every log says that it is, as one text. */
async function headsOf(evidence: string): Promise<string> {
  const notes = (await pathsBelow(evidence)).filter((path) => ["checkpoint", "cosigned"].includes(basename(path)));
  const texts = await Promise.all(notes.map((path) => readFile(join(evidence, path), "utf8").catch(() => "")));
  return JSON.stringify([notes, texts]);
}

/** False when a file was gone before it was copied. */
async function copyFolder(from: string, to: string): Promise<boolean> {
  try {
    for (const path of await pathsBelow(from)) await copyTo(join(from, path), join(to, path));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** Of the folder without store, evidence, and what is of the run alone. */
async function filesOf({ folder, config }: StorePlace): Promise<string[]> {
  // The URL is of the server that is backed up; it goes along, as the other secrets do, encrypted if they are.
  const url = config === undefined ? undefined : relative(folder, urlFileOf(folder, config));
  const isKept = (path: string) =>
    path === url || ![EVIDENCE, ...LEFT_OUT].some((name) => path === name || path.startsWith(`${name}/`));
  return (await pathsBelow(folder)).filter((path) => isKept(path) && !path.startsWith(STORE_FILE));
}

/** With `/` between parts, in order; none where there is no folder. */
async function pathsBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  });
  return entries
    .filter((entry) => entry.isFile() && !TEMPORARY.test(entry.name))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

/** Synced, for its owner alone. */
export async function copyTo(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await copyFile(from, to);
  const file = await open(to, "r+");
  try {
    await file.chmod(0o600);
    await file.sync();
  } finally {
    await file.close();
  }
}

export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export async function isThere(path: string): Promise<boolean> {
  const names = await readdir(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  });
  return names !== undefined && names.length > 0;
}
