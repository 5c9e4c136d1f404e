/** Attacks on the numbers of runs: the same job once more than agreed, and several at once for the last one. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { Digest } from "../../proto/ids.ts";
import { range } from "../support/people.ts";
import {
  chargedRuns,
  DAY_MS,
  ignorePolicy,
  outcomeAtBank,
  smallAgreement,
  startWithLists,
  Times,
} from "../support/policy-nodes.ts";
import type { TwoNodes } from "../support/two-nodes.ts";

/** By default. */
const EPOCH_DAYS = 30;
const times = new Times();
let nodes: TwoNodes;
let titles = 0;

beforeAll(async () => {
  ({ nodes } = await startWithLists(times, { bankColumns: {} }));
});
beforeEach(() => times.nextEpoch(EPOCH_DAYS));
afterEach(() => vi.restoreAllMocks());
afterAll(() => nodes.close());

function agree(budgets: Record<string, unknown>): Promise<Digest> {
  return nodes.agree(smallAgreement({ title: `Budgets ${++titles}`, budgets }));
}

test("the same job twenty-one times: the last is refused, by the defaults", async () => {
  const agreement = await agree({ runsPerDay: 1000 });
  for (const run of range(1, 21)) expect([run, await outcomeAtBank(nodes, { agreement })]).toEqual([run, "done"]);
  const before = await chargedRuns(nodes.bureau);
  expect(await outcomeAtBank(nodes, { agreement })).toBe("POLICY_RUNS_EPOCH");
  // Under another agreement between the two it is the same budget.
  const other = await agree({ runsPerDay: 1000 });
  expect(await outcomeAtBank(nodes, { agreement: other })).toBe("POLICY_RUNS_EPOCH");
  ignorePolicy(nodes.bank);
  expect(await outcomeAtBank(nodes, { agreement })).toBe("POLICY_RUNS_EPOCH");
  expect(await chargedRuns(nodes.bureau)).toBe(before);
});

test("the sixth run of a day is refused, at the bureau's node too, and allowed a day later", async () => {
  const agreement = await agree({});
  for (const run of range(1, 6)) expect([run, await outcomeAtBank(nodes, { agreement })]).toEqual([run, "done"]);
  expect(await outcomeAtBank(nodes, { agreement })).toBe("POLICY_RUNS_DAY");
  ignorePolicy(nodes.bank);
  expect(await outcomeAtBank(nodes, { agreement })).toBe("POLICY_RUNS_DAY");
  vi.restoreAllMocks();
  times.both(times.aheadMs.bank + DAY_MS + 60_000);
  expect(await outcomeAtBank(nodes, { agreement })).toBe("done");
});

test.each([
  ["the bank's", 2],
  ["the bureau's", 4],
] as const)("several at once cannot all take the last run, by %s node", async (decides, jobs) => {
  const agreement = await agree({ runsPerEpoch: 1 });
  if (decides === "the bureau's") ignorePolicy(nodes.bank);
  const all = await Promise.all(range(0, jobs).map(() => outcomeAtBank(nodes, { agreement })));
  expect(all.sort()).toEqual([...Array(jobs - 1).fill("POLICY_RUNS_EPOCH"), "done"]);
});
