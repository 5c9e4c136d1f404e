/** A store's tables as its database tells them, compared with what they should be, and copied from one database to another. Pure. */
import { EntenteError } from "../errors.ts";
import type { Database, Dialect, Reader, SqlValue } from "./database.ts";

export interface Table {
  readonly name: string;
  readonly columns: readonly string[];
}

/** What every store has; of its own, so that it is not copied. */
const COMMON = ["store_version", "store_owner"];

const COLUMNS: Readonly<Record<Dialect, string>> = {
  sqlite: `SELECT m.name AS name, p.name AS col FROM sqlite_schema m JOIN pragma_table_info(m.name) p
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.rowid, p.cid`,
  postgres: `SELECT c.relname::text AS name, a.attname::text AS col FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY c.oid, a.attnum`,
};

/** In the order in which they were made: a table comes after those that it refers to. */
export async function tablesOf(dialect: Dialect, reader: Pick<Reader, "all">): Promise<Table[]> {
  const columns = new Map<string, string[]>();
  for (const { name, col } of await reader.all<{ name: string; col: string }>(COLUMNS[dialect])) {
    if (!COMMON.includes(name)) columns.set(name, [...(columns.get(name) ?? []), col]);
  }
  return [...columns].map(([name, of]) => ({ name, columns: of }));
}

/** Tables and columns that are not there, as `tag` and `tag.subject`. */
export function missingFrom(found: readonly Table[], expected: readonly Table[]): string[] {
  return expected.flatMap(({ name, columns }) => {
    const table = found.find((one) => one.name === name);
    if (table === undefined) return [name];
    return columns.filter((column) => !table.columns.includes(column)).map((column) => `${name}.${column}`);
  });
}

/**
 * Every row, all or nothing, into a store that has none; `tables` as both have them. Rows that were copied. Throws ALREADY_EXISTS when
 * there is one.
 */
export async function copyTables(from: Reader, to: Database, tables: readonly Table[]): Promise<number> {
  return to.transaction(async (sql) => {
    let copied = 0;
    for (const { name } of tables)
      if ((await sql.get(`SELECT 1 AS one FROM ${name} LIMIT 1`)) !== undefined)
        throw new EntenteError("ALREADY_EXISTS", { detail: "the store to write to is not empty" });
    for (const { name, columns } of tables) {
      for await (const rows of from.rows<SqlValue[]>(`SELECT ${columns.join(", ")} FROM ${name}`)) {
        copied += rows.length;
        await sql.insert(name, columns, rows);
      }
      if (to.dialect === "postgres" && columns.includes("id"))
        await sql.all(
          `SELECT setval(pg_get_serial_sequence(?, 'id'), (SELECT max(id) FROM ${name})) AS last
           FROM ${name} LIMIT 1`,
          name,
        );
    }
    return copied;
  });
}
