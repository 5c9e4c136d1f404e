/** `entente store migrate` and `copy` of a node: changes of its store that are made while the node does not run. */
import { schemaVersion } from "../../proto/database/history.ts";
import type { StorePlace } from "../../proto/database/place.ts";
import { copyTables } from "../../proto/database/tables.ts";
import { EntenteError } from "../../proto/errors.ts";
import { inspectStore, newTables } from "./look.ts";
import { openDatabase } from "./open.ts";
import { PARTY_HISTORY } from "./schema.ts";

export interface Migrated {
  /** 0: there was none. */
  readonly from: number;
  readonly to: number;
}

const to = schemaVersion(PARTY_HISTORY);

/** Throws what `openDatabase` throws: STORE_IN_USE while the node runs. */
export async function migrateStore(place: StorePlace, owner: string): Promise<Migrated> {
  const from = await inspectStore(place, async (_reader, { version }) => version).catch((error: unknown) => {
    if (error instanceof EntenteError && error.code === "NOT_FOUND") return 0;
    throw error;
  });
  await (await openDatabase(place, { owner, isServing: true })).close();
  return { from, to };
}

/** To another place, which has none; the node must not be running. Rows that were copied. Throws STORE_IN_USE, ALREADY_EXISTS. */
export async function copyStore(from: StorePlace, target: StorePlace, owner: string): Promise<number> {
  // Held for as long, so that the node does not start.
  const source = await openDatabase(from, { owner, isServing: true });
  try {
    const copy = await openDatabase(target, { owner, isServing: true });
    try {
      const tables = await newTables();
      return await inspectStore(from, (reader) => copyTables(reader, copy, tables));
    } finally {
      await copy.close();
    }
  } finally {
    await source.close();
  }
}
