/**
 * A schema of a PostgreSQL server (13 or later). One connection writes, in transactions one after another, and holds the lock of the
 * process that serves: when it is lost the lock is lost with it, so that what writes is always what serves. Reads have connections of
 * their own. A server that goes away is waited for some seconds; whether a COMMIT that got no answer holds, the server is asked.
 */
import { randomUUID } from "node:crypto";
import { EntenteError } from "../errors.ts";
import type { Database, Opener, Reader, SqlValue, Statements } from "./database.ts";
import { changesTo, type Found, type History } from "./history.ts";
import type { PostgresPlace } from "./place.ts";
import { PostgresConnection } from "./postgres-connection.ts";

const PATIENCE_MS = 10_000;
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 2_000;
/** Beside the one that writes, and those of snapshots. */
const MAX_READERS = 4;
/** Rows that a snapshot gives at a time. */
const ROWS = 4_000;
const BEGIN_SNAPSHOT = "SET idle_in_transaction_session_timeout = 0; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/** At the begin of each transaction: the row lets them in one after another, also those of other processes. */
const BEGIN = "BEGIN; SELECT 1 FROM store_owner FOR UPDATE; SELECT pg_current_xact_id()::text AS xid;";

/**
 * Opens it, and brings its schema up to date. Throws STORE_UNREACHABLE, STORE_IN_USE, STORE_TOO_NEW, STORE_OF_ANOTHER, STORE_DAMAGED,
 * STORAGE_FAILED, BAD_REQUEST.
 */
export async function openPostgres(place: PostgresPlace, history: History, opener: Opener): Promise<PostgresDatabase> {
  const holder = opener.isServing ? randomUUID() : undefined;
  const writer = await PostgresConnection.open(await place.url(), place.schema);
  try {
    if (holder !== undefined && !(await takeLock(writer, place.schema)))
      throw new EntenteError("STORE_IN_USE", { detail: `schema ${place.schema}` });
    await bringUpToDate(writer, place, history, opener);
    if (holder !== undefined) await writer.run("UPDATE store_owner SET holder = ?", holder);
    return new PostgresDatabase(place, writer, holder);
  } catch (error) {
    await writer.end();
    throw error;
  }
}

/** Ends with the connection. */
async function takeLock(connection: PostgresConnection, schema: string): Promise<boolean> {
  const lock = "SELECT pg_try_advisory_lock(hashtextextended(?, 0)) AS held";
  return (await connection.get<{ held: boolean }>(lock, `entente/${schema}`))?.held === true;
}

async function foundInPostgres(connection: PostgresConnection): Promise<Found> {
  const there = await connection.get<{ name: string | null }>("SELECT to_regclass('store_version')::text AS name");
  if (there?.name == null) return { version: 0 };
  const last = "SELECT version, program FROM store_version ORDER BY version DESC LIMIT 1";
  const of = await connection.get<{ kind: string; owner: string }>("SELECT kind, owner FROM store_owner");
  return { version: 0, ...(await connection.get<{ version: number; program: string }>(last)), ...of };
}

/** A schema as it is, whatever its version, and as of one moment. Changes nothing. Throws STORE_UNREACHABLE, STORAGE_FAILED. */
export async function inspectPostgres<T>(
  place: PostgresPlace,
  look: (reader: Reader, found: Found) => Promise<T>,
): Promise<T> {
  const connection = await PostgresConnection.open(await place.url(), place.schema);
  try {
    await connection.exec(BEGIN_SNAPSHOT);
    return await look(readerOf(connection), await foundInPostgres(connection));
  } finally {
    await connection.end();
  }
}

async function bringUpToDate(
  connection: PostgresConnection,
  { schema, ports }: PostgresPlace,
  history: History,
  opener: Opener,
): Promise<void> {
  const encoding = await connection.get<{ name: string }>("SELECT current_setting('server_encoding') AS name");
  if (encoding?.name !== "UTF8") throw new EntenteError("STORAGE_FAILED", { detail: "the database is not in UTF8" });
  await connection.exec("BEGIN");
  try {
    const lock = "SELECT pg_advisory_xact_lock(hashtextextended(?, 1))::text AS taken";
    await connection.get(lock, `entente/${schema}`);
    // Asked first: who may not make schemas may not even try.
    const there = await connection.get<{ name: string | null }>(
      "SELECT to_regnamespace(?)::text AS name",
      `"${schema}"`,
    );
    if (there?.name == null) await connection.exec(`CREATE SCHEMA "${schema}"`);
    for (const { version, name, sql } of changesTo(history, "postgres", await foundInPostgres(connection), opener)) {
      await connection.exec(sql);
      const applied = `INSERT INTO store_version (version, name, program, appliedAt) VALUES (?, ?, ?, ?)`;
      await connection.run(applied, version, name, opener.program, new Date(ports.clock.nowMs()).toISOString());
    }
    const owner =
      "INSERT INTO store_owner (kind, owner, holder) SELECT ?, '', '' WHERE NOT EXISTS (SELECT 1 FROM store_owner)";
    await connection.run(owner, history.kind);
    await connection.run("UPDATE store_owner SET owner = ? WHERE owner = ''", opener.owner);
    await connection.exec("COMMIT");
  } catch (error) {
    if (!connection.isBroken) await connection.exec("ROLLBACK");
    throw error;
  }
}

export class PostgresDatabase implements Database {
  readonly dialect = "postgres";
  readonly #place: PostgresPlace;
  /** Of the process that serves; undefined of one that works beside it. */
  readonly #holder: string | undefined;
  readonly #idle: PostgresConnection[] = [];
  readonly #waiting: (() => void)[] = [];
  #readers = 0;
  #writer: PostgresConnection | undefined;
  /** Ends when every transaction that was asked for has. */
  #last: Promise<unknown> = Promise.resolve();
  /** On the monotonic clock; undefined while the server answers. */
  #goneSinceMs: number | undefined;
  #isClosed = false;

  constructor(place: PostgresPlace, writer: PostgresConnection, holder: string | undefined) {
    this.#place = place;
    this.#writer = writer;
    this.#holder = holder;
  }

  all<Row>(sql: string, ...values: readonly SqlValue[]): Promise<Row[]> {
    return this.#read((connection) => connection.all(sql, ...values));
  }

  get<Row>(sql: string, ...values: readonly SqlValue[]): Promise<Row | undefined> {
    return this.#read((connection) => connection.get(sql, ...values));
  }

  run(sql: string, ...values: readonly SqlValue[]): Promise<number> {
    return this.transaction((statements) => statements.run(sql, ...values));
  }

  insert(...args: Parameters<Statements["insert"]>): Promise<number> {
    return this.transaction((statements) => statements.insert(...args));
  }

  transaction<T>(work: (sql: Statements) => Promise<T>): Promise<T> {
    const result = this.#last.then(() => this.#patiently(() => this.#write(work)));
    this.#last = result.catch(() => {});
    return result;
  }

  async #write<T>(work: (sql: Statements) => Promise<T>): Promise<T> {
    const writer = await this.#openWriter();
    let xid: string | undefined;
    let done: { readonly result: T } | undefined;
    try {
      xid = (await writer.exec<{ xid: string }>(BEGIN))[0]?.xid;
      done = { result: await work(writer) };
      await writer.exec("COMMIT");
    } catch (error) {
      if (!writer.isBroken) {
        await writer.exec("ROLLBACK");
        throw error;
      }
      // Only the server knows what became of a COMMIT that got no answer.
      if (done === undefined || xid === undefined || !(await this.#isCommitted(xid))) throw error;
    }
    return done.result;
  }

  /** Waits for the server, and for the transaction to end there. */
  async #isCommitted(xid: string): Promise<boolean> {
    return this.#patiently(async () => {
      const writer = await this.#openWriter();
      const status = await writer.get<{ status: string | null }>("SELECT pg_xact_status(?::xid8) AS status", xid);
      if (status?.status === "in progress")
        throw new EntenteError("STORE_UNREACHABLE", { detail: "a COMMIT has not ended" });
      return status?.status === "committed";
    });
  }

  /** The lock was lost with the connection: it is taken again, unless another has served since. */
  async #openWriter(): Promise<PostgresConnection> {
    this.#requireOpen();
    if (this.#writer !== undefined && !this.#writer.isBroken) return this.#writer;
    const { url, schema } = this.#place;
    const writer = await PostgresConnection.open(await url(), schema);
    try {
      if (this.#holder !== undefined) {
        // The server may not have seen yet that the former connection is gone.
        if (!(await takeLock(writer, schema)))
          throw new EntenteError("STORE_UNREACHABLE", { detail: "its lock is held" });
        const { holder } = (await writer.get<{ holder: string }>("SELECT holder FROM store_owner")) ?? {};
        if (holder !== this.#holder)
          throw new EntenteError("STORE_IN_USE", { detail: "another process has served since" });
      }
    } catch (error) {
      await writer.end();
      throw error;
    }
    this.#writer = writer;
    return writer;
  }

  async #read<T>(read: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    return this.#patiently(async () => {
      const connection = await this.#takeReader();
      try {
        return await read(connection);
      } finally {
        this.#giveBack(connection);
      }
    });
  }

  async #takeReader(): Promise<PostgresConnection> {
    while (this.#readers >= MAX_READERS) await new Promise<void>((resume) => this.#waiting.push(resume));
    this.#readers++;
    try {
      this.#requireOpen();
      for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) if (!idle.isBroken) return idle;
      return await this.#connect();
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  #giveBack(connection: PostgresConnection): void {
    if (this.#isClosed) void connection.end();
    else if (!connection.isBroken) this.#idle.push(connection);
    this.#release();
  }

  #release(): void {
    this.#readers--;
    this.#waiting.shift()?.();
  }

  async #connect(): Promise<PostgresConnection> {
    return PostgresConnection.open(await this.#place.url(), this.#place.schema);
  }

  /** Again and again while the server is away, but not longer than it has been waited for already. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    const { ports, patienceMs = PATIENCE_MS } = this.#place;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      try {
        const result = await work();
        this.#goneSinceMs = undefined;
        return result;
      } catch (error) {
        if (!(error instanceof EntenteError) || error.code !== "STORE_UNREACHABLE" || this.#isClosed) throw error;
        const nowMs = ports.clock.monotonicMs();
        this.#goneSinceMs ??= nowMs;
        if (nowMs - this.#goneSinceMs + pauseMs > patienceMs) throw error;
        await new Promise<void>((resume) => ports.timers.after(pauseMs, resume));
      }
    }
  }

  async *snapshot<T>(read: (reader: Reader) => AsyncIterable<T>): AsyncGenerator<T> {
    const connection = await this.#patiently(() => this.#connect());
    try {
      await connection.exec(BEGIN_SNAPSHOT);
      yield* read(readerOf(connection));
    } finally {
      await connection.end();
    }
  }

  /** A server keeps what was deleted until it has vacuumed, and in its logs: README.md. */
  async forget(): Promise<void> {}

  async close(): Promise<void> {
    await this.#last;
    this.#isClosed = true;
    for (const waiting of this.#waiting.splice(0)) waiting();
    await Promise.all([this.#writer, ...this.#idle.splice(0)].map((connection) => connection?.end()));
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new EntenteError("STORAGE_FAILED", { detail: "the store is closed" });
  }
}

function readerOf(connection: PostgresConnection): Reader {
  let cursors = 0;
  return {
    all: (sql, ...values) => connection.all(sql, ...values),
    async *rows<Row extends readonly unknown[]>(sql: string, ...values: readonly SqlValue[]) {
      const cursor = `c${++cursors}`;
      await connection.run(`DECLARE ${cursor} NO SCROLL CURSOR FOR ${sql}`, ...values);
      for (;;) {
        const some = await connection.arrays<Row>(`FETCH ${ROWS} FROM ${cursor}`);
        if (some.length > 0) yield some;
        if (some.length < ROWS) break;
      }
      await connection.exec(`CLOSE ${cursor}`);
    },
  };
}
