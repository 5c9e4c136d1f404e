/** Models and peers that break off a score: what each ends with, in whole jobs, and that nothing is released. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { CIPHERTEXT_BYTES } from "../../party/he/params.ts";
import type { Job } from "../../party/jobs/lifecycle.ts";
import { startJob } from "../../party/jobs/start.ts";
import { Channel } from "../../party/session/channel.ts";
import type { Frame } from "../../proto/codec/frame.ts";
import { encodeScoreLinear, SCORE_LINEAR_TYPE, type ScoreLinearKind } from "../../proto/codec/score-linear.ts";
import { toEntenteError } from "../../proto/errors.ts";
import type { Digest } from "../../proto/ids.ts";
import { leftoversIn, NOTHING_LEFT } from "../support/node-folder.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";
import { eventsOf, logSize, requestOf, smallAgreement } from "../support/policy-nodes.ts";
import { TwoNodes } from "../support/two-nodes.ts";

const partner = { party: "partner", column: "PAY_0", weight: 0.5, clip: [-8, 8], missing: 0 };
const own = { party: "own", column: "limit", weight: 0.25, clip: [-8, 8], missing: 0 };
const MODEL = {
  format: "entente-linear/1",
  name: "points",
  version: "1",
  tagKey: "risk:points",
  kind: "linear-regression",
  link: "identity",
  intercept: 0,
  features: [own, partner],
};

type JobWish = Parameters<typeof requestOf>[0];

let nodes: TwoNodes;
let agreement: Digest;

beforeAll(async () => {
  nodes = await TwoNodes.start();
  const data = join(nodes.coordinator.folder, "data");
  await nodes.register({
    bank: await writePeople(join(data, "bank.csv"), range(0, 300), { limit: () => 1, note: () => "n" }),
    // More than one block of rows.
    bureau: await writePeople(join(data, "bureau.csv"), range(0, 9_000), { ...REPAYMENTS, NOTE: () => "n" }),
  });
  const { datasets } = smallAgreement() as { datasets: { columns: object[] }[] };
  const named = ["NOTE", "GONE"].map((name) => ({ name, role: "feature", grade: 3, personal: true }));
  datasets[1]?.columns.push(...named);
  const budgets = { runsPerEpoch: 1000, runsPerDay: 1000, scoresPerModelVersion: 1000, modelVersionsPerEpoch: 1000 };
  agreement = await nodes.agree(smallAgreement({ datasets, budgets }));
});
afterEach(() => {
  vi.restoreAllMocks();
});
afterAll(() => nodes.close());

function wishOf(model: object): JobWish {
  return {
    agreement,
    operation: "score",
    output: "score",
    model,
    tag: { key: "risk:points", expiresInDays: 3 },
  } as JobWish;
}

async function expectNothingReleased(job: Job): Promise<void> {
  expect(job.isOpened).toBe(false);
  expect(job.summary).toBeUndefined();
  expect(await eventsOf(nodes.bank, job.jobId)).not.toContain("opened");
  expect(await eventsOf(nodes.bureau, job.jobId)).not.toContain("gate-key-released");
  for (const node of ["bank", "bureau"] as const)
    await expect.poll(() => leftoversIn(nodes.folder(node))).toEqual(NOTHING_LEFT);
}

describe("a model that the bank's own node refuses, before anything is recorded or sent", () => {
  test.each<[string, object, string]>([
    [
      "an own column that there is not",
      { features: [{ ...own, column: "income" }, partner] },
      "DATASET_COLUMN_UNKNOWN",
    ],
    ["an own column of text", { features: [{ ...own, column: "note" }, partner] }, "DATASET_COLUMN_TYPE"],
    ["weights that are too large", { features: [own, { ...partner, weight: 1e9 }] }, "MODEL_HEADROOM"],
    ["own weights that are too large", { features: [{ ...own, weight: 1e15 }, partner] }, "MODEL_HEADROOM"],
    ["a weight that is no number", { features: [own, { ...partner, weight: "1" }] }, "MODEL_INVALID"],
    ["a weight that is not finite", { features: [own, { ...partner, weight: Number.NaN }] }, "MODEL_INVALID"],
    ["no feature", { features: [] }, "MODEL_INVALID"],
    ["an unknown form", { format: "entente-linear/2" }, "MODEL_INVALID"],
  ])("%s", async (_what, change, code) => {
    const before = [await logSize(nodes.bank), await logSize(nodes.bureau), (await nodes.bank.book.list()).length];
    const asked = startJob(nodes.bank.connected, requestOf(wishOf({ ...MODEL, ...change })), "analyst");
    expect((await asked.then(() => undefined, toEntenteError))?.code).toBe(code);
    const after = [await logSize(nodes.bank), await logSize(nodes.bureau), (await nodes.bank.book.list()).length];
    expect(after).toEqual(before);
  });

  test("a column of the partner's that the agreement does not have: the bank's policy refuses, with evidence", async () => {
    const model = { ...MODEL, features: [own, { ...partner, column: "SALARY" }] };
    const before = await logSize(nodes.bureau);
    const asked = startJob(nodes.bank.connected, requestOf(wishOf(model)), "analyst");
    expect((await asked.then(() => undefined, toEntenteError))?.code).toBe("POLICY_DATASET");
    expect(await logSize(nodes.bureau)).toBe(before);
  });
});

describe("a model that the partner's node refuses", () => {
  test.each([
    ["GONE", "DATASET_COLUMN_UNKNOWN"],
    ["NOTE", "DATASET_COLUMN_TYPE"],
  ])("for its column %s, which is agreed on but not there or of text", async (column, code) => {
    const model = { ...MODEL, features: [own, { ...partner, column }] };
    const { bank, bureau } = await nodes.run(requestOf(wishOf(model)));
    expect(bank).toMatchObject({ state: "refused", attempt: 0, reason: { code, by: "peer" } });
    expect(bureau).toMatchObject({ state: "refused", reason: { code, by: "own" } });
    await expectNothingReleased(bank);
  });
});

/** Changes what one node sends of a score; undefined: it does not send that frame. */
function tamper(kind: ScoreLinearKind, change: (frame: Frame) => Frame | undefined): { count: number } {
  const changed = { count: 0 };
  const send = Channel.prototype.send;
  vi.spyOn(Channel.prototype, "send").mockImplementation(async function (this: Channel, frame) {
    if (frame.type !== SCORE_LINEAR_TYPE[kind]) return send.call(this, frame);
    const other = change(frame);
    if (other !== frame) changed.count++;
    if (other !== undefined) await send.call(this, other);
  });
  return changed;
}

function withBytes(kind: ScoreLinearKind, { round, partition, chunk }: Frame, bytes: Uint8Array): Frame {
  return encodeScoreLinear({ kind, round, partition, chunk, bytes });
}

/** The payload is a frame's last field, so it ends where the frame does. */
function flipped(frame: Frame, fromEnd: number): Frame {
  const at = frame.body.length - fromEnd;
  return { ...frame, body: frame.body.with(at, (frame.body[at] as number) ^ 1) };
}

/** Of the announcement: parameter digest, commitment, digest of the bundle; 32 bytes each. */
const ANNOUNCED = { parameters: 96, commitment: 64, bundle: 32 } as const;

describe("a bank that sends another model than it offered", () => {
  let version = 0;
  async function partnerEnds(code: string): Promise<void> {
    const before = await readdir(join(nodes.folder("bureau"), "models")).catch(() => []);
    const { bank, bureau } = await nodes.run(requestOf(wishOf({ ...MODEL, version: `b${++version}` })));
    expect([bank.state, bureau.state]).toEqual(["failed", "failed"]);
    expect(bureau.reason?.code).toBe(code);
    await expectNothingReleased(bank);
    expect(await readdir(join(nodes.folder("bureau"), "models")).catch(() => [])).toEqual(before);
  }

  test.each([
    ["parameters", "SESSION_MISMATCH"],
    ["commitment", "MODEL_MISMATCH"],
    ["bundle", "MODEL_MISMATCH"],
  ] as const)("that announces another digest of %s", async (what, code) => {
    const changed = tamper("announcement", (frame) => flipped(frame, ANNOUNCED[what]));
    await partnerEnds(code);
    expect(changed.count).toBe(1);
  });

  test("that sends a ciphertext of another length", async () => {
    tamper("ciphertext", (frame) => withBytes("ciphertext", frame, new Uint8Array(CIPHERTEXT_BYTES - 1)));
    await partnerEnds("WIRE_INVALID");
  });

  test("that sends a ciphertext with residues beyond their primes", async () => {
    tamper("ciphertext", (frame) => withBytes("ciphertext", frame, new Uint8Array(CIPHERTEXT_BYTES).fill(0xff)));
    await partnerEnds("CIPHERTEXT_INVALID");
  });

  test("that replays the ciphertexts of another version", async () => {
    const earlier: Frame[] = [];
    tamper("ciphertext", (frame) => {
      earlier[frame.chunk] = { ...frame, body: frame.body.slice() };
      return frame;
    });
    const honest = await nodes.run(requestOf(wishOf({ ...MODEL, version: "honest" })));
    expect(honest.bank).toMatchObject({ state: "done", summary: { matched: 300 } });
    await nodes.bank.store.removeTags(honest.bank.jobId);
    vi.restoreAllMocks();
    tamper("ciphertext", (frame) => earlier[frame.chunk]);
    await partnerEnds("MODEL_MISMATCH");
  });
});

describe("a partner that answers wrongly", () => {
  let version = 0;
  async function bankEnds(code: string): Promise<void> {
    const { bank, bureau } = await nodes.run(requestOf(wishOf({ ...MODEL, version: `p${++version}` })));
    expect([bank.state, bureau.state]).toEqual(["failed", "failed"]);
    expect(bank.reason?.code).toBe(code);
    await expectNothingReleased(bank);
  }

  test("with fewer blocks", async () => {
    const changed = tamper("answer", (frame) => (frame.chunk === 0 ? undefined : frame));
    await bankEnds("WIRE_UNEXPECTED");
    expect(changed.count).toBe(1);
  });

  test("with an answer that is too short", async () => {
    tamper("answer", (frame) => withBytes("answer", frame, new Uint8Array(100)));
    await bankEnds("WIRE_INVALID");
  });

  test("with residues beyond their primes", async () => {
    let bytes = 0;
    tamper("answer", (frame) => {
      bytes = frame.body.length;
      return { ...frame, body: frame.body.map((byte, at) => (at < 16 ? byte : 0xff)) };
    });
    await bankEnds("CIPHERTEXT_INVALID");
    expect(bytes).toBeGreaterThan(10_000);
  });

  test("with a reply that is neither yes nor no", async () => {
    tamper("reply", (frame) => withBytes("reply", frame, Uint8Array.of(2)));
    await bankEnds("WIRE_INVALID");
  });
});
