/**
 * An agreement in plain words, for the person who signs it or answers for it: what leaves the house, what arrives, what never
 * leaves, what for, who decides, within which limits, how long. Everything follows from the signed document alone.
 */
import type { AgreementDocument } from "../agreement/schema.ts";
import type { Language } from "../language.ts";
import { CHINESE } from "./chinese.ts";
import { textOfDifference } from "./difference-text.ts";
import type { Difference } from "./differences.ts";
import { ENGLISH } from "./english.ts";
import { keptColumns, operationFacts } from "./facts.ts";
import { TERM_SECTIONS, type TermSection } from "./sections.ts";
import type { DifferenceText, TermsWords } from "./words.ts";

/** Lines that belong together: those of one operation, which the title names. */
export interface TermsBlock {
  readonly title: string | null;
  readonly lines: readonly string[];
}

export interface TermsPart {
  readonly id: TermSection;
  readonly title: string;
  readonly blocks: readonly TermsBlock[];
}

const WORDS: { readonly [L in Language]: TermsWords } = { en: ENGLISH, "zh-CN": CHINESE };

/** From the point of view of `viewer`. Throws AGREEMENT_INVALID when that is no party. */
export function termsOf(document: AgreementDocument, viewer: string, language: Language): readonly TermsPart[] {
  const words = WORDS[language];
  const operations = document.operations.map((agreed) => operationFacts(document, agreed, viewer));
  const plain = (lines: readonly string[]): TermsBlock => ({ title: null, lines });
  const byOperation = (lines: TermsWords["leaves"]) =>
    operations.map((facts) => ({ title: words.operation(facts), lines: lines(facts) }));
  const blocks: { readonly [S in TermSection]: readonly TermsBlock[] } = {
    leaves: [...byOperation(words.leaves), { title: words.inEveryJob, lines: words.everyJob }],
    arrives: byOperation(words.arrives),
    stays: [plain(words.stays(keptColumns(document, viewer)))],
    purposes: [plain([...document.purposes.map(words.purpose), words.retention(document.retention)])],
    deciding: [...byOperation((facts) => [words.approval(facts)]), plain(words.parties(document, viewer))],
    limits: [plain(words.limits(document))],
    validity: [plain(words.validity(document))],
  };
  return TERM_SECTIONS.map((id) => ({ id, title: words.sections[id], blocks: blocks[id] }));
}

/** From the point of view of `viewer`. */
export function differenceText(difference: Difference, viewer: string, language: Language): DifferenceText {
  return textOfDifference(WORDS[language].differences, difference, viewer);
}
