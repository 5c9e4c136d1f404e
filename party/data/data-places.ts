/** Where on the node's machine a caller's data files may be: the node can read more there than its users should see. */
import { realpath } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { EntenteError } from "../../proto/errors.ts";

export interface DataPlaces {
  /** Absolute. Keys, tokens, configuration and other people's lists are in it, and nothing of it is data. */
  readonly nodeFolder: string;
  /** Files with secrets that are elsewhere; absolute. */
  secretFiles(): Promise<readonly string[]>;
  /** Absolute. Data lies in one of them; anywhere else, where it is undefined. */
  readonly folders?: readonly string[] | undefined;
}

/** What the kernel shows as files: environments and memory of processes. */
const KERNEL_FOLDERS = ["/proc", "/sys"];

function forbidden(detail: string): EntenteError {
  return new EntenteError("DATASET_PLACE", { detail });
}

/**
 * `path` is a file or a folder, absolute; links are followed, so what counts is where it is and not how it is called. What
 * is not there is judged alike, so that outside of the data folders nobody learns what is there. Throws DATASET_PLACE.
 */
export async function requireDataPlace(path: string, places: DataPlaces | undefined): Promise<void> {
  if (places === undefined) return;
  const { nodeFolder, folders } = places;
  const real = await realOf(path);
  if (isWithin(real, await realOf(nodeFolder))) throw forbidden("it lies in the node's own folder");
  if (KERNEL_FOLDERS.some((folder) => isWithin(real, folder))) throw forbidden("it is no file of a disk");
  const secrets = await Promise.all((await places.secretFiles()).map(realOf));
  if (secrets.includes(real)) throw forbidden("it holds a secret of the node");
  if (folders === undefined) return;
  const allowed = await Promise.all(folders.map(realOf));
  if (!allowed.some((folder) => isWithin(real, folder)))
    throw forbidden("it lies in none of the folders that the operator has named for data");
}

/** Of what is not there: in the folder that is, by its name. */
async function realOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const absolute = resolve(path);
    const folder = dirname(absolute);
    return folder === absolute ? absolute : join(await realOf(folder), basename(absolute));
  }
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}
