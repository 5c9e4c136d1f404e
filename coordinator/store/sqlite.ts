/** The coordinator's store in one file. */
import type { Opener } from "../../proto/database/database.ts";
import { openSqlite, type SqlitePlace } from "../../proto/database/sqlite.ts";
import { PRODUCT_VERSION } from "../version.ts";
import { COORDINATOR_HISTORY } from "./schema.ts";
import { sqlStore } from "./sql-store.ts";
import type { Store } from "./store.ts";

/** Makes it or brings it up to date. Throws what `openSqlite` throws. */
export function openSqliteStore(place: SqlitePlace, opener: Partial<Opener> = {}): Store {
  return sqlStore(
    openSqlite(place, COORDINATOR_HISTORY, { owner: "", program: PRODUCT_VERSION, isServing: false, ...opener }),
  );
}
