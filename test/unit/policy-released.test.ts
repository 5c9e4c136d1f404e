/** What has been handed over so far, folded from a log and counted by peer, agreement and operation. */
import { describe, expect, test } from "vitest";
import type { ParsedStatement } from "../../proto/evidence/statements.ts";
import { newInJob } from "../../proto/policy/approval.ts";
import { applyToOutcomes, type RunOutcome } from "../../proto/policy/outcomes.ts";
import { releasedBy } from "../../proto/policy/released.ts";
import { AUDIENCE, NOW_MS, RATE, runOf, SCORE, version } from "../support/policy-world.ts";

const at = (hours: number) => new Date(NOW_MS + hours * 3_600_000).toISOString();

function outcomesOf(...entries: { event: string; jobId: string; at: string; [field: string]: unknown }[]) {
  const outcomes = new Map<string, RunOutcome>();
  for (const { event, ...predicate } of entries)
    applyToOutcomes(outcomes, { event, statement: { predicate } } as unknown as ParsedStatement);
  return outcomes;
}

describe("what has been released", () => {
  const listed = runOf(AUDIENCE, { releasedColumns: ["has_car"] });
  const again = runOf(AUDIENCE, { releasedColumns: ["city"], providerSegment: { name: "cars", version: 2 } });
  const rated = runOf(RATE);
  const failed = runOf(AUDIENCE, { failed: true, completed: false, releasedColumns: ["secret"] });
  const scored = runOf(SCORE);
  const runs = [listed, again, rated, failed, scored];
  const outcomes = outcomesOf(
    { event: "approval", jobId: listed.jobId, decision: "approved", approver: "ab", at: at(0) },
    { event: "approval", jobId: failed.jobId, decision: "declined", approver: "ab", at: at(0) },
    { event: "gate-key-released", jobId: listed.jobId, at: at(1) },
    { event: "gate-key-released", jobId: again.jobId, at: at(3) },
    { event: "gate-key-released", jobId: rated.jobId, at: at(2) },
    { event: "gate-key-released", jobId: scored.jobId, at: at(5) },
  );

  test("is counted by operation, the latest first; what was not handed over gives no column and no segment", () => {
    const [score, audience, ...others] = releasedBy("bureau", runs, outcomes);
    expect(others).toEqual([]);
    expect(score).toMatchObject({ operation: "score", outputs: { score: 1 }, released: 1, columnsInClear: [] });
    expect(audience).toMatchObject({
      ...{ operation: "audience", direction: "given", peer: "bank", outputs: { list: 2, "match-rate": 1 } },
      ...{ released: 3, notReleased: 1, withheld: null, approved: 1 },
      ...{ columnsInClear: ["city", "has_car"], segments: ["cars"] },
      ...{ firstAt: Date.parse(at(1)), lastAt: Date.parse(at(3)) },
    });
  });

  test("is received at the other side, which alone knows what was withheld", () => {
    const seen = outcomesOf(
      { event: "opened", jobId: listed.jobId, at: at(1) },
      { event: "withheld", jobId: again.jobId, at: at(2) },
    );
    expect(releasedBy("bank", [listed, again], seen)).toMatchObject([
      { direction: "received", peer: "bureau", released: 1, notReleased: 0, withheld: 1, columnsInClear: ["has_car"] },
    ]);
  });

  test("is apart by agreement, and nothing at all of no run", () => {
    const other = runOf(AUDIENCE, { agreement: version(9) });
    expect(releasedBy("bureau", [listed, other], outcomes).map(({ released }) => released)).toEqual([1, 0]);
    expect(releasedBy("bureau", [], outcomes)).toEqual([]);
  });
});

describe("what is new in a job", () => {
  test.each([
    ["the first of all", AUDIENCE, [], ["first"]],
    ["the first that completes", AUDIENCE, [runOf(AUDIENCE, { completed: false })], ["first"]],
    ["the first of its operation", SCORE, [runOf(AUDIENCE)], ["first"]],
    ["the same again, under an earlier version", AUDIENCE, [runOf(AUDIENCE, { agreement: version(9) })], []],
    ["another output", RATE, [runOf(AUDIENCE)], ["output"]],
    [
      "a column more",
      { ...AUDIENCE, releasedColumns: ["a", "b"] },
      [runOf(AUDIENCE, { releasedColumns: ["a"] })],
      ["columns"],
    ],
    [
      "columns of two runs",
      { ...AUDIENCE, releasedColumns: ["a", "b"] },
      [runOf(AUDIENCE, { releasedColumns: ["a"] }), runOf(AUDIENCE, { releasedColumns: ["b"] })],
      [],
    ],
    ["another segment", { ...AUDIENCE, providerSegment: { name: "cars", version: 2 } }, [runOf(AUDIENCE)], ["segment"]],
    ["another model", { ...SCORE, modelVersion: version(8) }, [runOf(SCORE)], ["model"]],
    [
      "more groups",
      { ...RATE, output: "overlap-report" as const, groups: 9 },
      [runOf({ ...RATE, output: "overlap-report" }, { groups: 8 })],
      ["groups"],
    ],
  ])("%s", (_what, job, history, news) => {
    expect(newInJob(job, history)).toEqual(news);
  });

  test("is not told by the job itself", () => {
    expect(newInJob(AUDIENCE, [runOf(AUDIENCE, { jobId: AUDIENCE.jobId as string })])).toEqual(["first"]);
  });
});
