/** Attacks on the match rate: two lists that differ by a few people must not both be answered. */
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { decideJob } from "../../party/jobs/approvals.ts";
import type { Digest } from "../../proto/ids.ts";
import { phoneOf, range, writePeople } from "../support/people.ts";
import {
  ANALYST,
  begin,
  DAY_MS,
  entriesOf,
  ID_FORM,
  ignorePolicy,
  outcomeAtBank,
  rateOf,
  STEWARD,
  smallAgreement,
  startWithLists,
  stateOf,
  subjectsOf,
  Times,
  untilEnded,
  withApproval,
} from "../support/policy-nodes.ts";
import type { TwoNodes } from "../support/two-nodes.ts";

const PEOPLE = 200;
const times = new Times();
let nodes: TwoNodes;
let data: string;
let titles = 0;

const EPOCH_DAYS = 3;
const generous = { runsPerEpoch: 1000, runsPerDay: 1000, epochDays: EPOCH_DAYS };
function agree(changes: Record<string, unknown> = {}): Promise<Digest> {
  return nodes.agree(smallAgreement({ title: `Rates ${++titles}`, budgets: generous, ...changes }));
}

beforeAll(async () => {
  ({ nodes, data } = await startWithLists(times, { bank: range(0, PEOPLE), bureau: range(100, 300) }));
});
/** Nothing of the tests before is in this epoch. */
beforeEach(() => times.nextEpoch(EPOCH_DAYS));
afterEach(() => vi.restoreAllMocks());
afterAll(() => nodes.close());

async function rate(agreement: Digest, filter?: string): Promise<string> {
  return outcomeAtBank(nodes, rateOf(agreement, filter));
}

async function shown(agreement: Digest, filter?: string): Promise<string | undefined> {
  const { jobId, finished } = await begin(nodes, rateOf(agreement, filter));
  await finished;
  await untilEnded(nodes.bureau, jobId);
  return (await nodes.bank.book.require(jobId)).summary?.matchRate;
}

describe("the list with people removed by a filter", () => {
  let agreement: Digest;
  beforeAll(async () => {
    agreement = await agree();
  });

  test("one person fewer is refused at once and later, the same list is not", async () => {
    expect(await rate(agreement)).toBe("done");
    expect(await rate(agreement, "n <> 150")).toBe("POLICY_DIFFERENCE");
    expect(await rate(agreement)).toBe("done");
    // The same list by another filter is the same list.
    expect(await rate(agreement, "n >= 0")).toBe("done");
    expect(await rate(agreement, "n <> 150")).toBe("POLICY_DIFFERENCE");
    times.both(times.aheadMs.bank + DAY_MS);
    expect(await rate(agreement, "n <> 150")).toBe("POLICY_DIFFERENCE");
  });

  test.each([
    [1, "POLICY_DIFFERENCE"],
    [49, "POLICY_DIFFERENCE"],
    [50, "done"],
    [51, "done"],
  ])("%i fewer: %s", async (removed, outcome) => {
    expect(await rate(agreement)).toBe("done");
    expect(await rate(agreement, `n >= ${removed}`)).toBe(outcome);
  });

  test("by one and one: a person exchanged is a difference of two", async () => {
    expect(await rate(agreement, "n <> 10")).toBe("done");
    expect(await rate(agreement, "n <> 11")).toBe("POLICY_DIFFERENCE");
  });

  test("a list near any earlier one, not only the last, is refused", async () => {
    expect(await rate(agreement)).toBe("done");
    expect(await rate(agreement, "n >= 100")).toBe("done");
    expect(await rate(agreement, "n < 199")).toBe("POLICY_DIFFERENCE");
  });

  test("under another agreement between the two it is the same guard", async () => {
    expect(await rate(agreement)).toBe("done");
    expect(await rate(await agree(), "n <> 150")).toBe("POLICY_DIFFERENCE");
  });

  test("a run that was broken off before its result counts, too", async () => {
    const { IdealWorker } = await import("../support/policy-worker.ts");
    vi.spyOn(IdealWorker, "before").mockRejectedValue(new Error("a fault of this node"));
    expect(await rate(agreement)).toBe("INTERNAL");
    vi.restoreAllMocks();
    expect(await rate(agreement, "n <> 150")).toBe("POLICY_DIFFERENCE");
  });

  test("asked for at once, only one of two lists is answered", async () => {
    const both = await Promise.all([rate(agreement), rate(agreement, "n <> 150")]);
    expect(both.sort()).toEqual(["POLICY_DIFFERENCE", "done"]);
  });

  test("asked for at once and approved at once, only one of two lists is answered", async () => {
    const approved = await agree(withApproval("every-run", "automatic"));
    const jobs = [await begin(nodes, rateOf(approved)), await begin(nodes, rateOf(approved, "n <> 150"))];
    await Promise.all(
      jobs.map(({ jobId }) => decideJob(nodes.bank.connected, { jobId, isApproved: true, person: STEWARD })),
    );
    const ended = await Promise.all(jobs.map(({ jobId }) => untilEnded(nodes.bank, jobId)));
    expect(ended.map(stateOf).sort()).toEqual(["POLICY_DIFFERENCE", "done"]);
  });

  test("approved one after another, only the first is answered", async () => {
    const approved = await agree(withApproval("every-run", "automatic"));
    const jobs = [await begin(nodes, rateOf(approved)), await begin(nodes, rateOf(approved, "n <> 150"))];
    const ended: string[] = [];
    for (const { jobId } of jobs) {
      await decideJob(nodes.bank.connected, { jobId, isApproved: true, person: STEWARD });
      ended.push(stateOf(await untilEnded(nodes.bank, jobId)));
    }
    expect(ended).toEqual(["done", "POLICY_DIFFERENCE"]);
  });
});

describe("what the guard remembers", () => {
  const sketches = () => join(nodes.folder("bank"), "sketches");

  test("is not an id, and once it is deleted or exchanged nothing more is answered", async () => {
    const agreement = await agree();
    expect(await rate(agreement)).toBe("done");
    const [name] = (await readdir(sketches())).slice(-1) as [string];
    const bytes = await readFile(join(sketches(), name));
    for (const person of range(0, PEOPLE)) expect(bytes.includes(phoneOf(person))).toBe(false);
    await rm(sketches(), { recursive: true });
    expect(await rate(agreement, "n <> 150")).toBe("POLICY_DIFFERENCE");
    expect(await rate(agreement, "n < 100")).toBe("POLICY_DIFFERENCE");
    await nodes.restart("bank");
    expect(await rate(agreement, "n <> 150")).toBe("POLICY_DIFFERENCE");
  });

  test("survives a restart", async () => {
    const agreement = await agree();
    expect(await rate(agreement)).toBe("done");
    await nodes.restart("bank");
    expect(await rate(agreement, "n <> 150")).toBe("POLICY_DIFFERENCE");
    expect(await rate(agreement)).toBe("done");
  });

  test("is still compared when the seed of its keys is deleted", async () => {
    const agreement = await agree();
    expect(await rate(agreement)).toBe("done");
    await rm(join(nodes.folder("bank"), "keys", "epoch.seed"));
    await nodes.restart("bank").then(
      async () => expect(await rate(agreement, "n <> 150")).not.toBe("done"),
      // A node that does not start without it answers nothing, either.
      () => undefined,
    );
  });
});

describe("versions of the dataset", () => {
  test("another version each time: the sixth is refused, at the bureau's node, too", async () => {
    const agreement = await agree();
    const form = { name: "customers", ...ID_FORM };
    try {
      for (const removed of range(1, 8)) {
        const path = await writePeople(join(data, `version-${removed}.csv`), range(removed, PEOPLE), { n: () => 1 });
        await nodes.bank.datasets.register({ ...form, path });
        // For the last the bank's node was changed.
        if (removed === 7) ignorePolicy(nodes.bank);
        expect([removed, await rate(agreement)]).toEqual([removed, removed <= 5 ? "done" : "POLICY_DATASET_VERSIONS"]);
      }
    } finally {
      await nodes.bank.datasets.register({ ...form, path: join(data, "bank.csv") });
    }
  });

  test("the first version again after others is compared with what was asked of it", async () => {
    const agreement = await agree();
    const form = { name: "customers", ...ID_FORM };
    expect(await rate(agreement)).toBe("done");
    const path = await writePeople(join(data, "other.csv"), range(0, PEOPLE + 1), { n: (person) => person });
    await nodes.bank.datasets.register({ ...form, path });
    expect(await rate(agreement)).toBe("done");
    await nodes.bank.datasets.register({ ...form, path: join(data, "bank.csv") });
    expect(await rate(agreement, "n <> 150")).toBe("POLICY_DIFFERENCE");
  });
});

describe("a job that was asked for in one epoch and approved in the next", () => {
  test("is compared with what is asked for in the next", async () => {
    const agreement = await agree(withApproval("every-run", "automatic"));
    times.both(times.aheadMs.bank + EPOCH_DAYS * DAY_MS - 2 * 3_600_000);
    const late = await begin(nodes, rateOf(agreement));
    times.nextEpoch(EPOCH_DAYS);
    await decideJob(nodes.bank.connected, { jobId: late.jobId, isApproved: true, person: STEWARD }).catch(() => {});
    const first = stateOf(await untilEnded(nodes.bank, late.jobId));
    const next = await begin(nodes, rateOf(agreement, "n <> 150")).catch((error) => String(error.code));
    const second =
      typeof next === "string"
        ? next
        : await decideJob(nodes.bank.connected, { jobId: next.jobId, isApproved: true, person: STEWARD }).then(
            async () => stateOf(await untilEnded(nodes.bank, next.jobId)),
            (error) => String(error.code),
          );
    expect([first, second]).not.toEqual(["done", "done"]);
  });
});

describe("what is shown", () => {
  test("a whole percent, or that it is above the cap, and no count anywhere", async () => {
    const agreement = await agree({ floors: { result: 5 } });
    const before = nodes.log.length;
    const sizes = (await entriesOf(nodes.bank)).length;
    // 100 of 200, then 100 of 117 and of 118, then all.
    expect(await shown(agreement)).toBe("50%");
    expect(await shown(agreement, "n >= 83")).toBe(">85%");
    times.nextEpoch(EPOCH_DAYS);
    expect(await shown(agreement, "n >= 82")).toBe("85%");
    times.nextEpoch(EPOCH_DAYS);
    expect(await shown(agreement, "n >= 100")).toBe(">85%");
    for (const job of await nodes.bank.book.list()) {
      if (job.proposed.agreement !== agreement) continue;
      expect(Object.keys(job.summary ?? {}).sort()).toEqual(["bytesReceived", "bytesSent", "matchRate", "seconds"]);
    }
    expect(await subjectsOf(nodes.bank)).toEqual([]);
    const told = (await entriesOf(nodes.bank)).slice(sizes);
    for (const { event, statement } of told) {
      if (event === "opened") expect(statement.predicate).toMatchObject({ outputSizeClass: null, tags: null });
      expect(JSON.stringify(statement.predicate)).not.toMatch(/%|"?(?:matched|count)/);
    }
    for (const line of nodes.log.slice(before)) expect(line).not.toMatch(/\d%|matched|139\d{8}/);
  });

  test("noise that was agreed stays the same for the same list, and is another for another", async () => {
    const noisy = await agree({ noise: { kind: "discrete-laplace", scale: 1000 } });
    const again = [await shown(noisy), await shown(noisy), await shown(noisy, "n >= 0")];
    expect(new Set(again).size).toBe(1);
    const rates = [again[0], await shown(noisy, "n < 150"), await shown(noisy, "n >= 50")];
    // 100 of 200, 50 of 150, 100 of 150: all three draws near zero happen once in 10^8.
    expect(rates).not.toEqual(["50%", "33%", "67%"]);
  });

  test("nobody asks with a tag", async () => {
    const agreement = await agree();
    const tag = { key: "marketing:joint", value: "yes", expiresInDays: 30 };
    expect(await outcomeAtBank(nodes, { ...rateOf(agreement), tag }, ANALYST)).toBe("BAD_REQUEST");
  });
});
