/** The codes of mainland China's people and organisations, each with a check character over the others. */
import { isExponent, type Normalised, normalised, unusable, withoutSeparators } from "./normalised.ts";

/** GB 11643-1999: region 6, date of birth 8, sequence 3, check character. */
const RESIDENT_ID = /^[1-9]\d{5}((?:18|19|20)\d{2})(\d{2})(\d{2})\d{3}[\dX]$/;
/** GB 11643-1989: region 6, date of birth 6 without the century, sequence 3; no check character. */
const OLD_RESIDENT_ID = /^(\d{6})(\d{6}\d{3})$/;
/** Sequences that the older standard keeps for centenarians, whose century is not the 20th. */
const OF_CENTENARIANS = /99[6-9]$/;
const RESIDENT_CHECKS = "10X98765432";

/** Section 4.4, which is ISO 7064 MOD 11-2: the sum of digit i, from 0, times 2^(17 - i), modulo 11, chooses the character. */
function residentCheck(id: string): string {
  let sum = 0;
  for (let i = 0; i < 17; i++) sum = (sum * 2 + Number(id[i])) % 11;
  return RESIDENT_CHECKS[(sum * 2) % 11] as string;
}

function isDate(year: string, month: string, day: string): boolean {
  const date = `${year}-${month}-${day}`;
  const midnight = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(date);
}

/** A resident identity number of 18 characters; one of 15 digits gets its century and check character. */
export function cnResidentId(raw: string | null): Normalised {
  const text = withoutSeparators(raw ?? "");
  if (text === "") return unusable("id-empty");
  if (isExponent(text)) return unusable("id-exponent");
  if (!/^\d*[\dXx]$/.test(text)) return unusable("id-characters");
  if (text.length !== 15 && text.length !== 18) return unusable("id-length");
  const [, region, rest] = OLD_RESIDENT_ID.exec(text) ?? [];
  if (region !== undefined && OF_CENTENARIANS.test(text)) return unusable("id-form");
  const body = `${region}19${rest}`;
  const id = region === undefined ? text.toUpperCase() : body + residentCheck(body);
  const [, year = "", month = "", day = ""] = RESIDENT_ID.exec(id) ?? [];
  if (!isDate(year, month, day)) return unusable("id-form");
  return id[17] === residentCheck(id) ? normalised(id) : unusable("id-check-character");
}

/** GB 32100-2015 table 2: digits and capitals without I, O, S, V, Z; a character's value is its place. */
const USCC_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY";
/** Registering authority and kind 2, region 6 digits, organisation 9, check character. */
const USCC = /^[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}$/;

/** Section 5.3, ISO 7064 MOD 31-3: character i, from 0, weighs 3^i, and all with the check character sum to 0 modulo 31. */
function usccCheck(id: string): string {
  let sum = 0;
  let weight = 1;
  for (let i = 0; i < 17; i++) {
    sum += USCC_CHARACTERS.indexOf(id[i] as string) * weight;
    weight = (weight * 3) % 31;
  }
  return USCC_CHARACTERS[(31 - (sum % 31)) % 31] as string;
}

/** A unified social credit code, of 18 characters. */
export function cnUscc(raw: string | null): Normalised {
  const text = withoutSeparators(raw ?? "");
  if (text === "") return unusable("id-empty");
  // Without the sign it may be a code with an E amid its digits.
  if (text.includes("+") && isExponent(text)) return unusable("id-exponent");
  if (!/^[0-9A-Za-z]+$/.test(text)) return unusable("id-characters");
  if (text.length !== 18) return unusable("id-length");
  const id = text.toUpperCase();
  if (!USCC.test(id)) return unusable("id-form");
  return id[17] === usccCheck(id) ? normalised(id) : unusable("id-check-character");
}
