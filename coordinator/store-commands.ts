/** What an operator does with the store in a coordinator's folder, by `entente store`. */
import type { StoreFinding } from "../proto/database/check.ts";
import type { StorePlace } from "../proto/database/place.ts";
import { unlock } from "../proto/keys/sealed-folder.ts";
import { nodePorts } from "../proto/ports/node.ts";
import type { Ports } from "../proto/ports/ports.ts";
import { readConfig } from "./config.ts";
import { checkStore } from "./store/check.ts";
import { type Migrated, migrateStore } from "./store/migrate.ts";

export interface StoreOptions {
  /** Absolute. */
  readonly folder: string;
  readonly ports?: Ports;
}

async function placeOf({ folder, ports = nodePorts }: StoreOptions): Promise<[StorePlace, string]> {
  const { name, store: config } = await readConfig(ports.files, folder);
  return [{ folder, config, ports: config === undefined ? ports : await unlock(ports, folder) }, name];
}

/** Throws NOT_FOUND, and as `checkStore`. */
export async function checkCoordinatorStore(options: StoreOptions): Promise<StoreFinding[]> {
  return checkStore(...(await placeOf(options)));
}

/** Throws NOT_FOUND, and as `migrateStore`. */
export async function migrateCoordinatorStore(options: StoreOptions): Promise<Migrated> {
  return migrateStore(...(await placeOf(options)));
}
