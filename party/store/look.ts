/** The node's store looked at as it is, without a change of its schema and whether the node runs or not. */
import { join } from "node:path";
import type { Database, Dialect, Reader } from "../../proto/database/database.ts";
import type { Found } from "../../proto/database/history.ts";
import { postgresPlace, type StorePlace } from "../../proto/database/place.ts";
import { inspectPostgres } from "../../proto/database/postgres.ts";
import { inspectSqlite, openSqlite } from "../../proto/database/sqlite.ts";
import { type Table, tablesOf } from "../../proto/database/tables.ts";
import { PRODUCT_VERSION } from "../version.ts";
import { STORE_FILE } from "./open.ts";
import { PARTY_HISTORY } from "./schema.ts";

export function dialectOf({ config }: StorePlace): Dialect {
  return config === undefined ? "sqlite" : "postgres";
}

/** As of one moment. Throws STORE_DAMAGED, STORE_UNREACHABLE, STORAGE_FAILED. */
export function inspectStore<T>(place: StorePlace, look: (reader: Reader, found: Found) => Promise<T>): Promise<T> {
  const { folder, config } = place;
  if (config === undefined) return inspectSqlite(join(folder, STORE_FILE), look);
  return inspectPostgres(postgresPlace(place, config), look);
}

/** The same of a store in a file of its own. */
export function inspectFile<T>(path: string, look: (reader: Reader, found: Found) => Promise<T>): Promise<T> {
  return inspectSqlite(path, look);
}

/** A store in a file of its own, made or brought up to date. */
export function openFile(path: string, owner: string): Database {
  return openSqlite(path, PARTY_HISTORY, { owner, program: PRODUCT_VERSION, isServing: false });
}

/** As a new store has them. */
export async function newTables(): Promise<Table[]> {
  const fresh = openFile(":memory:", "");
  try {
    return await tablesOf("sqlite", fresh);
  } finally {
    await fresh.close();
  }
}
