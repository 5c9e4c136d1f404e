/** The node's store, where its configuration says that it is. */
import { join } from "node:path";
import type { Database, Opener } from "../../proto/database/database.ts";
import { postgresPlace, type StoreConfig, type StorePlace } from "../../proto/database/place.ts";
import { openPostgres } from "../../proto/database/postgres.ts";
import { openSqlite } from "../../proto/database/sqlite.ts";
import { unlock } from "../../proto/keys/sealed-folder.ts";
import type { Ports } from "../../proto/ports/ports.ts";
import { PRODUCT_VERSION } from "../version.ts";
import { PARTY_HISTORY } from "./schema.ts";
import { SqlStore } from "./sql-store.ts";
import type { Store } from "./store.ts";

/** In the node's folder. */
export const STORE_FILE = "node.db";

export type OpenStore = (place: StorePlace, opener: Omit<Opener, "program">) => Store | Promise<Store>;

/** Makes it or brings it up to date. Throws what `openSqlite` and `openPostgres` throw. */
export async function openDatabase(place: StorePlace, opener: Omit<Opener, "program">): Promise<Database> {
  const by = { ...opener, program: PRODUCT_VERSION };
  const { folder, config } = place;
  if (config === undefined) return openSqlite(join(folder, STORE_FILE), PARTY_HISTORY, by);
  return openPostgres(postgresPlace(place, config), PARTY_HISTORY, by);
}

export const openStore: OpenStore = async (place, opener) => new SqlStore(await openDatabase(place, opener));

/** For a command that works on the folder, whether its node runs or not. Throws KEY_REQUIRED when the store's URL is encrypted, too. */
export async function openStoreBeside(
  ports: Ports,
  folder: string,
  { party, store: config }: { readonly party: string; readonly store?: StoreConfig | undefined },
): Promise<Store> {
  const place = { folder, config, ports: config === undefined ? ports : await unlock(ports, folder) };
  return openStore(place, { owner: party, isServing: false });
}
