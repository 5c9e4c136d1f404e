/** What the console makes of forms: requests to the node, and what it complains of before it asks. */
import { expect, test } from "vitest";
import { registrationOf } from "../../party/console/datasets/registration.ts";
import { healthOf } from "../../party/console/datasets/set-aside.ts";
import { tierBars } from "../../party/console/jobs/tier-bars.ts";
import { choicesFor } from "../../party/console/run/choices.ts";
import { EMPTY_FORM, mistakesIn, type RunForm, requestOf } from "../../party/console/run/request.ts";
import { definitionOf, EMPTY_SEGMENT } from "../../party/console/segments/definition.ts";
import { makeAgreement } from "../../proto/agreement/agreement.ts";
import { ROUTES } from "../../proto/http/routes.ts";
import { sampleAgreement } from "../../sdk/cli/sample.ts";

const draft = sampleAgreement(Date.parse("2026-11-22T00:00:00.000Z"));
const parties = (draft.parties as { name: string }[]).map((party, i) => ({ ...party, identity: `${i}`.repeat(64) }));
const { document, digest } = makeAgreement({ ...draft, parties });
const agreed = {
  ...{ digest, title: document.title, parties: ["bank", "bureau"], signedBy: ["bank", "bureau"], version: 1 },
  ...{ state: "active" as const, validUntil: document.validUntil, document: { ...document } },
};
const [agreement] = choicesFor([agreed], "bank", "audience");
const [pair] = agreement?.pairs ?? [];
if (agreement === undefined || pair === undefined) throw new Error("the sample agreement allows an audience");

const LIST: RunForm = { ...EMPTY_FORM, tagKey: "marketing:joint", tagValue: "spring" };

function requested(form: RunForm, operation: "audience" | "score" = "audience") {
  if (agreement === undefined || pair === undefined) throw new Error();
  return ROUTES.startJob.request.parse(requestOf(form, { operation, agreement, pair }));
}

test("a party is offered what it receives, under agreements in force", () => {
  expect(pair).toMatchObject({ own: "customers", theirs: "repayments", segments: undefined });
  expect(pair.outputs).toEqual(["list", "match-rate", "overlap-report"]);
  expect(pair.labels).toEqual([{ name: "has_car", grade: 2 }]);
  expect(choicesFor([agreed], "bureau", "audience")).toEqual([]);
  expect(choicesFor([{ ...agreed, state: "revoked" }], "bank", "audience")).toEqual([]);
});

test("an audience: the request has what was chosen, and nothing of another output", () => {
  const form = {
    ...LIST,
    segment: "vip",
    peerSegment: "paid-on-time@2",
    labels: ["has_car"],
    rules: " a = 1 -> b:c \n\n",
  };
  expect(mistakesIn(form, "audience")).toEqual([]);
  expect(requested(form)).toEqual({
    ...{ operation: "audience", agreement: digest, dataset: "customers", peerDataset: "repayments", output: "list" },
    ...{ segment: { name: "vip" }, peerSegment: { name: "paid-on-time", version: 2 } },
    tag: { key: "marketing:joint", value: "spring", expiresInDays: 90 },
    ...{ rules: ["a = 1 -> b:c"], labels: ["has_car"] },
  });
  const rate = requested({ ...form, output: "match-rate" });
  expect([rate.tag, rate.rules, rate.labels]).toEqual([undefined, undefined, undefined]);
});

test("a report: bounds of numbers, values of texts, segments", () => {
  const by = [
    { what: "column/AGE", list: "30, 40，50", isNumber: true },
    { what: "column/city", list: "", isNumber: false },
    { what: "segment/vip", list: "", isNumber: false },
  ];
  const form = { ...EMPTY_FORM, output: "overlap-report", by } as const;
  expect(mistakesIn(form, "audience")).toEqual([]);
  expect(requested(form).by).toEqual([{ column: "AGE", bounds: [30, 40, 50] }, { column: "city" }, { segment: "vip" }]);
});

test.each<[string, Partial<RunForm>, "audience" | "score", string[]]>([
  ["no tag and no rule", { tagKey: "" }, "audience", ["tagKey"]],
  ["a key of another form", { tagKey: "Marketing" }, "audience", ["tagKey"]],
  ["a key without a value", { tagValue: "" }, "audience", ["tagValue"]],
  ["days that are none", { days: "0" }, "audience", ["days"]],
  ["rules alone will do", { tagKey: "", rules: "a = 1 -> b:c" }, "audience", []],
  ["a report by nothing", { output: "overlap-report" }, "audience", ["by"]],
  [
    "bounds that fall",
    { output: "overlap-report", by: [{ what: "column/AGE", list: "40, 30", isNumber: true }] },
    "audience",
    ["bounds"],
  ],
  ["a score without a model", { output: "tier", tagKey: "" }, "score", ["model"]],
])("complains of: %s", (_, changes, operation, wrong) => {
  expect(mistakesIn({ ...LIST, ...changes }, operation)).toEqual(wrong);
});

test("a segment's conditions: numbers of columns of numbers, texts of others", () => {
  const conditions = [
    { column: "AGE", operator: ">=", value: "30" },
    { column: "city", operator: "in", value: "上海、苏州" },
    { column: "note", operator: "is empty", value: "" },
  ] as const;
  const definition = definitionOf({ ...EMPTY_SEGMENT, conditions }, (column) => column === "AGE");
  const request = { name: "a", dataset: "customers", definition };
  expect(ROUTES.defineSegment.request.parse(request).definition).toEqual({
    kind: "rule",
    rule: {
      all: [
        { column: "AGE", op: ">=", value: 30 },
        { column: "city", op: "in", value: ["上海", "苏州"] },
        { column: "note", op: "is empty" },
      ],
    },
  });
});

test.each(["files", "duckdb", "postgres"] as const)(
  "a registration from %s is of the form that the node takes",
  (kind) => {
    const ids = [{ column: "phone", normaliser: "phone-e164" }] as const;
    const form = { name: "a", kind, path: " /data/a ", table: "t", database: "d", ids, duplicates: "sum" } as const;
    const request = ROUTES.registerDataset.request.parse(registrationOf(form));
    expect(Object.keys(request).sort()).toEqual(
      ["duplicatePolicy", "ids", "name", kind === "files" ? "path" : kind].sort(),
    );
    expect(request.duplicatePolicy).toEqual({ kind: "aggregate", columns: {}, others: "sum" });
  },
);

test("health: good up to one row in a hundred, never without a usable id", () => {
  expect(healthOf({ accepted: 990, duplicates: 4, rejected: { "id-empty": 6 } })).toEqual({
    share: 0.01,
    isGood: true,
  });
  expect(healthOf({ accepted: 980, duplicates: 20, rejected: {} }).isGood).toBe(false);
  expect(healthOf({ accepted: 0, duplicates: 0, rejected: {} }).isGood).toBe(false);
});

test("tiers stand in their order; of very many values the rest is one bar, and nobody is lost", () => {
  expect(tierBars({ B: 1, A10: 2, A9: 3 }, "rest").map(({ label }) => label)).toEqual(["A9", "A10", "B"]);
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`v${i}`, i + 1]));
  const bars = tierBars(many, "rest");
  expect([bars.length, bars.at(-1)?.label]).toEqual([24, "rest"]);
  expect(bars.reduce((sum, { value }) => sum + value, 0)).toBe(820);
});
