import { describe, expect, test } from "vitest";
import { type Cell, checkTagRules, tagsOf } from "../../proto/tags/evaluate-rule.ts";
import { parseTagRule, printTagRule } from "../../proto/tags/parse-rule.ts";
import { readTagRules } from "../../proto/tags/rule.ts";
import { modelErrorOf } from "../support/model-error.ts";

const column = (name: string) => ({ kind: "column", column: name });

describe("parseTagRule", () => {
  test("the example", () => {
    expect(parseTagRule("tier = A and balance > 50000 -> risk:review")).toEqual({
      when: {
        op: "and",
        of: [
          { op: "=", left: { kind: "tier" }, right: "A" },
          { op: ">", left: column("balance"), right: 50000 },
        ],
      },
      key: "risk",
      value: "review",
    });
  });

  test.each<[string, string]>([
    ["a=1 or b=2 and c=3->k:v", "a = 1 or b = 2 and c = 3 -> k:v"],
    ["(a=1 or b=2) and not not c=true -> k:v", "(a = 1 or b = 2) and not not c = true -> k:v"],
    ["((a = 1)) -> k:v", "a = 1 -> k:v"],
    ["(a = 1 and b = 1) and c = 1 -> k:v", "(a = 1 and b = 1) and c = 1 -> k:v"],
    ['"col name" in ( "x y" , z ) -> k = "Gold card"', '"col name" in ("x y", z) -> k = "Gold card"'],
    ['"tier" != "and" -> k:v', '"tier" != "and" -> k:v'],
    ["余额 >= -1.5e3 -> risk:default = A", "余额 >= -1500 -> risk:default = A"],
    ['x = "a\\"b\\\\c -> d" -> k:v', 'x = "a\\"b\\\\c -> d" -> k:v'],
    ["score<=-0 -> k:v", "score <= 0 -> k:v"],
    ["tier=A->k:v", "tier = A -> k:v"],
    ['a-b = c-d -> k = "1"', "a-b = c-d -> k:1"],
    ["tier = A and has_car -> auto-loan:hot", "tier = A and has_car = true -> auto-loan:hot"],
    ["not (a or b)and c -> k:v", "not (a = true or b = true) and c = true -> k:v"],
    [
      'label.a and own."b c" and label."tier" -> k:v',
      'label.a = true and own."b c" = true and label.tier = true -> k:v',
    ],
    ['"label.a" and "own." -> k:v', '"label.a" = true and "own." = true -> k:v'],
  ])("%s", (text, printed) => {
    expect(printTagRule(parseTagRule(text))).toBe(printed);
    expect(parseTagRule(printed)).toEqual(parseTagRule(text));
  });

  const long = (count: number) => Array.from({ length: count }, () => "a=1").join(" or ");
  test.each<[string, string]>([
    ["", "at 1: the rule ends too early"],
    ["tier = A", "at 9: the rule ends too early"],
    ["tier = A -> ", "at 12: key:value or key = text"],
    ["tier = A -> risk", "at 12: key:value or key = text"],
    ["tier = A -> risk:review x", "at 12: key:value or key = text"],
    ["tier A -> k:v", "at 6: = != < <= > >= or in"],
    ["tier == A -> k:v", "at 7: a text, number"],
    ["tier = -> k:v", "at 8: a text, number"],
    ["5 = tier -> k:v", "at 1: a column"],
    ["and = 1 -> k:v", "at 1: a column"],
    ["a = not -> k:v", "at 5: a text"],
    ["a < x -> k:v", "at 5: < compares with a number"],
    ["a >= true -> k:v", "at 6: >= compares with a number"],
    ["a in () -> k:v", "at 7: a text"],
    ["a in (1 2) -> k:v", "at 9: )"],
    ["a in (1, x) -> k:v", "0.when.right: of several types"],
    ["(a = 1 -> k:v", "at 8: )"],
    ["a = 1) -> k:v", "at 6: ->"],
    ["a b -> k:v", "at 3: = != < <= > >= or in"],
    ["a not b -> k:v", "at 3: = != < <= > >= or in"],
    ["a", "at 2: the rule ends too early"],
    ["true -> k:v", "at 1: a column"],
    ["label. = 1 -> k:v", "at 8: a column"],
    ["own.a.b label. -> k:v", "at 9: = != <"],
    ['a = "x -> k:v', "at 4: not a word"],
    ["a = 1; b = 2 -> k:v", "at 6: not a word"],
    ["a = process.exit() -> k:v", "at 17: ->"],
    ["a = 1e999 -> k:v", "at 5: a number too large"],
    ["余额 >= -1.5e3 -> 风", "at 16: key:value"],
    ["a = 1 -> K:v", "at 9: key:value"],
    [`a = 1 -> ${"k".repeat(33)}:v`, "0.key"],
    ["a = 1 -> k = 5", "at 9: key:value or key = text"],
    ['a = 1 -> k = ""', "0.value"],
    ['"" = 1 -> k:v', "0.when.left.column"],
    [`${"(".repeat(40)}a = 1${")".repeat(40)} -> k:v`, "deeper than 16"],
    [`${"not ".repeat(16)}a = 1 -> k:v`, "0.when: deeper than 16"],
    [`${long(200)} -> k:v`, "more than 200 conditions"],
    [`${long(300)} -> k:v`, "longer than 2000"],
  ])("refuses %s", (text, detail) => {
    expect(modelErrorOf(() => parseTagRule(text))).toMatch(/^TAG_RULE_INVALID /);
    expect(modelErrorOf(() => parseTagRule(text))).toContain(detail);
  });
});

describe("the JSON form", () => {
  const rule = parseTagRule("a = 1 -> k:v");
  test.each<[string, unknown]>([
    ["rules: ", {}],
    ["rules: ", Array.from({ length: 65 }, () => rule)],
    ["0: Unrecognized", [{ ...rule, run: "x" }]],
    ["0.when.op: ", [{ ...rule, when: { op: "eval", of: [] } }]],
    ["0.when.of: ", [{ ...rule, when: { op: "and", of: [rule.when] } }]],
    ["0.when.right: ", [{ ...rule, when: { op: "<", left: column("a"), right: "x" } }]],
    ["0.when.right: ", [{ ...rule, when: { op: "=", left: column("a"), right: null } }]],
    ["0.when.right: ", [{ ...rule, when: { op: "=", left: column("a"), right: "\n" } }]],
    ["0.when.left.kind: ", [{ ...rule, when: { op: "=", left: { kind: "prototype" }, right: 1 } }]],
  ])("refuses %s", (detail, value) => {
    expect(modelErrorOf(() => readTagRules(value))).toContain(`TAG_RULE_INVALID ${detail}`);
  });

  test("refuses what nests deep, before anything recurses", () => {
    let when: unknown = rule.when;
    for (let i = 0; i < 100_000; i++) when = { op: "not", of: when };
    expect(modelErrorOf(() => readTagRules([{ ...rule, when }]))).toBe("TAG_RULE_INVALID 0.when: deeper than 16");
  });
});

describe("evaluation", () => {
  const cells: Record<string, Cell> = {
    balance: 60_000,
    segment: "private",
    staff: false,
    empty: null,
    hole: Number.NaN,
  };
  const labels: Record<string, Cell> = { has_car: true, has_boat: false, "a name": true, unknown: null, balance: 1 };
  const row = {
    tier: "A",
    score: 0.2,
    cellOf: (name: string) => cells[name] ?? null,
    labelOf: (name: string) => labels[name] ?? null,
  };
  const isTrue = (text: string) => tagsOf([parseTagRule(`${text} -> k:v`)], row).size === 1;

  test.each([
    "tier = A and balance > 50000",
    "tier != B",
    "score < 0.25",
    "balance >= 60000 and balance <= 60000",
    "segment in (public, private)",
    "staff = false",
    "not staff = true",
    "not empty = 1",
    "not (empty >= 0 or empty < 0)",
    "tier = B or balance = 60000",
    "balance in (1, 60000)",
    "tier = A and label.has_car",
    "not label.has_boat",
    "(label.has_boat or label.has_car) and balance > 1",
    'label."a name"',
    "label.balance = 1 and own.balance = 60000",
    "not own.staff",
  ])("%s", (text) => expect(isTrue(text)).toBe(true));

  test.each([
    "tier = B",
    "empty = 1",
    "empty != 1",
    "empty < 1",
    "empty in (1)",
    "hole != 1",
    "hole >= 0",
    "gone = 1",
    'balance = "60000"',
    'balance != "60000"',
    "segment > 1",
    "staff != 1",
    "tier = B or balance = 1 and tier = A",
    "not (tier = A)",
    "label.has_boat",
    "label.unknown",
    "label.unknown = false",
    "tier = A and not label.has_car",
    "staff",
    // Not before the rules were checked against a job's labels.
    "has_car",
  ])("not %s", (text) => expect(isTrue(text)).toBe(false));

  test("all that hold, the first of one key", () => {
    const rules = [
      "tier = B -> risk:none",
      "tier = A and balance > 50000 -> risk:review",
      "tier = A -> risk:low",
      "tier = A -> marketing:card = gold",
    ].map(parseTagRule);
    expect([...tagsOf(rules, row)]).toEqual([
      ["risk", "review"],
      ["marketing:card", "gold"],
    ]);
  });
});

test("rules are checked against columns, tiers and the output", () => {
  const columns = new Map([
    ["balance", "number"],
    ["segment", "string"],
  ] as const);
  const labels = new Map([
    ["has_car", "boolean"],
    ["city", "string"],
    ["segment", "number"],
  ] as const);
  const checked = (text: string, more: object = {}) =>
    checkTagRules([parseTagRule(`${text} -> k:v`)], { columns, labels, tiers: ["A", "B"], hasScore: true, ...more });
  const check = (text: string, more: object = {}) => modelErrorOf(() => checked(text, more));
  expect(check("tier in (A, B) and not (balance > 1 or own.segment = x) and score > 0.5")).toBe("none");
  expect(check("salary > 1")).toBe("TAG_RULE_INVALID 0: no column salary");
  expect(check("tier = A and has_car and city = Shanghai and label.segment < 3")).toBe("none");
  expect(checked("not (has_car or balance > 1)")[0]?.when).toEqual(
    parseTagRule("not (label.has_car or own.balance > 1) -> k:v").when,
  );
  expect(check("segment = x")).toBe(
    "TAG_RULE_INVALID 0: segment is an own column and a label: write own.segment or label.segment",
  );
  expect(check("label.balance > 1")).toBe("TAG_RULE_INVALID 0: no label balance");
  expect(check("own.has_car")).toBe("TAG_RULE_INVALID 0: no column has_car");
  expect(check("city")).toBe("TAG_RULE_INVALID 0: city is a string");
  expect(check("balance")).toBe("TAG_RULE_INVALID 0: balance is a number");
  expect(check("has_car = 1")).toBe("TAG_RULE_INVALID 0: has_car is a boolean");
  expect(check("score")).toBe("TAG_RULE_INVALID 0: score is a number");
  expect(check("tier")).toBe("TAG_RULE_INVALID 0: a tier that is not the model's");
  expect(check("tier = A or not balance = x")).toBe("TAG_RULE_INVALID 0: balance is a number");
  expect(check("own.segment in (1, 2)")).toBe("TAG_RULE_INVALID 0: segment is a string");
  expect(check("tier = C")).toBe("TAG_RULE_INVALID 0: a tier that is not the model's");
  expect(check("tier = A", { tiers: undefined })).toBe("TAG_RULE_INVALID 0: the model has no tiers");
  expect(check("score > 1", { hasScore: false })).toBe("TAG_RULE_INVALID 0: the output has no score");
  expect(check("score = high")).toBe("TAG_RULE_INVALID 0: score is a number");
});
