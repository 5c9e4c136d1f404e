/** What every store must do, whatever database is behind it. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { COORDINATOR_HISTORY } from "../../coordinator/store/schema.ts";
import { sqlStore } from "../../coordinator/store/sql-store.ts";
import { openSqliteStore as openCoordinatorStore } from "../../coordinator/store/sqlite.ts";
import type { JobEvent } from "../../party/jobs/lifecycle.ts";
import { PARTY_HISTORY } from "../../party/store/schema.ts";
import { SqlStore } from "../../party/store/sql-store.ts";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import type { DenialRecord, Store, TokenRecord } from "../../party/store/store.ts";
import type { Tag } from "../../party/tags/tag.ts";
import { openPostgres } from "../../proto/database/postgres.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { coordinatorContract } from "../support/coordinator-store-contract.ts";
import { startPostgres } from "../support/postgres.ts";

const server = await startPostgres();
afterAll(() => server?.stop());

/** So that each test has an empty one, without making its tables anew. */
async function emptyPostgres(schema: string): Promise<void> {
  const tables = await server?.query<{ name: string }>(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = $1 AND tablename NOT LIKE 'store_%'",
    [schema],
  );
  if (tables?.length)
    await server?.query(
      `SET session_replication_role = replica; ${tables.map(({ name }) => `DELETE FROM ${schema}.${name};`).join(" ")}`,
    );
}

const inSqlite = (folder: string): Store => openSqliteStore(join(folder, "node.db"));
const place = (schema: string) => ({ url: async () => server?.url ?? "", schema, ports: nodePorts });
const BY = { owner: "", program: "1", isServing: true };
const inPostgres = async (): Promise<Store> => new SqlStore(await openPostgres(place("contract"), PARTY_HISTORY, BY));

describe.each([
  { kind: "SQLite", openIn: inSqlite, keepsFiles: true },
  ...(server === undefined ? [] : [{ kind: "PostgreSQL", openIn: inPostgres, keepsFiles: false }]),
])("in $kind", ({ openIn, keepsFiles }) => {
  let folder: string;
  let store: Store;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "entente-store-"));
    if (!keepsFiles) await emptyPostgres("contract");
    store = await openIn(folder);
  });
  afterEach(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });

  /** Closes and opens again: what was acknowledged must be there. */
  async function reopen(): Promise<void> {
    await store.close();
    store = await openIn(folder);
  }

  /** Of a server nothing is promised of its disk. */
  async function isOnDisk(bytes: Uint8Array): Promise<boolean | undefined> {
    if (!keepsFiles) return undefined;
    const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name))));
    return files.some((file) => file.includes(bytes));
  }

  const at = "2026-05-01T00:00:00.000Z";
  const JOB = "0b".repeat(16);
  const failed: JobEvent = { type: "failed", at, code: "PEER_GONE" };
  const admitted: JobEvent = { type: "admitted", at };

  function tag(changes: Partial<Tag> = {}): Tag {
    const names = { subject: "+8613900000001", key: "risk:default", value: "A", score: 0.25, jobId: JOB };
    const scored = { model: "6d".repeat(32), scoredAt: "2026-04-30T23:59:00.000Z" };
    return {
      ...names,
      ...scored,
      agreement: "5f".repeat(32),
      issuedAt: at,
      expiresAt: "2026-06-01T00:00:00.000Z",
      ...changes,
    };
  }

  /** Of one part, in force at once. */
  async function issue(jobId: string, tags: readonly Tag[], part = 0): Promise<void> {
    expect(await store.putTags(jobId, part, tags)).toBe(true);
    await store.publishTags(jobId, at, null);
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
      const outcomes = await Promise.all([
        store.appendJobEvent(JOB, 0, admitted),
        store.appendJobEvent(JOB, 0, failed),
      ]);
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
    expect(await isOnDisk(marker)).not.toBe(false);
    await store.destroyJobSecrets(JOB);
    expect(await store.jobSecret(JOB, "gate-key")).toBeUndefined();
    expect(await isOnDisk(marker)).not.toBe(true);
    expect(await store.jobSecret("0c".repeat(16), "gate-key")).toBeDefined();
    await store.putJobSecret("0d".repeat(16), "gate-key", marker);
    await store.keepJobSecretsOf(new Set(["0c".repeat(16)]));
    expect(await store.jobSecret("0c".repeat(16), "gate-key")).toBeDefined();
    expect(await store.jobSecret("0d".repeat(16), "gate-key")).toBeUndefined();
    expect(await isOnDisk(marker)).not.toBe(true);
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

  test("witness records are found by whose log and collaboration it is, and by nothing shorter", async () => {
    const record = (origin: string) => ({ origin, size: 1, root: "aa", note: "n" });
    const origins = ["bureau/c/2026", "bureau/c/2026-2", "bureau/c0/2026", "bureau/d/2026", "bureau2/c/2026"];
    for (const origin of origins) expect(await store.putWitness(record(origin), 0)).toBe(true);
    expect((await store.witnesses("bureau/c")).map(({ origin }) => origin).sort()).toEqual(origins.slice(0, 2));
    expect(await store.witnesses("bureau")).toHaveLength(4);
    expect(await store.witnesses("bur")).toEqual([]);
  });

  test("an erased setting is gone from the file, too", async () => {
    await store.putSetting("note", "written by a person and erased again");
    expect(await isOnDisk(Buffer.from("erased again"))).not.toBe(false);
    await store.eraseSetting("note");
    await store.eraseSetting("note");
    expect(await store.setting("note")).toBeUndefined();
    expect(await isOnDisk(Buffer.from("erased again"))).not.toBe(true);
  });

  describe("tags", () => {
    test("a partition's batch is written once and as a whole", async () => {
      expect(await store.putTags(JOB, 0, [tag(), tag({ subject: "+8613900000002", score: null })])).toBe(true);
      expect(await store.putTags(JOB, 0, [tag({ subject: "+8613900000003" })])).toBe(false);
      expect(await store.putTags(JOB, 1, [])).toBe(true);
      await reopen();
      expect(await store.putTags(JOB, 1, [tag({ subject: "+8613900000003" })])).toBe(false);
      expect(await tagsAt(at)).toEqual([]);
      await store.publishTags(JOB, at, null);
      expect(await tagsAt(at)).toEqual([tag(), tag({ subject: "+8613900000002", score: null })]);
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
      await store.publishTags(JOB, at, null);
      expect(await tagsAt(at)).toEqual([]);
    });

    test("are filtered by key and job, counted, and gone from the moment they expire", async () => {
      const other = "0c".repeat(16);
      await issue(JOB, [tag(), tag({ subject: "+8613900000002", value: "B" })]);
      await issue(other, [tag({ key: "marketing:joint", value: "yes", jobId: other })]);
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
      expect(await store.tagCounts(at)).toEqual([]);
      await store.publishTags(JOB, at, null);
      expect(await store.tagCounts(at)).toEqual([{ key: "risk:default", value: "A", jobId: JOB, count: 2 }]);
      await store.removeTags(JOB);
      expect(await tagsAt(at)).toEqual([]);
      for (const partition of [0, 7]) expect(await store.putTags(JOB, partition, [])).toBe(true);
    });

    test("removed with their job, others stay, and the job may issue again", async () => {
      const other = "0c".repeat(16);
      await issue(JOB, [tag()]);
      await issue(other, [tag({ jobId: other })]);
      await store.removeTags(JOB);
      expect((await tagsAt(at)).map((item) => item.jobId)).toEqual([other]);
      expect(await store.putTags(JOB, 0, [tag()])).toBe(true);
    });
  });

  describe("tokens", () => {
    const token = (n: number): TokenRecord => ({
      tokenId: `0${n}`.repeat(8),
      hash: `a${n}`.repeat(32),
      person: "Wang Li",
      roles: "analyst steward",
      createdAt: at,
      createdBy: n === 1 ? null : "setup",
      expiresAt: "2026-06-01T00:00:00.000Z",
      revokedAt: null,
      lastUsedOn: null,
    });

    test("are found by their hash, and listed oldest first", async () => {
      for (const n of [2, 1, 3]) await store.addToken(token(n));
      await reopen();
      expect(await store.tokens()).toEqual([token(2), token(1), token(3)]);
      expect(await store.tokenByHash(token(1).hash)).toEqual(token(1));
      expect(await store.tokenByHash("b1".repeat(32))).toBeUndefined();
      await expect(store.addToken({ ...token(4), hash: token(1).hash })).rejects.toThrow();
      await expect(store.addToken({ ...token(4), tokenId: token(1).tokenId })).rejects.toThrow();
      expect(await store.tokens()).toHaveLength(3);
    });

    test("the first revocation and the last use stay; others' do not change", async () => {
      for (const n of [1, 2]) await store.addToken(token(n));
      expect(await store.revokeToken(token(1).tokenId, at)).toBe(true);
      expect(await store.revokeToken(token(1).tokenId, `${at}+`)).toBe(true);
      expect(await store.revokeToken(token(3).tokenId, at)).toBe(false);
      for (const day of ["2026-05-01", "2026-05-02"]) await store.setTokenUse(token(1).tokenId, day);
      await reopen();
      expect(await store.tokens()).toEqual([{ ...token(1), revokedAt: at, lastUsedOn: "2026-05-02" }, token(2)]);
    });
  });

  test("of a person's tokens those by one creator that have ended go, and no other", async () => {
    const token = (n: number, changes: Partial<TokenRecord> = {}): TokenRecord => {
      const held = { person: "Wang Li", roles: "analyst", createdBy: "https://id.example", revokedAt: null };
      const times = { createdAt: at, expiresAt: `2026-06-0${n}T00:00:00.000Z`, lastUsedOn: null };
      return { tokenId: `0${n}`.repeat(8), hash: `a${n}`.repeat(32), ...held, ...times, ...changes };
    };
    const kept = [
      token(2, { createdBy: null }),
      token(3, { createdBy: "setup" }),
      token(4, { person: "Zhao" }),
      token(5),
    ];
    for (const each of [token(1), ...kept]) await store.addToken(each);
    const of = { person: "Wang Li", createdBy: "https://id.example", endedBefore: token(5).expiresAt };
    await store.removeTokens(of);
    await reopen();
    expect(await store.tokens()).toEqual(kept);
  });

  describe("denials", () => {
    const denial = (changes: Partial<DenialRecord> = {}): DenialRecord => {
      const nobody = { tokenId: null, person: null, route: null };
      return { at, ...nobody, code: "TOKEN_MISSING", count: 1, ...changes };
    };

    test("that are alike in minute, token, route and code are one record; newest first", async () => {
      const other = [
        denial({ at: "2026-05-01T00:01:00.000Z" }),
        denial({ tokenId: "01".repeat(8), person: "Wang Li" }),
        denial({ tokenId: "01".repeat(8), person: "Wang Li", route: "startJob" }),
        denial({ code: "TOKEN_EXPIRED" }),
      ];
      await store.addDenials([denial(), ...other], 10);
      await store.addDenials([denial({ count: 41 }), ...other.slice(2)], 10);
      await reopen();
      const [first, second, ...rest] = other;
      const doubled = rest.map((record) => ({ ...record, count: 2 }));
      expect((await store.denials()).toReversed()).toEqual([denial({ count: 42 }), first, second, ...doubled]);
    });

    test("only the last are kept", async () => {
      const minutes = Array.from({ length: 7 }, (_, i) => denial({ at: `2026-05-01T00:0${i}:00.000Z` }));
      await store.addDenials(minutes.slice(0, 5), 3);
      expect(await store.denials()).toEqual(minutes.slice(2, 5).toReversed());
      await store.addDenials(minutes.slice(5), 3);
      expect(await store.denials()).toEqual(minutes.slice(4).toReversed());
      await store.addDenials([], 3);
      expect(await store.denials()).toHaveLength(3);
    });
  });

  test("a version of a segment stays as it was added, its standing is the last", async () => {
    const segment = { name: "a", version: 1, dataset: "d", kind: "sql", definedAt: at, definedBy: "Ada" } as const;
    const first = { ...segment, sealed: Uint8Array.of(1, 2) };
    expect(await store.addSegment(first)).toBe(true);
    expect(await store.addSegment({ ...first, dataset: "e" })).toBe(false);
    expect(await store.addSegment({ ...first, version: 10 })).toBe(true);
    expect(await store.addSegment({ ...first, version: 2 })).toBe(true);
    const published = { version: 2, description: "x", at, to: ["bank"] };
    for (const standing of [
      { name: "a", published, retiredAt: null },
      { name: "b", published: null, retiredAt: at },
      { name: "a", published: null, retiredAt: null },
      { name: "a", published: { ...published, version: 1 }, retiredAt: null },
    ])
      await store.putSegmentStanding(standing);
    await reopen();
    expect(await store.segments()).toEqual([first, { ...first, version: 2 }, { ...first, version: 10 }]);
    expect(await store.segmentStandings()).toEqual([
      { name: "a", published: { ...published, version: 1 }, retiredAt: null },
      { name: "b", published: null, retiredAt: at },
    ]);
  });
});

describe("a coordinator's, in SQLite", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "entente-store-"));
  });
  beforeEach(() => rm(join(folder, "coordinator.db"), { force: true }));
  afterAll(() => rm(folder, { recursive: true }));
  coordinatorContract(() => openCoordinatorStore(join(folder, "coordinator.db"), { isServing: true }));
});

describe.skipIf(server === undefined)("a coordinator's, in PostgreSQL", () => {
  beforeEach(() => emptyPostgres("coordinator"));
  coordinatorContract(async () => sqlStore(await openPostgres(place("coordinator"), COORDINATOR_HISTORY, BY)));
});
