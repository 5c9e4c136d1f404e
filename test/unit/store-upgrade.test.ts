/** What becomes of a store that an earlier program made, and of one that a later program has changed. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSqliteStore as openCoordinatorStore } from "../../coordinator/store/sqlite.ts";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import type { Store } from "../../party/store/store.ts";
import type { Tag } from "../../party/tags/tag.ts";

/** A store of schema 5, as the program of that time made it, with a row of everything. */
const SCHEMA_5 = await readFile(new URL("../vectors/data/stores/party-5.sql", import.meta.url), "utf8");

let folder: string;
let store: Store | undefined;
const path = () => join(folder, "node.db");

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "entente-store-"));
});
afterEach(async () => {
  await store?.close();
  store = undefined;
  await rm(folder, { recursive: true });
});

const at = "2026-05-01T00:00:00.000Z";
const JOB = "0b".repeat(16);

const OTHER = "0c".repeat(16);

function open(): Store {
  store = openSqliteStore(path());
  return store;
}

function ofSchema5(): DatabaseSync {
  const db = new DatabaseSync(path());
  db.exec(`PRAGMA synchronous = OFF; BEGIN; ${SCHEMA_5} COMMIT;`);
  return db;
}

function emptyOfSchema5(): DatabaseSync {
  const db = ofSchema5();
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
  for (const { name } of tables) db.exec(`DELETE FROM ${name}`);
  return db;
}

function tag(changes: Partial<Tag> = {}): Tag {
  const names = { subject: "+8613900000001", key: "risk:default", value: "A", score: 0.25, jobId: JOB };
  const scored = { model: "6d".repeat(32), scoredAt: at };
  const times = { issuedAt: at, expiresAt: "2027-05-01T00:00:00.000Z" };
  return { ...names, ...scored, agreement: "5f".repeat(32), ...times, ...changes };
}

async function tagsAt(store: Store, now: string, filter: { key?: string } = {}): Promise<Tag[]> {
  const tags: Tag[] = [];
  for await (const item of store.tags({ now, ...filter })) tags.push(item);
  return tags;
}

/** Columns and indexes by table, and views. */
function schemaAt(file: string): unknown {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    const objects = db.prepare(
      "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY name",
    );
    return objects.all().map(({ type, name, sql }) => {
      if (type !== "table") return { type, name, sql: String(sql).replaceAll(/\s+/g, " ") };
      const rows = (pragma: string) => db.prepare(`PRAGMA ${pragma}(${name})`).all();
      return {
        name,
        columns: rows("table_xinfo"),
        table: db
          .prepare("PRAGMA table_list")
          .all()
          .find((one) => one.name === name),
        unique: rows("index_list"),
      };
    });
  } finally {
    db.close();
  }
}

test("a store of schema 5 has the schema of a new one afterwards, and all that it had", async () => {
  ofSchema5().close();
  const store = open();
  expect(await store.setting("name")).toBe("value");
  expect(await store.peers()).toHaveLength(1);
  expect(await store.datasets()).toHaveLength(1);
  expect(await store.segments()).toMatchObject([{ name: "a", sealed: Uint8Array.of(1, 2, 3) }]);
  expect(await store.segmentStandings()).toMatchObject([{ published: { to: ["bureau"] } }]);
  expect(await store.agreements()).toHaveLength(1);
  expect(await store.revocations()).toMatchObject([{ delivered: true }]);
  // In the order in which they began, which is not that of their ids.
  expect(await store.jobIds()).toEqual([JOB, OTHER]);
  expect(await store.jobEvents(JOB)).toMatchObject([{ type: "admitted" }, { type: "failed" }]);
  expect(await store.jobDocument(JOB, "spec")).toBe("{}");
  expect(await store.jobSecret(OTHER, "gate-key")).toEqual(Uint8Array.of(9, 8));
  expect(await store.witness("bureau/c/2026")).toMatchObject({ size: 4, note: "note" });
  expect(await store.tokens()).toMatchObject([{ person: "Wang Li" }]);
  expect(await store.denials()).toMatchObject([{ count: 2 }]);
  expect(await tagsAt(store, at)).toEqual([tag()]);
  expect(await store.optOuts("phone-e164")).toHaveLength(1);
  expect(await store.feeds()).toMatchObject([{ name: "crm" }]);
  expect(await store.deliveries("crm", 5)).toMatchObject([{ deliveryId: "d1", isRecorded: true }]);
  // What was staged then comes into force now.
  const staged = "0d".repeat(16);
  await store.publishTags(staged, at, null);
  expect(await tagsAt(store, at)).toEqual([tag({ value: "C", jobId: staged })]);
  // Alike a minute ago is counted together.
  await store.addDenials([{ at, tokenId: null, person: null, route: null, code: "TOKEN_MISSING", count: 1 }], 10);
  expect(await store.denials()).toMatchObject([{ count: 3 }]);
  await store.close();
  const fresh = join(folder, "fresh.db");
  await openSqliteStore(fresh).close();
  expect(schemaAt(path())).toEqual(schemaAt(fresh));
});

test("a store that a later program has changed is refused by that program's name, and not changed", async () => {
  await open().close();
  const db = new DatabaseSync(path());
  db.exec(
    "INSERT INTO store_version VALUES (99, 'later', '7.8.9', '2030-01-01T00:00:00.000Z'); PRAGMA user_version = 99",
  );
  db.close();
  const before = await readFile(path());
  expect(() => open()).toThrow(
    expect.objectContaining({
      code: "STORE_TOO_NEW",
      detail: expect.stringContaining("schema 99 written by Entente 7.8.9"),
    }),
  );
  expect((await readFile(path())).equals(before)).toBe(true);
});

test("a program of before this history refuses a store of today by the number that it knows", async () => {
  await open().close();
  const db = new DatabaseSync(path());
  expect(db.prepare("PRAGMA user_version").get()?.user_version).toBeGreaterThan(5);
  db.close();
});

test("a store belongs to one node, and a node's is no coordinator's", async () => {
  await openSqliteStore(path(), { owner: "bank" }).close();
  await openSqliteStore(path(), { owner: "bank" }).close();
  const another = expect.objectContaining({ code: "STORE_OF_ANOTHER", detail: "party bank" });
  expect(() => openSqliteStore(path(), { owner: "bureau" })).toThrow(another);
  expect(() => openCoordinatorStore(path())).toThrow(another);
});

test("what is no database is called damaged, and left as it is", async () => {
  await writeFile(path(), "this is a text, and a long one at that".repeat(200));
  expect(() => open()).toThrow(expect.objectContaining({ code: "STORE_DAMAGED" }));
  expect((await readFile(path(), "utf8")).startsWith("this is a text")).toBe(true);
});

test("one process serves from a store, others may read and write beside it", async () => {
  const serving = openSqliteStore(path(), { isServing: true });
  expect(() => openSqliteStore(path(), { isServing: true })).toThrow(expect.objectContaining({ code: "STORE_IN_USE" }));
  const beside = openSqliteStore(path());
  await beside.putSetting("name", "from beside");
  expect(await serving.setting("name")).toBe("from beside");
  await beside.close();
  await serving.close();
  await openSqliteStore(path(), { isServing: true }).close();
});

/** The tables of tags that schemas 1 to 3 had. */
const EARLIER_TAGS = `
DROP VIEW tags_current; DROP TABLE opt_out; DROP TABLE feed; DROP TABLE delivery; DROP TABLE tag; DROP TABLE tag_batch;
DROP TABLE tag_batch_count; DROP TABLE tag_staged; DROP TABLE tag_part; DROP TABLE tag_definition; DROP TABLE tag_change;
CREATE TABLE tag_order (
  id INTEGER PRIMARY KEY, jobId TEXT NOT NULL, key TEXT NOT NULL, agreement TEXT NOT NULL, issuedAt TEXT NOT NULL,
  expiresAt TEXT NOT NULL, UNIQUE (jobId, key, agreement, issuedAt, expiresAt)
) STRICT;
CREATE TABLE tag_batch (jobId TEXT NOT NULL, batch INTEGER NOT NULL, PRIMARY KEY (jobId, batch)) STRICT;
CREATE TABLE tag (orderId INTEGER NOT NULL, subject TEXT NOT NULL, value TEXT NOT NULL, score REAL) STRICT;
CREATE INDEX tag_by_order ON tag (orderId);`;

test.each([1, 2, 3])("a store of schema %i is taken over with its tags, which are in force", async (version) => {
  const db = emptyOfSchema5();
  const { agreement, issuedAt, expiresAt, key } = tag();
  db.exec(`${EARLIER_TAGS} PRAGMA user_version = ${version}`);
  if (version < 3) db.exec("DROP TABLE segment; DROP TABLE segment_standing;");
  else db.exec("ALTER TABLE segment_standing DROP COLUMN publishedTo");
  if (version > 1)
    db.exec("ALTER TABLE tag_order ADD COLUMN model TEXT; ALTER TABLE tag_order ADD COLUMN scoredAt TEXT;");
  db.prepare("INSERT INTO tag_order (id, jobId, key, agreement, issuedAt, expiresAt) VALUES (5, ?, ?, ?, ?, ?)").run(
    ...[JOB, key, agreement, issuedAt, expiresAt],
  );
  db.exec(`INSERT INTO tag_batch VALUES ('${JOB}', 0); INSERT INTO tag VALUES (5, '+8613900000001', 'A', 0.25);`);
  db.close();
  const store = open();
  const unscored = { model: null, scoredAt: null };
  expect(await tagsAt(store, at)).toEqual([tag(unscored)]);
  expect(await store.tagBatches()).toMatchObject([{ jobId: JOB, key, state: "in-force", counts: { A: 1 } }]);
  expect(await store.putTags(JOB, 0, [])).toBe(false);
  expect(await store.putTags(JOB, 1, [tag({ key: "risk:other" })])).toBe(true);
  await store.publishTags(JOB, at, null);
  expect(await tagsAt(store, at, { key: "risk:other" })).toEqual([tag({ key: "risk:other" })]);
  expect(await store.segments()).toEqual([]);
  await store.close();
  expect(await tagsAt(open(), at)).toHaveLength(2);
});

test("a segment that was published before peers were named is published to nobody", async () => {
  const db = emptyOfSchema5();
  db.exec(`ALTER TABLE segment_standing DROP COLUMN publishedTo; PRAGMA user_version = 4;
    INSERT INTO segment_standing VALUES ('a', 2, 'x', '${at}', NULL)`);
  db.close();
  const store = open();
  const published = { version: 2, description: "x", at, to: [] };
  expect(await store.segmentStandings()).toEqual([{ name: "a", published, retiredAt: null }]);
  await store.close();
  await open().close();
});

test("a registration of the second schema, of one file and one id column, becomes one of a source", async () => {
  const db = emptyOfSchema5();
  const fingerprint = { sizeBytes: 3, modifiedMs: 1.5, changedMs: 2 };
  const common = { version: "abc", fingerprint, idColumn: "phone", normaliser: "trimmed" };
  const insert = db.prepare("INSERT INTO dataset VALUES (?, 'abc', ?, '2026-01-01T00:00:00.000Z')");
  const dialect = { delimiter: ";", lineEnd: "\n", skipLines: 0 };
  insert.run("a", JSON.stringify({ name: "a", format: "csv", path: "/x/it's a/x.csv", dialect, ...common }));
  insert.run("b", JSON.stringify({ name: "b", format: "parquet", path: "/b.parquet", ...common }));
  db.exec(`${EARLIER_TAGS} DROP TABLE segment; DROP TABLE segment_standing; PRAGMA user_version = 2`);
  db.exec("ALTER TABLE tag_order ADD COLUMN model TEXT; ALTER TABLE tag_order ADD COLUMN scoredAt TEXT;");
  db.close();
  const store = open();
  const id = { ids: [{ column: "phone", normaliser: "opaque" }], duplicatePolicy: { kind: "first" } };
  const source = (path: string, name: string) => ({
    kind: "files",
    path,
    parts: [{ name, path, fingerprint, digest: "abc" }],
  });
  expect((await store.datasets()).map(({ registration }) => JSON.parse(registration))).toEqual([
    {
      name: "a",
      format: "csv",
      version: "abc",
      ...id,
      source: source("/x/it's a/x.csv", "x.csv"),
      dialect: { ...dialect, quote: '"', encoding: "utf-8" },
    },
    { name: "b", format: "parquet", version: "abc", ...id, source: source("/b.parquet", "b.parquet") },
  ]);
  // Signed over normalisers that are no more.
  expect(await store.agreements()).toEqual([]);
  await store.close();
  await open().close();
});
