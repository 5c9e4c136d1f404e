/** From admission to the key: what admitted a job must hold until the last moment, and its end must tell nothing. */
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { CoordinatorLink } from "../../party/coordinator-link/link.ts";
import type { Job, JobEvent } from "../../party/jobs/lifecycle.ts";
import type { Node } from "../../party/node.ts";
import { Channel } from "../../party/session/channel.ts";
import { ControlClient } from "../../party/session/control.ts";
import { Meetings } from "../../party/session/meetings.ts";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import { parseStatement } from "../../proto/evidence/statements.ts";
import type { Digest } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import type { Ports } from "../../proto/ports/ports.ts";
import { demoAgreement, generous } from "../support/demo-agreement.ts";
import { InlineWorker } from "../support/inline-worker.ts";
import { Pauses } from "../support/job-cuts.ts";
import { leftoversIn, NOTHING_LEFT } from "../support/node-folder.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";
import { type NodeName, TwoNodes } from "../support/two-nodes.ts";

const HOUR_MS = 3_600_000;
const IDLE_TIMEOUT_MS = 1_200_000;
const MEETING_TIMEOUT_MS = 90_000;
const FORM = { ids: [{ column: "phone", normaliser: "phone-e164" }] } as const;
const collaboration = collaborationOf(["bank", "bureau"]);

let nodes: TwoNodes;
let data: string;
let agreement: Digest;
/** How far each node's clock is ahead. What a node has taken for the time it does not take back: both go on from there. */
const aheadMs = { bank: 0, bureau: 0 };
let startMs = 0;
async function setAhead(party: NodeName): Promise<void> {
  aheadMs[party] = startMs + 2 * HOUR_MS;
}
const pauses = new Pauses();
const idle: (() => void)[] = [];
/** For the bank: which of its meetings the coordinator never pairs, counted from 1. */
let unpaired: (meeting: number) => boolean = () => false;
let meetings = 0;

function portsOf(party: NodeName): Ports {
  const clock = { ...nodePorts.clock, nowMs: () => nodePorts.clock.nowMs() + aheadMs[party] };
  const after: Ports["timers"]["after"] = (delayMs, run) => {
    if (delayMs === IDLE_TIMEOUT_MS && party === "bureau") idle.push(run);
    if (delayMs === MEETING_TIMEOUT_MS && unpaired(meetings)) return nodePorts.timers.after(20, run);
    return pauses.timers.after(delayMs, run);
  };
  return { ...nodePorts, clock, timers: { after } };
}

beforeAll(async () => {
  const wrap = (link: CoordinatorLink): CoordinatorLink => ({
    ...link,
    connectRelay: (relayId) => (unpaired(++meetings) ? new Promise<Duplex>(() => {}) : link.connectRelay(relayId)),
  });
  nodes = await TwoNodes.start({ bank: { ports: portsOf("bank"), wrap }, bureau: { ports: portsOf("bureau") } });
  data = join(nodes.coordinator.folder, "data");
  await nodes.register({
    bank: await writePeople(join(data, "bank.csv"), range(0, 1_000)),
    bureau: await writePeople(join(data, "bureau.csv"), range(500, 1_500), REPAYMENTS),
  });
  await writePeople(join(data, "bureau-2.csv"), range(500, 1_501), REPAYMENTS);
});
beforeEach(async () => {
  pauses.watch();
  unpaired = () => false;
  startMs = Math.max(aheadMs.bank, aheadMs.bureau);
  aheadMs.bank = startMs;
  aheadMs.bureau = startMs;
  // Ends in an hour, by the nodes' clocks.
  const validUntil = new Date(Date.now() + startMs + HOUR_MS).toISOString();
  agreement = await nodes.agree(demoAgreement({ ...generous(), validUntil }));
  meetings = 0;
});
afterEach(() => {
  vi.restoreAllMocks();
  // Jobs that ended at the bank alone.
  for (const end of idle.splice(0)) end();
});
afterAll(() => nodes.close());

async function eventsOf(node: Node, jobId: string): Promise<string[]> {
  const log = await node.logbook.log(collaboration);
  const entries = await Promise.all(range(0, log.size).map(async (i) => parseStatement(await log.entry(i))));
  const isAbout = ({ statement: { predicate } }: (typeof entries)[number]) =>
    ("jobId" in predicate && predicate.jobId === jobId) || ("job" in predicate && predicate.job.jobId === jobId);
  return entries.filter(isAbout).map(({ event }) => event);
}

type Moment = "before it is prepared" | "before the receipt" | "before the key";

/** Calls `change` in the bureau's first job at that moment. */
function at(moment: Moment, change: () => Promise<unknown>, node: Node = nodes.bureau): void {
  let isDone = false;
  const once = async () => {
    if (isDone) return;
    isDone = true;
    await change();
  };
  const { store } = node;
  if (moment === "before it is prepared") {
    const prepare = ControlClient.prototype.prepare;
    vi.spyOn(ControlClient.prototype, "prepare").mockImplementation(async function (this: ControlClient, request) {
      await once();
      return prepare.call(this, request);
    });
  } else if (moment === "before the receipt") {
    const append = store.appendJobEvent.bind(store);
    vi.spyOn(store, "appendJobEvent").mockImplementation(async (jobId, length, event: JobEvent) => {
      const outcome = await append(jobId, length, event);
      if (event.type === "partition-finished") await once();
      return outcome;
    });
  } else {
    const put = store.putJobDocument.bind(store);
    vi.spyOn(store, "putJobDocument").mockImplementation(async (jobId, kind, text) => {
      await put(jobId, kind, text);
      if (kind === "receipt") await once();
    });
  }
}

async function expectNothingReleased(job: Job): Promise<void> {
  expect(job.isOpened).toBe(false);
  expect(await eventsOf(nodes.bank, job.jobId)).not.toContain("opened");
  expect(await eventsOf(nodes.bureau, job.jobId)).not.toContain("gate-key-released");
  expect((await nodes.bureau.book.require(job.jobId)).isOpened).toBe(false);
  await expect.poll(() => leftoversIn(nodes.folder("bank"))).toEqual(NOTHING_LEFT);
}

const CHANGES: readonly [string, () => Promise<unknown>, string][] = [
  ["an agreement that ends", () => setAhead("bureau"), "AGREEMENT_EXPIRED"],
  [
    "a dataset that is registered anew",
    () => nodes.bureau.datasets.register({ name: "repayments", path: join(data, "bureau-2.csv"), ...FORM }),
    "DATASET_CHANGED",
  ],
];

describe.each(CHANGES)("%s", (_what, change, code) => {
  afterEach(async () => {
    await nodes.bureau.datasets.register({ name: "repayments", path: join(data, "bureau.csv"), ...FORM });
  });

  test("before it is prepared: the attempt never begins", async () => {
    at("before it is prepared", change);
    const { bank } = await nodes.runAtBank({ agreement });
    expect(bank).toMatchObject({ state: "failed", attempt: 0, reason: { code } });
    await expectNothingReleased(bank);
  });

  test.each<Moment>(["before the receipt", "before the key"])("%s: no key is released", async (moment) => {
    at(moment, change);
    const { bank, bureau } = await nodes.run({ agreement });
    expect(bank).toMatchObject({ state: "failed", reason: { code } });
    expect(bureau).toMatchObject({ state: "failed", reason: { code } });
    await expectNothingReleased(bank);
    expect((await eventsOf(nodes.bureau, bank.jobId)).includes("receipt")).toBe(moment === "before the key");
    await expect.poll(() => leftoversIn(nodes.folder("bureau"))).toEqual(NOTHING_LEFT);
  });
});

test("the receiver signs no receipt under an agreement that has ended for it, either", async () => {
  at("before the receipt", () => setAhead("bank"), nodes.bank);
  const { bank, bureau } = await nodes.run({ agreement });
  expect([bank.reason?.code, bureau.reason?.code]).toEqual(["AGREEMENT_EXPIRED", "AGREEMENT_EXPIRED"]);
  await expectNothingReleased(bank);
  expect(await eventsOf(nodes.bank, bank.jobId)).not.toContain("receipt");
});

test("an agreement that has ended does not begin again when the clock is set back, nor after a restart", async () => {
  await setAhead("bureau");
  const ended = { state: "refused", reason: { code: "AGREEMENT_EXPIRED", by: "peer" } };
  expect((await nodes.run({ agreement })).bank).toMatchObject(ended);
  const atMs = aheadMs.bureau;
  aheadMs.bureau = startMs;
  expect((await nodes.run({ agreement })).bank).toMatchObject(ended);
  await nodes.restart("bureau");
  expect((await nodes.run({ agreement })).bank).toMatchObject(ended);
  aheadMs.bureau = atMs;
});

test("a budget that is used up does not come back when the clocks are set back, however far", async () => {
  const once = await nodes.agree(demoAgreement(generous({ runsPerDay: 1 })));
  const setBoth = (hours: number) => {
    aheadMs.bank = startMs + hours * HOUR_MS;
    aheadMs.bureau = aheadMs.bank;
  };
  // The other tests' runs are days ago.
  setBoth(200);
  for (const node of [nodes.bank, nodes.bureau]) expect(node.clock.nowMs()).toBeGreaterThan(Date.now() + 199 * HOUR_MS);
  try {
    setBoth(100);
    const { bank, bureau } = await nodes.run({ agreement: once });
    expect([bank.state, bureau.state]).toEqual(["done", "done"]);
    await nodes.bank.store.removeTags(bank.jobId);
    for (const hours of [150, 100, 50]) {
      setBoth(hours);
      await expect(nodes.runAtBank({ agreement: once })).rejects.toMatchObject({ code: "POLICY_RUNS_DAY" });
    }
  } finally {
    setBoth(200);
  }
});

test("nodes whose clocks are too far apart do not take each other's word that the agreement is in force", async () => {
  aheadMs.bank = startMs + 11 * 60_000;
  const { bank } = await nodes.runAtBank({ agreement });
  expect(bank).toMatchObject({ state: "failed", attempt: 0, reason: { code: "SESSION_MISMATCH" } });
  aheadMs.bureau = startMs + 2 * 60_000;
  const next = await nodes.run({ agreement });
  expect([next.bank.state, next.bureau.state]).toEqual(["done", "done"]);
  await nodes.bank.store.removeTags(next.bank.jobId);
});

describe("released and withheld", () => {
  test("leave logs of one length, at both nodes and entry by entry but the last", async () => {
    const strict = await nodes.agree(demoAgreement({ ...generous(), title: "A high floor", floors: { result: 501 } }));
    const released = await nodes.run({ agreement });
    const withheld = await nodes.run({ agreement: strict });
    expect([released.bank.withheld, withheld.bank.withheld]).toEqual([false, true]);
    const [shown, hidden] = await Promise.all(
      [released, withheld].map(async ({ bank: { jobId } }) => ({
        bank: await eventsOf(nodes.bank, jobId),
        bureau: await eventsOf(nodes.bureau, jobId),
      })),
    );
    expect(shown?.bank.at(-1)).toBe("opened");
    expect(hidden?.bank).toEqual([...(shown?.bank.slice(0, -1) ?? []), "withheld"]);
    expect(hidden?.bureau).toEqual(shown?.bureau);
    await nodes.bank.store.removeTags(released.bank.jobId);
  });

  test("the session is over before anything is opened, so its end tells nothing of what is found", async () => {
    const sessions: Channel[] = [];
    const openJob = Meetings.prototype.openJob;
    vi.spyOn(Meetings.prototype, "openJob").mockImplementation(async function (this: Meetings, ...purpose) {
      const channel = await openJob.apply(this, purpose);
      sessions.push(channel);
      return channel;
    });
    // By this node itself: that the peer has closed it, too, is the peer's doing.
    const closed = new Set<Channel>();
    const close = Channel.prototype.close;
    vi.spyOn(Channel.prototype, "close").mockImplementation(function (this: Channel) {
      closed.add(this);
      close.call(this);
    });
    const isClosed: boolean[] = [];
    const run = InlineWorker.prototype.run;
    vi.spyOn(InlineWorker.prototype, "run").mockImplementation(function (this: InlineWorker, task, io) {
      if (task.kind === "open") isClosed.push(...sessions.map((session) => closed.has(session)));
      return run.call(this, task, io) as ReturnType<typeof run>;
    } as typeof run);
    const { bank } = await nodes.run({ agreement });
    expect(bank.state).toBe("done");
    expect(isClosed).toEqual([true]);
    await nodes.bank.store.removeTags(bank.jobId);
  });
});

describe("a coordinator that never pairs", () => {
  test("the control session: the job ends with a time-out after five tries", async () => {
    unpaired = () => true;
    const { bank } = await nodes.runAtBank({ agreement });
    expect(bank).toMatchObject({ state: "failed", attempt: 0, reason: { code: "PEER_TIMEOUT" } });
    expect([meetings, pauses.count]).toEqual([5, 4]);
    await expectNothingLeftAtBank();
  });

  test("any job session: after a quarter of an hour, which a peer that is restarted may take", async () => {
    // Each try opens a control session, which is paired, and then a job session.
    unpaired = (meeting) => meeting % 2 === 0;
    const { requestSession } = nodes.bank.connected.link;
    vi.spyOn(nodes.bank.connected.link, "requestSession").mockImplementation((request) => {
      if (request.purpose.kind === "job") for (const party of ["bank", "bureau"] as const) aheadMs[party] += 4 * 60_000;
      return requestSession(request);
    });
    const { bank } = await nodes.runAtBank({ agreement });
    expect(bank).toMatchObject({ state: "failed", attempt: 0, reason: { code: "PEER_TIMEOUT" } });
    expect([meetings, pauses.count]).toEqual([10, 4]); // The first failure, and 4, 8, 12 and 16 minutes after it.
    expect((await nodes.bureau.book.require(bank.jobId)).state).toBe("admitted");
    await expectNothingLeftAtBank();
  });

  test("the first job session: the next try succeeds", async () => {
    unpaired = (meeting) => meeting === 2;
    const { bank, bureau } = await nodes.run({ agreement });
    expect([bank.state, bank.attempt, bureau.state]).toEqual(["done", 1, "done"]);
    expect(pauses.count).toBe(1);
    await nodes.bank.store.removeTags(bank.jobId);
  });

  async function expectNothingLeftAtBank(): Promise<void> {
    await expect.poll(() => leftoversIn(nodes.folder("bank"))).toEqual(NOTHING_LEFT);
  }
});
