import { describe, expect, test } from "vitest";
import { CollaborationLogs } from "../../coordinator/log/collaboration-logs.ts";
import { openSqliteStore } from "../../coordinator/store/sqlite.ts";
import type { Store } from "../../coordinator/store/store.ts";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import type { Job } from "../../proto/codec/coordinator.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { signingKey } from "../../proto/encoding/ed25519.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { parseBundle } from "../../proto/evidence/tiles.ts";
import { type JobId, partyId } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { MemoryFiles } from "../support/memory-files.ts";

const parties = [partyId("bank"), partyId("telecom")] as const;
const collaborationId = collaborationOf(parties);
const agreementDigest = digestOf(utf8("agreement"));

async function makeStore(): Promise<Store> {
  const store = openSqliteStore(":memory:");
  await store.putAgreement({
    agreementDigest,
    parties,
    collaborationId,
    state: "active",
    marks: {},
    revision: 0,
  });
  return store;
}

/** The entry of job `n`, accepted and pending. */
async function accept(store: Store, n: number): Promise<string> {
  const job: Job = {
    jobId: n.toString(16).padStart(32, "0") as JobId,
    agreementDigest,
    collaborationId,
    requester: parties[0],
    peer: parties[1],
    jobDigest: digestOf(utf8("job")),
    state: "releasing",
    updatedAt: "2026-01-01T00:00:00.000Z",
  };
  await store.appendJobEvent({ ...job, revision: 0 }, { state: job.state, by: "peer", at: job.updatedAt });
  const entry = `receipt ${n}`;
  expect(await store.addReceipt(job, digestOf(utf8(entry)), utf8(entry))).toBe(true);
  return entry;
}

function openLogs(files: MemoryFiles, store: Store): CollaborationLogs {
  const key = signingKey("coordinator/log", new Uint8Array(32).fill(7));
  const name = partyId("coordinator");
  return new CollaborationLogs({ ports: { files, clock: nodePorts.clock }, folder: "/c", name, key, store });
}

async function entriesOf(logs: CollaborationLogs): Promise<string[]> {
  const bundle = (await logs.files(collaborationId)).find((file) => file.path.startsWith("tile/entries/"));
  if (bundle === undefined) return [];
  const width = Number(bundle.path.split("/").at(-1));
  return parseBundle(bundle.bytes, width).map((entry) => Buffer.from(entry).toString());
}

describe("each file system call fails", () => {
  for (const persisted of [false, true]) {
    for (const restarts of [false, true]) {
      const name = `${persisted ? "after" : "before"} it persists, ${restarts ? "with" : "without"} a restart`;
      test(`${name}: every accepted receipt is in the log once, in order`, async () => {
        let reached = true;
        let calls = 0;
        for (let call = 1; reached; call++) {
          const [files, store] = [new MemoryFiles(), await makeStore()];
          let logs = openLogs(files, store);
          const expected = [await accept(store, 1)];
          await logs.flush(collaborationId);
          expected.push(await accept(store, 2), await accept(store, 3));
          files.arm({ call, persisted, forGood: restarts });
          const outcome = await logs.flush(collaborationId).then(
            () => "ok",
            () => "failed",
          );
          reached = files.disarm();
          if (outcome === "failed") calls++;
          if (restarts) logs = openLogs(files, store);
          expected.push(await accept(store, 4));
          await logs.flush(collaborationId);
          expect(await entriesOf(logs), `call ${call}`).toEqual(expected);
          expect(await store.pendingEntries(collaborationId)).toEqual([]);
          // And the files themselves, read by a fresh process.
          expect(await entriesOf(openLogs(files, store)), `call ${call}`).toEqual(expected);
          await store.close();
        }
        expect(calls).toBeGreaterThan(1);
      });
    }
  }

  test("a stop between the log's append and the store's note of it doubles nothing", async () => {
    const [files, store] = [new MemoryFiles(), await makeStore()];
    const broken: Store = Object.assign(Object.create(store) as Store, {
      removePending: () => Promise.reject(new Error("stopped")),
    });
    const expected = [await accept(store, 1), await accept(store, 2)];
    await expect(openLogs(files, broken).flush(collaborationId)).rejects.toThrow("stopped");
    expect(await store.pendingEntries(collaborationId)).toHaveLength(2);
    expected.push(await accept(store, 3));
    const logs = openLogs(files, store);
    await logs.flush(collaborationId);
    expect(await entriesOf(logs)).toEqual(expected);
    await store.close();
  });
});
