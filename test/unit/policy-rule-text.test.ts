/** The rules of a policy decision, as they are told to people. */
import { expect, test } from "vitest";
import { RULE_CODES, type RuleCode } from "../../proto/policy/rule-codes.ts";
import { ruleText } from "../../proto/policy/rule-text.ts";

const INPUTS = {
  limit: 10,
  runs: 3,
  versions: 2,
  carried: 4,
  columns: 9,
  days: 30,
  floor: 1_000,
  ownRowsUpTo: 12_345,
  peerRowsUpTo: 20_000,
};

test.each(RULE_CODES)("%s: has words of its own, and tells the same counts in both languages", (code) => {
  const [english, chinese] = [ruleText(code, INPUTS, "en"), ruleText(code, INPUTS, "zh-CN")];
  expect(chinese.name).toMatch(/\p{Script=Han}{2,}/u);
  const names = RULE_CODES.map((other: RuleCode) => ruleText(other, {}, "zh-CN").name);
  expect(names.filter((name) => name === chinese.name)).toHaveLength(1);
  const counts = (text: string | undefined) => text?.match(/\d[\d,]*/g)?.sort();
  expect(counts(chinese.state)).toEqual(counts(english.state));
  expect(`${english.state}${chinese.state}`).not.toMatch(/[{}]/);
});

test("a count that nobody told is left out with its clause", () => {
  expect(ruleText("POLICY_INPUT_FLOOR", { floor: 1_000, ownRowsUpTo: 2_048 }, "en").state).toBe(
    "at least 1,000 people; yours: up to 2,048",
  );
  expect(ruleText("POLICY_MODEL_VERSIONS", {}, "en").state).toBeUndefined();
  expect(ruleText("POLICY_MODEL_VERSIONS", { versions: 2, limit: 3 }, "zh-CN").state).toBe("第 2 个版本，共 3 个");
});
