/** A finding's words in a language. */
import type { Language } from "../language.ts";
import { CHINESE } from "./chinese.ts";
import { ENGLISH } from "./english.ts";
import type { FindingCode, FindingValues, FindingWords, Words } from "./findings.ts";

const WORDS: Readonly<Record<Language, FindingWords>> = { en: ENGLISH, "zh-CN": CHINESE };

export function findingWords<C extends FindingCode>(code: C, values: FindingValues[C], language: Language): Words {
  return WORDS[language][code](values);
}

/** A finding as an answer has it: its words in English, and what others are made of. */
interface Told extends Record<"what", string> {
  readonly code: string;
  readonly values: Readonly<Record<string, string | number>>;
  readonly why: string | null;
  readonly fix: string | null;
}

/** Of a finding that a node told. One of a newer node, which is not known here, stays as it was told. */
export function wordsOf(finding: Told, language: Language): Words {
  const { code, values, what, why, fix } = finding;
  const words: Readonly<Record<string, (values: never) => Words>> = WORDS[language];
  if (language !== "en" && Object.hasOwn(words, code)) return (words[code] as (values: object) => Words)(values);
  return { what, ...(why === null ? {} : { why }), ...(fix === null ? {} : { fix }) };
}
