/** Load: an export's folder into memory, when it is exactly what its manifest lists. */
import { digestOf } from "../../proto/encoding/sha256.ts";
import { MANIFEST_PATH, type Manifest, parseManifest } from "../../proto/evidence/export.ts";
import type { Files } from "../../proto/ports/ports.ts";
import type { Findings } from "./verdict.ts";

export interface ExportFolder {
  /** As it was given; for messages. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** By path below the folder; the manifest is not among them. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Deeper than any export: ends the walk in a folder that links to itself. */
const MAX_DEPTH = 12;

/** `list` fails on what is no folder, on every platform; a folder that cannot be listed is then a file that cannot be
 * read, and is reported as such. */
async function namesIn(files: Files, path: string): Promise<string[] | undefined> {
  try {
    return await files.list(path);
  } catch {
    return undefined;
  }
}

async function pathsBelow(files: Files, folder: string, prefix = "", depth = 0): Promise<string[]> {
  const names = depth > MAX_DEPTH ? undefined : await namesIn(files, `${folder}/${prefix}`);
  if (names === undefined) return [prefix.slice(0, -1)];
  const below: string[] = [];
  for (const name of names) below.push(...(await pathsBelow(files, folder, `${prefix}${name}/`, depth + 1)));
  return below;
}

async function readOrNothing(files: Files, path: string): Promise<Uint8Array | undefined> {
  try {
    return await files.read(path);
  } catch {
    return undefined;
  }
}

/** Undefined, with the reason reported, when the folder is not what its manifest says: then nothing in it is looked at. */
export async function loadFolder(files: Files, folder: string, findings: Findings): Promise<ExportFolder | undefined> {
  const manifest = await readManifest(files, folder);
  if (manifest === undefined) {
    findings.report("MANIFEST_INVALID", { folder, path: MANIFEST_PATH });
    return undefined;
  }
  const before = findings.problems.length;
  const contents = new Map<string, Uint8Array>();
  for (const { path, bytes: length, sha256 } of manifest.files) {
    const bytes = await readOrNothing(files, `${folder}/${path}`);
    if (bytes === undefined) findings.report("FILE_MISSING", { folder, path });
    else if (bytes.length !== length || digestOf(bytes) !== sha256) findings.report("FILE_DIFFERS", { folder, path });
    else contents.set(path, bytes);
  }
  const listed = new Set([MANIFEST_PATH, ...manifest.files.map((file) => file.path)]);
  for (const path of await pathsBelow(files, folder))
    if (!listed.has(path)) findings.report("FILE_EXTRA", { folder, path });
  return findings.problems.length === before ? { folder, manifest, files: contents } : undefined;
}

async function readManifest(files: Files, folder: string): Promise<Manifest | undefined> {
  try {
    const bytes = await files.read(`${folder}/${MANIFEST_PATH}`);
    return bytes && parseManifest(bytes);
  } catch {
    return undefined;
  }
}
