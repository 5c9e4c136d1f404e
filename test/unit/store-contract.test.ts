/** What every store must do, whatever database is behind it. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { JobEvent } from "../../party/jobs/lifecycle.ts";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import type { Store } from "../../party/store/store.ts";
import type { Tag } from "../../party/tags/tag.ts";

let folder: string;
let store: Store;
const open = () => openSqliteStore(join(folder, "node.db"));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "entente-store-"));
  store = open();
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

/** Closes and opens again: what was acknowledged must be there. */
async function reopen(): Promise<void> {
  await store.close();
  store = open();
}

async function isOnDisk(bytes: Uint8Array): Promise<boolean> {
  const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name))));
  return files.some((file) => file.includes(bytes));
}

const at = "2026-05-01T00:00:00.000Z";
const JOB = "0b".repeat(16);
const failed: JobEvent = { type: "failed", at, code: "PEER_GONE" };
const admitted: JobEvent = { type: "admitted", at };

function tag(changes: Partial<Tag> = {}): Tag {
  const names = { subject: "+8613900000001", key: "risk:default", value: "A", score: 0.25, jobId: JOB };
  return { ...names, agreement: "5f".repeat(32), issuedAt: at, expiresAt: "2026-06-01T00:00:00.000Z", ...changes };
}

async function tagsAt(now: string, filter: { key?: string; jobId?: string } = {}): Promise<Tag[]> {
  const tags: Tag[] = [];
  for await (const item of store.tags({ now, ...filter })) tags.push(item);
  return tags;
}

test("settings, peers, datasets and agreements: the last write of a name counts, and survives a restart", async () => {
  for (const value of ["one", "two"]) {
    await store.putSetting("name", value);
    await store.putPeer({ party: "bureau", identity: value, confirmedAt: at });
    await store.putDataset({ name: "customers", version: value, registration: "{}", registeredAt: at });
    await store.putAgreement({ digest: "5f".repeat(32), collaboration: "c", envelope: value, receivedAt: at });
  }
  await store.putPeer({ party: "a-telecom", identity: "x", confirmedAt: at });
  await store.putAgreement({ digest: "60".repeat(32), collaboration: "c", envelope: "new", receivedAt: `${at}+` });
  await reopen();
  expect(await store.setting("name")).toBe("two");
  expect(await store.setting("another")).toBeUndefined();
  expect((await store.peers()).map((peer) => [peer.party, peer.identity])).toEqual([
    ["a-telecom", "x"],
    ["bureau", "two"],
  ]);
  expect((await store.datasets()).map((dataset) => dataset.version)).toEqual(["two"]);
  expect((await store.agreements()).map((agreement) => agreement.envelope)).toEqual(["new", "two"]);
  expect(await store.agreement("5f".repeat(32))).toMatchObject({ envelope: "two", collaboration: "c" });
  expect(await store.agreement("61".repeat(32))).toBeUndefined();
});

describe("a job's events", () => {
  test("are kept in order; one that expects another length is refused and not written", async () => {
    expect(await store.appendJobEvent(JOB, 1, admitted)).toBe(false);
    expect(await store.appendJobEvent(JOB, 0, admitted)).toBe(true);
    expect(await store.appendJobEvent(JOB, 0, failed)).toBe(false);
    expect(await store.appendJobEvent(JOB, 1, failed)).toBe(true);
    await reopen();
    expect(await store.jobEvents(JOB)).toEqual([admitted, failed]);
    expect(await store.jobEvents("ff".repeat(16))).toEqual([]);
  });

  test("of two writers at once, one wins", async () => {
    const outcomes = await Promise.all([store.appendJobEvent(JOB, 0, admitted), store.appendJobEvent(JOB, 0, failed)]);
    expect(outcomes.toSorted()).toEqual([false, true]);
    expect(await store.jobEvents(JOB)).toHaveLength(1);
  });

  test("job ids come newest first", async () => {
    for (const id of ["02", "01", "03"]) await store.appendJobEvent(id.repeat(16), 0, admitted);
    await store.appendJobEvent("02".repeat(16), 1, failed);
    expect(await store.jobIds()).toEqual(["03".repeat(16), "01".repeat(16), "02".repeat(16)]);
  });
});

test("documents and secrets belong to a job and a name; destroyed secrets are gone from the file, too", async () => {
  const marker = new TextEncoder().encode("a-secret-of-the-job-0123456789");
  await store.putJobDocument(JOB, "spec", "{}");
  await store.putJobSecret(JOB, "gate-key", marker);
  await store.putJobSecret("0c".repeat(16), "gate-key", new Uint8Array([1]));
  await reopen();
  expect(await store.jobDocument(JOB, "spec")).toBe("{}");
  expect(await store.jobDocument(JOB, "answer")).toBeUndefined();
  expect(new Uint8Array((await store.jobSecret(JOB, "gate-key")) as Uint8Array)).toEqual(marker);
  expect(await store.jobSecret(JOB, "nonce")).toBeUndefined();
  expect(await isOnDisk(marker)).toBe(true);
  await store.destroyJobSecrets(JOB);
  expect(await store.jobSecret(JOB, "gate-key")).toBeUndefined();
  expect(await isOnDisk(marker)).toBe(false);
  expect(await store.jobSecret("0c".repeat(16), "gate-key")).toBeDefined();
  await store.putJobSecret("0d".repeat(16), "gate-key", marker);
  await store.keepJobSecretsOf(new Set(["0c".repeat(16)]));
  expect(await store.jobSecret("0c".repeat(16), "gate-key")).toBeDefined();
  expect(await store.jobSecret("0d".repeat(16), "gate-key")).toBeUndefined();
  expect(await isOnDisk(marker)).toBe(false);
  await store.keepJobSecretsOf(new Set());
  expect(await store.jobSecret("0c".repeat(16), "gate-key")).toBeUndefined();
});

test("a witness record is replaced only by who knows the one before", async () => {
  const record = (size: number) => ({ origin: "bureau/c/2026", size, root: "aa", note: `note ${size}` });
  expect(await store.putWitness(record(4), 2)).toBe(false);
  expect(await store.putWitness(record(4), 0)).toBe(true);
  expect(await store.putWitness(record(9), 0)).toBe(false);
  expect(await store.putWitness(record(9), 4)).toBe(true);
  await reopen();
  expect(await store.witness("bureau/c/2026")).toEqual(record(9));
  expect(await store.witness("bureau/d/2026")).toBeUndefined();
});

describe("tags", () => {
  test("a partition's batch is written once and as a whole", async () => {
    expect(await store.putTags(JOB, 0, [tag(), tag({ subject: "+8613900000002", score: null })])).toBe(true);
    expect(await store.putTags(JOB, 0, [tag({ subject: "+8613900000003" })])).toBe(false);
    expect(await store.putTags(JOB, 1, [])).toBe(true);
    await reopen();
    expect(await store.putTags(JOB, 1, [tag({ subject: "+8613900000003" })])).toBe(false);
    expect((await tagsAt(at)).map((item) => [item.subject, item.score])).toEqual([
      ["+8613900000001", 0.25],
      ["+8613900000002", null],
    ]);
  });

  test("when one cannot be written, none is", async () => {
    await expect(store.putTags(JOB, 0, [tag(), { ...tag(), subject: null as unknown as string }])).rejects.toThrow();
    expect(await tagsAt(at)).toEqual([]);
    expect(await store.putTags(JOB, 0, [tag()])).toBe(true);
  });

  test("a source that fails half-way leaves nothing", async () => {
    function* broken(): Generator<Tag> {
      yield tag();
      throw new Error("source");
    }
    await expect(store.putTags(JOB, 0, broken())).rejects.toThrow("source");
    expect(await tagsAt(at)).toEqual([]);
  });

  test("are filtered by key and job, counted, and gone from the moment they expire", async () => {
    const other = "0c".repeat(16);
    await store.putTags(JOB, 0, [tag(), tag({ subject: "+8613900000002", value: "B" })]);
    await store.putTags(other, 0, [tag({ key: "marketing:joint", value: "yes", jobId: other })]);
    expect(await tagsAt(at, { key: "marketing:joint" })).toHaveLength(1);
    expect(await tagsAt(at, { jobId: JOB })).toHaveLength(2);
    expect(await tagsAt(at, { jobId: JOB, key: "marketing:joint" })).toEqual([]);
    expect(await store.tagCounts(at)).toEqual([
      { key: "marketing:joint", value: "yes", jobId: other, count: 1 },
      { key: "risk:default", value: "A", jobId: JOB, count: 1 },
      { key: "risk:default", value: "B", jobId: JOB, count: 1 },
    ]);
    expect(await tagsAt("2026-05-31T23:59:59.999Z")).toHaveLength(3);
    expect(await tagsAt("2026-06-01T00:00:00.000Z")).toEqual([]);
    expect(await store.tagCounts("2026-06-01T00:00:00.000Z")).toEqual([]);
  });

  test("of all partitions of a job are its tags", async () => {
    await store.putTags(JOB, 0, [tag()]);
    await store.putTags(JOB, 7, [tag({ subject: "+8613900000002" })]);
    expect(await store.tagCounts(at)).toEqual([{ key: "risk:default", value: "A", jobId: JOB, count: 2 }]);
    await store.removeTags(JOB);
    expect(await tagsAt(at)).toEqual([]);
    for (const partition of [0, 7]) expect(await store.putTags(JOB, partition, [])).toBe(true);
  });

  test("removed with their job, others stay, and the job may issue again", async () => {
    const other = "0c".repeat(16);
    await store.putTags(JOB, 0, [tag()]);
    await store.putTags(other, 0, [tag({ jobId: other })]);
    await store.removeTags(JOB);
    expect((await tagsAt(at)).map((item) => item.jobId)).toEqual([other]);
    expect(await store.putTags(JOB, 0, [tag()])).toBe(true);
  });
});

test("a store of another version is refused, not changed", async () => {
  await store.close();
  const db = new DatabaseSync(join(folder, "node.db"));
  db.exec("PRAGMA user_version = 99");
  db.close();
  expect(() => open()).toThrow(expect.objectContaining({ code: "STORAGE_FAILED" }));
  const again = new DatabaseSync(join(folder, "node.db"));
  expect(again.prepare("PRAGMA user_version").get()).toEqual({ user_version: 99 });
  again.exec("PRAGMA user_version = 1");
  again.close();
  store = open();
});
