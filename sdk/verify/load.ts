/** Load: an export's folder, when it is exactly what its manifest lists. Files are read again where they are looked at. */
import { hash } from "node:crypto";
import { isExportPath, MANIFEST_PATH, type Manifest, parseManifest } from "../../proto/evidence/export.ts";
import type { ReadFiles } from "./bundles.ts";
import { namesIn } from "./folders.ts";
import type { Findings } from "./verdict.ts";

export interface ExportFolder {
  /** As it was given; for messages. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** Below the folder, in order; the manifest is not among them. */
  readonly paths: readonly string[];
  /** The bytes that the manifest lists; undefined when it lists none, or the file has changed since. */
  read(path: string): Promise<Uint8Array | undefined>;
}

/** Deeper than any export: ends the walk in a folder that links to itself. */
const MAX_DEPTH = 12;

async function pathsBelow(files: ReadFiles, folder: string, prefix = "", depth = 0): Promise<string[]> {
  const names = depth > MAX_DEPTH ? undefined : await namesIn(files, `${folder}/${prefix}`);
  if (names === undefined) return [prefix.slice(0, -1)];
  const below: string[] = [];
  for (const name of names) below.push(...(await pathsBelow(files, folder, `${prefix}${name}/`, depth + 1)));
  return below;
}

async function readOrNothing(files: ReadFiles, path: string): Promise<Uint8Array | undefined> {
  try {
    return await files.read(path);
  } catch {
    return undefined;
  }
}

/** Undefined, with the reason reported, when the folder is not what its manifest says: then nothing in it is looked at. */
export async function loadFolder(
  files: ReadFiles,
  folder: string,
  findings: Findings,
): Promise<ExportFolder | undefined> {
  const manifest = await readManifest(files, folder);
  if (manifest === undefined) {
    findings.report("MANIFEST_INVALID", { folder, path: MANIFEST_PATH });
    return undefined;
  }
  const before = findings.count;
  const rows = new Map(manifest.files.map((row) => [row.path, row]));
  const isListed = (path: string, bytes: Uint8Array) => {
    const row = rows.get(path);
    return row !== undefined && bytes.length === row.bytes && hash("sha256", bytes, "hex") === row.sha256;
  };
  for (const path of rows.keys()) {
    const bytes = await readOrNothing(files, `${folder}/${path}`);
    if (bytes === undefined) findings.report("FILE_MISSING", { folder, path });
    else if (!isListed(path, bytes)) findings.report("FILE_DIFFERS", { folder, path });
    // A file that no verb looks at would be vouched for without having been verified.
    else if (!isExportPath(path)) findings.report("FILE_EXTRA", { folder, path });
  }
  for (const path of await pathsBelow(files, folder))
    if (path !== MANIFEST_PATH && !rows.has(path)) findings.report("FILE_EXTRA", { folder, path });
  if (findings.count !== before) return undefined;
  return {
    folder,
    manifest,
    paths: [...rows.keys()],
    async read(path) {
      if (!rows.has(path)) return undefined;
      const bytes = await readOrNothing(files, `${folder}/${path}`);
      return bytes !== undefined && isListed(path, bytes) ? bytes : undefined;
    },
  };
}

async function readManifest(files: ReadFiles, folder: string): Promise<Manifest | undefined> {
  try {
    const bytes = await files.read(`${folder}/${MANIFEST_PATH}`);
    return bytes && parseManifest(bytes);
  } catch {
    return undefined;
  }
}
