/** `entente store check` of a coordinator: what is wrong with its store. */
import { join } from "node:path";
import { checkDatabase, fine, type StoreFinding, wrong } from "../../proto/database/check.ts";
import type { Reader } from "../../proto/database/database.ts";
import type { Found } from "../../proto/database/history.ts";
import { postgresPlace, type StorePlace } from "../../proto/database/place.ts";
import { inspectPostgres } from "../../proto/database/postgres.ts";
import { inspectSqlite, openSqlite } from "../../proto/database/sqlite.ts";
import { tablesOf } from "../../proto/database/tables.ts";
import { EntenteError } from "../../proto/errors.ts";
import { PRODUCT_VERSION } from "../version.ts";
import { STORE_FILE } from "./open.ts";
import { COORDINATOR_HISTORY } from "./schema.ts";

/** Changes nothing; the coordinator may be running. Rejects only when the database cannot be reached. */
export async function checkStore(place: StorePlace, owner: string): Promise<StoreFinding[]> {
  const fresh = openSqlite(":memory:", COORDINATOR_HISTORY, { owner: "", program: PRODUCT_VERSION, isServing: false });
  const tables = await tablesOf("sqlite", fresh).finally(() => fresh.close());
  const dialect = place.config === undefined ? "sqlite" : "postgres";
  const checked = { dialect, history: COORDINATOR_HISTORY, tables, owner } as const;
  const look = async (reader: Reader, found: Found) => {
    const { state, findings } = await checkDatabase(reader, found, checked);
    return state === "current" ? [...findings, await checkRows(reader)] : findings;
  };
  try {
    const { folder, config } = place;
    if (config === undefined) return await inspectSqlite(join(folder, STORE_FILE), look);
    return await inspectPostgres(postgresPlace(place, config), look);
  } catch (error) {
    if (!(error instanceof EntenteError) || error.code !== "STORE_DAMAGED") throw error;
    return [wrong("database", "damaged, or no database")];
  }
}

/** Rows that refer to none, which the database itself refuses, and texts that are no lists. */
async function checkRows(reader: Reader): Promise<StoreFinding> {
  const strays = await reader.all<{ n: number }>(
    `SELECT count(*) AS n FROM jobs WHERE NOT EXISTS (
       SELECT 1 FROM agreements a WHERE a.agreement_digest = jobs.agreement_digest)`,
  );
  const agreements = await reader.all<{ parties: string; marks: string }>("SELECT parties, marks FROM agreements");
  const bad = agreements.filter(({ parties, marks }) => !isJson(parties) || !isJson(marks)).length;
  const n = (strays[0]?.n ?? 0) + bad;
  return n === 0 ? fine("rows", `${agreements.length} agreements, readable`) : wrong("rows", `${n} cannot be right`);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
