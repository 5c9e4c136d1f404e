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

const connections = new WeakMap<object, DatabaseSync>();

function opened<S extends object>(open: (path: string) => S): S {
  const { exec } = DatabaseSync.prototype;
  let connection: DatabaseSync | undefined;
  DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
    connection = this;
    return exec.call(this, sql);
  };
  try {
    const store = open(":memory:");
    connections.set(store, connection as unknown as DatabaseSync);
    return store;
  } finally {
    DatabaseSync.prototype.exec = exec;
  }
}

function connectionOf(store: object): DatabaseSync {
  return connections.get(store) as DatabaseSync;
}

export const STORE_KINDS = { party: openPartyStore, coordinator: openCoordinatorStore } as const;

export function newStore<K extends keyof typeof STORE_KINDS>(kind: K): ReturnType<(typeof STORE_KINDS)[K]> {
  return opened<object>(STORE_KINDS[kind]) as ReturnType<(typeof STORE_KINDS)[K]>;
}

export function snapshotOf(store: object): Uint8Array {
  return connectionOf(store).serialize();
}

/** `from`: what `snapshotOf` made. */
export function copyOf<K extends keyof typeof STORE_KINDS>(
  kind: K,
  from: Uint8Array,
): ReturnType<(typeof STORE_KINDS)[K]> {
  const store = opened<object>(STORE_KINDS[kind]);
  connectionOf(store).deserialize(from);
  return store as ReturnType<(typeof STORE_KINDS)[K]>;
}
