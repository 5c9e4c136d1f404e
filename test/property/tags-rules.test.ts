import fc from "fast-check";
import { expect, test } from "vitest";
import { EntenteError } from "../../proto/errors.ts";
import { type Cell, holds } from "../../proto/tags/evaluate-rule.ts";
import { parseTagRule, printTagRule } from "../../proto/tags/parse-rule.ts";
import { type Condition, type Name, readTagRules, type TagRule } from "../../proto/tags/rule.ts";

const printable = (max: number) =>
  fc.oneof(
    fc.constantFrom(
      "tier",
      "score",
      "and",
      "not",
      "true",
      "a b",
      'q"\\',
      "余额",
      "x-",
      "-x",
      "1",
      "->",
      "own.x",
      "label.",
      "own.tier",
    ),
    fc
      .string({ unit: "grapheme", minLength: 1, maxLength: max })
      .filter((text) => !/\p{C}/u.test(text) && text.length <= max),
  );
const name: fc.Arbitrary<Name> = fc.oneof(
  fc.constantFrom<Name>({ kind: "tier" }, { kind: "score" }),
  printable(30).map((column) => ({ kind: "column" as const, column })),
  fc.record({
    kind: fc.constant("column" as const),
    column: printable(30),
    of: fc.constantFrom("own" as const, "label" as const),
  }),
);
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
const literal = fc.oneof(printable(30), number, fc.boolean());
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.record({ op: fc.constantFrom("=" as const, "!=" as const), left: name, right: literal }),
    fc.record({
      op: fc.constantFrom("<" as const, "<=" as const, ">" as const, ">=" as const),
      left: name,
      right: number,
    }),
    fc.record({
      op: fc.constant("in" as const),
      left: name,
      right: fc.oneof(
        fc.array(printable(10), { minLength: 1, maxLength: 3 }),
        fc.array(number, { minLength: 1, maxLength: 3 }),
      ),
    }),
    fc.record({ op: fc.constant("not" as const), of: tie("condition") }),
    fc.record({
      op: fc.constantFrom("and" as const, "or" as const),
      of: fc.array(tie("condition"), { minLength: 2, maxLength: 3 }),
    }),
  ),
}));
const rule: fc.Arbitrary<TagRule> = fc.record({
  when: condition,
  key: fc.constantFrom("risk", "risk:default", "in", "a-b:0"),
  value: printable(40),
});

test("a printed rule is read as the same rule", () => {
  fc.assert(
    fc.property(rule, (given) => {
      expect(readTagRules([given])).toEqual([given]);
      const text = printTagRule(given);
      fc.pre(text.length <= 2000);
      expect(parseTagRule(text)).toEqual(given);
      expect(printTagRule(parseTagRule(text))).toBe(text);
    }),
    { numRuns: 1000 },
  );
});

test("any text is read or refused with a typed error", () => {
  const pieces = fc.constantFrom(
    "a",
    "tier",
    "=",
    "<=",
    "(",
    ")",
    ",",
    "in",
    "and",
    "not",
    "->",
    "k",
    ":",
    "v",
    '"',
    "1",
    " ",
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(pieces, { maxLength: 20 }).map((words) => words.join(" ")),
  );
  fc.assert(
    fc.property(text, (given) => {
      try {
        expect(parseTagRule(printTagRule(parseTagRule(given)))).toEqual(parseTagRule(given));
      } catch (error) {
        expect(error).toBeInstanceOf(EntenteError);
        expect((error as EntenteError).code).toBe("TAG_RULE_INVALID");
      }
    }),
    { numRuns: 1000 },
  );
});

test("evaluation is total, and not is its opposite", () => {
  const cell: fc.Arbitrary<Cell> = fc.oneof(fc.constant(null), fc.double(), fc.string(), fc.boolean());
  fc.assert(
    fc.property(condition, cell, fc.option(fc.double()), (when, value, score) => {
      const row = { tier: null, score, cellOf: () => value, labelOf: () => value };
      expect(holds({ op: "not", of: when }, row)).toBe(!holds(when, row));
      expect(holds({ op: "and", of: [when, when] }, row)).toBe(holds(when, row));
    }),
  );
});
