/** One connection to a PostgreSQL server, with the statements that were prepared on it. */
import { Client, type ClientConfig, type QueryResult } from "pg";
import { EntenteError } from "../errors.ts";
import type { SqlValue, Statements } from "./database.ts";
import { insertStatement, postgresStatement } from "./dialect.ts";
import { isGone, postgresError } from "./store-error.ts";

/** A server that does not answer within this is not there. */
const CONNECT_TIMEOUT_MS = 10_000;
/** The longest statements write some hundred thousand rows. */
const STATEMENT_TIMEOUT_MS = 120_000;
/** For another writer to end. */
const LOCK_TIMEOUT_MS = 30_000;
const IDLE_IN_TRANSACTION_MS = 60_000;
const KEEPALIVE_MS = 10_000;
const MAX_PREPARED = 500;
/** Rows in one INSERT: a statement may have 65,535 values. */
const INSERT_ROWS = 1_000;

const INT8 = 20;
const NUMERIC = 1700;
const BYTEA = 17;

function parserOf(type: number): ((text: string) => unknown) | undefined {
  if (type === INT8 || type === NUMERIC) return Number;
  return type === BYTEA ? (text) => new Uint8Array(Buffer.from(text.slice(2), "hex")) : undefined;
}

const CONFIG: ClientConfig = {
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  query_timeout: STATEMENT_TIMEOUT_MS + CONNECT_TIMEOUT_MS,
  keepAlive: true,
  keepAliveInitialDelayMillis: KEEPALIVE_MS,
  application_name: "entente-store",
};

/** What was acknowledged is on the server's disk, whatever the server's default; a stronger default stays. */
const SETTINGS = `
SET statement_timeout = ${STATEMENT_TIMEOUT_MS}; SET lock_timeout = ${LOCK_TIMEOUT_MS};
SET idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS}; SET bytea_output = 'hex';
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local');
`;

export class PostgresConnection implements Statements {
  readonly #client: Client;
  readonly #prepared = new Map<string, string>();
  #isBroken = false;

  private constructor(client: Client) {
    this.#client = client;
    // Without a listener a server that dies ends the process.
    client.on("error", () => this.break());
    client.on("end", () => {
      this.#isBroken = true;
    });
  }

  /** `schema`: where tables are looked for and made. Throws STORE_UNREACHABLE, STORAGE_FAILED. */
  static async open(url: string, schema: string): Promise<PostgresConnection> {
    let connection: PostgresConnection | undefined;
    try {
      connection = new PostgresConnection(clientOf(url));
      await connection.#client.connect();
      await connection.exec(`SET search_path = "${schema}"; ${SETTINGS}`);
      return connection;
    } catch (error) {
      connection?.break();
      throw postgresError(error);
    }
  }

  /** It can do nothing more; a transaction on it was undone, or is as its COMMIT left it. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  break(): void {
    if (!this.#isBroken) this.#client.end().catch(() => {});
    this.#isBroken = true;
  }

  async end(): Promise<void> {
    const isBroken = this.#isBroken;
    this.#isBroken = true;
    if (!isBroken) await this.#client.end().catch(() => {});
  }

  /** Statements without values; rows of the last that gave any. */
  async exec<Row>(sql: string): Promise<Row[]> {
    const results = await this.#ask(() => this.#client.query(sql) as Promise<QueryResult | QueryResult[]>);
    return ([results].flat().findLast(({ rows }) => rows.length > 0)?.rows ?? []) as Row[];
  }

  async all<Row>(sql: string, ...values: readonly SqlValue[]): Promise<Row[]> {
    return (await this.#query(sql, values)).rows as Row[];
  }

  async get<Row>(sql: string, ...values: readonly SqlValue[]): Promise<Row | undefined> {
    return (await this.#query(sql, values)).rows[0] as Row | undefined;
  }

  async run(sql: string, ...values: readonly SqlValue[]): Promise<number> {
    return (await this.#query(sql, values)).rowCount ?? 0;
  }

  async arrays<Row>(sql: string, ...values: readonly SqlValue[]): Promise<Row[]> {
    return (await this.#query(sql, values, true)).rows as Row[];
  }

  async insert(
    table: string,
    columns: readonly string[],
    rows: readonly (readonly SqlValue[])[],
    { ignore = false }: { readonly ignore?: boolean } = {},
  ): Promise<number> {
    let written = 0;
    for (let from = 0; from < rows.length; from += INSERT_ROWS) {
      const some = rows.slice(from, from + INSERT_ROWS);
      written += await this.run(insertStatement(table, columns, some.length, ignore), ...some.flat());
    }
    return written;
  }

  #query(sql: string, values: readonly SqlValue[], asArrays = false): Promise<QueryResult> {
    const statement = { text: postgresStatement(sql), values: [...values], ...(asArrays ? { rowMode: "array" } : {}) };
    const name = this.#nameOf(statement.text);
    return this.#ask(() => this.#client.query(name === undefined ? statement : { ...statement, name }));
  }

  /** Each statement is prepared once; of those with lists in their text there is no end. */
  #nameOf(text: string): string | undefined {
    const known = this.#prepared.get(text);
    if (known !== undefined || this.#prepared.size >= MAX_PREPARED) return known;
    const name = `s${this.#prepared.size}`;
    this.#prepared.set(text, name);
    return name;
  }

  async #ask<T>(query: () => Promise<T>): Promise<T> {
    if (this.#isBroken) throw new EntenteError("STORE_UNREACHABLE", { detail: "the connection was lost" });
    try {
      return await query();
    } catch (error) {
      if (isGone(error)) this.break();
      throw postgresError(error);
    }
  }
}

function clientOf(url: string): Client {
  try {
    const client = new Client({ connectionString: url, ...CONFIG });
    for (const type of [INT8, NUMERIC, BYTEA]) client.setTypeParser(type, parserOf(type) as (text: string) => unknown);
    return client;
  } catch {
    // The parser's message quotes what it could not parse, password and all.
    const detail = "the store's URL is not of the form postgresql://user:password@host:port/database";
    throw new EntenteError("BAD_REQUEST", { detail });
  }
}
