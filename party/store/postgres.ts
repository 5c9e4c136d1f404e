/** The node's store in a schema of a PostgreSQL server. */
import type { Opener } from "../../proto/database/database.ts";
import { openPostgres, type PostgresPlace } from "../../proto/database/postgres.ts";
import { PRODUCT_VERSION } from "../version.ts";
import { PARTY_HISTORY } from "./schema.ts";
import { SqlStore } from "./sql-store.ts";
import type { Store } from "./store.ts";

/** Makes it or brings it up to date. Throws what `openPostgres` throws. */
export async function openPostgresStore(place: PostgresPlace, opener: Partial<Opener> = {}): Promise<Store> {
  const by = { owner: "", program: PRODUCT_VERSION, isServing: false, ...opener };
  return new SqlStore(await openPostgres(place, PARTY_HISTORY, by));
}
