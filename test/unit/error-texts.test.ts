/** The texts of errors in the languages of people. */
import { expect, test } from "vitest";
import { errorText } from "../../proto/errors/text.ts";
import { CATALOGUE, type ErrorCode } from "../../proto/errors.ts";

const CODES = Object.keys(CATALOGUE) as ErrorCode[];

test.each(CODES)("%s has a Chinese text of whole sentences that names the same commands and variables", (code) => {
  const [english, chinese] = [errorText(code, "en"), errorText(code, "zh-CN")];
  expect(chinese).toMatch(/\p{Script=Han}.*。$/u);
  const named = (text: string) => text.match(/(?<!\w)'[^']+'|\b[A-Z]+_[A-Z_]+\b|\b\w+\.(?:json|db)\b/g)?.sort() ?? [];
  expect(named(chinese)).toEqual(named(english));
});

test("no two codes are told in the same words", () => {
  const texts = CODES.map((code) => errorText(code, "zh-CN"));
  expect(new Set(texts).size).toBe(texts.length);
});
