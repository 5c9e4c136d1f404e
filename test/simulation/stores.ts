/** The product's SQLite stores over databases in memory: made once, copied for each simulation, and kept while processes come and go. */
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore as openCoordinatorStore } from "../../coordinator/store/sqlite.ts";
import { openSqliteStore as openPartyStore } from "../../party/store/sqlite.ts";
import type { Process } from "./process.ts";

type Method = (...args: unknown[]) => unknown;

/** What only looks. Everything else is taken to write. */
const LOOKS =
  /^(setting|peers|datasets|segments|segmentStandings|agreements?|revocations|jobIds|jobEvents|jobDocument|jobSecret|witness|witnesses|tokens|tokenByHash|denials|tagAgreements|tagCounts|tagBatches|tagHistory|lastTagChange|forgottenTagChange|tagChangeSources|tagDefinitions|optOuts|optOutCounts|feeds|deliveries|(read|find|list|count)[A-Z]\w*|partiesOf|pendingEntries|collaborationsWithPendingEntries)$/;
/** Rows one after another. */
const STREAMS = /^(tags|subjectsOf|tagChanges)$/;

/** A store as one process has it: each call takes its time, may fail, and may be the process's last. */
export function storeOf<S extends object>(store: S, process: Process): S {
  return new Proxy(store, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== "function" || typeof name !== "string") return method;
      const call: Method = (...args) => (method as Method).apply(target, args);
      if (name === "close") return async () => undefined;
      if (STREAMS.test(name)) return call;
      if (LOOKS.test(name)) return (...args: unknown[]) => process.look(async () => call(...args));
      return (...args: unknown[]) => process.persist(`store ${name}`, async () => call(...args));
    },
  });
}

export interface StoreOn<S> {
  readonly connection: DatabaseSync;
  readonly store: S;
}

const OPEN = { party: openPartyStore, coordinator: openCoordinatorStore } as const;
type Kind = keyof typeof OPEN;

export function openStore<K extends Kind>(kind: K): StoreOn<ReturnType<(typeof OPEN)[K]>> {
  const connection = new DatabaseSync(":memory:");
  return { connection, store: OPEN[kind](connection) as ReturnType<(typeof OPEN)[K]> };
}

export function snapshotOf({ connection }: StoreOn<unknown>): Uint8Array {
  return connection.serialize();
}

/** One database after another of the same content: a single connection whose rows are put back, so that its statements are prepared
 * once. Only one of them is in use at a time. */
export class StoreCopies<K extends Kind> {
  readonly #kind: K;
  readonly #from: Uint8Array;
  #made: (StoreOn<ReturnType<(typeof OPEN)[K]>> & { readonly reset: string }) | undefined;

  /** `from`: what `snapshotOf` made. */
  constructor(kind: K, from: Uint8Array) {
    this.#kind = kind;
    this.#from = from;
  }

  next(): StoreOn<ReturnType<(typeof OPEN)[K]>> {
    this.#made ??= this.#make();
    const { connection, reset } = this.#made;
    if (connection.isTransaction) connection.exec("ROLLBACK");
    connection.exec(reset);
    return this.#made;
  }

  #make() {
    const connection = new DatabaseSync(":memory:");
    connection.deserialize(this.#from);
    const store = OPEN[this.#kind](connection) as ReturnType<(typeof OPEN)[K]>;
    connection.exec("ATTACH ':memory:' AS template");
    connection.deserialize(this.#from, { dbName: "template" });
    const tables = connection
      .prepare(
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND (name NOT LIKE 'sqlite_%' OR name = 'sqlite_sequence')",
      )
      .all() as { name: string }[];
    const put = tables.map(
      ({ name }) => `DELETE FROM main.${name}; INSERT INTO main.${name} SELECT * FROM template.${name};`,
    );
    return {
      connection,
      store,
      reset: `PRAGMA foreign_keys = OFF; BEGIN; ${put.join(" ")} COMMIT; PRAGMA foreign_keys = ON;`,
    };
  }
}
