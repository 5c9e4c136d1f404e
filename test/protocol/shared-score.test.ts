/** Scores over the people whom an earlier audience found: the same as hidden ones, and no more than was agreed. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { formDigest } from "../../party/data/dataset.ts";
import { exportEvidence } from "../../party/evidence/export.ts";
import { ask, type JobRequestInput, restoreAsked, storeAsked } from "../../party/jobs/ask.ts";
import { dryRun } from "../../party/jobs/dry-run.ts";
import { destroySecrets } from "../../party/jobs/ending.ts";
import type { Job } from "../../party/jobs/lifecycle.ts";
import { jobShape, partitionContext } from "../../party/jobs/shape.ts";
import { startJob } from "../../party/jobs/start.ts";
import { storedSpec } from "../../party/jobs/stored-spec.ts";
import { partitionPlan } from "../../party/protocols/plan.ts";
import { Channel } from "../../party/session/channel.ts";
import { ControlClient } from "../../party/session/control.ts";
import { createPlatform } from "../../party/session/platform.ts";
import { ALIGNED } from "../../party/session/protocols.ts";
import type { ReceiveTask } from "../../party/session/task.ts";
import { type JobSpec, readJobAnswer, signJobSpec } from "../../proto/agreement/job-spec.ts";
import { fromHex, toHex } from "../../proto/encoding/bytes.ts";
import { toEntenteError } from "../../proto/errors.ts";
import type { Digest, JobId } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { verifyFolders } from "../../sdk/verify/verify.ts";
import { RISK_MODEL } from "../support/credit.ts";
import { demoAgreement, generous } from "../support/demo-agreement.ts";
import { InlineWorker } from "../support/inline-worker.ts";
import { Attempts, Cable, Pauses } from "../support/job-cuts.ts";
import { MemoryFiles } from "../support/memory-files.ts";
import { phoneOf, REPAYMENTS, range, writePeople } from "../support/people.ts";
import { COLLABORATION, chargedRuns, ID_FORM } from "../support/policy-nodes.ts";
import { TwoNodes } from "../support/two-nodes.ts";

/** Small lists fall into several partitions only when a partition is small, too. */
vi.mock("../../party/protocols/plan.ts", async (original) => ({
  ...(await original<typeof import("../../party/protocols/plan.ts")>()),
  MAX_SCORE_ROWS: 500,
}));

/** Of the bank's people, those with a limit below 5: its filter. */
const FILTER = "LIMIT_BAL < 5";
const FOUND = range(300, 1_000).filter((person) => person % 7 < 5);
/** Features of both parties. */
const MODEL = {
  ...RISK_MODEL,
  features: RISK_MODEL.features.filter(({ party, column }) => party === "partner" || column === "LIMIT_BAL"),
};
/** A match rate where the score is. */
const RATE = { operation: "audience", output: "match-rate", model: undefined, tag: undefined, audience: undefined };
const FLOORS = { input: 500 };
const TAG = { key: "risk:default", expiresInDays: 30 };

const cable = new Cable();
const pauses = new Pauses();
const attempts = new Attempts();
let nodes: TwoNodes;
let data: string;
let hidden: Digest;
let shared: Digest;
/** The audience that all go on from, and a score over it. */
let audience: string;
let scored: { bank: Job; bureau: Job };

function agreementOf(title: string, changes: Record<string, unknown> = {}): Record<string, unknown> {
  const draft = demoAgreement({ ...generous(), title, floors: FLOORS, ...changes }) as {
    operations: { operation: string }[];
  };
  const operations = draft.operations.map((item) =>
    item.operation === "score" ? { ...item, alignment: "shared" } : item,
  );
  return { ...draft, operations };
}

beforeAll(async () => {
  const ports = { ...nodePorts, timers: pauses.timers };
  nodes = await TwoNodes.start({ bank: { ports, wrap: cable.wrap }, bureau: { wrap: cable.wrap } });
  data = join(nodes.coordinator.folder, "data");
  await nodes.register({
    bank: await writePeople(join(data, "bank.csv"), range(0, 1_000), { LIMIT_BAL: (person) => person % 7 }),
    bureau: await writePeople(join(data, "bureau.csv"), range(300, 1_300), REPAYMENTS),
  });
  hidden = await nodes.agree(demoAgreement({ ...generous(), title: "Hidden", floors: FLOORS }));
  shared = await nodes.agree(agreementOf("Shared"));
  const found = await nodes.run({ agreement: shared, filter: FILTER });
  audience = found.bank.jobId;
  expect(found.bank.summary?.matched).toBe(FOUND.length);
  scored = await nodes.run(scoreRequest());
});
beforeEach(() => {
  pauses.watch();
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => nodes.close());

let requests = 0;

/** `undefined` leaves a field out. */
function scoreRequest(changes: Record<string, unknown> = {}): JobRequestInput {
  const base = { dataset: "customers", peerDataset: "repayments", agreement: shared, operation: "score" };
  // Of one key a person has one value: a later run would supersede what an earlier one is compared with.
  const tag = { ...TAG, key: `${TAG.key}-${++requests}` };
  const request = { ...base, model: MODEL, tag, audience, ...changes };
  const given = Object.entries(request).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as unknown as JobRequestInput;
}

async function scoresOf(jobId: string): Promise<[string, number | null][]> {
  const scores: [string, number | null][] = [];
  for await (const { subject, score } of nodes.bank.store.tags({ now: nodes.bank.logbook.now(), jobId }))
    scores.push([subject, score]);
  return scores;
}

/** What asking throws. */
function refusalOf(changes: Record<string, unknown>): Promise<{ code: string; detail?: string | undefined }> {
  return startJob(nodes.bank.connected, scoreRequest(changes), "analyst").then(
    () => ({ code: "started" }),
    (error: unknown) => toEntenteError(error),
  );
}

/** The bank's software was changed: it lists what it likes. */
function tamperList(change: (task: ReceiveTask) => Uint8Array): void {
  const run = InlineWorker.prototype.run;
  vi.spyOn(InlineWorker.prototype, "run").mockImplementation(async function (this: InlineWorker, task, io) {
    return run.call(this, task.kind === "receive" ? { ...task, ids: change(task) } : task, io);
  } as typeof run);
}

/** Kinds of what the bureau's node said in job sessions. */
function watchWords(): string[] {
  const words: string[] = [];
  const say = Channel.prototype.say;
  vi.spyOn(Channel.prototype, "say").mockImplementation(function (this: Channel, message) {
    words.push(message.kind);
    return say.call(this, message);
  });
  return words;
}

async function expectFailed(job: { bank: Job; bureau: Job }, code: string, words: readonly string[]) {
  expect([job.bank.state, job.bureau.state]).toEqual(["failed", "failed"]);
  expect([job.bank.reason?.code, job.bureau.reason?.code]).toEqual([code, code]);
  expect(words).not.toContain("gateKeys");
  expect(await scoresOf(job.bank.jobId)).toEqual([]);
  for (const node of [nodes.bank, nodes.bureau]) {
    const runs = await node.connected.policy.runs({ collaboration: COLLABORATION });
    expect(runs.find(({ jobId }) => jobId === job.bank.jobId)).toMatchObject({ failed: true, completed: false });
  }
}

describe("a shared score", () => {
  test("gives the people of the audience the scores that a hidden one gives them, bit for bit", async () => {
    const apart = await nodes.run({ ...scoreRequest({ agreement: hidden, audience: undefined }), filter: FILTER });
    expect([scored.bank.state, scored.bureau.state]).toEqual(["done", "done"]);
    const [one, other] = [await scoresOf(apart.bank.jobId), await scoresOf(scored.bank.jobId)];
    expect(one.map(([subject]) => subject)).toEqual(FOUND.map((person) => `+86${phoneOf(person)}`));
    expect(new Set(one.map(([, score]) => score)).size).toBeGreaterThan(5);
    expect(other).toEqual(one);
    expect(scored.bank.summary?.matched).toBe(FOUND.length);
    expect(scored.bureau.summary).not.toHaveProperty("matched");
    const receipt = await nodes.bank.store.jobDocument(scored.bank.jobId, "receipt");
    expect(Buffer.from(JSON.parse(receipt as string).payload, "base64").toString()).toContain('"name":"aligned"');
    const files = new MemoryFiles();
    for (const node of [nodes.bank, nodes.bureau])
      for (const { path, bytes } of await exportEvidence(node.connected, COLLABORATION))
        files.contents.set(`/${node.keyring.party}/${path}`, bytes);
    expect((await verifyFolders(["/bank", "/bureau"], { files })).problems).toEqual([]);
    // Several partitions, of which each is padded to the class of the people found.
    expect(scored.bank.finished.length).toBeGreaterThan(1);
  });

  test("opens nothing before the key", async () => {
    const platform = await createPlatform();
    let looked = 0;
    const say = Channel.prototype.say;
    vi.spyOn(Channel.prototype, "say").mockImplementation(async function (this: Channel, message) {
      if (message.kind === "gateKeys") {
        const open = (await nodes.bank.book.list()).find(({ state }) => state === "running" || state === "releasing");
        const job = open as Job;
        expect(await scoresOf(job.jobId)).toEqual([]);
        const shape = jobShape(await storedSpec(nodes.bank.connected, job), job.peerSizeClass as number, partitionPlan);
        for (const [i, { attempt, partition, exporter }] of job.finished.entries()) {
          const { sealed } = await nodes.bank.connected.vault.partition(job.jobId, attempt, partition);
          const context = partitionContext(shape, fromHex(exporter), partition);
          const key = message.keys[i] as Uint8Array;
          const other = key.with(0, (key[0] as number) ^ 1);
          expect(() => ALIGNED.openPartition(platform, context, sealed, other)).toThrow(
            expect.objectContaining({ code: "SEAL_INVALID" }),
          );
          looked += ALIGNED.openPartition(platform, context, sealed, key).rows.length;
        }
      }
      return say.call(this, message);
    });
    const { bank } = await nodes.run(scoreRequest());
    expect(bank.state).toBe("done");
    expect(looked).toBe(FOUND.length);
    expect(await scoresOf(bank.jobId)).toHaveLength(FOUND.length);
  });

  test("is taken up after a restart with the same people or not at all", async () => {
    const deps = nodes.bank.connected;
    const asked = await ask(deps, scoreRequest());
    await storeAsked(asked);
    const then = { datasetVersion: asked.registration.version, datasetForm: formDigest(asked.registration) };
    const restored = () => restoreAsked(deps, asked.spec.jobId, then);
    for (const changed of [{ datasetVersion: "00" }, { datasetForm: formDigest({ ...asked.registration, ids: [] }) }])
      await expect(restoreAsked(deps, asked.spec.jobId, { ...then, ...changed })).rejects.toMatchObject({
        code: "DATASET_CHANGED",
      });
    expect((await restored()).list.matched?.people).toEqual(asked.list.matched?.people);
    const subjects = deps.store.subjectsOf.bind(deps.store);
    vi.spyOn(deps.store, "subjectsOf").mockImplementation(async function* (...of) {
      let first = true;
      for await (const subject of subjects(...of)) {
        if (!first) yield subject;
        first = false;
      }
    });
    await expect(restored()).rejects.toMatchObject({ code: "DATASET_CHANGED" });
    vi.restoreAllMocks();
    await destroySecrets(deps, asked.spec.jobId);
  });

  test("whose session breaks off goes on after the finished partitions, with the same people", async () => {
    attempts.watch();
    attempts.before = async (attempt, partition) => {
      if (attempt === 1 && partition === 1) cable.cut();
    };
    const { bank, bureau } = await nodes.run(scoreRequest());
    expect([bank.state, bureau.state, bank.attempt]).toEqual(["done", "done", 2]);
    expect(bank.finished.map(({ attempt }) => attempt)).toEqual([1, ...bank.finished.slice(1).map(() => 2)]);
    expect(await scoresOf(bank.jobId)).toEqual(await scoresOf(scored.bank.jobId));
  });

  test("tells beforehand what the peer will learn", async () => {
    const { decision, statement } = await dryRun(nodes.bank.connected, scoreRequest());
    expect(decision.refusedBy).toBeUndefined();
    expect(statement.parts.scoreAdds).toContain("which of its customers your audience found");
  });
});

describe("a list that was tampered with ends the job, stays charged, and opens nothing", () => {
  test("by somebody whom the bureau does not know", async () => {
    const words = watchWords();
    tamperList(({ ids }) => Buffer.concat([ids.subarray(16), randomBytes(16)]));
    await expectFailed(await nodes.run(scoreRequest()), "SESSION_MISMATCH", words);
  });

  test("by somebody twice", async () => {
    const words = watchWords();
    tamperList(({ ids }) => Buffer.concat([ids.subarray(16), ids.subarray(16, 32)]));
    await expectFailed(await nodes.run(scoreRequest()), "WIRE_INVALID", words);
  });

  test("by leaving all out but a few: the bureau keeps the result floor itself", async () => {
    const words = watchWords();
    tamperList(({ ids }) => ids.slice(0, 16 * 10));
    await expectFailed(await nodes.run(scoreRequest()), "POLICY_RESULT_FLOOR", words);
  });
});

describe("an agreement that says hidden, and one that says shared", () => {
  test("each refuse the other, at the bank", async () => {
    expect(await refusalOf({ agreement: hidden })).toMatchObject({ code: "POLICY_OPERATION" });
    expect(await refusalOf({ audience: undefined })).toMatchObject({ code: "POLICY_OPERATION" });
  });

  test("and at the bureau, whatever the bank's node decides", async () => {
    const decide = nodes.bank.connected.policy.decide.bind(nodes.bank.connected.policy);
    vi.spyOn(nodes.bank.connected.policy, "decide").mockImplementation(async (question) => ({
      ...(await decide(question)),
      refusedBy: undefined,
    }));
    for (const changes of [{ agreement: hidden }, { audience: undefined }]) {
      const { bank } = await nodes.run(scoreRequest(changes));
      expect([bank.state, bank.reason]).toEqual(["refused", { by: "peer", code: "POLICY_OPERATION" }]);
    }
  });
});

describe("an audience that cannot be gone on from", () => {
  const POLICY_AUDIENCE = (detail: string) => expect.objectContaining({ code: "POLICY_AUDIENCE", detail });

  test("nor can a segment of either side or another operation be added to one", async () => {
    // Of the audience itself.
    const { name, version } = (await nodes.bank.segments.require("filter")).newest;
    for (const added of [{ segment: { name, version } }, { peerSegment: { name, version } }])
      expect(await refusalOf(added)).toMatchObject({ code: "BAD_REQUEST" });
    const wish = { operation: "audience", model: undefined, tag: { ...TAG, value: "x" } };
    expect(await refusalOf(wish)).toMatchObject({ code: "BAD_REQUEST" });
  });

  test("because it is none", async () => {
    expect(await refusalOf({ audience: "00".repeat(16) })).toEqual(POLICY_AUDIENCE("no job of that id"));
    const rate = await startJob(nodes.bank.connected, scoreRequest(RATE), "analyst");
    await rate.finished;
    for (const bank of [rate.job, scored.bank])
      expect(await refusalOf({ audience: bank.jobId })).toEqual(POLICY_AUDIENCE("not an audience with a list"));
  });

  test("because its result was withheld, or it was refused", async () => {
    const high = await nodes.agree(agreementOf("High floor", { floors: { ...FLOORS, result: 600 } }));
    const withheld = await nodes.run({ agreement: high, filter: FILTER });
    expect(withheld.bank.withheld).toBe(true);
    expect(await refusalOf({ audience: withheld.bank.jobId })).toEqual(POLICY_AUDIENCE("it has no result"));
    // Enough for the agreement that it ran under, too few for this one.
    expect(await refusalOf({ agreement: high })).toEqual(POLICY_AUDIENCE("too few of its people still count"));
  });

  test("because its tags have expired or were withdrawn", async () => {
    const { bank } = await nodes.run({ agreement: shared, filter: FILTER });
    await nodes.bank.store.removeTags(bank.jobId);
    expect(await refusalOf({ audience: bank.jobId })).toEqual(POLICY_AUDIENCE("too few of its people still count"));
  });

  test("because its agreement was revoked", async () => {
    const other = await nodes.agree(agreementOf("To be revoked"));
    const { bank } = await nodes.run({ agreement: other, filter: FILTER });
    const { agreements } = nodes.bank.connected;
    const stateOf = agreements.stateOf.bind(agreements);
    vi.spyOn(agreements, "stateOf").mockImplementation(async (digest) =>
      digest === other ? "revoked" : stateOf(digest),
    );
    expect(await refusalOf({ audience: bank.jobId })).toEqual(POLICY_AUDIENCE("its agreement is no longer in force"));
  });

  test("is refused by the bureau's node by its own record, and charged nothing", async () => {
    const { store, keyring, peers, meetings } = nodes.bank.connected;
    const { bank } = scored;
    const { payload } = JSON.parse((await store.jobDocument(bank.jobId, "spec")) as string) as { payload: string };
    const spec = JSON.parse(Buffer.from(payload, "base64").toString()) as JobSpec;
    const before = await chargedRuns(nodes.bureau);
    const offer = async (audienceId: string) => {
      const matched = { audience: audienceId as JobId, sizeClass: 80 };
      const made = signJobSpec({ ...spec, jobId: toHex(randomBytes(16)) as JobId, matched }, keyring.keys.jobs);
      const client = new ControlClient(await meetings.openControl(await peers.require("bureau")));
      try {
        const bureau = await peers.require("bureau");
        return readJobAnswer(await client.job(made.envelope), bureau.key("jobs"), made.digest);
      } finally {
        await client.close();
      }
    };
    for (const other of ["00".repeat(16), bank.jobId])
      expect(await offer(other)).toMatchObject({ decision: "refused", code: "POLICY_AUDIENCE" });
    expect(await chargedRuns(nodes.bureau)).toBe(before);
    expect(await offer(audience)).toMatchObject({ decision: "admitted" });
  });

  test("because a dataset has changed since, at the bank or at the bureau", async () => {
    const { bank } = await nodes.run({ agreement: shared, filter: FILTER });
    const audienceId = bank.jobId as JobId;
    await nodes.bureau.datasets.register({
      name: "repayments",
      path: await writePeople(join(data, "bureau-2.csv"), range(310, 1_300), REPAYMENTS),
      ...ID_FORM,
    });
    const words = watchWords();
    const job = await nodes.run(scoreRequest({ audience: audienceId }));
    expect(job.bank.reason).toEqual({ by: "peer", code: "POLICY_AUDIENCE" });
    expect(words).not.toContain("gateKeys");
    await nodes.bank.datasets.register({
      name: "customers",
      path: await writePeople(join(data, "bank-2.csv"), range(1, 1_000), { LIMIT_BAL: (person) => person % 7 }),
      ...ID_FORM,
    });
    expect(await refusalOf({ audience: audienceId })).toEqual(POLICY_AUDIENCE("the dataset has changed since"));
  });
});
