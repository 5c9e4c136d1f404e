/** Jobs that stop in the middle, for a reason of this node's own: nothing half-written stays, and every job ends. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { JobEvent, JobProposed } from "../../party/jobs/lifecycle.ts";
import { JobVault } from "../../party/jobs/vault.ts";
import { Node } from "../../party/node.ts";
import { ControlClient } from "../../party/session/control.ts";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import { EntenteError } from "../../proto/errors.ts";
import { parseStatement } from "../../proto/evidence/statements.ts";
import type { Digest } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { channelPair, JOB_PURPOSE, sessionParty } from "../support/channel-pair.ts";
import { leftoversIn, NOTHING_LEFT } from "../support/node-folder.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";
import { eventsOf } from "../support/policy-nodes.ts";
import { TwoNodes } from "../support/two-nodes.ts";

const at = "2026-05-01T00:00:00.000Z";
const collaboration = collaborationOf(["bank", "bureau"]);
const proposed: JobProposed = {
  type: "proposed",
  at,
  role: "receiver",
  peer: "bureau",
  operation: "audience",
  output: "list",
  agreement: "5f".repeat(32),
  collaboration,
  jobDigest: "7b".repeat(32),
  ownRows: 2000,
  ownSizeClass: 88,
  datasetVersion: "8c".repeat(32),
  datasetForm: "8d".repeat(32),
  versionTag: "9b".repeat(32),
  awaitsApproval: false,
};
/** At the provider. */
const offered: JobProposed = { ...proposed, role: "provider" };
const RUNNING: JobEvent[] = [
  proposed,
  { type: "admitted", at },
  { type: "attempt-started", at, attempt: 1, peerSizeClass: 96, peerVersion: "bf".repeat(32), finished: [] },
];
const RELEASING: JobEvent[] = [...RUNNING, { type: "receipt-signed", at }];
const OPENED: JobEvent[] = [...RELEASING, { type: "gate-opened", at }];
const DONE: JobEvent = { type: "done", at, withheld: false, summary: { seconds: 1, bytesSent: 1, bytesReceived: 1 } };

describe("a node that starts after it was killed", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "entente-interrupted-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const open = () => Node.open({ ports: nodePorts, folder, party: "bank", logger: pino({ level: "silent" }) });

  /** What a killed process left: jobs with these histories, each with secrets, a partition, and spills. */
  async function leave(histories: Readonly<Record<string, readonly JobEvent[]>>, tagged: readonly string[]) {
    await nodePorts.files.makeFolder(folder);
    const store = openSqliteStore(join(folder, "node.db"));
    const spool = join(folder, "spool");
    const vault = new JobVault({ store, ...nodePorts, key: new Uint8Array(32), folder: spool });
    for (const [name, events] of Object.entries(histories)) {
      const jobId = name.repeat(16);
      for (const [i, event] of events.entries()) await store.appendJobEvent(jobId, i, event);
      await vault.drawOnce(jobId, "nonce");
      await nodePorts.files.writeDurable(join(spool, jobId, "1-0.sealed"), new Uint8Array([1]));
      await nodePorts.files.writeDurable(join(spool, jobId, "input", "rows-0"), new Uint8Array([1]));
    }
    const tag = {
      subject: "+8613900000001",
      key: "k",
      value: "v",
      score: null,
      agreement: "5f".repeat(32),
      model: null,
    };
    const times = { scoredAt: null, issuedAt: at, expiresAt: "2099-01-01T00:00:00.000Z" };
    for (const name of tagged) {
      const jobId = name.repeat(16);
      await store.putTags(jobId, 0, [{ ...tag, ...times, subject: `+86139000000${name}`, jobId }]);
      await store.publishTags(jobId, at, null);
    }
    await store.close();
  }

  async function statesOf(node: Node) {
    const jobs = await node.book.list();
    return Object.fromEntries(jobs.map((job) => [job.jobId.slice(0, 2), [job.state, job.reason?.code]]));
  }

  test("ends what cannot go on, sweeps its spills and secrets, and keeps what was done and what is being released", async () => {
    await leave({ "0a": [offered], "0b": RELEASING, "0c": OPENED, "0d": [...OPENED, DONE] }, ["0d"]);
    const node = await open();
    expect(await statesOf(node)).toEqual({
      "0a": ["failed", "NODE_RESTARTED"],
      "0b": ["releasing", undefined],
      "0c": ["releasing", undefined],
      "0d": ["done", undefined],
    });
    expect((await node.store.tagCounts(at)).map(({ jobId }) => jobId.slice(0, 2))).toEqual(["0d"]);
    expect(await leftoversIn(folder)).toEqual({ spool: ["0b".repeat(16), "0c".repeat(16)], secrets: 2, tags: 1 });
    const entries = async (log: { size: number; entry(index: number): Promise<Uint8Array> }) =>
      Promise.all(range(0, log.size).map(async (i) => parseStatement(await log.entry(i))));
    const [entry, ...others] = await entries(await node.logbook.log(collaboration));
    expect(entry).toMatchObject({
      event: "failed",
      statement: { predicate: { attempt: null, jobId: "0a".repeat(16) } },
    });
    expect(others).toEqual([]);
    await node.close();

    // The second start has nothing left to do.
    const again = await open();
    expect((await again.logbook.log(collaboration)).size).toBe(1);
    await again.close();
  });

  test("keeps what can go on with its secrets and finished partitions, and reads the dataset again", async () => {
    const admitted = RUNNING.slice(0, 2);
    const served = [offered, ...RUNNING.slice(1)];
    const waiting = { ...offered, awaitsApproval: true };
    const own = { "0e": [proposed], "0f": [{ ...proposed, awaitsApproval: true }] };
    const peers = { "1a": [waiting], "1b": [waiting, { type: "approved", at }, { type: "admitted", at }] } as const;
    await leave({ "0a": admitted, "0b": RUNNING, "0c": served, "0d": [...OPENED, DONE], ...own, ...peers }, []);
    // A write that the kill broke off.
    const spool = join(folder, "spool");
    await nodePorts.files.writeDurable(join(spool, "0d".repeat(16), ".0123456789abcdef.tmp"), new Uint8Array([1]));
    const node = await open();
    expect(await statesOf(node)).toEqual({
      "0a": ["admitted", undefined],
      "0b": ["running", undefined],
      "0c": ["running", undefined],
      "0d": ["done", undefined],
      "0e": ["proposed", undefined],
      "0f": ["proposed", undefined],
      "1a": ["proposed", undefined],
      "1b": ["admitted", undefined],
    });
    const waits = (await node.book.list()).filter((job) => job.awaitsApproval).map(({ jobId }) => jobId.slice(0, 2));
    expect(waits.sort()).toEqual(["0f", "1a"]);
    const open0 = ["0a", "0b", "0c", "0e", "0f", "1a", "1b"].map((name) => name.repeat(16));
    expect(await leftoversIn(folder)).toEqual({ spool: open0, secrets: open0.length, tags: 0 });
    for (const jobId of open0) expect(await readdir(join(spool, jobId))).toEqual(["1-0.sealed"]);
    expect((await node.logbook.log(collaboration)).size).toBe(0);
    await node.close();
  });
});

describe("a running pair of nodes", () => {
  let nodes: TwoNodes;
  let agreement: Digest;
  let expire: () => void = () => undefined;

  beforeEach(async () => {
    // The provider's long deadline, as it is set for an admitted job, is kept in hand.
    const after: typeof nodePorts.timers.after = (delayMs, run) => {
      if (delayMs >= 1_000_000) expire = run;
      return nodePorts.timers.after(delayMs, run);
    };
    nodes = await TwoNodes.start({ bureau: { ports: { ...nodePorts, timers: { after } } } });
    const data = join(nodes.coordinator.folder, "data");
    await nodes.register({
      bank: await writePeople(join(data, "bank.csv"), range(0, 1_000)),
      bureau: await writePeople(join(data, "bureau.csv"), range(500, 1_500), REPAYMENTS),
    });
    agreement = await nodes.agree();
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await nodes.close();
  });

  test("an admitted job that nobody comes for ends by itself", async () => {
    const prepare = vi.spyOn(ControlClient.prototype, "prepare").mockImplementation(async function (
      this: ControlClient,
      request,
    ) {
      prepare.mockRestore();
      await this.prepare(request);
      throw new EntenteError("INTERNAL", { detail: "the bank's node gives up" });
    });
    const { bank } = await nodes.runAtBank({ agreement });
    expect(bank).toMatchObject({ state: "failed", reason: { code: "INTERNAL" } });
    expect((await nodes.bureau.book.require(bank.jobId)).state).toBe("admitted");
    // The coordinator has revoked the peer meanwhile: the job ends all the same.
    vi.spyOn(nodes.bureau.connected.peers, "require").mockRejectedValue(new EntenteError("PEER_UNKNOWN"));
    expire();
    const job = await nodes.ended(nodes.bureau, bank.jobId);
    vi.restoreAllMocks();
    expect(job).toMatchObject({ state: "failed", reason: { code: "PEER_TIMEOUT" } });
    await expect.poll(() => leftoversIn(nodes.folder("bureau"))).toEqual(NOTHING_LEFT);
    const { bank: next } = await nodes.run({ agreement });
    expire();
    expect(next.state).toBe("done");
    expect((await nodes.bureau.book.require(next.jobId)).state).toBe("done");
  });

  test("a job that its provider has admitted waits over a stop, but no longer than it would have without one", async () => {
    vi.spyOn(ControlClient.prototype, "prepare").mockRejectedValue(new EntenteError("INTERNAL"));
    const { bank } = await nodes.runAtBank({ agreement });
    const before = expire;
    await nodes.restart("bureau");
    await expect.poll(() => expire !== before).toBe(true);
    expect((await nodes.bureau.book.require(bank.jobId)).state).toBe("admitted");
    expire();
    const job = await nodes.ended(nodes.bureau, bank.jobId);
    expect(job.reason?.code).toBe("PEER_TIMEOUT");
    await expect.poll(() => leftoversIn(nodes.folder("bureau"))).toEqual(NOTHING_LEFT);
  });

  test("a result that the log tells of is put in force when the disk takes it again, once", async () => {
    const { store } = nodes.bank;
    const append = store.appendJobEvent.bind(store);
    let refused = 0;
    vi.spyOn(store, "appendJobEvent").mockImplementation(async (jobId, length, event) => {
      if (event.type === "done" && refused++ < 1) throw new EntenteError("STORAGE_FAILED");
      return append(jobId, length, event);
    });
    const { bank, bureau } = await nodes.run({ agreement });
    expect([refused, bank.state, bank.summary?.matched, bureau.state]).toEqual([2, "done", 500, "done"]);
    expect(await leftoversIn(nodes.folder("bank"))).toEqual({ ...NOTHING_LEFT, tags: 500 });
    expect((await eventsOf(nodes.bank, bank.jobId)).filter((event) => event === "opened")).toHaveLength(1);
  });

  test("tags that cannot be stored are not opened: the job fails, and nothing of them stays", async () => {
    const { store } = nodes.bank;
    vi.spyOn(store, "putTags").mockRejectedValue(new EntenteError("INTERNAL"));
    const { bank, bureau } = await nodes.run({ agreement });
    expect([bank.state, bank.reason?.code, bureau.state]).toEqual(["failed", "INTERNAL", "done"]);
    expect(await eventsOf(nodes.bank, bank.jobId)).not.toContain("opened");
    expect(await leftoversIn(nodes.folder("bank"))).toEqual(NOTHING_LEFT);
  });

  test("a disk that takes nothing more ends neither the process nor the peer's job", async () => {
    const { store } = nodes.bank;
    const append = store.appendJobEvent.bind(store);
    vi.spyOn(store, "appendJobEvent").mockImplementation(async (jobId, length, event) => {
      if (length > 2) throw new EntenteError("STORAGE_FAILED");
      return append(jobId, length, event);
    });
    const { bank, bureau } = await nodes.run({ agreement });
    // The bank's trouble, not the bureau's: it is told so.
    expect(bureau).toMatchObject({ state: "failed", reason: { code: "PEER_FAILED" } });
    // The next start of the node ends it.
    expect(bank.state).toBe("running");
    expect(nodes.log.some((line) => line.includes("the job's end could not be recorded"))).toBe(true);
  });
});

test("a peer that reads nothing is a timeout, not a wait without end", async () => {
  let fire: () => void = () => undefined;
  const after: typeof nodePorts.timers.after = (delayMs, run) => {
    if (delayMs === 300_000) fire = run;
    return nodePorts.timers.after(delayMs, run);
  };
  const [bank, bureau] = [await sessionParty("bank"), await sessionParty("bureau")];
  const [left, right] = await channelPair(bank, bureau, { purpose: JOB_PURPOSE, timers: { after } });
  const body = new Uint8Array(4 * 1024 * 1024);
  const frame = { type: 3, round: 1, partition: 0, chunk: 0, body };
  // The other end reads ahead up to its limit and then stops.
  const sending = (async () => {
    for (let i = 0; i < 40; i++) await left.send(frame);
  })();
  const outcome = sending.then(
    () => "sent",
    (error: EntenteError) => error.code,
  );
  await vi.waitFor(() => expect(left.bytesSent).toBeGreaterThan(64 * 1024 * 1024), { timeout: 10_000 });
  await new Promise((done) => setTimeout(done, 200));
  fire();
  expect(await outcome).toBe("PEER_TIMEOUT");
  left.close();
  right.close();
});
