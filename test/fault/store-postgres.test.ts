/** What a store in PostgreSQL does when its server goes away, and when another process has it, too. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openStore } from "../../party/store/open.ts";
import { PARTY_HISTORY } from "../../party/store/schema.ts";
import { SqlStore } from "../../party/store/sql-store.ts";
import type { Store } from "../../party/store/store.ts";
import { backUpParty, checkPartyStore, copyPartyStore, restoreParty } from "../../party/store-commands.ts";
import { openPostgres } from "../../proto/database/postgres.ts";
import { PostgresConnection } from "../../proto/database/postgres-connection.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { CutProxy } from "../support/cut-proxy.ts";
import { demoAgreement } from "../support/demo-agreement.ts";
import { requestOf, startWithLists, Times } from "../support/policy-nodes.ts";
import { type Postgres, startPostgres } from "../support/postgres.ts";

const SCHEMA_5 = await readFile(new URL("../vectors/data/stores/party-5.sql", import.meta.url), "utf8");
const started = await startPostgres();
afterAll(() => started?.stop());

describe.skipIf(started === undefined)("a store in PostgreSQL", () => {
  const server = started as Postgres;
  const at = "2026-05-01T00:00:00.000Z";
  const JOB = "0b".repeat(16);
  const opened: { close(): Promise<void> }[] = [];
  let proxy: CutProxy;

  const place = (url: string, patienceMs = 5_000) => ({
    url: async () => url,
    schema: "faults",
    ports: nodePorts,
    patienceMs,
  });
  const through = () => {
    const url = new URL(server.url);
    url.port = String(proxy.port);
    return url.href;
  };
  async function open(url = server.url, opener = {}, patienceMs?: number): Promise<Store> {
    const by = { owner: "", program: "1", isServing: false, ...opener };
    const store = new SqlStore(await openPostgres(place(url, patienceMs), PARTY_HISTORY, by));
    opened.push(store);
    return store;
  }

  beforeAll(async () => {
    await (await open()).close();
  });
  beforeEach(async () => {
    proxy = await CutProxy.to(Number(new URL(server.url).port));
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
    await proxy.close();
    await server.query("DELETE FROM faults.job_event; DELETE FROM faults.setting; DELETE FROM faults.witness");
  });

  test("of two processes that append at once, one wins, and there is no gap", async () => {
    const stores = [await open(), await open()];
    for (let length = 0; length < 12; length++) {
      const outcomes = await Promise.all(
        stores.map((one) => one.appendJobEvent(JOB, length, { type: "admitted", at })),
      );
      expect(outcomes.toSorted()).toEqual([false, true]);
    }
    expect(await stores[0]?.jobEvents(JOB)).toHaveLength(12);
    // One after another, whoever is first: each is appended to what the other has left.
    const origin = "bureau/c/2026";
    const put = (one: Store) => one.putWitness({ origin, size: 7, root: "aa", note: "n" }, 0);
    expect((await Promise.all(stores.map(put))).toSorted()).toEqual([false, true]);
  });

  test("what a transaction has read stays true until its end, whoever writes", async () => {
    const by = { owner: "", program: "1", isServing: false };
    const databases = await Promise.all([1, 2].map(() => openPostgres(place(server.url), PARTY_HISTORY, by)));
    opened.push(...databases);
    await databases[0]?.run("INSERT INTO setting (key, value) VALUES ('n', '0')");
    const addOne = (n: number) =>
      databases[n % 2]?.transaction(async (sql) => {
        const row = await sql.get<{ value: string }>("SELECT value FROM setting WHERE key = 'n'");
        await sql.run("UPDATE setting SET value = ? WHERE key = 'n'", String(Number(row?.value) + 1));
      });
    await Promise.all(Array.from({ length: 30 }, (_, n) => addOne(n)));
    expect(await databases[1]?.get("SELECT value FROM setting WHERE key = 'n'")).toEqual({ value: "30" });
  });

  test.each(["before", "after"] as const)("a COMMIT cut %s the server heard it counts once", async (cut) => {
    const store = await open(through());
    expect(await store.appendJobEvent(JOB, 0, { type: "admitted", at })).toBe(true);
    proxy.cutAt("COMMIT", cut);
    expect(await store.appendJobEvent(JOB, 1, { type: "admitted", at })).toBe(true);
    expect(await store.jobEvents(JOB)).toHaveLength(2);
    expect(await store.appendJobEvent(JOB, 2, { type: "admitted", at })).toBe(true);
  });

  test("a transaction whose connection breaks in the middle is done once, from its beginning", async () => {
    const store = await open(through());
    const tag = { key: "k", value: "yes", agreement: "5f".repeat(32), score: null, model: null, scoredAt: null };
    const tags = ["a", "b"].map((subject) => ({ ...tag, subject, jobId: JOB, issuedAt: at, expiresAt: "2027" }));
    proxy.cutAt("INSERT INTO tag_staged", "after");
    expect(await store.putTags(JOB, 0, tags.values())).toBe(true);
    await store.publishTags(JOB, at, null);
    expect(await store.tagCounts(at)).toEqual([{ key: "k", value: "yes", jobId: JOB, count: 2 }]);
    await store.removeTags(JOB);
  });

  test("a server that is away is waited for, then told as what can be tried again, and found again", async () => {
    const store = await open(through(), { isServing: true }, 400);
    await store.putSetting("name", "before");
    proxy.shut();
    const away = { code: "STORE_UNREACHABLE" };
    await expect(store.putSetting("name", "lost")).rejects.toMatchObject(away);
    await expect(store.setting("name")).rejects.toMatchObject(away);
    proxy.reopen();
    expect(await store.setting("name")).toBe("before");
    await store.putSetting("name", "after");
    proxy.shut();
    setTimeout(() => proxy.reopen(), 100);
    await store.putSetting("name", "in time");
    expect(await store.setting("name")).toBe("in time");
  });

  test("connections that the server ends are made anew", async () => {
    const store = await open(server.url, { isServing: true });
    await store.putSetting("name", "before");
    await server.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'entente-store'",
    );
    expect(await store.setting("name")).toBe("before");
    await store.putSetting("name", "after");
    expect(await store.setting("name")).toBe("after");
  });

  test("one process serves; one that has lost its server and been followed by another serves no more", async () => {
    const first = await open(through(), { isServing: true }, 400);
    await expect(open(server.url, { isServing: true })).rejects.toMatchObject({ code: "STORE_IN_USE" });
    const beside = await open();
    await beside.putSetting("name", "from beside");
    proxy.shut();
    // The server sees the connection's end in its own time.
    let second: Store | undefined;
    while (second === undefined) second = await open(server.url, { isServing: true }).catch(() => undefined);
    proxy.reopen();
    await expect(first.putSetting("name", "of the first")).rejects.toMatchObject({ code: "STORE_UNREACHABLE" });
    await second.close();
    await expect(first.putSetting("name", "of the first")).rejects.toMatchObject({ code: "STORE_IN_USE" });
    expect(await beside.setting("name")).toBe("from beside");
  });

  test("what is acknowledged is on the server's disk, whatever its default", async () => {
    expect(await server.query("SHOW synchronous_commit")).toEqual([{ synchronous_commit: "off" }]);
    const connection = await PostgresConnection.open(server.url, "faults");
    opened.push({ close: () => connection.end() });
    expect(await connection.get("SELECT current_setting('synchronous_commit') AS value")).toEqual({ value: "on" });
  });

  test("an error says nothing of what was written", async () => {
    const store = await open();
    const failure = await store.putSetting("name", "13800138000\0").catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "STORAGE_FAILED", detail: "SQLSTATE 22021" });
    expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure as object))).not.toContain("13800138000");
  });

  test("a node's store is copied from its file with all that it has, once, and backed up and restored from there", async () => {
    const root = await mkdtemp(join(tmpdir(), "entente-copy-"));
    const folder = join(root, "bank");
    await mkdir(join(folder, "secrets"), { recursive: true });
    await writeFile(join(folder, "secrets", "store-url"), `${server.url}\n`);
    const json = { format: "entente-node/1", party: "bank", api: { host: "127.0.0.1", port: 0 } };
    await writeFile(join(folder, "node.json"), JSON.stringify(json));
    const db = new DatabaseSync(join(folder, "node.db"));
    db.exec(`PRAGMA synchronous = OFF; BEGIN; ${SCHEMA_5} COMMIT;`);
    db.close();
    const store = { urlFile: "secrets/store-url", schema: "bank" };
    expect(await copyPartyStore({ folder, ...store })).toBeGreaterThan(25);
    await expect(copyPartyStore({ folder, ...store })).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    await writeFile(join(folder, "node.json"), JSON.stringify({ ...json, store }));
    expect((await checkPartyStore({ folder })).map(({ check, state }) => `${state} ${check}`)).toEqual([
      ...["ok database", "ok schema", "fail jobs", "ok tags"],
    ]);

    await backUpParty({ folder, to: join(root, "backup") });
    const again = { folder: join(root, "again"), from: join(root, "backup") };
    await expect(restoreParty(again)).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
    await server.query("DROP SCHEMA bank CASCADE");
    await restoreParty(again);
    expect((await readdir(again.folder)).filter((name) => name.startsWith("node.db"))).toEqual([]);

    const place = { folder: again.folder, config: store, ports: nodePorts };
    const copy = await openStore(place, { owner: "bank", isServing: true });
    opened.push(copy);
    const tags = [];
    for await (const tag of copy.tags({ now: at })) tags.push(tag);
    expect(tags).toMatchObject([{ subject: "+8613900000001", value: "A", score: 0.25 }]);
    expect(await copy.jobIds()).toEqual(["0b".repeat(16), "0c".repeat(16)]);
    expect(await copy.jobSecret("0c".repeat(16), "gate-key")).toEqual(Uint8Array.of(9, 8));
    // What is added gets numbers after those that were copied.
    expect(await copy.appendJobEvent("0e".repeat(16), 0, { type: "admitted", at })).toBe(true);
    expect(await copy.jobIds()).toHaveLength(3);
    expect((await copy.jobIds())[0]).toBe("0e".repeat(16));
    await copy.publishTags("0d".repeat(16), at, null);
    expect(await server.query("SELECT subject, key, value, expires_at FROM bank.tags_current")).toEqual([
      { subject: "+8613900000001", key: "risk:default", value: "C", expires_at: "2027-05-01T00:00:00.000Z" },
    ]);
    await rm(root, { recursive: true });
  });

  test("a node whose server ends its connections while a job runs goes on with it, and has all of it after a restart", async () => {
    const folder = await mkdtemp(join(tmpdir(), "entente-url-"));
    const urlFile = join(folder, "url");
    await writeFile(urlFile, server.url);
    const { nodes } = await startWithLists(new Times(), { store: { urlFile, schema: "running" } });
    opened.push(nodes);
    const floors = { input: 10, result: 5, sizeRatio: 1_000 };
    const agreement = await nodes.agree(demoAgreement({ title: "PostgreSQL", floors }));
    const job = nodes.run(requestOf({ agreement }));
    for (let times = 0; times < 3; times++) {
      await new Promise((resume) => setTimeout(resume, 250));
      await server.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'entente-store'",
      );
    }
    expect((await job).bank.state).toBe("done");
    const counts = await nodes.bank.store.tagCounts("2000");
    expect(counts).toMatchObject([{ count: 30 }]);
    await nodes.restart("bank");
    expect(await nodes.bank.store.tagCounts("2000")).toEqual(counts);
    await rm(folder, { recursive: true });
  });
});
