/** The embedded database: node:sqlite in WAL mode, synchronous=FULL, so that what was acknowledged survives a power loss. */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { EntenteError } from "../errors.ts";
import type { Database, Opener, Reader, SqlValue, Statements } from "./database.ts";
import { insertStatement } from "./dialect.ts";
import { changesTo, type Found, type History } from "./history.ts";
import { sqliteError } from "./store-error.ts";

/** Other processes write beside the one that serves: each waits for the other so long. */
const BUSY_TIMEOUT_MS = 5_000;
/** Rows that a snapshot gives at a time. */
const ROWS = 4_000;
const MANY_ROWS = 100_000;
const MAX_PREPARED = 500;
/** Result code of SQLite. */
const CANNOT_OPEN = 14;
const IN_MEMORY = ":memory:";

const SETTINGS = `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA secure_delete = ON;
  PRAGMA foreign_keys = ON;`;

/** A file, or a database in memory: of its own, or a connection that outlives the store over it. */
export type SqlitePlace = string | DatabaseSync;

interface Connection {
  readonly path: string;
  /** Closed with the store. */
  readonly isOwn: boolean;
  readonly lock?: DatabaseSync | undefined;
}

/**
 * Opens or makes the file, and brings its schema up to date. Throws STORE_IN_USE, STORE_TOO_NEW, STORE_OF_ANOTHER, STORE_DAMAGED,
 * STORAGE_FAILED.
 */
export function openSqlite(place: SqlitePlace, history: History, opener: Opener): SqliteDatabase {
  if (typeof place !== "string") {
    bringUpToDate(place, history, opener);
    return new SqliteDatabase(place, { path: IN_MEMORY, isOwn: false });
  }
  const lock = opener.isServing && place !== IN_MEMORY ? takeLock(place) : undefined;
  try {
    const db = connect(place);
    try {
      bringUpToDate(db, history, opener);
    } catch (error) {
      db.close();
      throw error;
    }
    return new SqliteDatabase(db, { path: place, isOwn: true, lock });
  } catch (error) {
    lock?.close();
    throw sqliteError(error);
  }
}

function connect(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    db.exec(SETTINGS);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** The operating system frees it with the process, however that ends. */
function takeLock(path: string): DatabaseSync {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(`${path}.lock`, { timeout: 0 });
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock?.close();
    const failure = sqliteError(error);
    const isTaken = failure instanceof EntenteError && failure.code === "STORE_UNREACHABLE";
    throw isTaken ? new EntenteError("STORE_IN_USE", { detail: path }) : failure;
  }
}

function tables(db: DatabaseSync): Set<string> {
  const rows = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all() as { name: string }[];
  return new Set(rows.map(({ name }) => name));
}

function foundInSqlite(db: DatabaseSync): Found {
  const { user_version: version } = db.prepare("PRAGMA user_version").get() as { user_version: number };
  if (!tables(db).has("store_version")) return { version };
  const { program } = (db.prepare("SELECT program FROM store_version ORDER BY version DESC LIMIT 1").get() ??
    {}) as Partial<Found>;
  const { kind, owner } = (db.prepare("SELECT kind, owner FROM store_owner").get() ?? {}) as Partial<Found>;
  return { version, program, kind, owner };
}

/** A file as it is, whatever its schema, and as of one moment. Changes nothing. Throws NOT_FOUND, STORE_DAMAGED, STORAGE_FAILED. */
export async function inspectSqlite<T>(path: string, look: (reader: Reader, found: Found) => Promise<T>): Promise<T> {
  const db = openThere(path);
  try {
    typed(() => db.exec("BEGIN"));
    return await look(
      readerOf(db, true),
      typed(() => foundInSqlite(db)),
    );
  } finally {
    db.close();
  }
}

function openThere(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  } catch (error) {
    if ((error as { readonly errcode?: number }).errcode === CANNOT_OPEN)
      throw new EntenteError("NOT_FOUND", { detail: "there is no store yet, or it cannot be read" });
    throw sqliteError(error);
  }
}

function bringUpToDate(db: DatabaseSync, history: History, opener: Opener): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    for (const { version, name, sql } of changesTo(history, "sqlite", foundInSqlite(db), opener)) {
      // An earlier program knows this number alone, and refuses the store by it.
      db.exec(`${sql} PRAGMA user_version = ${version};`);
      if (version < history.baseline) continue;
      db.prepare("INSERT INTO store_version VALUES (?, ?, ?, strftime('%Y-%m-%dT%H:%M:%fZ'))").run(
        version,
        name,
        opener.program,
      );
    }
    if (db.prepare("SELECT 1 FROM store_owner").get() === undefined)
      db.prepare("INSERT INTO store_owner VALUES (?, '', '')").run(history.kind);
    db.prepare("UPDATE store_owner SET owner = ? WHERE owner = ''").run(opener.owner);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

export class SqliteDatabase implements Database {
  readonly dialect = "sqlite";
  readonly #db: DatabaseSync;
  readonly #connection: Connection;
  readonly #statements: Statements;
  /** Ends with the transaction that runs. */
  #running: Promise<void> | undefined;

  constructor(db: DatabaseSync, connection: Connection) {
    this.#db = db;
    this.#connection = connection;
    this.#statements = statementsOf(db);
  }

  async all<Row>(sql: string, ...values: readonly SqlValue[]): Promise<Row[]> {
    while (this.#running !== undefined) await this.#running;
    return this.#statements.all(sql, ...values);
  }

  async get<Row>(sql: string, ...values: readonly SqlValue[]): Promise<Row | undefined> {
    while (this.#running !== undefined) await this.#running;
    return this.#statements.get(sql, ...values);
  }

  async run(sql: string, ...values: readonly SqlValue[]): Promise<number> {
    while (this.#running !== undefined) await this.#running;
    const written = await this.#statements.run(sql, ...values);
    // It took the thread for seconds: others have their turn before what comes next.
    if (written >= MANY_ROWS) await new Promise((resume) => setImmediate(resume));
    return written;
  }

  insert(...args: Parameters<Statements["insert"]>): Promise<number> {
    return this.transaction((sql) => sql.insert(...args));
  }

  async transaction<T>(work: (sql: Statements) => Promise<T>): Promise<T> {
    while (this.#running !== undefined) await this.#running;
    const ended = Promise.withResolvers<void>();
    this.#running = ended.promise;
    try {
      this.#exec("BEGIN IMMEDIATE");
      const result = await work(this.#statements);
      this.#exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#db.isOpen && this.#db.isTransaction) this.#exec("ROLLBACK");
      throw error;
    } finally {
      this.#running = undefined;
      ended.resolve();
    }
  }

  async *snapshot<T>(read: (reader: Reader) => AsyncIterable<T>): AsyncGenerator<T> {
    // A database in memory has one connection: what is asked of it is read at once.
    if (this.#connection.path === IN_MEMORY) {
      while (this.#running !== undefined) await this.#running;
      return yield* read(readerOf(this.#db, false));
    }
    const db = typed(() => new DatabaseSync(this.#connection.path, { readOnly: true, timeout: BUSY_TIMEOUT_MS }));
    try {
      db.exec("BEGIN");
      yield* read(readerOf(db, true));
    } finally {
      db.close();
    }
  }

  /** `secure_delete` wipes the pages; the write-ahead log still holds them until it is cut. A reader in the way only delays
   * that to the next time. */
  async forget(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    this.#exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  async close(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
    const { isOwn, lock } = this.#connection;
    if (isOwn && this.#db.isOpen) this.#db.close();
    if (lock?.isOpen) lock.close();
  }

  #exec(sql: string): void {
    typed(() => this.#db.exec(sql));
  }
}

function typed<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw sqliteError(error);
  }
}

/** Each statement is prepared once; of those with lists in their text there is no end. */
function preparedOn(db: DatabaseSync): (sql: string) => StatementSync {
  const prepared = new Map<string, StatementSync>();
  return (sql) => {
    const known = prepared.get(sql) ?? db.prepare(sql);
    if (prepared.size >= MAX_PREPARED) prepared.clear();
    prepared.set(sql, known);
    return known;
  };
}

function statementsOf(db: DatabaseSync): Statements {
  const prepare = preparedOn(db);
  return {
    all: async <Row>(sql: string, ...values: readonly SqlValue[]) => typed(() => prepare(sql).all(...values) as Row[]),
    get: async <Row>(sql: string, ...values: readonly SqlValue[]) =>
      typed(() => prepare(sql).get(...values) as Row | undefined),
    run: async (sql, ...values) => typed(() => Number(prepare(sql).run(...values).changes)),
    insert: async (table, columns, rows, { ignore = false } = {}) =>
      typed(() => {
        const statement = prepare(insertStatement(table, columns, 1, ignore));
        let written = 0;
        for (const row of rows) written += Number(statement.run(...row).changes);
        return written;
      }),
  };
}

function readerOf(db: DatabaseSync, isStreamed: boolean): Reader {
  const prepare = preparedOn(db);
  return {
    all: async <Row>(sql: string, ...values: readonly SqlValue[]) => typed(() => prepare(sql).all(...values) as Row[]),
    async *rows<Row extends readonly unknown[]>(sql: string, ...values: readonly SqlValue[]) {
      const statement = typed(() => db.prepare(sql));
      statement.setReturnArrays(true);
      if (!isStreamed) return yield typed(() => statement.all(...values)) as unknown as Row[];
      const rows = typed(() => statement.iterate(...values)) as unknown as Iterator<Row>;
      for (;;) {
        const some: Row[] = [];
        typed(() => {
          for (let next = rows.next(); !next.done; next = rows.next()) if (some.push(next.value) === ROWS) return;
        });
        if (some.length > 0) yield some;
        if (some.length < ROWS) return;
      }
    },
  };
}
