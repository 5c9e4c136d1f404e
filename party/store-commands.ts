/** What an operator does with the store in a node's folder, by `entente store` and `entente party backup`. */

import { resolve } from "node:path";
import type { StoreFinding } from "../proto/database/check.ts";
import type { StorePlace } from "../proto/database/place.ts";
import { unlock } from "../proto/keys/sealed-folder.ts";
import { nodePorts } from "../proto/ports/node.ts";
import type { Ports } from "../proto/ports/ports.ts";
import { type BackedUp, backUp } from "./backup/backup.ts";
import { restore } from "./backup/restore.ts";
import { readConfig } from "./config.ts";
import { checkStore } from "./store/check.ts";
import { copyStore, type Migrated, migrateStore } from "./store/migrate.ts";

export interface StoreOptions {
  readonly folder: string;
  readonly ports?: Ports;
}

async function placeOf({ folder, ports = nodePorts }: StoreOptions): Promise<[StorePlace, string]> {
  const { party, store: config } = await readConfig(ports.files, resolve(folder));
  const unlocked = config === undefined ? ports : await unlock(ports, resolve(folder));
  return [{ folder: resolve(folder), config, ports: unlocked }, party];
}

/** Throws NOT_FOUND, and as `checkStore`. */
export async function checkPartyStore(options: StoreOptions): Promise<StoreFinding[]> {
  return checkStore(...(await placeOf(options)));
}

/** Throws NOT_FOUND, and as `migrateStore`. */
export async function migratePartyStore(options: StoreOptions): Promise<Migrated> {
  return migrateStore(...(await placeOf(options)));
}

/** From the file in the folder to a schema of a PostgreSQL server, whose URL is in `urlFile`. Throws as `copyStore`, and
 * ALREADY_EXISTS when the node's store is on a server already. */
export async function copyPartyStore(
  options: StoreOptions & { readonly urlFile: string; readonly schema: string },
): Promise<number> {
  const [place, party] = await placeOf(options);
  const { urlFile, schema } = options;
  const ports = await unlock(options.ports ?? nodePorts, place.folder);
  return copyStore({ ...place, config: undefined }, { ...place, ports, config: { urlFile, schema } }, party);
}

/** Throws NOT_FOUND, and as `backUp`. */
export async function backUpParty(options: StoreOptions & { readonly to: string }): Promise<BackedUp> {
  const [place, party] = await placeOf(options);
  return backUp(place, party, { to: resolve(options.to), nowMs: (options.ports ?? nodePorts).clock.nowMs() });
}

/** Throws as `restore`. */
export async function restoreParty(
  options: StoreOptions & { readonly from: string },
): Promise<{ readonly party: string; readonly files: number }> {
  return restore(options.ports ?? nodePorts, { from: resolve(options.from), folder: resolve(options.folder) });
}
