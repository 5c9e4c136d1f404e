/** What must hold of policy whatever the history: more of it never allows more. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { budgetOf } from "../../proto/policy/budget.ts";
import type { ChargedRun } from "../../proto/policy/history.ts";
import { decide, type JobRequest } from "../../proto/policy/rules.ts";
import { DifferenceSketch, differenceBelow } from "../../proto/policy/sketch.ts";
import {
  AGREEMENT,
  AUDIENCE,
  agreed,
  DAY_MS,
  FACTS,
  NOW_MS,
  RATE,
  refusal,
  runOf,
  SCORE,
  version,
} from "../support/policy-world.ts";

const jobs = fc.constantFrom<JobRequest[]>(AUDIENCE, RATE, SCORE, { ...SCORE, role: "provider" });
const runs: fc.Arbitrary<ChargedRun> = fc
  .record({
    of: jobs,
    agoMs: fc.integer({ min: -10 * DAY_MS, max: 40 * DAY_MS }),
    ended: fc.constantFrom("completed", "failed", "running"),
    n: fc.integer({ min: 1, max: 6 }),
  })
  .map(({ of, agoMs, ended, n }) =>
    runOf(of, {
      at: NOW_MS - agoMs,
      completed: ended === "completed",
      failed: ended === "failed",
      receiverVersion: version(n),
      ...(of.operation === "score" ? { modelVersion: version(n) } : {}),
    }),
  );
const histories = fc.array(runs, { maxLength: 30 });

test("a run more in the history, wherever, never allows what was refused", () => {
  fc.assert(
    fc.property(jobs, histories, runs, fc.nat(), (job, history, added, at) => {
      const failed = (runsThere: readonly ChargedRun[]) =>
        decide(AGREEMENT, job, runsThere, FACTS)
          .rules.filter((rule) => rule.outcome === "failed")
          .map((rule) => rule.code);
      const more = history.toSpliced(at % (history.length + 1), 0, added);
      expect(failed(more)).toEqual(expect.arrayContaining(failed(history)));
    }),
    { numRuns: 300 },
  );
});

test("a clock set back, however far, never allows what was refused for a budget", () => {
  const budgetCodes = ["POLICY_RUNS_EPOCH", "POLICY_RUNS_DAY", "POLICY_SCORE_REPEATED", "POLICY_MODEL_VERSIONS"];
  const old = agreed({ validFrom: "2020-01-01T00:00:00.000Z" });
  fc.assert(
    fc.property(jobs, histories, fc.integer({ min: 0, max: 400 * DAY_MS }), (job, history, backMs) => {
      // What is refused now must stay refused at any earlier time.
      const failed = (nowMs: number) =>
        decide(old, job, history, { ...FACTS, nowMs })
          .rules.filter((rule) => rule.outcome === "failed" && budgetCodes.includes(rule.code))
          .map((rule) => rule.code);
      expect(failed(NOW_MS - backMs)).toEqual(expect.arrayContaining(failed(NOW_MS)));
    }),
    { numRuns: 300 },
  );
});

test("budgetOf says that a run is left exactly when the rules of runs allow one", () => {
  const [audience] = AGREEMENT.document.operations;
  if (audience === undefined) throw new Error("no operation");
  fc.assert(
    fc.property(histories, (history) => {
      const budget = budgetOf(AGREEMENT, audience, history, NOW_MS);
      const isLeft = budget.runsInEpoch < budget.runsPerEpoch && budget.runsToday < budget.runsPerDay;
      expect(refusal(AUDIENCE, history) === undefined).toBe(isLeft);
    }),
    { numRuns: 200 },
  );
});

test("attack: the list with one person removed, one added, 49 exchanged; one of the same list, and one of 50 others, run", () => {
  const hashOf = (n: number) => createHash("sha256").update(`guarded ${n}`).digest().subarray(0, 16);
  const listOf = (from: number, to: number) => {
    const sketch = new DifferenceSketch();
    for (let n = from; n < to; n++) sketch.add(hashOf(n));
    return sketch;
  };
  const before = listOf(0, 1200);
  const asked = (from: number, to: number) => {
    const difference = differenceBelow(before, listOf(from, to), AGREEMENT.document.budgets.smallestDifference);
    return refusal(RATE, [runOf(RATE)], difference === undefined ? {} : { difference });
  };
  expect([asked(1, 1200), asked(0, 1199), asked(0, 1201), asked(24, 1225)]).toEqual(Array(4).fill("POLICY_DIFFERENCE"));
  expect([asked(0, 1200), asked(0, 1250), asked(50, 1200), asked(25, 1225)]).toEqual(Array(4).fill(undefined));
});
