/** Jobs of several partitions whose sessions break off: the next attempt goes on after what both nodes have finished. */
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { exportEvidence } from "../../party/evidence/export.ts";
import { attemptsOf } from "../../party/jobs/attempt.ts";
import type { FinishedPartition, Job } from "../../party/jobs/lifecycle.ts";
import { attemptPlan, jobShape } from "../../party/jobs/shape.ts";
import { partitionPlan } from "../../party/protocols/plan.ts";
import { Channel } from "../../party/session/channel.ts";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import type { JobSpec } from "../../proto/agreement/job-spec.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { toEntenteError } from "../../proto/errors.ts";
import { parseStatement } from "../../proto/evidence/statements.ts";
import type { Digest } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { verifyFolders } from "../../sdk/verify/verify.ts";
import { RISK_MODEL } from "../support/credit.ts";
import { demoAgreement, generous } from "../support/demo-agreement.ts";
import { Attempts, Cable, forgetPartition, hasFinished, openJobId, Pauses } from "../support/job-cuts.ts";
import { MemoryFiles } from "../support/memory-files.ts";
import { leftoversIn, NOTHING_LEFT } from "../support/node-folder.ts";
import { phoneOf, REPAYMENTS, range, writePeople } from "../support/people.ts";
import { TwoNodes } from "../support/two-nodes.ts";

/** Small lists fall into several partitions only when a partition is small, too. */
const PARTITIONS = 4;
vi.mock("../../party/protocols/plan.ts", async (original) => ({
  ...(await original<typeof import("../../party/protocols/plan.ts")>()),
  // An audience takes half of it.
  MAX_AUDIENCE_ROWS: 740,
  MAX_SCORE_ROWS: 370,
}));

const collaboration = collaborationOf(["bank", "bureau"]);
const SHARED = range(300, 1_000);
const cable = new Cable();
const pauses = new Pauses();
const attempts = new Attempts();
let nodes: TwoNodes;
let audience: Digest;
let byDh: Digest;
let data: string;

beforeAll(async () => {
  const ports = { ...nodePorts, timers: pauses.timers };
  nodes = await TwoNodes.start({ bank: { ports, wrap: cable.wrap }, bureau: { wrap: cable.wrap } });
  data = join(nodes.coordinator.folder, "data");
  await nodes.register({
    bank: await writePeople(join(data, "bank.csv"), range(0, 1_000), { limit: (person) => person % 7 }),
    bureau: await writePeople(join(data, "bureau.csv"), range(300, 1_300), REPAYMENTS),
  });
  audience = await nodes.agree(demoAgreement(generous()));
  byDh = await nodes.agree(demoAgreement({ ...generous(), title: "By ECDH" }, "psi-dh"));
});
beforeEach(() => {
  pauses.watch();
  attempts.watch();
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => nodes.close());

async function subjectsOf(jobId: string): Promise<string[]> {
  const subjects: string[] = [];
  for await (const tag of nodes.bank.store.tags({ now: nodes.bank.logbook.now(), jobId })) subjects.push(tag.subject);
  return subjects;
}

/** Both nodes' evidence, verified as an auditor would. */
async function verified(): Promise<Awaited<ReturnType<typeof verifyFolders>>> {
  const files = new MemoryFiles();
  for (const node of [nodes.bank, nodes.bureau])
    for (const { path, bytes } of await exportEvidence(node.connected, collaboration))
      files.contents.set(`/${node.keyring.party}/${path}`, bytes);
  return verifyFolders(["/bank", "/bureau"], { files });
}

async function receiptOf(jobId: string) {
  const text = await nodes.bank.store.jobDocument(jobId, "receipt");
  expect(await nodes.bureau.store.jobDocument(jobId, "receipt")).toBe(text);
  const { event, statement } = parseStatement(utf8(text as string));
  if (event !== "receipt") throw new Error(event);
  return statement.predicate;
}

/** Everything that must be so of a job that was done in the given parts, `[attempt, its partitions]`. */
async function expectDone(job: { bank: Job; bureau: Job }, parts: readonly (readonly [number, readonly number[]])[]) {
  const { jobId } = job.bank;
  expect([job.bank.state, job.bureau.state]).toEqual(["done", "done"]);
  expect(job.bank.summary?.matched).toBe(SHARED.length);
  expect(await subjectsOf(jobId)).toEqual(SHARED.map((person) => `+86${phoneOf(person)}`));
  const receipt = await receiptOf(jobId);
  expect(receipt.attempts.map(({ attempt, partitions }) => [attempt, partitions])).toEqual(parts);
  for (const { attempt, exporter } of receipt.attempts) expect(exporter).toBe(attempts.exporters.get(attempt));
  const hashes = receipt.attempts.map(({ gateKeyHash }) => gateKeyHash);
  expect(new Set(hashes).size).toBe(parts.length);
  for (const node of [nodes.bank, nodes.bureau])
    await expect
      .poll(async () => ({ ...(await leftoversIn(nodes.folder(node === nodes.bank ? "bank" : "bureau"))), tags: 0 }))
      .toEqual(NOTHING_LEFT);
  const report = await verified();
  expect(report.problems).toEqual([]);
  expect(report.summary.jobs.find((one) => one.jobId === jobId)).toMatchObject({
    attempts: parts.length,
    outcome: "opened",
  });
  await nodes.bank.store.removeTags(jobId);
}

/** Cuts every session that is open when the receiver begins this partition in this attempt, once both have those before. */
function cutBefore(attempt: number, partition: number): void {
  attempts.before = async (current, begun) => {
    if (current !== attempt || begun !== partition) return;
    const jobId = await openJobId(nodes);
    for (const node of [nodes.bank, nodes.bureau])
      await vi.waitFor(async () =>
        expect(partition === 0 || (await hasFinished(node, jobId, partition - 1))).toBe(true),
      );
    cable.cut();
  };
}

const POLL = { timeout: 10_000, interval: 10 };
const begunIn = (attempt: number) => attempts.begun.filter(([of]) => of === attempt).map(([, partition]) => partition);

describe("an audience in four partitions", () => {
  test("that nothing disturbs is one attempt", async () => {
    const job = await nodes.run({ agreement: audience });
    await expectDone(job, [[1, range(0, PARTITIONS)]]);
    expect(pauses.count).toBe(0);
  });

  test.each([
    ["psi-vole", 1],
    ["psi-vole", 3],
    ["psi-dh", 2],
  ])("%s, cut before partition %i, goes on with it", async (protocol, partition) => {
    const released: string[][] = [];
    const say = Channel.prototype.say;
    vi.spyOn(Channel.prototype, "say").mockImplementation(function (this: Channel, message) {
      if (message.kind === "gateKeys") released.push(message.keys.map((key) => Buffer.from(key).toString("hex")));
      return say.call(this, message);
    });
    cutBefore(1, partition);
    const job = await nodes.run({ agreement: protocol === "psi-dh" ? byDh : audience });
    expect(begunIn(1)).toEqual(range(0, partition + 1));
    expect(begunIn(2)).toEqual(range(partition, PARTITIONS));
    await expectDone(job, [
      [1, range(0, partition)],
      [2, range(partition, PARTITIONS)],
    ]);
    // A key for each partition as it was done last; what was sealed in the broken attempt stays sealed.
    expect(released).toEqual([range(0, PARTITIONS).map((number) => new Map(attempts.sealedWith).get(number))]);
    const all = attempts.sealedWith.map(([, key]) => key);
    expect(new Set(all).size).toBe(all.length);
    expect(all.length).toBeGreaterThanOrEqual(PARTITIONS);
  });

  test("cut before anything was finished, its first attempt is in no receipt", async () => {
    cutBefore(1, 0);
    const job = await nodes.run({ agreement: audience });
    expect([begunIn(1), begunIn(2)]).toEqual([[0], range(0, PARTITIONS)]);
    expect(job.bank.attempt).toBe(2);
    await expectDone(job, [[2, range(0, PARTITIONS)]]);
  });

  test("cut in every attempt but the last, every attempt has its part", async () => {
    attempts.before = async (attempt, partition) => {
      if (partition !== attempt || attempt > 3) return;
      const jobId = await openJobId(nodes);
      await vi.waitFor(async () => expect(await hasFinished(nodes.bureau, jobId, partition - 1)).toBe(true));
      cable.cut();
    };
    const job = await nodes.run({ agreement: audience });
    await expectDone(job, [
      [1, [0]],
      [2, [1]],
      [3, [2]],
      [4, [3]],
    ]);
  });

  test.each(["bank", "bureau"] as const)("a partition that the %s has not recorded is done again", async (party) => {
    forgetPartition(nodes, cable, nodes[party], 1);
    const job = await nodes.run({ agreement: audience });
    expect(begunIn(2)).toEqual([1, 2, 3]);
    await expectDone(job, [
      [1, [0]],
      [2, [1, 2, 3]],
    ]);
  });

  test("cut in all five, it fails at both nodes, and nothing is left or released", async () => {
    attempts.before = async () => cable.cut();
    const { bank, bureau } = await nodes.run({ agreement: audience });
    expect(bank).toMatchObject({ state: "failed", attempt: 5, isOpened: false, reason: { code: "PEER_GONE" } });
    expect(bureau).toMatchObject({ state: "failed", attempt: 5, isOpened: false, reason: { code: "PEER_GONE" } });
    expect(pauses.count).toBe(4);
    for (const party of ["bank", "bureau"] as const)
      await expect.poll(() => leftoversIn(nodes.folder(party))).toEqual(NOTHING_LEFT);
    expect((await verified()).problems).toEqual([]);
  });

  test("a fault that is no passing trouble is not tried again", async () => {
    attempts.before = async (_attempt, partition) => {
      if (partition === 1) throw toEntenteError(new Error("a fault of this node"));
    };
    const { bank, bureau } = await nodes.run({ agreement: audience });
    expect(bank).toMatchObject({ state: "failed", attempt: 1, reason: { code: "INTERNAL" } });
    expect(bureau).toMatchObject({ state: "failed", attempt: 1, reason: { code: "PEER_FAILED" } });
    expect(pauses.count).toBe(0);
  });
});

describe("after a restart", () => {
  test.each(["bank", "bureau"] as const)("of the %s's node the job goes on after what was finished", async (party) => {
    cutBefore(1, 2);
    pauses.isHolding = true;
    const before = nodes.log.length;
    const running = nodes.runAtBank({ agreement: audience });
    await expect.poll(() => pauses.held, POLL).toBe(1);
    const jobId = await openJobId(nodes);
    await expect
      .poll(() => nodes.log.slice(before).some((line) => line.includes("another may follow")), POLL)
      .toBe(true);
    if (party === "bank") pauses.forget();
    await nodes.restart(party);
    pauses.end();
    const job = { bank: await nodes.ended(nodes.bank, jobId), bureau: await nodes.ended(nodes.bureau, jobId) };
    expect(begunIn(2)).toEqual([2, 3]);
    await expectDone(job, [
      [1, [0, 1]],
      [2, [2, 3]],
    ]);
    if (party === "bureau") expect((await running).bank.state).toBe("done");
  });
});

test("a score in four partitions, cut between them, has every person's score once and right", async () => {
  const model = { ...RISK_MODEL, features: RISK_MODEL.features.filter(({ party }) => party === "partner") };
  const request = { agreement: audience, operation: "score", model, tag: { key: "risk:default", expiresInDays: 30 } };
  const scoresOf = async (jobId: string) => {
    const scores: [string, number | null][] = [];
    for await (const { subject, score } of nodes.bank.store.tags({ now: nodes.bank.logbook.now(), jobId }))
      scores.push([subject, score]);
    return scores;
  };
  const undisturbed = await nodes.run(request as Parameters<TwoNodes["run"]>[0]);
  const scores = await scoresOf(undisturbed.bank.jobId);
  expect(new Set(scores.map(([, score]) => score)).size).toBeGreaterThan(5);
  await expectDone(undisturbed, [[1, range(0, PARTITIONS)]]);
  cutBefore(1, 1);
  const job = await nodes.run(request as Parameters<TwoNodes["run"]>[0]);
  expect(await scoresOf(job.bank.jobId)).toEqual(scores);
  await expectDone(job, [
    [1, [0]],
    [2, [1, 2, 3]],
  ]);
});

test("a node that starts while the coordinator is away takes its job up when it is back", async () => {
  cutBefore(1, 2);
  pauses.isHolding = true;
  void nodes.runAtBank({ agreement: audience });
  await expect.poll(() => pauses.held, POLL).toBe(1);
  const jobId = await openJobId(nodes);
  const { main, enrolment } = nodes.coordinator.running.endpoints;
  await nodes.coordinator.running.close();
  pauses.forget();
  try {
    await nodes.restart("bank", { untilOnline: false });
    await expect.poll(() => pauses.held, POLL).toBe(1);
  } finally {
    await nodes.coordinator.open({ port: main.port, enrolPort: enrolment.port });
  }
  await nodes.untilOnline();
  pauses.end();
  const job = { bank: await nodes.ended(nodes.bank, jobId), bureau: await nodes.ended(nodes.bureau, jobId) };
  await expectDone(job, [
    [1, [0, 1]],
    [2, [2, 3]],
  ]);
});

// Last of those with nodes: the peer waits on for a job that ends here.
test("a job whose dataset was registered anew during a stop ends at the start, and says so", async () => {
  cutBefore(1, 2);
  pauses.isHolding = true;
  void nodes.runAtBank({ agreement: audience });
  await expect.poll(() => pauses.held, POLL).toBe(1);
  const jobId = await openJobId(nodes);
  pauses.forget();
  const form = { name: "customers", ids: [{ column: "phone", normaliser: "phone-e164" }] } as const;
  await nodes.bank.datasets.register({ ...form, path: await writePeople(join(data, "bank-2.csv"), range(0, 1_001)) });
  await nodes.restart("bank");
  try {
    const job = await nodes.ended(nodes.bank, jobId);
    expect(job).toMatchObject({ state: "failed", reason: { code: "DATASET_CHANGED" } });
    await expect.poll(() => leftoversIn(nodes.folder("bank"))).toEqual(NOTHING_LEFT);
  } finally {
    await nodes.bank.datasets.register({ ...form, path: join(data, "bank.csv") });
  }
});

describe("the parts of it", () => {
  const done = (partition: number, attempt: number): FinishedPartition => ({
    partition,
    attempt,
    exporter: `e${attempt}`,
    transcript: `t${attempt}.${partition}`,
  });

  test("the receipt's attempts are in order, each with its last transcript and its partitions", () => {
    expect(attemptsOf([done(3, 1), done(0, 1), done(2, 4), done(1, 4)])).toEqual([
      { attempt: 1, exporter: "e1", transcriptHash: "t1.0", partitions: [0, 3] },
      { attempt: 4, exporter: "e4", transcriptHash: "t4.1", partitions: [1, 2] },
    ]);
    expect(attemptsOf([done(0, 3), done(1, 1)]).map(({ attempt }) => attempt)).toEqual([1, 3]);
    expect(attemptsOf([])).toEqual([]);
  });

  test("the handshake's plan differs with the job key, the plan, and each partition that is held", () => {
    const spec = { operation: "audience", protocol: "psi-vole", receiverSizeClass: 80 } as JobSpec;
    const shape = jobShape(spec, 80, partitionPlan);
    const key = new Uint8Array(32);
    const plans = [
      attemptPlan(shape, key, []),
      attemptPlan(shape, new Uint8Array(32).fill(1), []),
      attemptPlan(jobShape(spec, 81, partitionPlan), key, []),
      attemptPlan(shape, key, [done(0, 1)]),
      attemptPlan(shape, key, [done(0, 2)]),
      attemptPlan(shape, key, [done(1, 1)]),
      attemptPlan(shape, key, [done(0, 1), done(1, 1)]),
    ];
    expect(new Set(plans).size).toBe(plans.length);
    expect(shape.plan.partitions).toBe(PARTITIONS);
    // What only one end knows otherwise is no difference.
    expect(attemptPlan(shape, key, [{ ...done(0, 1), transcript: "x" }])).toBe(plans[3]);
  });
});
