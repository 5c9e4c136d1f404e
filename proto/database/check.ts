/** What can be said of any store's database: its schema, whether it is whole, whether nothing of it is missing. Pure. */
import type { FindingState } from "../http/doctor-routes.ts";
import type { Dialect, Reader } from "./database.ts";
import { type Found, type History, schemaVersion } from "./history.ts";
import { missingFrom, type Table, tablesOf } from "./tables.ts";

export interface CheckedStore {
  readonly dialect: Dialect;
  readonly history: History;
  /** As a new store has them. */
  readonly tables: readonly Table[];
  /** Name of the party or coordinator. */
  readonly owner: string;
}

/** What `entente store check` says, in English. */
export interface StoreFinding {
  /** As `schema` or `jobs`. */
  readonly check: string;
  readonly state: FindingState;
  readonly what: string;
  readonly why: string | null;
  readonly fix: string | null;
}

/** `current`: schema and integrity are as they should be, and what is in it can be read. */
export type SchemaState = "current" | "old" | "wrong";

const RESTORE = "Stop the process, keep a copy of the store, and restore the newest backup.";

export function fine(check: string, what: string): StoreFinding {
  return { check, state: "ok", what, why: null, fix: null };
}

export function wrong(check: string, what: string, fix: string = RESTORE): StoreFinding {
  return { check, state: "fail", what, why: "what was kept may be lost or wrong", fix };
}

export async function checkDatabase(
  reader: Reader,
  found: Found,
  { dialect, history, tables, owner }: CheckedStore,
): Promise<{ readonly state: SchemaState; readonly findings: StoreFinding[] }> {
  const known = schemaVersion(history);
  const version = `schema ${found.version}${found.program === undefined ? "" : `, written by Entente ${found.program}`}`;
  if (found.version === 0) {
    const why = "nothing was ever kept in it, or another place was";
    const empty: StoreFinding = {
      check: "schema",
      state: "fail",
      what: "there is no store",
      why,
      fix: "Start it, or restore a backup.",
    };
    return { state: "wrong", findings: [empty] };
  }
  if (found.kind !== undefined && (found.kind !== history.kind || (found.owner !== "" && found.owner !== owner))) {
    const whose = `the store of ${found.kind} ${found.owner}`;
    return { state: "wrong", findings: [wrong("owner", whose, "Give each node and coordinator its own database.")] };
  }
  const findings: StoreFinding[] = [];
  if (found.version > known) {
    const fix = `Start Entente ${found.program ?? "of a later version"} or later; this one knows schema ${known}.`;
    return { state: "wrong", findings: [{ check: "schema", state: "fail", what: version, why: "a later one", fix }] };
  }
  const faults = await faultsOf(reader, dialect);
  findings.push(
    faults.length === 0
      ? fine("database", dialect === "sqlite" ? "whole, by SQLite's integrity check" : "every table can be read")
      : wrong("database", `${faults.length === 10 ? "ten or more" : faults.length} faults: ${faults[0]}`),
  );
  if (found.version < known) {
    const fix = "Run 'entente store migrate', or start it.";
    findings.push({ check: "schema", state: "warn", what: version, why: `this Entente has schema ${known}`, fix });
    return { state: "old", findings };
  }
  const missing = missingFrom(await tablesOf(dialect, reader), tables);
  findings.push(missing.length === 0 ? fine("schema", version) : wrong("schema", `missing: ${missing.join(", ")}`));
  const isWhole = findings.every(({ state }) => state === "ok");
  return { state: isWhole ? "current" : "wrong", findings };
}

/** At most ten. PostgreSQL checks pages as it reads them, where its checksums are on. */
async function faultsOf(reader: Reader, dialect: Dialect): Promise<string[]> {
  if (dialect === "sqlite") {
    const lines = await reader.all<{ integrity_check: string }>("PRAGMA integrity_check(10)");
    return lines.map(({ integrity_check: line }) => line).filter((line) => line !== "ok");
  }
  for (const { name, columns } of await tablesOf(dialect, reader))
    await reader.all(
      `SELECT count(*) AS n, ${columns.map((column) => `count(${column}) AS ${column}`).join(", ")} FROM ${name}`,
    );
  return [];
}
