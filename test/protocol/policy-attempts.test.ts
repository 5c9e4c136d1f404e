/** Attacks with other inputs than those that were charged: a changed list in a second attempt, and chosen weights. */
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Digest } from "../../proto/ids.ts";
import { Cable, Pauses } from "../support/job-cuts.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";
import {
  begin,
  chargedRuns,
  eventsOf,
  ID_FORM,
  ignorePolicy,
  outcomeAtBank,
  scoreOf,
  smallAgreement,
  stateOf,
  Times,
  untilEnded,
} from "../support/policy-nodes.ts";
import { IdealWorker, startIdealWorker } from "../support/policy-worker.ts";
import { type NodeName, TwoNodes } from "../support/two-nodes.ts";

const EPOCH_DAYS = 5;
const times = new Times();
const cable = new Cable();
const pauses = new Pauses();
let nodes: TwoNodes;
let data: string;
let titles = 0;

const files = { bank: "customers", bureau: "repayments" } as const;
const columns = { bank: { n: (person: number) => person }, bureau: REPAYMENTS };
const people = { bank: range(0, 50), bureau: range(20, 70) };

function write(party: NodeName, name: string, list: readonly number[] = people[party]): Promise<string> {
  return writePeople(join(data, `${name}.csv`), list, columns[party]);
}

async function register(party: NodeName, path: string): Promise<void> {
  await nodes[party].datasets.register({ name: files[party], path, ...ID_FORM });
}

function portsOf(party: NodeName) {
  const ports = times.portsOf(party);
  return party === "bank" ? { ...ports, timers: pauses.timers } : ports;
}

beforeAll(async () => {
  nodes = await TwoNodes.start({
    startWorker: startIdealWorker,
    bank: { ports: portsOf("bank"), wrap: cable.wrap },
    bureau: { ports: portsOf("bureau"), wrap: cable.wrap },
  });
  data = join(nodes.coordinator.folder, "data");
});
beforeEach(async () => {
  times.nextEpoch(EPOCH_DAYS);
  pauses.watch();
  for (const party of ["bank", "bureau"] as const) await register(party, await write(party, party));
});
afterEach(() => {
  IdealWorker.before = async () => {};
  vi.restoreAllMocks();
});
afterAll(() => nodes.close());

const generous = { runsPerEpoch: 1000, runsPerDay: 1000, epochDays: EPOCH_DAYS };
function agree(changes: Record<string, unknown> = {}): Promise<Digest> {
  return nodes.agree(smallAgreement({ title: `Attempts ${++titles}`, budgets: generous, ...changes }));
}

/** The first attempt breaks off, and before the next one the list becomes another. */
async function retriedAfter(change: () => Promise<unknown>): Promise<string> {
  const agreement = await agree();
  let cuts = 0;
  IdealWorker.before = async (kind) => {
    if (kind !== "receive" || cuts++ > 0) return;
    await change();
    cable.cut();
  };
  const { jobId, finished } = await begin(nodes, { agreement });
  await finished;
  return jobId;
}

async function endedAtBoth(jobId: string): Promise<string[]> {
  return [await untilEnded(nodes.bank, jobId), await untilEnded(nodes.bureau, jobId)].map(stateOf);
}

describe("an attempt that is broken off and made again", () => {
  test("with the same lists is done, charged once at each node", async () => {
    const before = [await chargedRuns(nodes.bank), await chargedRuns(nodes.bureau)];
    const jobId = await retriedAfter(async () => {});
    expect(await endedAtBoth(jobId)).toEqual(["done", "done"]);
    expect((await nodes.bank.book.require(jobId)).attempt).toBe(2);
    expect([await chargedRuns(nodes.bank), await chargedRuns(nodes.bureau)]).toEqual(before.map((count) => count + 1));
  });

  test("with a list registered anew at the bureau releases nothing", async () => {
    const jobId = await retriedAfter(async () =>
      register("bureau", await write("bureau", "bureau-other", people.bureau.slice(1))),
    );
    // Another attempt is refused with the reason, or the bureau's node had ended the job before it was asked for one.
    expect(["DATASET_CHANGED", "WIRE_UNEXPECTED"]).toContain(stateOf(await untilEnded(nodes.bank, jobId)));
    expect((await nodes.bureau.book.require(jobId)).isOpened).toBe(false);
    expect(await eventsOf(nodes.bureau, jobId)).not.toContain("gate-key-released");
    expect(await eventsOf(nodes.bank, jobId)).not.toContain("opened");
  });

  test("with a list registered anew at the bank goes on with the one that was charged, which was read once", async () => {
    const jobId = await retriedAfter(async () =>
      register("bank", await write("bank", "bank-other", people.bank.slice(0, 20))),
    );
    expect(await endedAtBoth(jobId)).toEqual(["done", "done"]);
    expect((await nodes.bank.book.require(jobId)).summary?.matched).toBe(30);
  });

  test("with the bank's file changed, and its node stopped between, releases nothing", async () => {
    const agreement = await agree();
    let isCut = false;
    pauses.isHolding = true;
    IdealWorker.before = async (kind) => {
      if (kind !== "receive" || isCut) return;
      isCut = true;
      cable.cut();
    };
    const { jobId } = await begin(nodes, { agreement });
    await expect.poll(() => pauses.held, { timeout: 5_000 }).toBe(1);
    await write("bank", "bank", people.bank.slice(1));
    pauses.forget();
    pauses.isHolding = false;
    await nodes.restart("bank");
    expect(stateOf(await untilEnded(nodes.bank, jobId))).toBe("DATASET_CHANGED");
    expect(await eventsOf(nodes.bureau, jobId)).not.toContain("gate-key-released");
  });

  test("with the bureau's file changed, and its node stopped between, releases nothing", async () => {
    const agreement = await agree();
    let isCut = false;
    pauses.isHolding = true;
    IdealWorker.before = async (kind) => {
      if (kind !== "receive" || isCut) return;
      isCut = true;
      cable.cut();
    };
    const { jobId } = await begin(nodes, { agreement });
    await expect.poll(() => pauses.held, { timeout: 5_000 }).toBe(1);
    await write("bureau", "bureau", people.bureau.slice(1));
    await nodes.restart("bureau");
    pauses.end();
    expect(stateOf(await untilEnded(nodes.bank, jobId))).toBe("DATASET_CHANGED");
    expect(await eventsOf(nodes.bureau, jobId)).not.toContain("gate-key-released");
  });

  test("a failed run stays charged: the budget of one is used up", async () => {
    const agreement = await agree({ budgets: { ...generous, runsPerEpoch: 1 } });
    IdealWorker.before = async () => Promise.reject(new Error("a fault"));
    expect(await outcomeAtBank(nodes, { agreement })).not.toBe("done");
    IdealWorker.before = async () => {};
    expect(await outcomeAtBank(nodes, { agreement })).toBe("POLICY_RUNS_EPOCH");
    ignorePolicy(nodes.bank);
    expect(await outcomeAtBank(nodes, { agreement })).toBe("POLICY_RUNS_EPOCH");
  });
});

describe("weights that read one column each", () => {
  const COLUMNS = 6;
  const oneHot = (i: number) => range(0, COLUMNS).map((column) => (column === i ? 1 : 0));
  const attack = async (agreement: string) => {
    const outcomes: string[] = [];
    for (const i of range(0, COLUMNS))
      outcomes.push(await outcomeAtBank(nodes, scoreOf(agreement, `1.${i}`, oneHot(i))));
    return outcomes;
  };

  test("are refused from the allowed number of versions on, by the bank's own node", async () => {
    const outcomes = await attack(await agree());
    // Twelve bits a feature: three columns a score, so one version stays below six.
    expect(outcomes).toEqual(["done", ...Array(COLUMNS - 1).fill("POLICY_MODEL_VERSIONS")]);
  });

  test("are refused by the bureau's node when the bank's was changed, under any agreement between the two", async () => {
    ignorePolicy(nodes.bank);
    const first = await attack(await agree());
    expect(first.filter((outcome) => outcome === "done")).toHaveLength(1);
    expect(first.slice(1)).toEqual(Array(COLUMNS - 1).fill("POLICY_MODEL_VERSIONS"));
    expect(await attack(await agree())).not.toContain("done");
  });

  test("are counted up to the agreed number", async () => {
    const outcomes = await attack(await agree({ budgets: { ...generous, modelVersionsPerEpoch: 2 } }));
    expect(outcomes).toEqual(["done", "done", ...Array(COLUMNS - 2).fill("POLICY_MODEL_VERSIONS")]);
  });

  test("broken off after the answers came stay counted", async () => {
    const agreement = await agree();
    IdealWorker.before = async (kind) => {
      if (kind === "receive") throw new Error("a fault after the answers");
    };
    expect(await outcomeAtBank(nodes, scoreOf(agreement, "1.0", oneHot(0)))).not.toBe("done");
    IdealWorker.before = async () => {};
    expect(await outcomeAtBank(nodes, scoreOf(agreement, "1.1", oneHot(1)))).toBe("POLICY_MODEL_VERSIONS");
  });
});

describe("one model version over one version of both lists", () => {
  test("is scored once, at either node", async () => {
    const agreement = await agree({ budgets: { ...generous, modelVersionsPerEpoch: 5 } });
    const score = scoreOf(agreement, "1");
    expect(await outcomeAtBank(nodes, score)).toBe("done");
    expect(await outcomeAtBank(nodes, score)).toBe("POLICY_SCORE_REPEATED");
    ignorePolicy(nodes.bank);
    expect(await outcomeAtBank(nodes, score)).toBe("POLICY_SCORE_REPEATED");
    vi.restoreAllMocks();
    pauses.watch();
    await nodes.restart("bank");
    await nodes.restart("bureau");
    expect(await outcomeAtBank(nodes, score)).toBe("POLICY_SCORE_REPEATED");
    // Over another version of either list it may be.
    await register("bank", await write("bank", "bank-new", range(0, 51)));
    expect(await outcomeAtBank(nodes, score)).toBe("done");
    await register("bureau", await write("bureau", "bureau-new", range(20, 71)));
    expect(await outcomeAtBank(nodes, score)).toBe("done");
    expect(await outcomeAtBank(nodes, score)).toBe("POLICY_SCORE_REPEATED");
  });

  test("asked for twice at once is scored once", async () => {
    const agreement = await agree({ budgets: { ...generous, modelVersionsPerEpoch: 5 } });
    const score = scoreOf(agreement, "2");
    const both = await Promise.all([outcomeAtBank(nodes, score), outcomeAtBank(nodes, score)]);
    expect(both.sort()).toEqual(["POLICY_SCORE_REPEATED", "done"]);
  });
});
