/**
 * A table or one query of a PostgreSQL database as the bytes of a CSV, as `COPY … TO STDOUT` gives them, in one transaction
 * that can only read and sees one state of the database however often it asks.
 */
import { type Client, escapeIdentifier, type FieldDef, type QueryConfig } from "pg";
import { to as copyTo } from "pg-copy-streams";
import { EntenteError } from "../../proto/errors.ts";
import { databaseError } from "../databases/database-error.ts";
import type { CsvDialect } from "./csv-dialect.ts";
import type { PostgresFrom, SourceAccess } from "./source.ts";
import type { ColumnType } from "./table.ts";

/** What COPY writes. */
export const COPY_DIALECT: CsvDialect = { delimiter: ",", quote: '"', encoding: "utf-8", lineEnd: "\n", skipLines: 0 };

export interface PostgresColumn {
  readonly name: string;
  readonly type: Exclude<ColumnType, "id">;
  /** Text or integer: nothing is lost when it is written down. */
  readonly canBeId: boolean;
  /** An integer, or a boolean, which is read as 0 or 1. */
  readonly isWhole: boolean;
  readonly isBoolean: boolean;
}

/** Object ids of types (PostgreSQL's pg_type.dat), which never change. */
const BOOLEAN = 16;
const INTEGERS = [20, 21, 23];
const NUMBERS = [700, 701, 1700];
const TEXTS = [18, 19, 25, 1042, 1043, 2950];

/**
 * The form of values in text is fixed, whatever the server's or the user's settings are, and so is the order of a scan. A job
 * reads as fast as it can work, so that a statement may take long; a lock is a table that is being changed.
 */
const BEGIN = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
  SET LOCAL client_encoding = 'UTF8'; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'iso_8601';
  SET LOCAL timezone = 'UTC'; SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex';
  SET LOCAL synchronize_seqscans = off; SET LOCAL max_parallel_workers_per_gather = 0;
  SET LOCAL statement_timeout = '2h'; SET LOCAL lock_timeout = '10s'; SET LOCAL idle_in_transaction_session_timeout = '30min'`;

export class PostgresReading {
  readonly database: string;
  readonly #client: Client;
  #isCopying = false;

  private constructor(database: string, client: Client) {
    this.database = database;
    this.#client = client;
  }

  /** Throws DATABASE_UNKNOWN, DATABASE_UNREACHABLE, DATABASE_REFUSED, as all of its methods. */
  static async open({ databases }: SourceAccess, database: string): Promise<PostgresReading> {
    if (databases === undefined) throw new EntenteError("DATABASE_UNKNOWN", { detail: database });
    const client = await databases.connect(database, "datasets");
    const reading = new PostgresReading(database, client);
    try {
      await reading.#ask(BEGIN);
    } catch (error) {
      await reading.close();
      throw error;
    }
    return reading;
  }

  /** `name`: `table` or `schema.table`, as they are spelled there. With the columns of its primary key. Throws NOT_FOUND. */
  async table(name: string): Promise<PostgresFrom> {
    const quoted = tableName(name).map(escapeIdentifier).join(".");
    const [found] = await this.#ask<{ oid: string; schema: string; name: string }>({
      text: `SELECT c.oid::text AS oid, n.nspname AS schema, c.relname AS name FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`,
      values: [quoted],
    });
    if (found === undefined) throw new EntenteError("NOT_FOUND", { detail: `table ${name} in ${this.database}` });
    const key = await this.#ask<{ name: string }>({
      text: `SELECT a.attname AS name FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (number, place)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
        WHERE i.indrelid = $1 AND i.indisprimary ORDER BY k.place`,
      values: [found.oid],
    });
    return { table: { schema: found.schema, name: found.name }, orderedBy: key.map((column) => column.name) };
  }

  /**
   * One SELECT, WITH, VALUES or TABLE. Parsed by the server as what PREPARE takes, in a message that holds one statement: so its
   * brackets close, and nothing of it can end the COPY that it will stand in. What else PREPARE takes, the transaction refuses.
   */
  async query(text: string): Promise<PostgresFrom> {
    const query = text.replace(/[\s;]+$/, "");
    await this.#ask(asOneStatement(`PREPARE entente_source AS ${query}`));
    await this.#ask("DEALLOCATE entente_source");
    return { query };
  }

  async describe(from: PostgresFrom): Promise<PostgresColumn[]> {
    const text = `SELECT * FROM (\n${selectOf(from)}\n) AS described LIMIT 0`;
    try {
      const { fields } = await this.#client.query(asOneStatement(text));
      return fields.map(columnOf);
    } catch (error) {
      throw databaseError(this.database, error);
    }
  }

  /** UTF-8, in the form of COPY_DIALECT, with a header. Ends early only with an error. */
  async *copy(from: PostgresFrom, columns: readonly PostgresColumn[]): AsyncGenerator<Uint8Array, void, undefined> {
    this.#isCopying = true;
    try {
      const sql = `COPY (\n${selectOf(from, columns)}\n) TO STDOUT (FORMAT csv, HEADER true)`;
      const stream = this.#client.query(copyTo(sql));
      // A reader that stopped hears no more of it, and the connection's end is an error to the stream.
      stream.on("error", () => {});
      yield* stream;
      this.#isCopying = false;
    } catch (error) {
      throw databaseError(this.database, error);
    }
  }

  /** Whatever happened; never rejects. */
  async close(): Promise<void> {
    // A server that is still sending would not hear of the end.
    if (this.#isCopying) this.#client.connection.stream.destroy();
    await this.#client.end().catch(() => {});
  }

  async #ask<Row extends object>(query: string | QueryConfig): Promise<Row[]> {
    try {
      const { rows } = await this.#client.query<Row>(query);
      return rows;
    } catch (error) {
      throw databaseError(this.database, error);
    }
  }
}

function asOneStatement(text: string): QueryConfig {
  // By the extended protocol, whose messages hold one statement. The types of pg do not know the option.
  return { text, queryMode: "extended" } as QueryConfig;
}

function columnOf({ name, dataTypeID: type }: FieldDef): PostgresColumn {
  const isBoolean = type === BOOLEAN;
  const isWhole = isBoolean || INTEGERS.includes(type);
  const isText = TEXTS.includes(type);
  return {
    name,
    type: isText ? "text" : isWhole || NUMBERS.includes(type) ? "number" : "other",
    canBeId: isText || INTEGERS.includes(type),
    isWhole,
    isBoolean,
  };
}

/** A query stays as it is, with its own order, inside brackets. */
function selectOf(from: PostgresFrom, columns?: readonly PostgresColumn[]): string {
  const listed = columns?.map(({ name, isBoolean }) => {
    const quoted = escapeIdentifier(name);
    return isBoolean ? `${quoted}::int AS ${quoted}` : quoted;
  });
  const list = listed?.join(", ") ?? "*";
  if ("query" in from) return `SELECT ${list} FROM (\n${from.query}\n) AS source`;
  const { table, orderedBy } = from;
  const order = orderedBy.length === 0 ? "" : ` ORDER BY ${orderedBy.map(escapeIdentifier).join(", ")}`;
  return `SELECT ${list} FROM ${escapeIdentifier(table.schema)}.${escapeIdentifier(table.name)}${order}`;
}

/** `table`, or schema and table with a dot between. Throws BAD_REQUEST. */
export function tableName(text: string): string[] {
  const parts = text.split(".");
  if (parts.length > 2 || parts.includes("")) throw new EntenteError("BAD_REQUEST", { detail: "table" });
  return parts;
}
