/**
 * `phone-e164`: a telephone number as E.164 with '+', by the rules and metadata of libphonenumber, read as mainland
 * China's where it has no international prefix. Which numbers are valid moves with the metadata, so its version is part of the rule's
 * profile, which two nodes compare before a job.
 */
import { parsePhoneNumberFromString, validatePhoneNumberLength } from "libphonenumber-js/max";
import { isExponent, type Normalised, normalised, unusable, withoutSeparators } from "./normalised.ts";

/** The package as pinned in package.json, with its `max` metadata; a test holds them together. */
export const PHONE_PROFILE = "phone-e164 (libphonenumber-js 1.13.16)";

/**
 * 工信部's plan of networks' numbers: 11 digits, the first 1, the second 3 to 9. Wider than libphonenumber, which lists
 * the groups in use (no 154, no 194): a group opened after the metadata was made is a customer's number all the same,
 * and both nodes must read it alike whichever is upgraded first.
 */
const PLAIN = /^(?:\+86)?(1[3-9]\d{9})$/;
/** With what people dial before it: the country, and the trunk 0 or the code of a carrier (17951), both of libphonenumber's. */
const MAINLAND = /^(?:(?:\+|00)?86)?(?:0|1(?:[12]\d|79)\d\d)?(1[3-9]\d{9})$/;
const ELSEWHERE = /^(?:\+|00)(?!86)/;
/** As software writes a column that it took for one of floats: without the point the number would be another one. */
const DECIMAL = /^\s*\+?\d+\.(?:0+|\d{1,2})\s*$/;

/**
 * Full-width forms become ASCII (NFKC), separators and marks without width go. Mainland numbers must be mobile, since a
 * landline names a household or an office; other countries' must be valid by the metadata.
 */
export function phoneE164(raw: string | null): Normalised {
  if (raw === null) return unusable("id-empty");
  const plain = PLAIN.exec(raw);
  if (plain !== null) return normalised(`+86${plain[1]}`);
  const text = withoutSeparators(raw);
  if (text === "") return unusable("id-empty");
  if (isExponent(text)) return unusable("id-exponent");
  if (!/^\+?\d+$/.test(text)) return unusable("id-characters");
  if (DECIMAL.test(raw.normalize("NFKC"))) return unusable("id-decimal");
  const mainland = MAINLAND.exec(text);
  if (mainland !== null) return normalised(`+86${mainland[1]}`);
  return ELSEWHERE.test(text) ? byMetadata(text) : unusable("id-not-mainland-mobile");
}

/** Of other countries: their trunk prefixes go. */
function byMetadata(text: string): Normalised {
  const number = parsePhoneNumberFromString(text, { defaultCountry: "CN", extract: false });
  if (number?.countryCallingCode === "86") return unusable("id-not-mainland-mobile");
  if (number?.isValid()) return normalised(number.number);
  const fault = validatePhoneNumberLength(text, "CN");
  return unusable(fault === undefined || fault === "INVALID_COUNTRY" ? "id-form" : "id-length");
}
