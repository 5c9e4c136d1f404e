import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import { JobVault } from "../../party/jobs/vault.ts";
import { openAtRest, sealAtRest } from "../../party/store/at-rest.ts";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import type { Store } from "../../party/store/store.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { commitTo, readOpening } from "../../proto/evidence/openings.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { MemoryFiles } from "../support/memory-files.ts";

const { random } = nodePorts;
const JOB = "0b".repeat(16);
const OTHER = "0c".repeat(16);
const STORAGE_FAILED = expect.objectContaining({ code: "STORAGE_FAILED" });

describe("at rest", () => {
  const key = new Uint8Array(randomBytes(32));
  const secret = new TextEncoder().encode("the secret");
  const sealed = sealAtRest({ key, random, purpose: "job/gate-key", secret });

  test("opens for its purpose under its key, and is never the same twice", () => {
    expect(openAtRest({ key, purpose: "job/gate-key", sealed })).toEqual(secret);
    expect(sealAtRest({ key, random, purpose: "job/gate-key", secret })).not.toEqual(sealed);
    const none = sealAtRest({ key, random, purpose: "p", secret: new Uint8Array(0) });
    expect(openAtRest({ key, purpose: "p", sealed: none })).toEqual(new Uint8Array(0));
  });

  test("every changed byte is noticed", () => {
    for (let at = 0; at < sealed.length; at++) {
      const changed = sealed.with(at, (sealed[at] as number) ^ 1);
      expect(() => openAtRest({ key, purpose: "job/gate-key", sealed: changed }), `byte ${at}`).toThrow(STORAGE_FAILED);
    }
  });

  test("another purpose, another key and every shorter length are refused", () => {
    expect(() => openAtRest({ key, purpose: "job/nonce", sealed })).toThrow(STORAGE_FAILED);
    expect(() => openAtRest({ key: new Uint8Array(32), purpose: "job/gate-key", sealed })).toThrow(STORAGE_FAILED);
    for (let length = 0; length < sealed.length; length++)
      expect(() => openAtRest({ key, purpose: "job/gate-key", sealed: sealed.subarray(0, length) })).toThrow(
        STORAGE_FAILED,
      );
  });
});

describe("the vault", () => {
  let files: MemoryFiles;
  let store: Store;
  let vault: JobVault;
  const key = new Uint8Array(randomBytes(32));
  const received = { sealed: { chunks: [new Uint8Array([1, 2, 3])] }, masked: Uint32Array.of(7, 8) };
  const partition = received as unknown as Parameters<JobVault["putPartition"]>[3];

  beforeEach(() => {
    files = new MemoryFiles();
    store = openSqliteStore(":memory:");
    vault = new JobVault({ store, files, random, key, folder: "/spool" });
  });

  test("keeps tier bounds with their salt, sealed, under the commitment that they open", async () => {
    const salt = random.bytes(32);
    const tiers = [{ tier: "A", minScore: 640.5 }, { tier: "B" }];
    const another = "ac".repeat(32);
    expect(await vault.tiers(another)).toBeUndefined();
    const commitment = toHex(await vault.commitTo("tiers", tiers, salt));
    expect(await vault.tiers(commitment)).toEqual({ salt, tiers });
    const stored = (await store.setting(`opening/${commitment}`)) as string;
    expect(Buffer.from(stored, "hex").includes("640.5")).toBe(false);
    await store.putSetting(`opening/${another}`, stored);
    await expect(vault.tiers(another)).rejects.toEqual(STORAGE_FAILED);
  });

  test("keeps secrets and partitions, nothing of them in clear", async () => {
    const drawn = await vault.drawOnce(JOB, "gate-key-1");
    expect(drawn).toHaveLength(32);
    expect(await vault.get(JOB, "gate-key-1")).toEqual(drawn);
    const stored = Buffer.from((await store.jobSecret(JOB, "gate-key-1")) as Uint8Array);
    expect(stored.includes(drawn)).toBe(false);
    await vault.putPartition(JOB, 1, 0, partition);
    expect(await vault.partition(JOB, 1, 0)).toEqual(received);
    expect([...files.contents.keys()]).toEqual([`/spool/${JOB}/1-0.sealed`]);
    expect(Buffer.from([...files.contents.values()][0] as Uint8Array).includes(Buffer.of(1, 2, 3))).toBe(false);
  });

  test("a secret under another name or job, and a partition of another attempt, do not open", async () => {
    await vault.put(JOB, "nonce", new Uint8Array([1]));
    const sealed = (await store.jobSecret(JOB, "nonce")) as Uint8Array;
    await store.putJobSecret(JOB, "gate-key", sealed);
    await store.putJobSecret(OTHER, "nonce", sealed);
    await expect(vault.get(JOB, "gate-key")).rejects.toEqual(STORAGE_FAILED);
    await expect(vault.get(OTHER, "nonce")).rejects.toEqual(STORAGE_FAILED);
    await vault.putPartition(JOB, 1, 0, partition);
    const bytes = files.contents.get(`/spool/${JOB}/1-0.sealed`) as Uint8Array;
    files.contents.set(`/spool/${JOB}/2-0.sealed`, bytes);
    files.contents.set(`/spool/${JOB}/1-0.sealed`, bytes.with(20, (bytes[20] as number) ^ 1));
    await expect(vault.partition(JOB, 2, 0)).rejects.toEqual(STORAGE_FAILED);
    await expect(vault.partition(JOB, 1, 0)).rejects.toEqual(STORAGE_FAILED);
  });

  test("what is not there is a typed error", async () => {
    await expect(vault.get(JOB, "nonce")).rejects.toEqual(STORAGE_FAILED);
    await expect(vault.partition(JOB, 1, 0)).rejects.toEqual(STORAGE_FAILED);
  });

  test("a secret is drawn once: the same again, also after a restart, and another name has another", async () => {
    const drawn = await vault.drawOnce(JOB, "nonce");
    expect(await vault.drawOnce(JOB, "nonce")).toEqual(drawn);
    expect(await vault.drawOnce(JOB, "gate-key-1")).not.toEqual(drawn);
    expect(await vault.drawOnce(OTHER, "nonce")).not.toEqual(drawn);
    const again = new JobVault({ store, files, random, key, folder: "/spool" });
    expect(await again.drawOnce(JOB, "nonce")).toEqual(drawn);
  });

  test("one that cannot be read is not drawn anew: it would silently be another job", async () => {
    await vault.drawOnce(JOB, "nonce");
    const sealed = (await store.jobSecret(JOB, "nonce")) as Uint8Array;
    await store.putJobSecret(JOB, "nonce", sealed.with(20, (sealed[20] as number) ^ 1));
    await expect(vault.drawOnce(JOB, "nonce")).rejects.toEqual(STORAGE_FAILED);
  });

  test("destroy ends one job's secrets, sweep those of every job that has ended", async () => {
    const third = "0d".repeat(16);
    for (const job of [JOB, OTHER, third]) {
      await vault.drawOnce(job, "nonce");
      await vault.putPartition(job, 1, 0, partition);
      const { folder } = await vault.spillPlace(job);
      expect(folder).toBe(`/spool/${job}/input`);
      await files.writeDurable(`${folder}/rows-0`, new Uint8Array([1]));
    }
    await vault.destroy(JOB);
    await expect(vault.get(JOB, "nonce")).rejects.toEqual(STORAGE_FAILED);
    await expect(vault.partition(JOB, 1, 0)).rejects.toEqual(STORAGE_FAILED);
    expect(await vault.get(OTHER, "nonce")).toHaveLength(32);
    await vault.sweep(new Set([OTHER]));
    await expect(vault.get(third, "nonce")).rejects.toEqual(STORAGE_FAILED);
    // The open one keeps what it has finished; what it had read of the dataset is read again.
    expect(await vault.partition(OTHER, 1, 0)).toEqual(received);
    expect([...files.contents.keys()]).toEqual([`/spool/${OTHER}/1-0.sealed`]);
    await vault.sweep(new Set());
    await expect(vault.get(OTHER, "nonce")).rejects.toEqual(STORAGE_FAILED);
    expect(files.contents.size).toBe(0);
  });

  test("a commitment's opening outlives the job's secrets, sealed", async () => {
    const value = { matched: 640, digest: digestOf(new Uint8Array(1)) };
    const commitment = await vault.commitTo("output", value);
    await vault.destroy(JOB);
    const opened = await vault.opening(toHex(commitment));
    expect(readOpening({ kind: "output", commitment: toHex(commitment), opened })).toEqual({ kind: "output", value });
    const kept = (await store.setting(`opening/${toHex(commitment)}`)) as string;
    expect(kept).not.toContain(Buffer.from((opened as NonNullable<typeof opened>).salt).toString("hex"));
    expect(Buffer.from(kept, "hex").includes("matched")).toBe(false);
    expect(await vault.opening("00".repeat(32))).toBeNull();
    // One that was put in another's place is noticed.
    await store.putSetting(`opening/${"00".repeat(32)}`, kept);
    await expect(vault.opening("00".repeat(32))).rejects.toEqual(STORAGE_FAILED);
  });

  test("fresh salts make fresh commitments; a salt that is given, the same one again", async () => {
    const salt = new Uint8Array(randomBytes(32));
    const value = { shown: "62%" };
    expect(await vault.commitTo("rate", value)).not.toEqual(await vault.commitTo("rate", value));
    expect(await vault.commitTo("rate", value, salt)).toEqual(await vault.commitTo("rate", value, salt));
  });

  test("a model version's salt is drawn once, and its commitment can be opened", async () => {
    const model = digestOf(new Uint8Array(2));
    const salt = await vault.modelSalt(model);
    expect(await vault.modelSalt(model)).toEqual(salt);
    const commitment = toHex(commitTo("model", model, salt));
    const opened = await vault.opening(commitment);
    expect(readOpening({ kind: "model", commitment, opened })).toEqual({ kind: "model", value: model });
  });
});
