/**
 * A node put back from a backup, into a folder that holds nothing. The node then knows at its start that it was restored: it writes nothing
 * in a collaboration until every peer has said up to where it knows this node's log (`party/evidence/generation.ts`).
 */
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { copyTables } from "../../proto/database/tables.ts";
import { EntenteError } from "../../proto/errors.ts";
import { unlock } from "../../proto/keys/sealed-folder.ts";
import { diskError } from "../../proto/ports/disk-error.ts";
import type { Ports } from "../../proto/ports/ports.ts";
import { readConfig } from "../config.ts";
import { inspectFile, newTables, openFile } from "../store/look.ts";
import { openDatabase, STORE_FILE } from "../store/open.ts";
import { copyTo, isThere, syncFolder } from "./backup.ts";
import { checkBackup, FILES_FOLDER, STORE_COPY } from "./manifest.ts";

const CONFIG_FILE = "node.json";

/**
 * Both absolute. A store on a server is written there anew, where its schema holds none. Throws ALREADY_EXISTS when the folder is not
 * empty, NOT_FOUND, BACKUP_DAMAGED, STORE_TOO_NEW, DISK_FULL; nothing is left in the folder then.
 */
export async function restore(
  ports: Ports,
  { from, folder }: { readonly from: string; readonly folder: string },
): Promise<{ readonly party: string; readonly files: number }> {
  if (await isThere(folder)) throw new EntenteError("ALREADY_EXISTS", { detail: "the folder is not empty" });
  const { party, files } = await checkBackup(from);
  // Last: a folder with this file is complete.
  const paths = files.map(({ path }) => path).filter((path) => path !== CONFIG_FILE);
  if (paths.length === files.length) throw new EntenteError("BACKUP_DAMAGED", { detail: CONFIG_FILE });
  try {
    for (const path of paths) await copyTo(join(from, FILES_FOLDER, path), join(folder, path));
    await copyTo(join(from, STORE_COPY), join(folder, STORE_FILE));
    await openFile(join(folder, STORE_FILE), party).close();
    await restoreServer(ports, { from, folder, party });
    await copyTo(join(from, FILES_FOLDER, CONFIG_FILE), join(folder, CONFIG_FILE));
    await syncFolder(dirname(folder));
    return { party, files: files.length };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw diskError(error, "the restored folder");
  }
}

/** Where the configuration names a server: from the file, which then is no more. */
async function restoreServer(
  ports: Ports,
  { from, folder, party }: { readonly from: string; readonly folder: string; readonly party: string },
): Promise<void> {
  const { store: config } = await readConfig(ports.files, join(from, FILES_FOLDER));
  if (config === undefined) return;
  const unlocked = await unlock(ports, folder);
  const target = await openDatabase({ folder, config, ports: unlocked }, { owner: party, isServing: true });
  try {
    const tables = await newTables();
    await inspectFile(join(folder, STORE_FILE), (reader) => copyTables(reader, target, tables));
  } finally {
    await target.close();
  }
  for (const suffix of ["", "-wal", "-shm"]) await rm(join(folder, `${STORE_FILE}${suffix}`), { force: true });
}
