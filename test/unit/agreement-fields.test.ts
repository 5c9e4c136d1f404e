/** Every field of an agreement: its default, and what is refused of it. */
import { describe, expect, test } from "vitest";
import { isLaterVersion, makeAgreement, readAgreement, requireSupported } from "../../proto/agreement/agreement.ts";

const PARTIES = [
  { name: "bank", identity: "11".repeat(32) },
  { name: "bureau", identity: "22".repeat(32) },
];
const code = (name: string) => expect.objectContaining({ code: name });

const ID = { name: "phone", role: "id", normaliser: "opaque" };
/** The least that can be agreed: all else is default. */
const BARE = {
  format: "entente-agreement/1",
  title: "Bare",
  parties: PARTIES,
  datasets: [
    { party: "bank", name: "customers", columns: [{ ...ID }] },
    {
      party: "bureau",
      name: "members",
      columns: [ID, { name: "spend", role: "feature" }],
    },
  ],
  operations: [
    { operation: "audience", receiver: "bank", receiverDataset: "customers", providerDataset: "members" },
    { operation: "score", receiver: "bank", receiverDataset: "customers", providerDataset: "members" },
  ],
  purposes: [{ id: "offers", text: "Offers", legalBasis: "Consent" }],
  validFrom: "2026-01-01T00:00:00.000Z",
  validUntil: "2027-01-01T00:00:00.000Z",
};

/** Of `BARE` with every default: made with Python's json (sort_keys, no spaces) and hashlib. */
const GOLDEN = { bytes: 1671, digest: "10d7f76f918ab10fcfc533373831579abef19bf8de33c41dc3724fe8c1ac8c16" };

/** `BARE` with the value at a path (`a.0.b`) replaced; `undefined` removes it. */
function bareWith(path: string, value: unknown): unknown {
  const draft = structuredClone(BARE) as Record<string, unknown>;
  const steps = path.split(".");
  const last = steps.pop() as string;
  let place = draft;
  for (const step of steps) {
    place[step] ??= {};
    place = place[step] as Record<string, unknown>;
  }
  if (value === undefined) delete place[last];
  else place[last] = value;
  return draft;
}

describe("defaults", () => {
  const { document } = makeAgreement(BARE);

  test("of budgets, floors and all the rest, as the ad industry has them", () => {
    expect(document).toMatchObject({
      version: 1,
      supersedes: null,
      suite: "ed25519-sha256",
      floors: { input: 1000, result: 100, matchRateCapPercent: 85, sizeRatio: 50 },
      budgets: {
        epochDays: 30,
        runsPerEpoch: 20,
        runsPerDay: 5,
        scoresPerModelVersion: 1,
        modelVersionsPerEpoch: null,
        datasetVersionsPerEpoch: 5,
        smallestDifference: 50,
      },
      noise: { kind: "none" },
      retention: { tagDays: 365, resultDays: 365 },
    });
  });

  test("of an operation, a column and a party", () => {
    const open = { protocol: "psi-vole", alignment: "hidden", resultFloor: "receiver" };
    const approval = { receiver: "automatic", provider: "automatic" };
    expect(document.operations).toMatchObject([
      { ...open, approval, outputs: ["list"] },
      { ...open, approval, outputs: ["score"] },
    ]);
    expect(document.datasets[1]?.columns).toEqual([
      { ...ID, grade: 3, personal: true },
      { name: "spend", role: "feature", grade: 3, personal: false },
    ]);
    expect(document.parties.map((party) => party.roles)).toEqual([
      ["result-receiver", "result-user", "payer"],
      ["data-provider"],
    ]);
  });

  test("of parts that are named in part", () => {
    const partly = makeAgreement({ ...BARE, floors: { input: 5 }, budgets: { runsPerDay: 1 } }).document;
    expect(partly.floors).toEqual({ ...document.floors, input: 5 });
    expect(partly.budgets).toEqual({ ...document.budgets, runsPerDay: 1 });
  });

  test("of the group floor, in an agreement on reports alone", () => {
    const [audience, ...others] = BARE.operations;
    const reports = { ...BARE, operations: [{ ...audience, outputs: ["list", "overlap-report"] }, ...others] };
    expect(document.floors).not.toHaveProperty("group");
    expect(makeAgreement(reports).document.floors).toEqual({ ...document.floors, group: 50 });
    expect(makeAgreement({ ...reports, floors: { group: 80 } }).document.floors.group).toBe(80);
    expect(() => makeAgreement({ ...reports, floors: { group: 0 } })).toThrow(/floors.group/);
    expect(makeAgreement({ ...reports, floors: { group: 80, result: 81 } }).document.floors.result).toBe(81);
    expect(() => makeAgreement({ ...reports, floors: { group: 80, result: 80 } })).toThrow(/floors.result/);
    expect(makeAgreement({ ...BARE, floors: { result: 5 } }).document.floors.result).toBe(5);
    const { bytes } = makeAgreement(reports);
    const without = new TextEncoder().encode(new TextDecoder().decode(bytes).replace('"group":50,', ""));
    expect(() => readAgreement(without)).toThrow(/a field is missing/);
  });

  test("of roles, where both parties receive: the first operation's receiver pays, unless somebody is named", () => {
    const back = {
      operation: "audience",
      receiver: "bureau",
      receiverDataset: "members",
      providerDataset: "customers",
    };
    const both = { ...BARE, operations: [back, ...BARE.operations] };
    expect(makeAgreement(both).document.parties.map((party) => party.roles)).toEqual([
      ["data-provider", "result-receiver", "result-user"],
      ["data-provider", "result-receiver", "result-user", "payer"],
    ]);
    const payer = ["data-provider", "result-receiver", "result-user", "payer"];
    const named = { ...both, parties: [{ ...PARTIES[0], roles: payer }, PARTIES[1]] };
    expect(makeAgreement(named).document.parties.map((party) => party.roles.includes("payer"))).toEqual([true, false]);
  });

  test("the canonical bytes and the digest of a known document, which must never change", () => {
    const { bytes, digest } = makeAgreement(BARE);
    expect(bytes.length).toBe(GOLDEN.bytes);
    expect(digest).toBe(GOLDEN.digest);
    expect(readAgreement(bytes).document).toEqual(document);
  });
});

describe("what is refused", () => {
  const D = "ab".repeat(32);
  test.each<[string, unknown]>([
    ["format", "entente-agreement/2"],
    ["format", undefined],
    ["title", ""],
    ["title", "x".repeat(201)],
    ["title", "line\nbreak"],
    ["title", "right\u202eleft"],
    ["version", 0],
    ["version", 2],
    ["version", 1.5],
    ["supersedes", D],
    ["supersedes", "ab"],
    ["suite", "sm2-sm3"],
    ["secret", true],
    ["parties", PARTIES.slice(0, 1)],
    ["parties", [PARTIES[0], PARTIES[1], { name: "telecom", identity: "33".repeat(32) }]],
    ["parties.1.name", "bank"],
    ["parties.1.name", "Bureau"],
    ["parties.1.identity", "11".repeat(32)],
    ["parties.1.identity", "22".repeat(31)],
    ["parties.1.identity", undefined],
    ["parties.1.roles", []],
    ["parties.1.roles", ["owner"]],
    ["parties.1.roles", ["data-provider", "data-provider"]],
    ["parties.1.roles", ["result-user"]],
    ["parties.1.roles", ["data-provider", "payer", "result-user", "payer"]],
    ["parties.0.roles", ["result-receiver", "payer"]],
    ["parties.0.roles", ["result-user", "payer"]],
    ["parties.0.roles", ["result-receiver", "result-user"]],
    [
      "parties",
      [
        { ...PARTIES[0], roles: ["result-receiver", "result-user", "payer"] },
        { ...PARTIES[1], roles: ["data-provider", "payer"] },
      ],
    ],
    ["datasets", []],
    ["datasets.0.party", "telecom"],
    ["datasets.0.name", "Customers"],
    ["datasets.0.columns.0.normaliser", "lower-case"],
    ["datasets.0.columns.0.normaliser", "phone-e164"],
    ["datasets.0.columns.0.normaliser", undefined],
    ["datasets.1.columns.1.normaliser", "opaque"],
    ["datasets.0.columns", Array.from({ length: 9 }, (_, k) => ({ ...ID, name: `part_${k}` }))],
    ["datasets.0.columns", []],
    ["datasets.0.columns.0.role", "key"],
    ["datasets.0.columns.0.role", "feature"],
    ["datasets.1.columns.1.role", "id"],
    ["datasets.1.columns.1", { name: "birth", role: "id", normaliser: "opaque" }],
    ["datasets.1.columns.1.name", "phone"],
    ["datasets.1.columns.1.name", "tab\t"],
    ["datasets.1.columns.1.grade", 0],
    ["datasets.1.columns.1.grade", 6],
    ["datasets.1.columns.1.grade", 2.5],
    ["datasets.1.columns.1.personal", "yes"],
    ["datasets.1.columns.1.owner", "risk"],
    ["datasets.1.columns.1", { name: "spend", role: "release", grade: 4 }],
    ["datasets.1.columns.1", { name: "spend", role: "label", grade: 5 }],
    ["datasets.1.columns.1", { name: "spend", role: "label", grade: 4, type: "number" }],
    ["datasets.1.columns.1", { name: "spend", role: "label", type: "date" }],
    ["datasets.1.columns.1", { name: "spend", role: "label", type: "text", maxBytes: 0 }],
    ["datasets.1.columns.1", { name: "spend", role: "label", type: "text", maxBytes: 65 }],
    ["datasets.1.columns.1", { name: "spend", role: "label", type: "number", maxBytes: 8 }],
    ["datasets.1.columns.1", { name: "spend", role: "feature", type: "number" }],
    ["datasets.1.columns.1", { name: "spend", role: "release", maxBytes: 8 }],
    ["operations", []],
    ["operations.0.operation", "export"],
    ["operations.0.receiver", "telecom"],
    ["operations.0.receiverDataset", "members"],
    ["operations.0.providerDataset", "customers"],
    ["operations.0.protocol", "psi-plain"],
    ["operations.0.outputs", []],
    ["operations.0.outputs", ["score"]],
    ["operations.0.outputs", ["list", "list"]],
    ["operations.1.outputs", ["list"]],
    ["operations.1.outputs", ["rows"]],
    ["operations.0.alignment", "shared"],
    ["operations.1.alignment", "open"],
    ["operations.1.outputs", ["score", "rounded-score"]],
    ["operations.1.rounding", { step: 1 }],
    ["operations.1", { ...BARE.operations[1], outputs: ["rounded-score"], rounding: { step: 0 } }],
    ["operations.1", { ...BARE.operations[1], outputs: ["rounded-score"], rounding: { decimals: 2 } }],
    ["operations.1", { ...BARE.operations[1], outputs: ["rounded-score"], rounding: null }],
    ["operations.1.tiers", D],
    ["operations.1", { ...BARE.operations[1], outputs: ["tier"], tiers: "ab" }],
    ["operations.1", { ...BARE.operations[1], outputs: ["tier"], tiers: null }],
    ["operations.0.tiers", D],
    ["operations.0.resultFloor", "coordinator"],
    ["operations.0.approval.provider", "never"],
    ["operations.0.approval.coordinator", "automatic"],
    ["operations.1.operation", "audience"],
    ["purposes", []],
    ["purposes", undefined],
    ["purposes.0.id", "Offers"],
    ["purposes.0.text", ""],
    ["purposes.0.text", "x".repeat(1001)],
    ["purposes.0.legalBasis", ""],
    ["purposes.0.legalBasis", undefined],
    ["purposes.1", { id: "offers", text: "Again", legalBasis: "Consent" }],
    ["floors.input", 0],
    ["floors.input", "1000"],
    ["floors.input", 4_000_000_001],
    ["floors.result", -1],
    ["floors.result", 0.5],
    ["floors.matchRateCapPercent", 0],
    ["floors.matchRateCapPercent", 101],
    ["floors.sizeRatio", 0],
    ["floors.sum", 1],
    ["budgets.epochDays", 0],
    ["budgets.epochDays", 367],
    ["budgets.runsPerEpoch", 0],
    ["budgets.runsPerEpoch", null],
    ["budgets.runsPerDay", 0],
    ["budgets.scoresPerModelVersion", 0],
    ["budgets.modelVersionsPerEpoch", 0],
    ["budgets.datasetVersionsPerEpoch", 0],
    ["budgets.smallestDifference", 0],
    ["budgets.unlimited", true],
    ["noise", { kind: "gauss", scale: 1 }],
    ["noise", { kind: "discrete-laplace" }],
    ["noise", { kind: "discrete-laplace", scale: 0 }],
    ["noise", { kind: "discrete-laplace", scale: 1001 }],
    ["noise", { kind: "none", scale: 1 }],
    ["retention.tagDays", 0],
    ["retention.tagDays", 3651],
    ["retention.resultDays", 0],
    ["retention.logDays", 1],
    ["validFrom", "2026-01-01"],
    ["validFrom", "2026-01-01T00:00:00Z"],
    ["validFrom", "2027-01-01T00:00:00.000Z"],
    ["validUntil", "2025-01-01T00:00:00.000Z"],
    ["validUntil", "2026-02-30T00:00:00.000Z"],
  ])("%s: %j", (path, value) => {
    expect(() => makeAgreement(bareWith(path, value))).toThrow(code("AGREEMENT_INVALID"));
  });

  test("but not: the same places with good values, so that each refusal is for its value", () => {
    for (const [path, value] of [
      ["title", "x".repeat(200)],
      ["parties.1.roles", ["data-provider", "result-user"]],
      ["datasets.1.columns.1", { name: "spend", role: "release", grade: 3 }],
      ["datasets.1.columns.1", { name: "spend", role: "feature", grade: 5 }],
      ["operations.0.outputs", ["match-rate", "list"]],
      ["operations.1.alignment", "shared"],
      ["operations.1", { ...BARE.operations[1], outputs: ["score", "rounded-score"], rounding: { step: 0.05 } }],
      ["operations.1", { ...BARE.operations[1], outputs: ["tier"] }],
      ["operations.1", { ...BARE.operations[1], outputs: ["score", "tier"], tiers: D }],
      ["operations.0.approval.provider", "first-run"],
      ["floors.input", 1],
      ["floors.result", 0],
      ["floors.matchRateCapPercent", 100],
      ["budgets.epochDays", 366],
      ["budgets.modelVersionsPerEpoch", 3],
      ["noise", { kind: "discrete-laplace", scale: 1000 }],
      ["retention.tagDays", 3650],
    ] as const)
      expect(() => makeAgreement(bareWith(path, value)), path).not.toThrow();
  });

  test("a later version without the digest of the one before, and the first with one", () => {
    expect(() => makeAgreement({ ...BARE, version: 2 })).toThrow(code("AGREEMENT_INVALID"));
    expect(makeAgreement({ ...BARE, version: 2, supersedes: D }).document).toMatchObject({ version: 2, supersedes: D });
  });

  test("the error names the field and not its value", () => {
    expect(() => makeAgreement(bareWith("floors.input", "13800138000"))).toThrow(
      expect.objectContaining({ detail: expect.stringMatching(/^floors\.input: (?!.*13800138000)/) }),
    );
  });
});

describe("gated mode", () => {
  test("can be agreed on, and is then refused with a typed error", () => {
    const gated = makeAgreement(bareWith("operations.1.resultFloor", "provider"));
    expect(() => requireSupported(gated)).toThrow(code("POLICY_GATED"));
    expect(() => requireSupported(makeAgreement(BARE))).not.toThrow();
  });
});

describe("a later version", () => {
  const first = makeAgreement(BARE);
  const next = { ...BARE, version: 2, supersedes: first.digest, floors: { input: 2000 } };
  const second = makeAgreement(next);

  test("is the next number, names the digest before it, and has the same parties in any order", () => {
    expect(isLaterVersion(second, first)).toBe(true);
    expect(isLaterVersion(makeAgreement({ ...next, parties: PARTIES.toReversed() }), first)).toBe(true);
  });

  test.each<[string, unknown]>([
    ["a number left out", { ...next, version: 3 }],
    ["another agreement's digest", { ...next, supersedes: "ab".repeat(32) }],
    ["the same version", BARE],
  ])("%s is none", (_what, draft) => {
    expect(isLaterVersion(makeAgreement(draft), first)).toBe(false);
  });

  test("an old version does not come back by being shown again", () => {
    expect(isLaterVersion(first, second)).toBe(false);
    const third = makeAgreement({ ...BARE, version: 3, supersedes: second.digest });
    expect(isLaterVersion(third, second)).toBe(true);
    expect(isLaterVersion(third, first)).toBe(false);
  });
});
