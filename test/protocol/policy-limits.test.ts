/** Attacks on floors and ratio: one below, at, and one above each, at both nodes; each node keeps them by itself. */
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { dryRun } from "../../party/jobs/dry-run.ts";
import type { Digest } from "../../proto/ids.ts";
import { demoAgreement } from "../support/demo-agreement.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";
import {
  agreementBy,
  begin,
  chargedRuns,
  DAY_MS,
  eventsOf,
  ignorePolicy,
  logSize,
  outcomeAtBank,
  requestOf,
  smallAgreement,
  stateOf,
  Times,
  untilEnded,
} from "../support/policy-nodes.ts";
import { startIdealWorker } from "../support/policy-worker.ts";
import { namingSegment, TwoNodes } from "../support/two-nodes.ts";

const times = new Times();
let nodes: TwoNodes;
let data: string;
let files = 0;

beforeAll(async () => {
  nodes = await TwoNodes.start({
    startWorker: startIdealWorker,
    bank: { ports: times.portsOf("bank") },
    bureau: { ports: times.portsOf("bureau") },
  });
  data = join(nodes.coordinator.folder, "data");
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => nodes.close());

async function register(bank: readonly number[], bureau: readonly number[]): Promise<void> {
  await nodes.register({
    bank: await writePeople(join(data, `bank-${++files}.csv`), bank, { n: (person) => person }),
    bureau: await writePeople(join(data, `bureau-${++files}.csv`), bureau, REPAYMENTS),
  });
}

const generous = { runsPerEpoch: 1000, runsPerDay: 1000 };
let titles = 0;
/** Under budgets of its own count, but the history of all. */
function agree(changes: Record<string, unknown>): Promise<Digest> {
  return nodes.agree(smallAgreement({ title: `Limits ${++titles}`, budgets: generous, ...changes }));
}

describe("the input floor of 40", () => {
  let agreement: Digest;
  beforeAll(async () => {
    agreement = await agree({ floors: { input: 40 } });
  });

  test.each([
    [39, 60, "POLICY_INPUT_FLOOR"],
    [40, 60, "done"],
    [41, 60, "done"],
    [60, 39, "POLICY_INPUT_FLOOR"],
    [60, 40, "done"],
    [60, 41, "done"],
  ])("%i people at the bank, %i at the bureau: %s", async (bank, bureau, outcome) => {
    await register(range(0, bank), range(0, bureau));
    expect(await outcomeAtBank(nodes, { agreement })).toBe(outcome);
  });

  test("is kept for the list that takes part, not for the table", async () => {
    await register(range(0, 60), range(0, 60));
    expect(await outcomeAtBank(nodes, { agreement, filter: "n < 39" })).toBe("POLICY_INPUT_FLOOR");
    expect(await outcomeAtBank(nodes, { agreement, filter: "n < 40" })).toBe("done");
  });
});

test.each([
  [9, "withheld"],
  [10, "done"],
  [11, "done"],
])("the result floor of 10 with %i matches: %s", async (matches, outcome) => {
  const agreement = await agree({ floors: { result: 10 } });
  await register(range(0, 50), range(50 - matches, 100 - matches));
  const { jobId, finished } = await begin(nodes, { agreement });
  await finished;
  const job = await nodes.bank.book.require(jobId);
  expect(stateOf(job)).toBe(outcome);
  if (outcome === "withheld") expect(JSON.stringify(job.summary)).not.toMatch(/match|tag/);
  await untilEnded(nodes.bureau, jobId);
});

describe("a dictionary of consecutive numbers", () => {
  // The smallest class holds 1,024: a small list counts as so many to the other.
  const LIMIT = 2;
  let agreement: Digest;
  beforeAll(async () => {
    agreement = await agree({ floors: { sizeRatio: LIMIT } });
  });

  test.each([
    [2047, "done"],
    [2048, "done"],
    [2049, "POLICY_SIZE_RATIO"],
  ])("at the bank, of %i: %s", async (dictionary, outcome) => {
    await register(range(0, dictionary), range(300, 1_324));
    expect(await outcomeAtBank(nodes, { agreement })).toBe(outcome);
  });

  test.each([
    [2047, "done"],
    [2048, "done"],
    [2049, "POLICY_SIZE_RATIO"],
  ])("at the bureau, of %i: %s", async (dictionary, outcome) => {
    await register(range(300, 1_324), range(0, dictionary));
    expect(await outcomeAtBank(nodes, { agreement })).toBe(outcome);
  });

  test("at a bank whose node lets it pass is refused by the bureau's, which reads nothing for it", async () => {
    await register(range(0, 5_000), range(300, 1_324));
    ignorePolicy(nodes.bank);
    const spill = vi.spyOn(nodes.bureau.connected.vault, "spillPlace");
    const rate = await begin(nodes, { agreement, output: "match-rate" });
    await rate.finished;
    expect((await nodes.bank.book.require(rate.jobId)).reason).toMatchObject({ code: "POLICY_SIZE_RATIO", by: "peer" });
    expect(spill).not.toHaveBeenCalled();
    const { jobId, finished } = await begin(nodes, { agreement });
    await finished;
    expect((await nodes.bank.book.require(jobId)).reason).toMatchObject({ code: "POLICY_SIZE_RATIO", by: "peer" });
    expect(await eventsOf(nodes.bureau, jobId)).toEqual(["job-requested", "policy-decision:refused", "refused"]);
    expect(nodes.bureau.connected.served.has(jobId)).toBe(false);
  });

  test("at a bureau whose node lets it pass is refused by the bank's before any session of the job", async () => {
    await register(range(300, 1_324), range(0, 5_000));
    ignorePolicy(nodes.bureau);
    const { jobId, finished } = await begin(nodes, { agreement });
    await finished;
    expect(await nodes.bank.book.require(jobId)).toMatchObject({
      state: "failed",
      attempt: 0,
      reason: { code: "POLICY_SIZE_RATIO" },
    });
  });
});

describe("the gated mode, that is not built", () => {
  const draft = () => {
    const { operations, ...document } = demoAgreement({ title: `Gated ${++titles}` }, "psi-vole");
    const gated = (operations as object[]).map((operation) => ({ ...operation, resultFloor: "provider" }));
    return { ...document, operations: gated };
  };

  test("is neither proposed nor signed", async () => {
    const { agreements } = nodes.bank.connected;
    const before = (await agreements.list()).length;
    await expect(agreements.propose(draft())).rejects.toMatchObject({ code: "POLICY_GATED" });
    expect((await agreements.list()).length).toBe(before);
  });

  test("is refused by the signer's node when the proposer's was changed, and never run ungated", async () => {
    const { digest, envelope } = agreementBy(nodes, draft());
    await nodes.bank.connected.agreements.receive(
      await nodes.bank.connected.peers.require("bureau"),
      envelope(["bureau"]),
    );
    await expect(nodes.bank.connected.agreements.sign(digest)).rejects.toMatchObject({ code: "POLICY_GATED" });
    // Somebody's older software signed it at both.
    for (const node of [nodes.bank, nodes.bureau]) {
      const peer = node === nodes.bank ? "bureau" : "bank";
      const { agreements, peers } = node.connected;
      await agreements.receive(await peers.require(peer), envelope(["bank", "bureau"]));
    }
    expect(await outcomeAtBank(nodes, { agreement: digest })).toBe("POLICY_GATED");
    ignorePolicy(nodes.bank);
    expect(await outcomeAtBank(nodes, { agreement: digest })).toBe("POLICY_GATED");
  });
});

describe("a dry run", () => {
  test("says what the run would be told, records nothing, and asks the peer nothing", async () => {
    times.both(200 * DAY_MS);
    await register(range(0, 50), range(20, 70));
    const agreement = await agree({ floors: { input: 40 } });
    const openControl = vi.spyOn(nodes.bank.connected.meetings, "openControl");
    const createJob = vi.spyOn(nodes.bank.connected.link, "createJob");
    const sizes = async () => [await logSize(nodes.bank), await logSize(nodes.bureau), await chargedRuns(nodes.bank)];
    for (const filter of [undefined, "n < 39", "n < 40"])
      for (const output of ["list", "match-rate"] as const) {
        const filtered = requestOf({ agreement, output, ...(filter === undefined ? {} : { filter }) });
        const wish = (await namingSegment(nodes.bank, filtered)) as typeof filtered;
        const [before, jobs] = [await sizes(), (await nodes.bank.book.list()).length];
        const dry = await dryRun(nodes.bank.connected, wish);
        expect([await sizes(), (await nodes.bank.book.list()).length]).toEqual([before, jobs]);
        expect(openControl).not.toHaveBeenCalled();
        expect(createJob).not.toHaveBeenCalled();
        const ran = await outcomeAtBank(nodes, wish);
        expect(ran).toBe(dry.decision.refusedBy ?? "done");
        openControl.mockClear();
        createJob.mockClear();
      }
  });
});
