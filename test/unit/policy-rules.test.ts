import { describe, expect, test } from "vitest";
import { decide, isReleasable, type JobRequest, type PolicyFacts } from "../../proto/policy/rules.ts";
import { AGREEMENT, AUDIENCE, agreed, FACTS, inputsOf, RATE, refusal, runsOf, SCORE } from "../support/policy-world.ts";

const CODES = [
  "AGREEMENT_EXPIRED",
  "AGREEMENT_REVOKED",
  "AGREEMENT_SUPERSEDED",
  "POLICY_GATED",
  "POLICY_OPERATION",
  "POLICY_DATASET",
  "POLICY_SEGMENT",
  "POLICY_OUTPUT",
  "POLICY_PURPOSE",
  "POLICY_RETENTION",
  "POLICY_INPUT_FLOOR",
  "POLICY_SIZE_RATIO",
  "POLICY_RUNS_EPOCH",
  "POLICY_RUNS_DAY",
  "POLICY_SCORE_REPEATED",
  "POLICY_MODEL_VERSIONS",
  "POLICY_DATASET_VERSIONS",
  "POLICY_DIFFERENCE",
];

describe("a decision", () => {
  test.each<[string, JobRequest]>([
    ["an audience", AUDIENCE],
    ["a match rate", RATE],
    ["a score", SCORE],
    ["a score, at the provider", { ...SCORE, role: "provider" }],
  ])("of %s that is agreed: allowed, with every rule's outcome in order", (_what, job) => {
    const { rules, refusedBy } = decide(AGREEMENT, job, [], FACTS);
    expect(refusedBy).toBeUndefined();
    expect(rules.map((rule) => [rule.code, rule.outcome])).toEqual(CODES.map((code) => [code, "passed"]));
  });

  test("that refuses names the first rule that failed; the others are evaluated all the same", () => {
    const job = { ...AUDIENCE, providerDataset: "x", purpose: "curiosity" };
    const { refusedBy, rules } = decide(AGREEMENT, job, [], { ...FACTS, ownRows: 0 });
    expect(refusedBy).toBe("POLICY_DATASET");
    expect(rules.filter((rule) => rule.outcome === "failed").map((rule) => rule.code)).toEqual([
      "POLICY_DATASET",
      "POLICY_OUTPUT",
      "POLICY_PURPOSE",
      "POLICY_INPUT_FLOOR",
    ]);
  });

  test("records counts that both sides may know: whole, not negative, and never this node's exact size", () => {
    const ownRows = 21_480;
    for (const job of [AUDIENCE, RATE, SCORE, { ...SCORE, role: "provider" as const }]) {
      const facts: PolicyFacts = { ...FACTS, ownRows, peerMaxRows: 25_268, difference: 77 };
      for (const { inputs } of decide(AGREEMENT, job, runsOf(3, job), facts).rules)
        for (const [name, value] of Object.entries(inputs)) {
          expect(name).toMatch(/^[a-zA-Z]{1,40}$/);
          expect(Number.isInteger(value) && value >= 0, name).toBe(true);
          expect([ownRows, 77]).not.toContain(value);
        }
    }
    expect(inputsOf("POLICY_INPUT_FLOOR", AUDIENCE, [], { ownRows, peerMaxRows: 25_268 })).toEqual({
      floor: 1000,
      ownRowsUpTo: 23_170,
      peerRowsUpTo: 25_268,
    });
  });

  test("changes nothing that it was given", () => {
    const history = Object.freeze(runsOf(2, SCORE).map((run) => Object.freeze(run)));
    const [job, facts] = [Object.freeze({ ...SCORE }), Object.freeze({ ...FACTS })];
    expect(decide(AGREEMENT, job, history, facts)).toEqual(decide(AGREEMENT, job, history, facts));
  });
});

describe("segments", () => {
  const operations = AGREEMENT.document.operations.map((item) => ({ ...item, segments: ["adults", "payers"] }));
  const named = agreed({ operations });
  test.each([
    ["adults", undefined],
    ["payers", undefined],
    ["others", "POLICY_SEGMENT"],
    [undefined, "POLICY_SEGMENT"],
  ])("where two are agreed on: %s", (name, code) => {
    for (const role of ["receiver", "provider"] as const)
      for (const job of [AUDIENCE, RATE, SCORE]) {
        const providerSegment = name === undefined ? undefined : { name, version: 7 };
        expect(refusal({ ...job, role, providerSegment }, [], {}, named)).toBe(code);
        expect(refusal({ ...job, role, providerSegment })).toBeUndefined();
      }
  });

  test("the agreement names each once, by a segment's name", () => {
    for (const segments of [["a", "a"], [], ["minus"], ["A"], ["a@1"]])
      expect(() => agreed({ operations: operations.map((item) => ({ ...item, segments })) })).toThrow(
        expect.objectContaining({ code: "AGREEMENT_INVALID" }),
      );
  });
});

describe("time: from the first millisecond up to, not with, the last", () => {
  test.each([
    ["2025-12-31T23:59:59.999Z", "AGREEMENT_EXPIRED"],
    ["2026-01-01T00:00:00.000Z", undefined],
    ["2099-12-30T23:59:59.999Z", undefined],
    ["2099-12-31T00:00:00.000Z", "AGREEMENT_EXPIRED"],
    ["2099-12-31T00:00:00.001Z", "AGREEMENT_EXPIRED"],
  ])("%s", (now, code) => {
    expect(refusal(AUDIENCE, [], { nowMs: Date.parse(now) })).toBe(code);
  });
});

test.each([
  ["revoked", "AGREEMENT_REVOKED"],
  ["superseded", "AGREEMENT_SUPERSEDED"],
  ["active", undefined],
] as const)("an agreement that is %s", (state, code) => {
  expect(refusal(AUDIENCE, [], { state })).toBe(code);
});

test("an agreement that demands the gated mode of one operation is run for none", () => {
  const operations = AGREEMENT.document.operations.map((item) =>
    item.operation === "score" ? { ...item, resultFloor: "provider" } : item,
  );
  for (const job of [AUDIENCE, SCORE]) expect(refusal(job, [], {}, agreed({ operations }))).toBe("POLICY_GATED");
});

describe("floors, at one below, at, and one above", () => {
  test.each([
    [0, "POLICY_INPUT_FLOOR"],
    [1, "POLICY_INPUT_FLOOR"],
    [999, "POLICY_INPUT_FLOOR"],
    [1000, undefined],
    [1001, undefined],
  ])("%i rows", (ownRows, code) => {
    for (const role of ["receiver", "provider"] as const)
      expect(refusal({ ...AUDIENCE, role }, [], { ownRows })).toBe(code);
  });

  test.each([
    [999, "POLICY_INPUT_FLOOR"],
    [1000, undefined],
    [1024, undefined],
  ])("a peer whose padded list holds at most %s", (peerMaxRows, code) => {
    expect(refusal(AUDIENCE, [], { peerMaxRows })).toBe(code);
  });

  test("agreed otherwise", () => {
    const small = agreed({ floors: { input: 1, result: 0 } });
    expect(refusal(AUDIENCE, [], { ownRows: 0 }, small)).toBe("POLICY_INPUT_FLOOR");
    expect(refusal(AUDIENCE, [], { ownRows: 1 }, small)).toBeUndefined();
    expect(isReleasable(small, 0)).toBe(true);
  });

  test.each([
    [0, false],
    [99, false],
    [100, true],
    [101, true],
  ])("a result of %i", (matched, expected) => {
    expect(isReleasable(AGREEMENT, matched)).toBe(expected);
  });
});

describe("the ratio of the lists, at one below, at, and one above", () => {
  test.each([
    [1_000, 49_999, undefined],
    [1_000, 50_000, undefined],
    [1_000, 50_001, "POLICY_SIZE_RATIO"],
    [51_199, 1_024, undefined],
    [51_200, 1_024, undefined],
    [51_201, 1_024, "POLICY_SIZE_RATIO"],
    [20_000, undefined, undefined],
  ])("own %i, peer at most %s", (ownRows, peerMaxRows, code) => {
    expect(refusal(AUDIENCE, [], peerMaxRows === undefined ? { ownRows } : { ownRows, peerMaxRows })).toBe(code);
  });

  test("attack: a dictionary of every number of a mobile prefix against a real list, seen from both nodes", () => {
    const [dictionary, customers] = [100_000_000, 24_000];
    expect(refusal(AUDIENCE, [], { ownRows: dictionary, peerMaxRows: customers })).toBe("POLICY_SIZE_RATIO");
    const provider = { ...AUDIENCE, role: "provider" as const };
    expect(refusal(provider, [], { ownRows: customers, peerMaxRows: dictionary })).toBe("POLICY_SIZE_RATIO");
  });

  test("agreed otherwise", () => {
    const wide = agreed({ floors: { sizeRatio: 100 } });
    expect(refusal(AUDIENCE, [], { ownRows: 1_000, peerMaxRows: 100_000 }, wide)).toBeUndefined();
    expect(refusal(AUDIENCE, [], { ownRows: 1_000, peerMaxRows: 100_001 }, wide)).toBe("POLICY_SIZE_RATIO");
  });
});

describe("operations: nothing that is not named", () => {
  test.each<[string, Partial<JobRequest>]>([
    ["the other party as receiver", { receiver: "bureau", provider: "bank" }],
    ["a receiver that is no party", { receiver: "telecom" }],
    ["a provider that is no party", { provider: "telecom" }],
    ["one party in both roles", { provider: "bank" }],
  ])("%s", (_what, job) => {
    expect(refusal({ ...AUDIENCE, ...job })).toBe("POLICY_OPERATION");
  });

  test("one that the agreement leaves out", () => {
    const operations = AGREEMENT.document.operations.filter(({ operation }) => operation === "audience");
    expect(refusal(SCORE, [], {}, agreed({ operations }))).toBe("POLICY_OPERATION");
    expect(refusal(AUDIENCE, [], {}, agreed({ operations }))).toBeUndefined();
  });
});

describe("the alignment of a score is the agreed one", () => {
  const { operations } = AGREEMENT.document;
  const shared = agreed({
    operations: operations.map((item) => (item.operation === "score" ? { ...item, alignment: "shared" } : item)),
  });

  test.each([
    ["hidden", AGREEMENT, "shared", shared],
    ["shared", shared, "hidden", AGREEMENT],
  ] as const)(
    "%s: allowed where that is agreed, refused where it is not, at both nodes",
    (alignment, same, _, other) => {
      for (const role of ["receiver", "provider"] as const) {
        expect(refusal({ ...SCORE, alignment, role }, [], {}, same)).toBeUndefined();
        expect(refusal({ ...SCORE, alignment, role }, [], {}, other)).toBe("POLICY_OPERATION");
      }
    },
  );

  test("an audience is never shared", () => {
    expect(refusal({ ...AUDIENCE, alignment: "shared" }, [], {}, shared)).toBe("POLICY_OPERATION");
  });
});

describe("datasets and columns: nothing that is not named", () => {
  test.each<[string, Partial<JobRequest>]>([
    ["another dataset of the provider", { providerDataset: "salaries" }],
    ["another dataset of the receiver", { receiverDataset: "staff" }],
    ["a dataset of the other party's", { providerDataset: "customers" }],
    ["a column that is not agreed", { providerFeatures: ["PAY_0", "SALARY"] }],
    ["the id column as a feature", { providerFeatures: ["phone"] }],
    ["another protocol", { protocol: "psi-dh" }],
  ])("%s", (_what, job) => {
    expect(refusal({ ...SCORE, ...job })).toBe("POLICY_DATASET");
  });
});

describe("outputs: nothing that is not named", () => {
  test("one that the agreement leaves out, or of another operation", () => {
    expect(refusal({ ...SCORE, output: "rounded-score" })).toBe("POLICY_OUTPUT");
    expect(refusal({ ...SCORE, output: "list" })).toBe("POLICY_OUTPUT");
    expect(refusal({ ...AUDIENCE, output: "score" })).toBe("POLICY_OUTPUT");
  });

  test("a column in clear: by its role and its grade only, and never beside an aggregate", () => {
    const datasets = structuredClone(AGREEMENT.document.datasets);
    datasets[1]?.columns.push(
      { name: "segment", role: "release", grade: 3, personal: false },
      { name: "churned", role: "label", grade: 1, personal: false },
      { name: "branch", role: "filter", grade: 1, personal: false },
    );
    const wide = agreed({ datasets });
    const asked = (releasedColumns: string[], job = AUDIENCE) => refusal({ ...job, releasedColumns }, [], {}, wide);
    expect(asked(["segment", "churned"])).toBeUndefined();
    for (const name of ["PAY_0", "phone", "branch", "no-such"]) expect(asked([name])).toBe("POLICY_OUTPUT");
    expect(asked(["segment"], RATE)).toBe("POLICY_OUTPUT");
    // The schema lets no such agreement be made; the rule does not rely on it.
    const column = wide.document.datasets[1]?.columns.find((item) => item.name === "segment");
    if (column !== undefined) column.grade = 4;
    expect(asked(["segment"])).toBe("POLICY_OUTPUT");
  });
});

describe("purposes and retention", () => {
  test("a purpose that was not agreed", () => {
    expect(refusal({ ...AUDIENCE, purpose: "credit-review" })).toBeUndefined();
    for (const purpose of ["curiosity", "", "Instalment-offers"])
      expect(refusal({ ...AUDIENCE, purpose })).toBe("POLICY_PURPOSE");
  });

  test.each([
    [0, "POLICY_RETENTION"],
    [1, undefined],
    [364, undefined],
    [365, undefined],
    [366, "POLICY_RETENTION"],
    [null, "POLICY_RETENTION"],
  ])("tags for %s days", (tagDays, code) => {
    expect(refusal({ ...AUDIENCE, tagDays })).toBe(code);
  });

  test("an output without tags keeps none", () => {
    expect(refusal({ ...RATE, tagDays: 1 })).toBe("POLICY_RETENTION");
    expect(refusal(RATE)).toBeUndefined();
  });
});
