/**
 * The one history of a store's schema, for both databases: what a new store is made of, and the steps from one version to the
 * next. Pure: says what has to be done of what was found.
 */
import { EntenteError } from "../errors.ts";
import type { Dialect, Opener } from "./database.ts";
import { schemaFor } from "./dialect.ts";

export interface Step {
  readonly name: string;
  readonly sql: string;
}

export interface History {
  readonly kind: "party" | "coordinator";
  /** The schema of version `baseline`, the first one that PostgreSQL has had. */
  readonly schema: string;
  readonly baseline: number;
  /** SQLite alone: what makes of each version before the baseline the next. */
  readonly earlier: Readonly<Record<number, string>>;
  /** Of the versions after the baseline, in order; only ever added to. In words for both databases. */
  readonly steps: readonly Step[];
}

/** What every store has beside its own tables. `holder` names the process that serves from it. */
const COMMON = `
CREATE TABLE store_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL, program TEXT NOT NULL, appliedAt TEXT NOT NULL) STRICT;
CREATE TABLE store_owner (kind TEXT NOT NULL, owner TEXT NOT NULL, holder TEXT NOT NULL) STRICT;
`;

/** What was found in a database; version 0 when it is empty. */
export interface Found {
  readonly version: number;
  /** Of the last step. */
  readonly program?: string | undefined;
  readonly kind?: string | undefined;
  readonly owner?: string | undefined;
}

export interface Change {
  readonly version: number;
  readonly name: string;
  readonly sql: string;
}

export function schemaVersion({ baseline, steps }: History): number {
  return baseline + steps.length;
}

/** Throws STORE_TOO_NEW, STORE_OF_ANOTHER, STORE_DAMAGED. */
export function changesTo(history: History, dialect: Dialect, found: Found, { owner, program }: Opener): Change[] {
  const isOwners = owner === "" || found.owner === "" || found.owner === owner;
  if (found.kind !== undefined && (found.kind !== history.kind || !isOwners))
    throw new EntenteError("STORE_OF_ANOTHER", { detail: `${found.kind} ${found.owner}` });
  const last = schemaVersion(history);
  if (found.version > last) {
    const by = found.program === undefined ? "" : ` written by Entente ${found.program}`;
    const detail = `schema ${found.version}${by}; this is Entente ${program}, which knows schema ${last}`;
    throw new EntenteError("STORE_TOO_NEW", { detail });
  }
  const changes: Change[] = [];
  let { version } = found;
  if (version === 0) {
    version = history.baseline;
    changes.push({ version, name: "made", sql: schemaFor(dialect, `${history.schema}${COMMON}`) });
  }
  for (; version < history.baseline; version++) {
    const sql = dialect === "sqlite" ? history.earlier[version] : undefined;
    if (sql === undefined) throw new EntenteError("STORE_DAMAGED", { detail: `no known schema ${version}` });
    const isLast = version + 1 === history.baseline;
    changes.push({
      version: version + 1,
      name: `from ${version}`,
      sql: schemaFor(dialect, isLast ? sql + COMMON : sql),
    });
  }
  for (const { name, sql } of history.steps.slice(version - history.baseline))
    changes.push({ version: ++version, name, sql: schemaFor(dialect, sql) });
  return changes;
}
