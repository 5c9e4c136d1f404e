/** What `entente store check` and `migrate` say of a folder's store, sound or spoilt, and their exit codes. */
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openSqliteStore as openCoordinatorStore } from "../../coordinator/store/sqlite.ts";
import { checkCoordinatorStore, migrateCoordinatorStore } from "../../coordinator/store-commands.ts";
import { PARTY_HISTORY } from "../../party/store/schema.ts";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import { checkPartyStore, migratePartyStore } from "../../party/store-commands.ts";
import { schemaVersion } from "../../proto/database/history.ts";
import { main } from "../../sdk/cli/main.ts";

const SCHEMA_5 = await readFile(new URL("../vectors/data/stores/party-5.sql", import.meta.url), "utf8");
const NOW = schemaVersion(PARTY_HISTORY);
const at = "2026-05-01T00:00:00.000Z";
const JOB = "0b".repeat(16);
const admitted = { type: "admitted", at } as const;

let folder: string;
const file = () => join(folder, "node.db");

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "entente-check-"));
  const api = { host: "127.0.0.1", port: 0 };
  await writeFile(join(folder, "node.json"), JSON.stringify({ format: "entente-node/1", party: "bank", api }));
});
afterEach(async () => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  await rm(folder, { recursive: true });
});

/** The states and words of what is not well. */
async function troubles(): Promise<string[]> {
  const findings = await checkPartyStore({ folder });
  return findings.filter(({ state }) => state !== "ok").map(({ check, state, what }) => `${state} ${check}: ${what}`);
}

async function exitOf(...args: string[]): Promise<[number | string | undefined, string]> {
  process.exitCode = undefined;
  const printed: string[] = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => printed.push(String(text)) > 0);
  await main([...args, "--dir", folder, "--json"]);
  vi.restoreAllMocks();
  return [process.exitCode ?? 0, printed.join("")];
}

function change(sql: string): void {
  const db = new DatabaseSync(file());
  db.exec(sql);
  db.close();
}

test("a store that is as it was made is sound, also beside the node that serves from it", async () => {
  const store = openSqliteStore(file(), { owner: "bank", isServing: true });
  await store.putTags(JOB, 0, []);
  expect(await troubles()).toEqual([]);
  await expect(migratePartyStore({ folder })).rejects.toMatchObject({ code: "STORE_IN_USE" });
  await store.close();
  expect(await exitOf("store", "check")).toEqual([0, expect.stringContaining('"worst": "ok"')]);
  expect(await migratePartyStore({ folder })).toEqual({ from: NOW, to: NOW });
});

test("where there is none yet nothing is made, until it is migrated", async () => {
  await expect(checkPartyStore({ folder })).rejects.toMatchObject({ code: "NOT_FOUND" });
  await expect(readFile(file())).rejects.toThrow("ENOENT");
  expect(await migratePartyStore({ folder })).toEqual({ from: 0, to: NOW });
  expect(await troubles()).toEqual([]);
});

test("one of an earlier schema is to be migrated, and then is sound", async () => {
  change(`PRAGMA synchronous = OFF; BEGIN; ${SCHEMA_5} COMMIT;`);
  expect(await troubles()).toEqual(["warn schema: schema 5"]);
  expect(await exitOf("store", "check")).toEqual([2, expect.stringContaining("entente store migrate")]);
  const [code, printed] = await exitOf("store", "migrate");
  expect([code, JSON.parse(printed)]).toEqual([0, { from: 5, to: NOW }]);
  // The fixture's job fails from a state that no job begins with.
  expect((await troubles()).map((trouble) => trouble.slice(0, 9))).toEqual(["fail jobs"]);
});

test("one of a later program is named with it, and refused", async () => {
  await openSqliteStore(file(), { owner: "bank" }).close();
  change(`INSERT INTO store_version VALUES (99, 'later', '7.8.9', '${at}'); PRAGMA user_version = 99`);
  expect(await troubles()).toEqual(["fail schema: schema 99, written by Entente 7.8.9"]);
  await expect(migratePartyStore({ folder })).rejects.toMatchObject({ code: "STORE_TOO_NEW" });
  expect((await exitOf("store", "check"))[0]).toBe(1);
});

test("another's, what is missing, and what is no database are told apart", async () => {
  await openSqliteStore(file(), { owner: "bureau" }).close();
  expect(await troubles()).toEqual(["fail owner: the store of party bureau"]);
  change("UPDATE store_owner SET owner = 'bank'; DROP TABLE witness; ALTER TABLE tag_batch DROP COLUMN lineage");
  expect(await troubles()).toEqual(["fail schema: missing: witness, tag_batch.lineage"]);
  await writeFile(file(), "no database".repeat(1_000));
  expect(await troubles()).toEqual(["fail database: damaged, or no database"]);
  expect((await exitOf("store", "check"))[0]).toBe(1);
});

test("pages that are overwritten are found", async () => {
  const store = openSqliteStore(file(), { owner: "bank" });
  for (let n = 0; n < 60; n++) await store.putJobDocument(n.toString(16).padStart(32, "0"), "spec", "x".repeat(500));
  await store.close();
  const handle = await open(file(), "r+");
  const { size } = await handle.stat();
  await handle.write(Buffer.alloc(4_096 * 3, 0x5a), 0, 4_096 * 3, size - 4_096 * 5);
  await handle.close();
  expect((await troubles())[0]).toMatch(/^fail database: (?:damaged|\d+ faults|ten or more)/);
});

test("events that have a gap, are no JSON, or that no job can have are found, and whose they are", async () => {
  const store = openSqliteStore(file(), { owner: "bank" });
  expect(await store.appendJobEvent(JOB, 0, admitted)).toBe(true);
  await store.close();
  expect(await troubles()).toEqual([`fail jobs: the events of 1 of 1 do not fold: ${JOB}`]);
  change("DELETE FROM job_event");
  expect(await troubles()).toEqual([]);
  change(`INSERT INTO job_event (jobId, seq, event) VALUES ('${JOB}', 1, '{}'), ('0c', 0, 'not JSON')`);
  expect(await troubles()).toEqual([`fail jobs: the events of 2 of 2 do not fold: ${JOB}, 0c`]);
  change("DELETE FROM job_event; INSERT INTO tag (subject, batchId, value) VALUES ('13800138000', 7, 'A')");
  expect(await troubles()).toEqual(["fail tags: 1 belong to no batch"]);
});

test("a coordinator's is looked at and migrated alike", async () => {
  await rm(join(folder, "node.json"));
  const json = {
    format: "entente-coordinator/1",
    name: "hub",
    host: "127.0.0.1",
    port: 0,
    enrolPort: 0,
    logLevel: "info",
  };
  await writeFile(join(folder, "coordinator.json"), JSON.stringify(json));
  const path = join(folder, "coordinator.db");
  const store = openCoordinatorStore(path, { owner: "hub", isServing: true });
  expect((await checkCoordinatorStore({ folder })).map(({ state }) => state)).toEqual(["ok", "ok", "ok"]);
  await expect(migrateCoordinatorStore({ folder })).rejects.toMatchObject({ code: "STORE_IN_USE" });
  await store.close();
  const db = new DatabaseSync(path);
  db.exec("PRAGMA foreign_keys = OFF; DROP TABLE receipts");
  db.close();
  expect((await exitOf("store", "check"))[0]).toBe(1);
});
