/**
 * What a job tells whom, in words, computed from the agreement, the job and the sizes of the lists: what a person sees
 * before approving a job or asking for one. The same input gives the same text; the digest of the English one stands in the
 * approval, and what people read in other languages is a translation of it.
 */
import { utf8 } from "../encoding/bytes.ts";
import { digestOf } from "../encoding/sha256.ts";
import type { Digest } from "../ids.ts";
import type { Language } from "../language.ts";
import { leakInChinese } from "./leak/chinese.ts";
import { leakInEnglish } from "./leak/english.ts";
import { type LeakParts, type LeakQuestion, leakFacts } from "./leak/facts.ts";

export type { LeakParts, LeakQuestion, RowsShown } from "./leak/facts.ts";

export interface LeakText {
  /** All parts, in order. */
  readonly text: string;
  readonly parts: LeakParts;
}

export interface LeakStatement extends LeakText {
  /** SHA-256 of the English text in UTF-8. */
  readonly digest: Digest;
  readonly translations: { readonly [L in Exclude<Language, "en">]: LeakText };
}

function textOf(parts: LeakParts, between: string): LeakText {
  const { peerLearns, youLearn, scoreAdds, inClear, bothLearn, coordinatorSees, rest, enforcement } = parts;
  const sentences = [peerLearns, youLearn, scoreAdds, inClear, bothLearn, coordinatorSees, rest, enforcement];
  return { text: sentences.filter((sentence) => sentence !== null).join(between), parts };
}

/** Deterministic. Throws AGREEMENT_INVALID when the job's receiver is no party of the agreement. */
export function leakStatement(question: LeakQuestion): LeakStatement {
  const facts = leakFacts(question);
  const english = textOf(leakInEnglish(facts), " ");
  const chinese = textOf(leakInChinese(facts), "");
  return { ...english, digest: digestOf(utf8(english.text)), translations: { "zh-CN": chinese } };
}
