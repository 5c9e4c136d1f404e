/**
 * What a store asks of its database, SQLite or PostgreSQL alike: statements written once for both (`dialect.ts`), transactions
 * one at a time, reads as of one moment. What is acknowledged is durable. Failures are typed: STORE_UNREACHABLE is the one to
 * try again, when nothing was written.
 */

export type SqlValue = string | number | Uint8Array | null;

/** Statements with `?` for each value, in order. Integers up to 2^53 - 1. */
export interface Statements {
  all<Row>(sql: string, ...values: readonly SqlValue[]): Promise<Row[]>;
  /** The first row. */
  get<Row>(sql: string, ...values: readonly SqlValue[]): Promise<Row | undefined>;
  /** How many rows were written. */
  run(sql: string, ...values: readonly SqlValue[]): Promise<number>;
  /** Adds rows, many at a time; `columns` as they stand in an INSERT. Rows that are there already are left out, if `ignore` says so.
   * How many were written. */
  insert(
    table: string,
    columns: readonly string[],
    rows: readonly (readonly SqlValue[])[],
    options?: { readonly ignore?: boolean },
  ): Promise<number>;
}

/** A view of everything as of its first read, whatever is written meanwhile. */
export interface Reader {
  all<Row>(sql: string, ...values: readonly SqlValue[]): Promise<Row[]>;
  /** Rows as arrays in the order of columns, some thousands at a time, however many there are. */
  rows<Row extends readonly unknown[]>(sql: string, ...values: readonly SqlValue[]): AsyncIterable<readonly Row[]>;
}

export type Dialect = "sqlite" | "postgres";

export interface Database extends Statements {
  readonly dialect: Dialect;
  /**
   * All that `work` writes or, when it throws, nothing. Transactions of a store run one after another, also those of other
   * processes: what was read stays true until the end. `work` may run again when the database was lost before it ended, and uses
   * nothing but the statements that it is given.
   */
  transaction<T>(work: (sql: Statements) => Promise<T>): Promise<T>;
  snapshot<T>(read: (reader: Reader) => AsyncIterable<T>): AsyncGenerator<T>;
  /** After a deletion, so that nothing of it is left on the disk, as far as the database can do that (README.md). */
  forget(): Promise<void>;
  /** Waits for the transaction that runs. */
  close(): Promise<void>;
}

/** Who opens a store. */
export interface Opener {
  /** Name of the party or coordinator: a store belongs to one of them. Empty: of whichever. */
  readonly owner: string;
  /** Of the product, for those who open it later. */
  readonly program: string;
  /** Serves from it, and allows no second one that does; others read and write beside it. */
  readonly isServing: boolean;
}
