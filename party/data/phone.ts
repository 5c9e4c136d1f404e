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
const MAINLAND_MOBILE = /^1[3-9]\d{9}$/;
const PLAIN = /^(?:\+86)?(1[3-9]\d{9})$/;
/** With what people write before it for the country. */
const MAINLAND = /^(?:(?:\+|00)?86)?(1[3-9]\d{9})$/;
const MAINLAND_DIGITS = 11;
const INTERNATIONAL = /^(?:\+|00)/;
/** As software writes a column that it took for one of floats: without the point the number would be another one. */
const DECIMAL = /^\s*\+?\d+\.0+\s*$/;

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
  return mainland === null ? byMetadata(text) : normalised(`+86${mainland[1]}`);
}

function byMetadata(text: string): Normalised {
  const international = INTERNATIONAL.test(text);
  if (!international && text.length < MAINLAND_DIGITS) return unusable("id-not-mainland-mobile");
  // Trunk 0, carrier selection codes (17951) and other countries' trunk prefixes go here.
  const number = parsePhoneNumberFromString(text, { defaultCountry: "CN", extract: false });
  if (!international || number?.countryCallingCode === "86")
    return MAINLAND_MOBILE.test(number?.nationalNumber ?? "")
      ? normalised(`+86${number?.nationalNumber}`)
      : unusable("id-not-mainland-mobile");
  if (number?.isValid()) return normalised(number.number);
  const fault = validatePhoneNumberLength(text, "CN");
  return unusable(fault === undefined || fault === "INVALID_COUNTRY" ? "id-form" : "id-length");
}
