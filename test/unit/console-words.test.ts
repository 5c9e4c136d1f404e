/** The console's two catalogues, and that nothing is said past them. */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { en } from "../../party/console/text/en/all.ts";
import { zhCn } from "../../party/console/text/zh-CN/all.ts";
import { consoleSources, hardCodedWords, keysOf, unusedKeys } from "../support/console-words.ts";

const sources = consoleSources(fileURLToPath(new URL("../..", import.meta.url)));

/** A language's own name. */
const UNTRANSLATED = /^shell\.en$/;

function textAt(texts: object, key: string): string {
  return key.split(".").reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], texts) as string;
}

/** Both forms of a number are one text elsewhere. */
function withoutNumbers(keys: readonly string[]): string[] {
  return [...new Set(keys.map((key) => key.replace(/_(?:one|other)$/, "")))].sort();
}

test("no source of the console says anything by itself", () => {
  expect(sources.size).toBeGreaterThan(20);
  expect(hardCodedWords(sources)).toEqual([]);
});

test.each([
  ["an attribute", '<Page title="Jobs">{t("x")}</Page>', '"Jobs"'],
  ["an attribute in braces", '<img alt={"A chart"} />', '"A chart"'],
  ["a choice", '<p title={isOpen ? t("x") : "shut"} />', '"shut"'],
  ["braces between tags", '<p>{"Hello"}</p>', '"Hello"'],
  ["a column's head", 'const columns = [{ head: "Rows", cell }];', '"Rows"'],
])("the check finds a word in %s", (_, code, word) => {
  expect(hardCodedWords(new Map([["x.tsx", code]]))).toEqual([expect.stringContaining(word)]);
});

test("classes, ids and keys of texts are no words", () => {
  const code = '<p className="hint" id="a" title={t("shell.menu")}>{t("shell.menu")} · {1}</p>';
  expect(hardCodedWords(new Map([["x.tsx", code]]))).toEqual([]);
});

test("every text is used, and the check knows one that is not", () => {
  expect(unusedKeys(en, sources)).toEqual([]);
  const code = new Map([["x.tsx", "t('a.b'); t(`a.c.$" + "{x}`)"]]);
  expect(unusedKeys({ a: { b: "", c: { d: "" }, e: "" } }, code)).toEqual(["a.e"]);
});

test("both catalogues have the same texts, with the same values to fill in", () => {
  expect(withoutNumbers(keysOf(zhCn))).toEqual(withoutNumbers(keysOf(en)));
  const filled = (text: string) => [...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name).sort();
  for (const key of keysOf(zhCn)) {
    const values = new Set(filled(textAt(zhCn, key)));
    expect([key, values]).toEqual([key, new Set(filled(textAt(en, key)))]);
  }
});

test("Chinese texts are Chinese, and English ones are not", () => {
  const han = /\p{Script=Han}/u;
  const isWordless = (text: string) => !/\p{L}{2}/u.test(text.replaceAll(/\{\{\w+\}\}/g, ""));
  const zh = keysOf(zhCn).filter((key) => !UNTRANSLATED.test(key) && !han.test(textAt(zhCn, key)));
  expect(zh.filter((key) => !isWordless(textAt(zhCn, key)))).toEqual([]);
  // Beside a Chinese character stands Chinese punctuation.
  expect(keysOf(zhCn).filter((key) => /\p{Script=Han}[,;:?!]|[,;:?!]\p{Script=Han}/u.test(textAt(zhCn, key)))).toEqual(
    [],
  );
  expect(keysOf(en).filter((key) => key !== "shell.zhCn" && han.test(textAt(en, key)))).toEqual([]);
});
