/**
 * Normalisers: from an id as somebody typed it to the one text that both parties hash. Two parties match only where they
 * agree on every byte, so each rule is fixed by a golden vector in test/vectors/data/ids and a change needs a new name.
 */
import { MAX_ID_BYTES } from "./limits.ts";
import type { IdReason } from "./rejection.ts";

export const NORMALISERS = ["phone-e164-cn", "trimmed"] as const;
export type NormaliserName = (typeof NORMALISERS)[number];

export type Normalised = { readonly ok: true; readonly id: string } | { readonly ok: false; readonly reason: IdReason };

export type Normaliser = (raw: string | null) => Normalised;

const EMPTY: Normalised = { ok: false, reason: "id-empty" };
const CHARACTERS: Normalised = { ok: false, reason: "id-characters" };
const LENGTH: Normalised = { ok: false, reason: "id-length" };
const NOT_MAINLAND_MOBILE: Normalised = { ok: false, reason: "id-not-mainland-mobile" };

/** 工信部 numbering plan: 11 digits, the first 1, the second 3 to 9. */
const MAINLAND_MOBILE = /^1[3-9]\d{9}$/;
const PLAIN = /^(?:\+86)?(1[3-9]\d{9})$/;
/** Unicode spaces, marks without width that copied text carries, all dashes, the minus sign, dots and parentheses. */
const SEPARATORS = /[\s\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\p{Dash_Punctuation}\u2212.()]/gu;
/** ITU-T E.164 section 6.2.1: at most 15 digits, and no country code begins with 0. Under 8 names a service, not a person. */
const E164 = /^[1-9]\d{7,14}$/;

/**
 * A telephone number as E.164 with '+'. Full-width forms become ASCII (NFKC), separators go. A number without an
 * international prefix is read as mainland China's, with or without 86 before it; after '+' or 00 another country's
 * number of valid length is kept as it is. Mainland numbers must be mobile: a landline names a household or an office.
 */
function phoneE164Cn(raw: string | null): Normalised {
  if (raw === null) return EMPTY;
  const plain = PLAIN.exec(raw);
  if (plain !== null) return { ok: true, id: `+86${plain[1]}` };
  const text = raw.normalize("NFKC").replace(SEPARATORS, "");
  if (text === "") return EMPTY;
  if (!/^\+?\d+$/.test(text)) return CHARACTERS;
  const prefix = text.startsWith("+") ? 1 : text.startsWith("00") ? 2 : 0;
  const digits = text.slice(prefix);
  if (prefix === 0 && MAINLAND_MOBILE.test(digits)) return { ok: true, id: `+86${digits}` };
  if (digits.startsWith("86")) {
    const national = digits.slice(2);
    return MAINLAND_MOBILE.test(national) ? { ok: true, id: `+86${national}` } : NOT_MAINLAND_MOBILE;
  }
  if (prefix === 0) return NOT_MAINLAND_MOBILE;
  return E164.test(digits) ? { ok: true, id: `+${digits}` } : LENGTH;
}

const encoder = new TextEncoder();
const idScratch = new Uint8Array(MAX_ID_BYTES);

/** White space at both ends goes (ECMAScript `trim`), nothing else changes: case and composition are the parties' own. */
function trimmed(raw: string | null): Normalised {
  const id = raw === null ? "" : raw.trim();
  if (id === "") return EMPTY;
  if (encoder.encodeInto(id, idScratch).read !== id.length) return LENGTH;
  return { ok: true, id };
}

const BY_NAME: Readonly<Record<NormaliserName, Normaliser>> = { "phone-e164-cn": phoneE164Cn, trimmed };

export function normaliserOf(name: NormaliserName): Normaliser {
  return BY_NAME[name];
}
