import { describe, expect, test } from "vitest";
import { type Agreement, makeAgreement } from "../../proto/agreement/agreement.ts";
import { decide, isReleasable, type JobRequest, type PolicyFacts } from "../../proto/policy/rules.ts";
import { demoAgreement } from "../support/demo-agreement.ts";

const PARTIES = [
  { name: "bank", identity: "11".repeat(32) },
  { name: "bureau", identity: "22".repeat(32) },
];
const agreement = makeAgreement(demoAgreement({ parties: PARTIES, validFrom: "2026-01-01T00:00:00.000Z" }));
const JOB: JobRequest = {
  operation: "score",
  protocol: "psi-vole",
  receiver: "bank",
  provider: "bureau",
  receiverDataset: "customers",
  providerDataset: "repayments",
  providerFeatures: ["PAY_0", "PAY_6"],
};
const FACTS: PolicyFacts = { nowMs: Date.parse("2026-05-01T00:00:00.000Z"), ownRows: 1000 };

function refusal(
  job: Partial<JobRequest>,
  facts: Partial<PolicyFacts> = {},
  under: Agreement = agreement,
): string | undefined {
  return decide(under, { ...JOB, ...job }, { ...FACTS, ...facts }).refusedBy;
}

test("an agreed job is allowed, and every rule's outcome is told in order", () => {
  expect(decide(agreement, JOB, FACTS)).toEqual({
    refusedBy: undefined,
    rules: ["AGREEMENT_EXPIRED", "POLICY_OPERATION", "POLICY_DATASET", "POLICY_INPUT_FLOOR"].map((code) => ({
      code,
      outcome: "passed",
    })),
  });
  expect(refusal({ operation: "audience", providerFeatures: [] })).toBeUndefined();
});

test("the first rule that fails gives the code; the others are evaluated all the same", () => {
  const { refusedBy, rules } = decide(
    agreement,
    { ...JOB, operation: "audience", providerDataset: "x" },
    { ...FACTS, ownRows: 0 },
  );
  expect(refusedBy).toBe("POLICY_DATASET");
  expect(rules.map((rule) => rule.outcome)).toEqual(["passed", "passed", "failed", "failed"]);
});

describe("time: from the first millisecond up to, not with, the last", () => {
  test.each([
    ["2025-12-31T23:59:59.999Z", "AGREEMENT_EXPIRED"],
    ["2026-01-01T00:00:00.000Z", undefined],
    ["2099-12-30T23:59:59.999Z", undefined],
    ["2099-12-31T00:00:00.000Z", "AGREEMENT_EXPIRED"],
    ["2099-12-31T00:00:00.001Z", "AGREEMENT_EXPIRED"],
  ])("%s", (now, code) => {
    expect(refusal({}, { nowMs: Date.parse(now) })).toBe(code);
  });
});

describe("floors, at one below, at, and one above", () => {
  test.each([
    [999, "POLICY_INPUT_FLOOR"],
    [1000, undefined],
    [1001, undefined],
    [0, "POLICY_INPUT_FLOOR"],
  ])("%i rows", (ownRows, code) => {
    expect(refusal({}, { ownRows })).toBe(code);
  });

  test.each([
    [undefined, undefined],
    [999, "POLICY_INPUT_FLOOR"],
    [1000, undefined],
    [1024, undefined],
  ])("a peer whose padded list holds at most %s", (peerMaxRows, code) => {
    expect(refusal({}, peerMaxRows === undefined ? {} : { peerMaxRows })).toBe(code);
  });

  test("agreed otherwise", () => {
    const small = makeAgreement(demoAgreement({ parties: PARTIES, minimumInput: 1, minimumResult: 0 }));
    expect(refusal({}, { ownRows: 0 }, small)).toBe("POLICY_INPUT_FLOOR");
    expect(refusal({}, { ownRows: 1 }, small)).toBeUndefined();
    expect(isReleasable(small, 0)).toBe(true);
  });

  test.each([
    [0, false],
    [99, false],
    [100, true],
    [101, true],
  ])("a result of %i", (matched, expected) => {
    expect(isReleasable(agreement, matched)).toBe(expected);
  });
});

describe("operations: nothing that is not named", () => {
  test.each<[string, Partial<JobRequest>]>([
    ["the other party as receiver", { receiver: "bureau", provider: "bank" }],
    ["a receiver that is no party", { receiver: "telecom" }],
    ["a provider that is no party", { provider: "telecom" }],
    ["one party in both roles", { provider: "bank" }],
  ])("%s", (_what, job) => {
    expect(refusal(job)).toBe("POLICY_OPERATION");
  });

  test("one that the agreement leaves out", () => {
    const { operations } = demoAgreement() as { operations: { operation: string }[] };
    const only = operations.filter(({ operation }) => operation === "audience");
    const narrow = makeAgreement(demoAgreement({ parties: PARTIES, operations: only }));
    expect(refusal({}, {}, narrow)).toBe("POLICY_OPERATION");
    expect(refusal({ operation: "audience", providerFeatures: [] }, {}, narrow)).toBeUndefined();
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
    expect(refusal(job)).toBe("POLICY_DATASET");
  });
});
