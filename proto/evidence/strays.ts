/** Files that a crash or a failed write left in a log's folder and that no checkpoint covers. */
import type { Files } from "../ports/ports.ts";
import { parseTilePath, tilePath, tilesOf } from "./tiles.ts";

/** Folders are told from files by their names alone: a listing that fails must never make a folder look like a stray. */
const FOLDER_PATH = /^tile(?:\/(?:entries|\d{1,2})(?:\/x\d{3})*(?:\/\d{3}\.p)?)?$/;
const TEMPORARY_NAME = /^\..*\.tmp$/;

async function pathsBelow(files: Files, folder: string, prefix: string): Promise<string[]> {
  const paths: string[] = [];
  for (const name of await files.list(`${folder}/${prefix}`)) {
    const path = `${prefix}${name}`;
    if (FOLDER_PATH.test(path)) paths.push(...(await pathsBelow(files, folder, `${path}/`)));
    else paths.push(path);
  }
  return paths;
}

/**
 * Removes the tiles and bundles that a log of `size` leaves does not have, and temporary files of unfinished writes.
 * Names of another form are left alone. Never throws: strays do no harm, because nothing reads them.
 */
export async function removeStrays(files: Files, folder: string, size: number): Promise<void> {
  try {
    const kept = new Set(tilesOf(size).map(tilePath));
    for (const path of await pathsBelow(files, folder, "")) {
      const isTemporary = TEMPORARY_NAME.test(path.slice(path.lastIndexOf("/") + 1));
      if (isTemporary || (parseTilePath(path) !== undefined && !kept.has(path)))
        await files.remove(`${folder}/${path}`);
    }
  } catch {
    // The next start tries again.
  }
}
