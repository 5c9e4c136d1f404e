/** Attacks that take many runs: each is tried one run below the limit, at it, and above it. */
import { describe, expect, test } from "vitest";
import type { PartnerView, ViewColumn } from "../../proto/model/partner-view.ts";
import { approvalNeeded } from "../../proto/policy/approval.ts";
import { budgetOf } from "../../proto/policy/budget.ts";
import { columnsPerScore, featureBits } from "../../proto/policy/feature-bits.ts";
import type { ChargedRun } from "../../proto/policy/history.ts";
import type { JobRequest } from "../../proto/policy/rules.ts";
import {
  AGREEMENT,
  AUDIENCE,
  agreed,
  DAY_MS,
  EPOCH_START_MS,
  inputsOf,
  NOW_MS,
  RATE,
  refusal,
  runOf,
  runsOf,
  SCORE,
  version,
} from "../support/policy-world.ts";

const OLD = { at: EPOCH_START_MS };

describe("attack: the same job again and again", () => {
  test.each([
    [0, undefined],
    [18, undefined],
    [19, undefined],
    [20, "POLICY_RUNS_EPOCH"],
    [21, "POLICY_RUNS_EPOCH"],
    [1000, "POLICY_RUNS_EPOCH"],
  ])("after %i runs in the epoch", (count, code) => {
    expect(refusal(AUDIENCE, runsOf(count, AUDIENCE, OLD))).toBe(code);
  });

  test.each([
    [4, undefined],
    [5, "POLICY_RUNS_DAY"],
    [6, "POLICY_RUNS_DAY"],
  ])("after %i runs in a day", (count, code) => {
    expect(refusal(AUDIENCE, runsOf(count, AUDIENCE))).toBe(code);
  });

  test("twenty-one times, four a day: twenty run", () => {
    const history: ChargedRun[] = [];
    const codes = Array.from({ length: 21 }, (_, i) => {
      const nowMs = EPOCH_START_MS + Math.floor(i / 4) * DAY_MS + (i % 4);
      const job = { ...AUDIENCE, jobId: i.toString(16).padStart(32, "0") };
      const code = refusal(job, history, { nowMs });
      if (code === undefined) history.push(runOf(AUDIENCE, { jobId: job.jobId, at: nowMs }));
      return code;
    });
    expect(codes).toEqual([...Array.from({ length: 20 }, () => undefined), "POLICY_RUNS_EPOCH"]);
  });

  test("both limits tell runs, this one included, and the limit", () => {
    expect(inputsOf("POLICY_RUNS_EPOCH", AUDIENCE, runsOf(20, AUDIENCE, OLD))).toEqual({ runs: 21, limit: 20 });
    expect(inputsOf("POLICY_RUNS_DAY", AUDIENCE, runsOf(3, AUDIENCE))).toEqual({ runs: 4, limit: 5 });
  });

  test("a failed run stays charged, a run under an earlier version of the agreement too, a score as an audience", () => {
    const spent = { ...OLD, completed: false, failed: true, agreement: "ab".repeat(32) };
    expect(refusal(AUDIENCE, runsOf(20, SCORE, spent))).toBe("POLICY_RUNS_EPOCH");
  });

  test("what is of another pair or direction does not count", () => {
    for (const other of [
      { receiver: "bureau", provider: "bank" },
      { receiverDataset: "staff" },
      { providerDataset: "salaries" },
    ])
      expect(refusal(AUDIENCE, runsOf(20, AUDIENCE, other))).toBeUndefined();
  });
});

describe("epochs and days", () => {
  test("an epoch is a fixed grid: its first millisecond counts, the one before does not", () => {
    expect(refusal(AUDIENCE, runsOf(20, AUDIENCE, { at: EPOCH_START_MS }))).toBe("POLICY_RUNS_EPOCH");
    expect(refusal(AUDIENCE, runsOf(20, AUDIENCE, { at: EPOCH_START_MS - 1 }))).toBeUndefined();
    const end = EPOCH_START_MS + 30 * DAY_MS;
    const history = runsOf(20, AUDIENCE, OLD);
    expect(refusal(AUDIENCE, history, { nowMs: end - 1 })).toBe("POLICY_RUNS_EPOCH");
    expect(refusal(AUDIENCE, history, { nowMs: end })).toBeUndefined();
  });

  test("a day is the last 24 hours, over an epoch's end too", () => {
    const at = (ms: number) => runsOf(5, AUDIENCE, { at: ms });
    expect(refusal(AUDIENCE, at(NOW_MS - DAY_MS))).toBe("POLICY_RUNS_DAY");
    expect(refusal(AUDIENCE, at(NOW_MS - DAY_MS - 1))).toBeUndefined();
    expect(refusal(AUDIENCE, at(EPOCH_START_MS - 1), { nowMs: EPOCH_START_MS })).toBe("POLICY_RUNS_DAY");
  });

  test("attack: the clock set back, into the epoch before", () => {
    const history = runsOf(20, AUDIENCE);
    for (const nowMs of [NOW_MS - 2 * DAY_MS, EPOCH_START_MS - 1, EPOCH_START_MS - 90 * DAY_MS])
      expect(refusal(AUDIENCE, history, { nowMs })).toBe("POLICY_RUNS_EPOCH");
    expect(refusal(AUDIENCE, runsOf(5, AUDIENCE), { nowMs: NOW_MS - 60 * DAY_MS })).toBe("POLICY_RUNS_DAY");
  });
});

describe("a job that is asked about again", () => {
  const jobId = AUDIENCE.jobId as string;
  const own = runOf(AUDIENCE, { jobId, completed: false });

  test("does not count against itself, at the limit", () => {
    const history = [...runsOf(4, AUDIENCE), own];
    expect(refusal(AUDIENCE, history)).toBeUndefined();
    expect(inputsOf("POLICY_RUNS_DAY", AUDIENCE, history)).toEqual({ runs: 5, limit: 5 });
  });

  test("is counted as when it was charged: later runs and a new epoch change nothing", () => {
    const history = [...runsOf(4, AUDIENCE), own, ...runsOf(10, AUDIENCE)];
    for (const nowMs of [NOW_MS, NOW_MS + 26 * 3_600_000, NOW_MS + 30 * DAY_MS])
      expect(refusal(AUDIENCE, history, { nowMs })).toBeUndefined();
  });

  test("and what was charged before it still counts, for as long as it may run", () => {
    for (const nowMs of [NOW_MS, NOW_MS + 26 * 3_600_000])
      expect(refusal(AUDIENCE, [...runsOf(5, AUDIENCE), own], { nowMs })).toBe("POLICY_RUNS_DAY");
  });
});

describe("attack: one model version twice over the same data", () => {
  const provider = { ...SCORE, role: "provider" as const };

  test("one run, and no second", () => {
    expect(refusal(SCORE)).toBeUndefined();
    for (const job of [SCORE, provider]) expect(refusal(job, [runOf(SCORE)])).toBe("POLICY_SCORE_REPEATED");
    const three = agreed({ budgets: { scoresPerModelVersion: 3 } });
    expect(refusal(SCORE, runsOf(2, SCORE), {}, three)).toBeUndefined();
    expect(refusal(SCORE, runsOf(3, SCORE), {}, three)).toBe("POLICY_SCORE_REPEATED");
  });

  test.each<[string, Partial<ChargedRun>]>([
    ["another version of the receiver's dataset", { receiverVersion: version(7) }],
    ["another version of the provider's dataset", { providerVersion: version(7) }],
    ["an earlier epoch", { at: EPOCH_START_MS - 1 }],
    ["a run that failed before its receipt", { completed: false, failed: true }],
  ])("%s is another run", (_what, change) => {
    for (const job of [SCORE, provider]) expect(refusal(job, [runOf(SCORE, change)])).toBeUndefined();
  });

  test("a run that goes on counts at the provider: two at once are one too many", () => {
    const running = [runOf(SCORE, { completed: false })];
    expect(refusal(provider, running)).toBe("POLICY_SCORE_REPEATED");
    expect(refusal(SCORE, running)).toBeUndefined();
  });

  test("while the provider's version is not known it passes, and is asked again; an unknown one of old counts", () => {
    const { providerVersion: _, ...unknown } = SCORE;
    expect(refusal(unknown, [runOf(SCORE)])).toBeUndefined();
    const { providerVersion: __, ...old } = runOf(SCORE);
    expect(refusal(SCORE, [old])).toBe("POLICY_SCORE_REPEATED");
  });
});

describe("attack: one-hot weights, a column at a time, under new model versions", () => {
  /** d = 6 feature columns, clips of 12 bits: 3 columns a score. */
  const attack = (d: number, changes: Partial<JobRequest> = {}, under = AGREEMENT): (string | undefined)[] => {
    const history: ChargedRun[] = [];
    return Array.from({ length: d }, (_, i) => {
      const job = { ...SCORE, jobId: version(i).slice(32), modelVersion: version(100 + i), ...changes };
      const code = refusal(job, history, {}, under);
      if (code === undefined) history.push(runOf(job, { jobId: job.jobId, at: EPOCH_START_MS }));
      return code;
    });
  };
  const refused = (n: number) => Array.from({ length: n }, () => "POLICY_MODEL_VERSIONS");

  test("six columns of 12 bits: one version, not two, in an epoch", () => {
    expect(attack(6)).toEqual([undefined, ...refused(5)]);
    expect(inputsOf("POLICY_MODEL_VERSIONS", { ...SCORE, modelVersion: version(2) }, [runOf(SCORE)])).toEqual({
      versions: 2,
      carried: 6,
      columns: 6,
    });
  });

  test.each([
    [1, 0],
    [5, 0],
    [6, 0],
    [7, 1],
    [8, 1],
    [15, 1],
    [16, 2],
  ])("features of %i bits: %i versions of six columns", (bits, allowed) => {
    const codes = attack(6, { featureBits: bits });
    expect(codes).toEqual([...Array.from({ length: allowed }, () => undefined), ...refused(6 - allowed)].slice(0, 6));
  });

  test("the same version again uses up nothing; versions of another operation or epoch do not count", () => {
    const many = agreed({ budgets: { scoresPerModelVersion: 10 } });
    expect(refusal(SCORE, runsOf(4, SCORE), {}, many)).toBeUndefined();
    const other = { ...SCORE, modelVersion: version(9) };
    expect(refusal(other, [runOf(AUDIENCE, { modelVersion: version(3) })])).toBeUndefined();
    expect(refusal(other, [runOf(SCORE, { at: EPOCH_START_MS - 1 })])).toBeUndefined();
  });

  test("a version that was of narrower features counts for what it could carry, failed or not", () => {
    const job = { ...SCORE, modelVersion: version(2), featureBits: 16 };
    const coarse = { featureBits: 16, completed: false, failed: true };
    expect(refusal(job, [runOf(SCORE, coarse)])).toBeUndefined();
    expect(refusal(job, [runOf(SCORE, { ...coarse, featureBits: 8 })])).toBe("POLICY_MODEL_VERSIONS");
    const twice = [runOf(SCORE, { ...coarse, featureBits: 5 }), runOf(SCORE, coarse)];
    expect(refusal({ ...SCORE, featureBits: 16 }, twice)).toBe("POLICY_MODEL_VERSIONS");
    const { featureBits: _, ...untold } = runOf(SCORE);
    expect(refusal({ ...job, featureBits: 12 }, [untold])).toBe("POLICY_MODEL_VERSIONS");
  });

  test("an agreed number of versions takes the rule's place", () => {
    const two = agreed({ budgets: { modelVersionsPerEpoch: 2 } });
    expect(attack(6, {}, two)).toEqual([undefined, undefined, ...refused(4)]);
    expect(attack(6, { featureBits: 1 }, two)).toEqual([undefined, undefined, ...refused(4)]);
  });

  test("a score that does not tell its version or its bits is refused", () => {
    const { modelVersion: _, ...anonymous } = SCORE;
    const { featureBits: __, ...vague } = SCORE;
    for (const job of [anonymous, vague]) expect(refusal(job)).toBe("POLICY_MODEL_VERSIONS");
  });

  test("bits of a view are those of its narrowest clip, rounded down", () => {
    const view = (...clips: [number, number][]) =>
      linear(clips.map((clip, i) => ({ kind: "number" as const, column: `c${i}`, clip, missing: 0 })));
    // 4097, 257 and 2 values; 32 bits carry 12-, 8- and 1-bit features 3, 4 and 32 at a time.
    expect(featureBits(view([-8, 8]))).toBe(12);
    expect(featureBits(view([-8, 8], [0, 1]))).toBe(8);
    expect(featureBits(view([0, 1 / 256]))).toBe(1);
    expect(featureBits(view([0, 1e-9]))).toBe(1);
    expect(featureBits(view([-128, 127.996]))).toBe(16);
    expect([16, 12, 8, 1].map(columnsPerScore)).toEqual([2, 3, 4, 32]);
  });

  test("a column in bins has as many values as bins, one in trees one more than thresholds, and one where missing", () => {
    // 3 intervals and missing; 2 categories, any other, and missing: 4 values each.
    expect(featureBits(linear([{ kind: "intervals", column: "a", edges: [0, 1] }]))).toBe(2);
    expect(featureBits(linear([{ kind: "categories", column: "a", categories: [[1], [2]] }]))).toBe(2);
    const tree = (...threshold: number[]) => {
      const feature = threshold.map(() => 0);
      return { feature, threshold, left: [], right: [], missing: [] };
    };
    const common = {
      format: "entente-model-view/1",
      commitment: "00".repeat(32),
      comparison: "float32-below",
    } as const;
    const trees = { ...common, kind: "trees", columns: ["a"], trees: [tree(1, 2, 3), tree(2, 3, 4, 5, 6)] } as const;
    // 6 thresholds, 7 ranges, and missing.
    expect(featureBits(trees as unknown as PartnerView)).toBe(3);
  });
});

function linear(columns: readonly ViewColumn[]): PartnerView {
  return { format: "entente-model-view/1", kind: "linear", commitment: "00".repeat(32), columns: [...columns] };
}

describe("aggregate outputs", () => {
  test.each([
    [3, undefined],
    [4, undefined],
    [5, "POLICY_DATASET_VERSIONS"],
    [6, "POLICY_DATASET_VERSIONS"],
  ])("attack: a dataset registered anew for each question, after %i versions", (count, code) => {
    const history = Array.from({ length: count }, (_, i) => runOf(RATE, { ...OLD, receiverVersion: version(50 + i) }));
    expect(refusal(RATE, history)).toBe(code);
    // A version that was asked about already uses up nothing.
    expect(refusal({ ...RATE, receiverVersion: version(50) }, history.slice(0, 5))).toBeUndefined();
  });

  test("a list is no aggregate, nor does it use up versions", () => {
    const history = Array.from({ length: 9 }, (_, i) => runOf(AUDIENCE, { ...OLD, receiverVersion: version(50 + i) }));
    expect(refusal(RATE, history)).toBeUndefined();
    expect(
      refusal(
        AUDIENCE,
        history.map((run) => ({ ...run, output: "match-rate" as const })),
      ),
    ).toBeUndefined();
  });

  test("one whose dataset's version nobody tells is refused", () => {
    const { receiverVersion: _, ...untold } = RATE;
    expect(refusal(untold)).toBe("POLICY_DATASET_VERSIONS");
  });

  test.each([
    [undefined, undefined],
    [Number.POSITIVE_INFINITY, undefined],
    [0, undefined],
    [1, "POLICY_DIFFERENCE"],
    [2, "POLICY_DIFFERENCE"],
    [49, "POLICY_DIFFERENCE"],
    [50, undefined],
    [51, undefined],
  ])("attack: an input that differs by %s people from an earlier one", (difference, code) => {
    const facts = difference === undefined ? {} : { difference };
    expect(refusal(RATE, [], facts)).toBe(code);
    // Each node of its own lists: at the provider of its segments.
    expect(refusal({ ...RATE, role: "provider" }, [], facts)).toBe(code);
    // A list that is shown person by person is not guarded.
    expect(refusal(AUDIENCE, [], facts)).toBeUndefined();
  });
});

describe("budgetOf", () => {
  const [audience, score] = AGREEMENT.document.operations as [
    (typeof AGREEMENT.document.operations)[number],
    (typeof AGREEMENT.document.operations)[number],
  ];

  test("of nothing", () => {
    expect(budgetOf(AGREEMENT, audience, [], NOW_MS)).toEqual({
      runsInEpoch: 0,
      runsPerEpoch: 20,
      runsToday: 0,
      runsPerDay: 5,
      modelVersions: 0,
      modelVersionsAllowed: 0,
      datasetVersions: 0,
      datasetVersionsAllowed: 5,
      epochEndsAt: EPOCH_START_MS + 30 * DAY_MS,
    });
    expect(budgetOf(AGREEMENT, score, [], NOW_MS)).toMatchObject({
      modelVersionsAllowed: 1,
      datasetVersionsAllowed: 0,
    });
  });

  test("counts what the rules count", () => {
    const history = [...runsOf(3, AUDIENCE), ...runsOf(2, RATE, OLD), runOf(SCORE, OLD)];
    expect(budgetOf(AGREEMENT, audience, history, NOW_MS)).toMatchObject({
      runsInEpoch: 6,
      runsToday: 3,
      datasetVersions: 1,
      modelVersions: 0,
    });
    expect(budgetOf(AGREEMENT, score, history, NOW_MS)).toMatchObject({ runsInEpoch: 6, modelVersions: 1 });
  });

  test("allows as many model versions as the rule does, at every width", () => {
    for (let bits = 1; bits <= 16; bits++) {
      const { modelVersionsAllowed } = budgetOf(AGREEMENT, score, [], NOW_MS, bits);
      const versionsRun = (count: number) =>
        Array.from({ length: count }, (_, i) =>
          runOf({ ...SCORE, featureBits: bits }, { modelVersion: version(60 + i), ...OLD }),
        );
      const job = { ...SCORE, featureBits: bits };
      expect(refusal(job, versionsRun(modelVersionsAllowed)), `${bits}`).toBe("POLICY_MODEL_VERSIONS");
      if (modelVersionsAllowed > 0) expect(refusal(job, versionsRun(modelVersionsAllowed - 1))).toBeUndefined();
    }
    const seven = agreed({ budgets: { modelVersionsPerEpoch: 7 } });
    expect(budgetOf(seven, score, [], NOW_MS).modelVersionsAllowed).toBe(7);
  });
});

describe("approvals", () => {
  const under = (provider: string, receiver = "automatic") =>
    agreed({
      operations: AGREEMENT.document.operations.map((item) => ({ ...item, approval: { receiver, provider } })),
    });
  const provider = { ...AUDIENCE, role: "provider" as const };

  test("automatic and every-run", () => {
    expect(approvalNeeded(under("automatic"), provider, [])).toBe(false);
    const every = under("every-run");
    expect(approvalNeeded(every, provider, [runOf(AUDIENCE, { agreement: every.digest })])).toBe(true);
  });

  test("is of the node that asks: the other's mode says nothing", () => {
    const strict = under("every-run", "automatic");
    expect([approvalNeeded(strict, AUDIENCE, []), approvalNeeded(strict, provider, [])]).toEqual([false, true]);
  });

  test("first-run: until one of this operation under this very agreement has completed", () => {
    const first = under("first-run");
    const needed = (change: Partial<ChargedRun> = {}) =>
      approvalNeeded(first, provider, [runOf(AUDIENCE, { agreement: first.digest, ...change })]);
    expect(approvalNeeded(first, provider, [])).toBe(true);
    expect(needed()).toBe(false);
    expect(needed({ completed: false })).toBe(true);
    expect(needed({ agreement: AGREEMENT.digest })).toBe(true);
    expect(needed({ operation: "score" })).toBe(true);
    expect(needed({ providerDataset: "salaries" })).toBe(true);
    expect(needed({ jobId: provider.jobId as string })).toBe(true);
  });

  test("first-run: with columns in clear until one has completed that released at least those", () => {
    const first = under("first-run");
    const needed = (asked: string[] | undefined, released: string[] | undefined) =>
      approvalNeeded(first, { ...provider, releasedColumns: asked }, [
        runOf(AUDIENCE, { agreement: first.digest, releasedColumns: released }),
      ]);
    expect(needed(["city"], undefined)).toBe(true);
    expect(needed(["city"], ["has_car"])).toBe(true);
    expect(needed(["city", "has_car"], ["city"])).toBe(true);
    expect(needed(["city"], ["has_car", "city"])).toBe(false);
    expect(needed(undefined, ["city"])).toBe(false);
  });

  test("first-run: of a report until one has completed that had at least as many groups", () => {
    const first = under("first-run");
    const report = { ...provider, output: "overlap-report" as const, tagDays: null };
    const needed = (groups: number, before: number | undefined) =>
      approvalNeeded(first, { ...report, groups }, [runOf(report, { agreement: first.digest, groups: before })]);
    expect([needed(2, undefined), needed(200, 2), needed(3, 2)]).toEqual([true, true, true]);
    expect([needed(2, 2), needed(1, 2)]).toEqual([false, false]);
  });

  test("what was not agreed is nobody's to wave through", () => {
    expect(approvalNeeded(AGREEMENT, { ...provider, providerDataset: "salaries" }, [])).toBe(true);
  });
});
