/** The product's SQLite stores over databases in memory: made once, copied for each simulation, and kept while processes come and go. */
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore as openCoordinatorStore } from "../../coordinator/store/sqlite.ts";
import { openSqliteStore as openPartyStore } from "../../party/store/sqlite.ts";
import { type Process, storeError } from "./process.ts";

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
      return (...args: unknown[]) => process.persist(`store ${name}`, async () => call(...args), storeError);
    },
  });
}

export interface StoreOn<S> {
  readonly connection: DatabaseSync;
  readonly store: S;
}

const OPEN = { party: openPartyStore, coordinator: openCoordinatorStore } as const;
type Kind = keyof typeof OPEN;

/** `from`: a database that `snapshotOf` made; a new one without it. */
export function openStore<K extends Kind>(kind: K, from?: Uint8Array): StoreOn<ReturnType<(typeof OPEN)[K]>> {
  const connection = new DatabaseSync(":memory:");
  if (from !== undefined) connection.deserialize(from);
  return { connection, store: OPEN[kind](connection) as ReturnType<(typeof OPEN)[K]> };
}

export function snapshotOf({ connection }: StoreOn<unknown>): Uint8Array {
  return connection.serialize();
}
