/** Attacks on joint audience reports: other lists and groupings beside one, and totals that nobody may see. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { decideJob } from "../../party/jobs/approvals.ts";
import { forgetOldResults } from "../../party/jobs/retention.ts";
import type { Digest } from "../../proto/ids.ts";
import {
  begin,
  DAY_MS,
  outcomeAtBank,
  rateOf,
  requestOf,
  STEWARD,
  untilEnded,
  withApproval,
} from "../support/policy-nodes.ts";
import { startIdealWorker } from "../support/policy-worker.ts";
import { BY_CITY, type By, EPOCH_DAYS, ReportWorld, reportWish, shownIn } from "../support/report-world.ts";

let world: ReportWorld;
beforeAll(async () => {
  world = await ReportWorld.start({ startWorker: startIdealWorker });
});
beforeEach(() => world.times.nextEpoch(EPOCH_DAYS));
afterAll(() => world.nodes.close());

describe("attack", () => {
  let agreement: Digest;
  beforeAll(async () => {
    agreement = await world.agree();
  });

  test("another list beside a report, however far from its list: it may be one of its groups and a person more", async () => {
    await world.run(agreement);
    expect(await world.outcome(agreement, BY_CITY, "city = 'Shanghai' OR balance = 10")).toBe("POLICY_DIFFERENCE");
    expect(await outcomeAtBank(world.nodes, rateOf(agreement, "city = 'Shanghai'"))).toBe("POLICY_DIFFERENCE");
    expect((await world.ran(requestOf(rateOf(agreement)))).summary?.matchRate).toBe("42%");
  });

  test("a report behind a rate of another list", async () => {
    await world.ran(requestOf(rateOf(agreement, "city = 'Shanghai'")));
    expect(await world.outcome(agreement)).toBe("POLICY_DIFFERENCE");
  });

  test("another grouping of the same list shows only what no sum with the first one narrows down", async () => {
    const below = (bound: number): By => [{ column: "balance", bounds: [bound] }];
    const first = await world.run(agreement, below(500));
    expect(shownIn(first).filter(([, , overlap]) => overlap !== null)).toHaveLength(1);
    const again = await world.run(agreement, below(500));
    expect(again.summary?.report).toEqual(first.summary?.report);
    // Twelve people have 490.
    expect(shownIn(await world.run(agreement, below(490))).map(([, , overlap]) => overlap)).toEqual([null, null, null]);
    world.times.nextEpoch(EPOCH_DAYS);
    expect(shownIn(await world.run(agreement, below(490))).some(([, , overlap]) => overlap !== null)).toBe(true);
  });
});

test("a report by another floor beside one", async () => {
  const [high, low] = [await world.agree({ floors: { group: 60 } }), await world.agree({ floors: { group: 50 } })];
  expect(await world.outcome(high)).toBe("done");
  expect(await world.outcome(low)).toBe("POLICY_DIFFERENCE");
  expect(await world.outcome(high, [{ column: "city", values: ["Beijing"] }])).toBe("done");
});

test("a report by a segment beside one of when others were in it", async () => {
  const { segments } = world.nodes.bank;
  const definition = { kind: "tier" as const, key: "marketing:joint", values: ["yes"] };
  await segments.define({ name: "tagged", dataset: "customers", definition }, "Ada");
  const agreement = await world.agree({ floors: { group: 4, result: 5 } }, ["list", "overlap-report"]);
  expect(await world.outcome(agreement, [{ segment: "tagged" }])).toBe("done");
  expect((await world.ran(requestOf({ agreement, filter: "city = 'Lhasa'" }))).state).toBe("done");
  expect(await world.outcome(agreement, [{ segment: "tagged" }])).toBe("POLICY_DIFFERENCE");
  expect(await world.outcome(agreement)).toBe("POLICY_DIFFERENCE");
});

test("a report that waited for a person sees those that have run meanwhile", async () => {
  const agreement = await world.agree();
  const { operations } = withApproval("every-run", "automatic") as { operations: { operation: string }[] };
  const outputs = ["overlap-report"];
  const waiting = await world.agree({
    operations: operations.map((item) => ({ ...item, ...(item.operation === "audience" && { outputs }) })),
  });
  const below = (bound: number): By => [{ column: "balance", bounds: [bound] }];
  const { jobId } = await begin(world.nodes, reportWish(waiting, below(490)));
  await world.run(agreement, below(500));
  await decideJob(world.nodes.bank.connected, { jobId, isApproved: true, person: STEWARD });
  const job = await untilEnded(world.nodes.bank, jobId);
  expect(job.state).toBe("done");
  expect(shownIn(job).map(([, , overlap]) => overlap)).toEqual([null, null, null]);
});

test("a report is erased when its time has come", async () => {
  const { jobId } = await world.run(await world.agree({ retention: { resultDays: 2 } }));
  const { connected, book } = world.nodes.bank;
  world.times.both(world.times.aheadMs.bank + DAY_MS);
  await forgetOldResults(connected);
  expect((await book.require(jobId)).summary).toHaveProperty("report");
  world.times.both(world.times.aheadMs.bank + 2 * DAY_MS);
  await forgetOldResults(connected);
  expect(Object.keys((await book.require(jobId)).summary ?? {}).sort()).toEqual([
    "bytesReceived",
    "bytesSent",
    "seconds",
  ]);
});

describe("withheld", () => {
  test("is a report of fewer than the result floor: nothing is shown, and the bureau sees what it sees of any", async () => {
    const agreement = await world.agree({ floors: { result: 501 } });
    const shown = await world.agree({ floors: { result: 500 } });
    const job = await world.run(agreement);
    expect(job).toMatchObject({ state: "done", withheld: true });
    expect(Object.keys(job.summary ?? {}).sort()).toEqual(["bytesReceived", "bytesSent", "seconds"]);
    const bureau = await world.nodes.ended(world.nodes.bureau, job.jobId);
    expect(bureau).toMatchObject({ state: "done", withheld: false });
    world.times.nextEpoch(EPOCH_DAYS);
    expect((await world.run(shown)).withheld).toBe(false);
  });
});
