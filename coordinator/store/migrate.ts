/** `entente store migrate` of a coordinator. */

import { join } from "node:path";
import { schemaVersion } from "../../proto/database/history.ts";
import { postgresPlace, type StorePlace } from "../../proto/database/place.ts";
import { inspectPostgres } from "../../proto/database/postgres.ts";
import { inspectSqlite } from "../../proto/database/sqlite.ts";
import { EntenteError } from "../../proto/errors.ts";
import { openDatabase, STORE_FILE } from "./open.ts";
import { COORDINATOR_HISTORY } from "./schema.ts";

export interface Migrated {
  /** 0: there was none. */
  readonly from: number;
  readonly to: number;
}

/** Throws what `openDatabase` throws: STORE_IN_USE while the coordinator runs. */
export async function migrateStore(place: StorePlace, owner: string): Promise<Migrated> {
  const from = await versionOf(place).catch((error: unknown) => {
    if (error instanceof EntenteError && error.code === "NOT_FOUND") return 0;
    throw error;
  });
  await (await openDatabase(place, { owner, isServing: true })).close();
  return { from, to: schemaVersion(COORDINATOR_HISTORY) };
}

function versionOf(place: StorePlace): Promise<number> {
  const { folder, config } = place;
  const look = async (_reader: unknown, { version }: { readonly version: number }) => version;
  if (config === undefined) return inspectSqlite(join(folder, STORE_FILE), look);
  return inspectPostgres(postgresPlace(place, config), look);
}
