/** What the embedded store's classes share: statements and transactions on one connection. */
import { DatabaseSync, type SQLInputValue } from "node:sqlite";

/** By position, or one object with all of them by name. */
type SqlParameters = SQLInputValue[] | [Record<string, SQLInputValue>];

export class SqliteTables {
  protected readonly db: DatabaseSync;
  readonly #path: string;

  constructor(db: DatabaseSync, path: string) {
    this.db = db;
    this.#path = path;
  }

  protected all<T>(sql: string, ...parameters: SqlParameters): T[] {
    return this.db.prepare(sql).all(...(parameters as SQLInputValue[])) as T[];
  }

  protected get<T>(sql: string, ...parameters: SqlParameters): T | undefined {
    return this.db.prepare(sql).get(...(parameters as SQLInputValue[])) as T | undefined;
  }

  protected run(sql: string, ...parameters: SqlParameters): number {
    return Number(this.db.prepare(sql).run(...(parameters as SQLInputValue[])).changes);
  }

  protected transaction<T>(work: () => T): T {
    this.db.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      this.db.exec("COMMIT");
      return result;
    } catch (error) {
      this.db.exec("ROLLBACK");
      throw error;
    }
  }

  /** Reads on a connection of its own, as of the moment of the first one. */
  protected *snapshot<T>(read: (reader: DatabaseSync) => Iterable<T>): Generator<T> {
    if (this.#path === ":memory:") return yield* read(this.db);
    const reader = new DatabaseSync(this.#path, { readOnly: true });
    try {
      reader.exec("BEGIN");
      yield* read(reader);
    } finally {
      reader.close();
    }
  }

  /** `secure_delete` wipes the pages; the write-ahead log still holds them until it is cut. A reader in the way only delays
   * that to the next time. */
  protected forget(): void {
    this.db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }
}
