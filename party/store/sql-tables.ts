/** What the store's classes share. */
import type { Database } from "../../proto/database/database.ts";

export class SqlTables {
  protected readonly db: Database;

  constructor(db: Database) {
    this.db = db;
  }
}

/** Values of a list that stands in a statement's text; many statements alike are prepared once. */
const LISTED = 500;

/** As long as `?, ?, …` of a statement may be. */
export function* listed<T>(values: readonly T[]): Generator<{ readonly places: string; readonly some: readonly T[] }> {
  for (let from = 0; from < values.length; from += LISTED) {
    const some = values.slice(from, from + LISTED);
    yield { places: some.map(() => "?").join(", "), some };
  }
}

/** Writes a row, or all of it anew where one of the same key is. */
export function upsert(table: string, key: readonly string[], others: readonly string[]): string {
  const columns = [...key, ...others];
  const update = others.map((name) => `${name} = excluded.${name}`).join(", ");
  return `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})
    ON CONFLICT (${key.join(", ")}) DO UPDATE SET ${update}`;
}
