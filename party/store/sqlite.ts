/** The embedded store: a file in the node's folder. */
import type { Opener } from "../../proto/database/database.ts";
import { openSqlite, type SqlitePlace } from "../../proto/database/sqlite.ts";
import { PRODUCT_VERSION } from "../version.ts";
import { PARTY_HISTORY } from "./schema.ts";
import { SqlStore } from "./sql-store.ts";
import type { Store } from "./store.ts";

/** Makes it or brings it up to date. Throws what `openSqlite` throws. */
export function openSqliteStore(place: SqlitePlace, opener: Partial<Opener> = {}): Store {
  return new SqlStore(
    openSqlite(place, PARTY_HISTORY, { owner: "", program: PRODUCT_VERSION, isServing: false, ...opener }),
  );
}
