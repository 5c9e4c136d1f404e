/** Between the receipt and the result: sessions that break off, keys that arrive twice or never, and the day that there is. */
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { gateKeyName } from "../../party/jobs/gate.ts";
import type { Job } from "../../party/jobs/lifecycle.ts";
import { endOverdueReleases, keysHeld } from "../../party/jobs/releasing.ts";
import { Channel } from "../../party/session/channel.ts";
import type { SessionMessage } from "../../proto/codec/session-messages.ts";
import { EntenteError } from "../../proto/errors.ts";
import { type Digest, jobId as toJobId } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { generous } from "../support/demo-agreement.ts";
import { Cable, Pauses } from "../support/job-cuts.ts";
import { leftoversIn, NOTHING_LEFT } from "../support/node-folder.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";
import { eventsOf, smallAgreement } from "../support/policy-nodes.ts";
import { TwoNodes } from "../support/two-nodes.ts";

const DAY_MS = 86_400_000;
const POLL = { timeout: 15_000, interval: 10 };
const cable = new Cable();
const pauses = new Pauses();
let aheadMs = 0;
let nodes: TwoNodes;
let agreement: Digest;

beforeAll(async () => {
  const clock = { ...nodePorts.clock, nowMs: () => nodePorts.clock.nowMs() + aheadMs };
  const ports = { ...nodePorts, clock };
  nodes = await TwoNodes.start({
    bank: { ports: { ...ports, timers: pauses.timers }, wrap: cable.wrap },
    bureau: { ports, wrap: cable.wrap },
  });
  const data = join(nodes.coordinator.folder, "data");
  await nodes.register({
    bank: await writePeople(join(data, "bank.csv"), range(0, 60)),
    bureau: await writePeople(join(data, "bureau.csv"), range(30, 90), REPAYMENTS),
  });
  agreement = await nodes.agree(smallAgreement(generous()));
});
beforeEach(() => pauses.watch());
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => nodes.close());

/** Before each message of that kind that is said: `act` may cut the session. */
function before(kind: SessionMessage["kind"], act: (message: SessionMessage, count: number) => void): void {
  const say = Channel.prototype.say;
  let count = 0;
  vi.spyOn(Channel.prototype, "say").mockImplementation(async function (this: Channel, message) {
    if (message.kind === kind) act(message, ++count);
    return say.call(this, message);
  });
}

function cut(): never {
  cable.cut();
  throw new EntenteError("PEER_GONE");
}

async function expectOnce(jobId: string): Promise<void> {
  for (const [node, once] of [
    [nodes.bank, ["receipt", "opened"]],
    [nodes.bureau, ["receipt", "gate-key-released"]],
  ] as const) {
    const events = await eventsOf(node, jobId);
    for (const event of once) expect(events.filter((each) => each === event)).toHaveLength(1);
    expect(events).not.toContain("failed");
  }
}

test("keys that are lost on their way come again, the same ones, under one entry", async () => {
  const released: string[] = [];
  before("gateKeys", (message, count) => {
    released.push(
      JSON.stringify(message.kind === "gateKeys" && message.keys.map((key) => Buffer.from(key).toString("hex"))),
    );
    if (count < 3) cut();
  });
  const { bank, bureau } = await nodes.run({ agreement });
  expect([bank.state, bank.summary?.matched, bureau.state, bank.attempt]).toEqual(["done", 30, "done", 1]);
  expect(released).toHaveLength(3);
  expect(new Set(released).size).toBe(1);
  await expectOnce(bank.jobId);
});

test("a receipt whose signature is lost on its way is handed over, and is the only one", async () => {
  let signatures = 0;
  before("receiptSignature", () => {
    // The provider's proposal is the first.
    if (++signatures === 2) cut();
  });
  const { bank, bureau } = await nodes.run({ agreement });
  expect([bank.state, bureau.state, bank.attempt, signatures]).toEqual(["done", "done", 1, 2]);
  await expectOnce(bank.jobId);
});

test("a receipt that was proposed and not signed is proposed again in the next attempt", async () => {
  const proposals: string[] = [];
  before("receiptSignature", (message) => {
    if (message.kind === "receiptSignature") proposals.push(Buffer.from(message.envelope.payload).toString("hex"));
    if (proposals.length === 1) cut();
  });
  const { bank, bureau } = await nodes.run({ agreement });
  expect([bank.state, bureau.state, bank.attempt]).toEqual(["done", "done", 2]);
  // Twice by the provider, once by the receiver: one payload.
  expect([proposals.length, new Set(proposals).size]).toEqual([3, 1]);
  await expectOnce(bank.jobId);
});

test("a session that did not see the proposal of another makes no second one", async () => {
  const proposals = new Set<string>();
  before("receiptSignature", (message, count) => {
    if (message.kind === "receiptSignature") proposals.add(Buffer.from(message.envelope.payload).toString("hex"));
    if (count === 1) cut();
  });
  const { vault, book } = nodes.bureau.connected;
  const find = vault.find.bind(vault);
  let isHidden = false;
  vi.spyOn(vault, "find").mockImplementation(async (jobId, name) => {
    const found = await find(jobId, name);
    if (name !== "proposal" || found === undefined || isHidden) return found;
    if ((await book.require(jobId)).attempt === 1) return found;
    // As when both looked before either had signed.
    isHidden = true;
    return undefined;
  });
  const { bank, bureau } = await nodes.run({ agreement });
  expect([bank.state, bureau.state, isHidden, proposals.size]).toEqual(["done", "done", true, 1]);
  await expectOnce(bank.jobId);
});

test("no key is given but those that the receipt names, also when another attempt followed its proposal", async () => {
  pauses.isHolding = true;
  let signatures = 0;
  const given: SessionMessage[] = [];
  const say = Channel.prototype.say;
  vi.spyOn(Channel.prototype, "say").mockImplementation(async function (this: Channel, message) {
    if (message.kind === "gateKeys") given.push(message);
    // The receiver keeps the receipt that both have signed, and does not say so.
    if (message.kind === "receiptSignature" && ++signatures === 2) cut();
    return say.call(this, message);
  });
  const running = nodes.runAtBank({ agreement });
  await expect.poll(() => pauses.held, POLL).toBe(1);
  const { book, vault, logbook } = nodes.bureau.connected;
  await expect.poll(async () => (await book.list()).filter(({ state }) => state === "running").length, POLL).toBe(1);
  const { jobId, finished } = (await book.list()).find(({ state }) => state === "running") as Job;
  // What an attempt leaves in which it claims to hold nothing, and brings another list.
  const [at, peerVersion, exporter] = [logbook.now(), "00".repeat(32), "ab".repeat(32)];
  await book.append(jobId, {
    ...{ type: "attempt-started", at, attempt: 2, peerSizeClass: 80, peerVersion, finished: [], exporter },
  });
  for (const { partition } of finished) {
    await vault.drawOnce(jobId, gateKeyName(2, partition));
    await book.append(jobId, {
      ...{ type: "partition-finished", at, attempt: 2, partition, exporter, transcript: "cd".repeat(32) },
    });
  }
  pauses.end();
  await running;
  expect(given).toEqual([]);
  expect(await book.require(jobId)).toMatchObject({ state: "failed", reason: { code: "RECEIPT_MISMATCH" } });
  expect(await eventsOf(nodes.bureau, jobId)).not.toContain("gate-key-released");
});

test("that the receiver has the keys is asked for when it was not heard", async () => {
  before("opened", cut);
  const { bank, bureau } = await nodes.run({ agreement });
  expect([bank.state, bank.summary?.matched, bureau.state]).toEqual(["done", 30, "done"]);
  await expectOnce(bank.jobId);
  // The same while it opens and after: how long that takes tells how many matched.
  const { book, peers } = nodes.bank.connected;
  const peer = await peers.require("bureau");
  const require = book.require.bind(book);
  for (const state of ["releasing", "done"] as const) {
    vi.spyOn(book, "require").mockImplementation(async (jobId) => ({ ...(await require(jobId)), state }));
    expect(await keysHeld(nodes.bank.connected, peer, toJobId(bank.jobId))).toEqual({
      holdsKeys: true,
      hasEnded: false,
    });
  }
});

test("a day after the receipt nobody waits any more: no key was released, none is left", async () => {
  pauses.isHolding = true;
  before("checkpointOffer", cut);
  const running = nodes.runAtBank({ agreement });
  await expect.poll(() => pauses.held, POLL).toBe(1);
  const [open] = (await nodes.bureau.book.list()).filter(({ state }) => state === "releasing");
  const jobId = open?.jobId as string;
  aheadMs += DAY_MS - 3_600_000;
  await endOverdueReleases(nodes.bureau.connected);
  expect((await nodes.bureau.book.require(jobId)).state).toBe("releasing");
  aheadMs += 2 * 3_600_000;
  await endOverdueReleases(nodes.bureau.connected);
  expect(await nodes.bureau.book.require(jobId)).toMatchObject({
    state: "failed",
    reason: { code: "RELEASE_OVERDUE" },
  });
  pauses.end();
  expect((await running).bank).toMatchObject({ state: "failed", isOpened: false, reason: { code: "RELEASE_OVERDUE" } });
  expect(await eventsOf(nodes.bureau, jobId)).not.toContain("gate-key-released");
  for (const party of ["bank", "bureau"] as const)
    await expect
      .poll(async () => ({ ...(await leftoversIn(nodes.folder(party))), tags: 0 }), POLL)
      .toEqual(NOTHING_LEFT);
});

test("a receiver that comes after its peer's day is told so", async () => {
  pauses.isHolding = true;
  before("checkpointOffer", (_message, count) => {
    if (count === 1) cut();
  });
  const running = nodes.runAtBank({ agreement });
  await expect.poll(() => pauses.held, POLL).toBe(1);
  const now = vi.spyOn(nodes.bureau.connected.clock, "nowMs").mockReturnValue(nodes.bureau.clock.nowMs() + 2 * DAY_MS);
  await endOverdueReleases(nodes.bureau.connected);
  now.mockRestore();
  pauses.end();
  expect((await running).bank).toMatchObject({ state: "failed", reason: { code: "RELEASE_OVERDUE" } });
});

test("after the day no key is released, also when nobody has looked at the day since", async () => {
  const { store } = nodes.bureau;
  const append = store.appendJobEvent.bind(store);
  vi.spyOn(store, "appendJobEvent").mockImplementation((jobId, length, event) => {
    const at = new Date(Date.parse(event.at) - DAY_MS).toISOString();
    return append(jobId, length, event.type === "receipt-signed" ? { ...event, at } : event);
  });
  const { bank, bureau } = await nodes.run({ agreement });
  expect([bank.reason?.code, bureau.reason?.code, bureau.isOpened]).toEqual([
    ...["RELEASE_OVERDUE", "RELEASE_OVERDUE", false],
  ]);
  expect(await eventsOf(nodes.bureau, bank.jobId)).not.toContain("gate-key-released");
});

test("a job whose keys go while the day is looked at is not ended by how it was before", async () => {
  pauses.isHolding = true;
  let offers = 0;
  const say = Channel.prototype.say;
  vi.spyOn(Channel.prototype, "say").mockImplementation(async function (this: Channel, message) {
    if (message.kind === "checkpointOffer" && ++offers === 1) cut();
    if (message.kind === "opened") cut();
    return say.call(this, message);
  });
  const running = nodes.runAtBank({ agreement });
  await expect.poll(() => pauses.held, POLL).toBe(1);
  const { book, clock } = nodes.bureau.connected;
  const before = await book.list();
  const { jobId } = before.find(({ state }) => state === "releasing") as Job;
  pauses.end();
  await expect.poll(async () => (await book.require(jobId)).isOpened, POLL).toBe(true);
  vi.spyOn(book, "list").mockResolvedValueOnce(before);
  const now = vi.spyOn(clock, "nowMs").mockReturnValue(clock.nowMs() + 2 * DAY_MS);
  await endOverdueReleases(nodes.bureau.connected);
  now.mockRestore();
  await running;
  await expect.poll(async () => (await book.require(jobId)).state, POLL).toBe("done");
  await expectOnce(jobId);
});

test("an agreement that is revoked between two release sessions withholds the keys", async () => {
  pauses.isHolding = true;
  before("checkpointOffer", (_message, count) => {
    if (count === 1) cut();
  });
  const other = await nodes.agree(smallAgreement({ ...generous(), title: "To be revoked" }));
  const running = nodes.runAtBank({ agreement: other });
  await expect.poll(() => pauses.held, POLL).toBe(1);
  await nodes.bureau.connected.revocations.revoke(other);
  pauses.end();
  const { bank } = await running;
  expect(bank).toMatchObject({ state: "failed", isOpened: false, reason: { code: "AGREEMENT_REVOKED" } });
  expect(await eventsOf(nodes.bureau, bank.jobId)).not.toContain("gate-key-released");
});
