/** Where a store is: in a file of the folder unless the configuration names a PostgreSQL server. */
import * as z from "zod";
import { fromUtf8 } from "../encoding/bytes.ts";
import { EntenteError } from "../errors.ts";
import type { Ports } from "../ports/ports.ts";

/** `store` in node.json and coordinator.json. */
export const storeForm = z.strictObject({
  /** A file with `postgresql://user:password@host:port/database?sslmode=…`, from the folder on or absolute. */
  urlFile: z.string().min(1).max(4096),
  /** Of the database, for this store alone. */
  schema: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,62}$/)
    .default("entente"),
});

export type StoreConfig = z.infer<typeof storeForm>;

/** Of a party's or a coordinator's folder (absolute). */
export interface StorePlace {
  readonly folder: string;
  readonly config: StoreConfig | undefined;
  /** `files`: as the folder's secrets are read. */
  readonly ports: Pick<Ports, "files" | "clock" | "timers">;
}

export interface PostgresPlace {
  /** Asked for each connection, so that a password can be changed while the process runs. */
  readonly url: () => Promise<string>;
  /** Made where it is missing, if the user may. */
  readonly schema: string;
  readonly ports: Pick<Ports, "clock" | "timers">;
  /** How long a server that has gone away is waited for; default 10 s. */
  readonly patienceMs?: number;
}

/** Absolute. */
export function urlFileOf(folder: string, { urlFile }: StoreConfig): string {
  return urlFile.startsWith("/") ? urlFile : `${folder.replace(/\/+$/, "")}/${urlFile}`;
}

/** The URL is read anew for each connection. */
export function postgresPlace({ folder, ports }: StorePlace, config: StoreConfig): PostgresPlace {
  const url = async () => {
    const bytes = await ports.files.read(urlFileOf(folder, config));
    if (bytes === undefined) throw new EntenteError("NOT_FOUND", { detail: "the file that 'store.urlFile' names" });
    return fromUtf8(bytes).trim();
  };
  return { url, schema: config.schema, ports };
}
