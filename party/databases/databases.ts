/** The PostgreSQL databases that an operator has named in `node.json`, and connections to them. */
import { resolve } from "node:path";
import { Client } from "pg";
import { fromUtf8 } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Secret } from "../../proto/keys/secret.ts";
import type { Files } from "../../proto/ports/ports.ts";
import { databaseError } from "./database-error.ts";

/** What a connection is for: to read datasets, which analysts write queries for, or to write feeds, which operators set up. */
export const DATABASE_USES = ["datasets", "feeds"] as const;
export type DatabaseUse = (typeof DATABASE_USES)[number];

/** Where the connection's URL (`postgresql://user:password@host:port/database?sslmode=…`) is: a file, or the text itself. */
export type DatabaseConfig = ({ readonly urlFile: string } | { readonly url: Secret<string> }) & {
  /** For nothing else; for both without it. */
  readonly use?: DatabaseUse | undefined;
};

export interface DatabasesInput {
  readonly files: Files;
  /** The node's: `urlFile` may be relative to it. */
  readonly folder: string;
  readonly config: Readonly<Record<string, DatabaseConfig>>;
}

/** A server that does not answer within this is not there. */
const CONNECT_TIMEOUT_MS = 10_000;

export class Databases {
  readonly #input: DatabasesInput;

  constructor(input: DatabasesInput) {
    this.#input = input;
  }

  get names(): readonly string[] {
    return Object.keys(this.#input.config);
  }

  /** By name; null: for both. */
  get uses(): Readonly<Record<string, DatabaseUse | null>> {
    return Object.fromEntries(Object.entries(this.#input.config).map(([name, { use }]) => [name, use ?? null]));
  }

  /** Absolute. */
  get secretFiles(): readonly string[] {
    const { folder, config } = this.#input;
    return Object.values(config).flatMap((entry) => ("urlFile" in entry ? [resolve(folder, entry.urlFile)] : []));
  }

  /**
   * A connection of its own, for `use`; `end()` it. The URL is read anew each time, so that a password can be changed while the node
   * runs. Errors of its queries become typed by `databaseError`. Throws DATABASE_UNKNOWN, DATABASE_UNREACHABLE,
   * DATABASE_REFUSED.
   */
  async connect(name: string, use?: DatabaseUse): Promise<Client> {
    const client = this.#client(name, await this.#url(name, use));
    // Without a listener a server that dies ends the process. Who uses the connection sees it in the query that fails.
    client.on("error", () => {});
    try {
      await client.connect();
    } catch (error) {
      client.end().catch(() => {});
      throw databaseError(name, error);
    }
    return client;
  }

  #client(name: string, connectionString: string): Client {
    try {
      return new Client({
        connectionString,
        connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
        keepAlive: true,
        application_name: "entente",
      });
    } catch {
      // The parser's message quotes what it could not parse, password and all.
      throw unusable(name, "its URL is not of the form postgresql://user:password@host:port/database");
    }
  }

  async #url(name: string, use: DatabaseUse | undefined): Promise<string> {
    const { files, folder, config } = this.#input;
    const entry = Object.hasOwn(config, name) ? config[name] : undefined;
    if (entry === undefined) throw unusable(name, "not in the configuration");
    if (use !== undefined && (entry.use ?? use) !== use) throw unusable(name, `it is for ${entry.use} alone`);
    if ("url" in entry) return entry.url.expose();
    const bytes = await files.read(resolve(folder, entry.urlFile)).catch(() => undefined);
    if (bytes === undefined) throw unusable(name, "its urlFile is not there or cannot be read");
    return fromUtf8(bytes).trim();
  }
}

function unusable(name: string, why: string): EntenteError {
  return new EntenteError("DATABASE_UNKNOWN", { detail: `${name}: ${why}` });
}
