/** A node that is stopped while a job runs: the partition at hand is finished or left, the peer tries again, and no job ends. */
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { inControlSession } from "../../party/session/control.ts";
import { type Digest, jobId } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { demoAgreement, generous } from "../support/demo-agreement.ts";
import { Attempts, openJobId, Pauses } from "../support/job-cuts.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";
import { type NodeName, TwoNodes } from "../support/two-nodes.ts";

/** Small lists fall into several partitions only when a partition is small, too. */
const PARTITIONS = 4;
vi.mock("../../party/protocols/plan.ts", async (original) => ({
  ...(await original<typeof import("../../party/protocols/plan.ts")>()),
  MAX_AUDIENCE_ROWS: 740,
}));

const pauses = new Pauses();
const attempts = new Attempts();
const POLL = { timeout: 10_000, interval: 10 };
let nodes: TwoNodes;
let agreement: Digest;

beforeAll(async () => {
  nodes = await TwoNodes.start({ bank: { ports: { ...nodePorts, timers: pauses.timers } } });
  const data = join(nodes.coordinator.folder, "data");
  await nodes.register({
    bank: await writePeople(join(data, "bank.csv"), range(0, 1_000)),
    bureau: await writePeople(join(data, "bureau.csv"), range(300, 1_300), REPAYMENTS),
  });
  agreement = await nodes.agree(demoAgreement(generous()));
});
beforeEach(() => {
  pauses.watch();
  attempts.watch();
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => nodes.close());

interface Parked {
  readonly job: string;
  /** Which partitions the nodes had by then. */
  readonly finished: Record<NodeName, readonly number[]>;
}

/** Runs a job, and stops a node when the receiver begins partition 2. */
async function parkAt(party: NodeName, deadlineMs: number, meanwhile = Promise.resolve()): Promise<Parked> {
  pauses.isHolding = true;
  const begun = Promise.withResolvers<void>();
  let parked = Promise.resolve();
  attempts.before = async (attempt, partition) => {
    if (attempt !== 1 || partition !== 2) return;
    parked = nodes[party].park(deadlineMs);
    begun.resolve();
    await meanwhile;
  };
  nodes.runAtBank({ agreement }).catch(() => {});
  await begun.promise;
  const job = await openJobId(nodes);
  await parked;
  if (party === "bureau") await expect.poll(() => pauses.held, POLL).toBe(1);
  const jobs = { bank: await nodes.bank.book.require(job), bureau: await nodes.bureau.book.require(job) };
  expect([jobs.bank.state, jobs.bureau.state]).toEqual(["running", "running"]);
  const finished = (name: NodeName) => jobs[name].finished.map(({ partition }) => partition);
  return { job, finished: { bank: finished("bank"), bureau: finished("bureau") } };
}

async function goesOn(party: NodeName, { job: id }: Parked, parts: readonly (readonly number[])[]): Promise<void> {
  await nodes.restart(party);
  pauses.end();
  const job = { bank: await nodes.ended(nodes.bank, id), bureau: await nodes.ended(nodes.bureau, id) };
  expect([job.bank.state, job.bureau.state, job.bank.summary?.matched]).toEqual(["done", "done", 700]);
  const byAttempt = Map.groupBy(job.bank.finished, ({ attempt }) => attempt);
  expect([...byAttempt.values()].map((done) => done.map(({ partition }) => partition))).toEqual(parts);
  await nodes.bank.store.removeTags(id);
}

test("a node that is stopped finishes the partition at hand, which is not done again", async () => {
  const parked = await parkAt("bank", 30_000);
  expect(parked.finished).toEqual({ bank: [0, 1, 2], bureau: [0, 1, 2] });
  await goesOn("bank", parked, [[0, 1, 2], [3]]);
});

test("at its deadline it leaves the partition at hand, and its peer tries again", async () => {
  const late = Promise.withResolvers<void>();
  setTimeout(late.resolve, 100);
  const parked = await parkAt("bureau", 0, late.promise);
  expect(parked.finished).toEqual({ bank: [0, 1], bureau: [0, 1] });
  await goesOn("bureau", parked, [
    [0, 1],
    [2, PARTITIONS - 1],
  ]);
});

test("it takes no new work of its own people or of its peer, which is told so in an open session", async () => {
  const { bank, bureau } = nodes;
  const { peers, meetings, agreements, leases } = bank.connected;
  const peer = await peers.require("bureau");
  const told = inControlSession(meetings, peer, async (client) => {
    await bureau.park(0);
    const inForce = leases.statement((await agreements.require(agreement)).agreement);
    return client.prepare({ jobId: jobId("0b".repeat(16)), finished: [], lastAttempt: 0, inForce });
  });
  await expect(told).rejects.toMatchObject({ code: "NODE_STOPPING" });
  const asked = { operation: "audience", agreement, dataset: "repayments", peerDataset: "customers" };
  await expect(bureau.startJob(asked as never, "analyst")).rejects.toMatchObject({ code: "NODE_STOPPING" });
  await expect(meetings.openControl(peer)).rejects.toMatchObject({ code: "PEER_GONE" });
});
