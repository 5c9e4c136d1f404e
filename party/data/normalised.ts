/** What a normaliser makes of an id. */
import type { IdReason } from "./rejection.ts";

export type Normalised = { readonly ok: true; readonly id: string } | { readonly ok: false; readonly reason: IdReason };

export type Normaliser = (raw: string | null) => Normalised;

export function normalised(id: string): Normalised {
  return { ok: true, id };
}

export function unusable(reason: IdReason): Normalised {
  return { ok: false, reason };
}

/** Unicode spaces, marks without width that copied text carries, all dashes, the minus sign, dots and parentheses. */
const SEPARATORS = /[\s\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\p{Dash_Punctuation}\u2212.()]/gu;

/** Footnote marks, circled numbers, fractions: NFKC makes digits of them, and "1380013800²" another person's number. */
const NO_DIGIT = /\p{No}/u;

/** A number or code as it was meant: full-width forms become ASCII (NFKC), separators go. */
export function withoutSeparators(raw: string): string {
  const text = NO_DIGIT.test(raw) ? raw : raw.normalize("NFKC");
  return text.replace(SEPARATORS, "");
}

/** A long number as software shows it that took it for a float, "1.38E+10" when separators are gone: its last digits are lost. */
export function isExponent(text: string): boolean {
  return /^\+?\d+(?:,\d*)?E\+?\d{1,3}$/i.test(text);
}

/** The same as spreadsheets write it, and hardly anybody else: all ids with the same first digits become this one. */
export function isSpreadsheetExponent(text: string): boolean {
  return /^\d\.\d+E\+\d{2,3}$/.test(text);
}
