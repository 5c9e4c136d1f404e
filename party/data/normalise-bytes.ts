/**
 * The normalisers of `normalise.ts` on UTF-8 bytes, for the hot path: what is ASCII is decided here, the rest becomes a
 * string and goes through them. Both must give the same for every input; a property test compares them.
 */
import type { NormaliserName } from "../../proto/agreement/fields.ts";
import { MAX_ID_BYTES } from "./limits.ts";
import { HASHES, type HashName, normaliserOf } from "./normalise.ts";
import { ID_REASONS, type IdReason } from "./rejection.ts";

/**
 * Writes the normalised form of `raw[start .. end)`, at most MAX_ID_BYTES, to `out` from `at` on. Returns its length,
 * or a negative number for `reasonOf`.
 */
export type ByteNormaliser = (raw: Uint8Array, start: number, end: number, out: Uint8Array, at: number) => number;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

function code(reason: IdReason): number {
  return -1 - ID_REASONS.indexOf(reason);
}

/** The reason behind a negative result. */
export function reasonOf(result: number): IdReason {
  return ID_REASONS[-1 - result] as IdReason;
}

export const EMPTY = code("id-empty");
export const CHARACTERS = code("id-characters");
export const LENGTH = code("id-length");
const FORM = code("id-form");

const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const AT_SIGN = 0x40;
const DELETE = 0x7f;
const FIRST_NOT_ASCII = 0x80;
const MAINLAND_DIGITS = 11;
/** Of the longest form that is decided on bytes, 0086 and a number, and more: not longer than that is all it must tell. */
const KEPT_DIGITS = 16;

/** ECMAScript white space among ASCII: HT, LF, VT, FF, CR, space. */
function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** Of the separators of a telephone number those in ASCII: white space, - ( ), without the dot, which may be a decimal point. */
function isSeparator(byte: number): boolean {
  return byte === 0x2d || byte === 0x28 || byte === 0x29 || isSpace(byte);
}

function viaString(name: NormaliserName): ByteNormaliser {
  const normalise = normaliserOf(name);
  return (raw, start, end, out, at) => {
    const normalised = normalise(decoder.decode(raw.subarray(start, end)));
    if (!normalised.ok) return code(normalised.reason);
    return encoder.encodeInto(normalised.id, out.subarray(at, at + MAX_ID_BYTES)).written;
  };
}

const digits = new Uint8Array(KEPT_DIGITS);
const phoneViaString = viaString("phone-e164");

/** Mainland mobile numbers as people write them, in ASCII without a dot, are decided here; all else has the string's rule. */
function phoneE164(raw: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  let count = 0;
  let plus = false;
  for (let i = start; i < end; i++) {
    const byte = raw[i] as number;
    if (byte >= ZERO && byte <= ZERO + 9) {
      if (count === KEPT_DIGITS) return phoneViaString(raw, start, end, out, at);
      digits[count++] = byte;
    } else if (byte === PLUS && !plus && count === 0) plus = true;
    else if (!isSeparator(byte)) return phoneViaString(raw, start, end, out, at);
  }
  if (count === 0) return plus ? CHARACTERS : EMPTY;
  const first = count - MAINLAND_DIGITS;
  if (!isMainlandMobile(first) || !isChina(first, plus)) return phoneViaString(raw, start, end, out, at);
  out[at] = PLUS;
  out[at + 1] = ZERO + 8;
  out[at + 2] = ZERO + 6;
  for (let i = 0; i < MAINLAND_DIGITS; i++) out[at + 3 + i] = digits[first + i] as number;
  return 3 + MAINLAND_DIGITS;
}

/** The first 1, the second 3 to 9, from `first` on. */
function isMainlandMobile(first: number): boolean {
  return first >= 0 && digits[first] === ZERO + 1 && (digits[first + 1] as number) >= ZERO + 3;
}

/** Before `first`: nothing, 86 or 0086, or 86 after a plus sign. */
function isChina(first: number, plus: boolean): boolean {
  if (first === 0) return !plus;
  const zeros = first === 4 && !plus && digits[0] === ZERO && digits[1] === ZERO;
  return (first === 2 || zeros) && digits[first - 2] === ZERO + 8 && digits[first - 1] === ZERO + 6;
}

/** Where the ASCII white space before the text ends. White space beyond ASCII is for the normalisers of strings. */
function startOf(raw: Uint8Array, start: number, end: number): number {
  let first = start;
  while (first < end && isSpace(raw[first] as number)) first++;
  return first;
}

/** Where that behind it begins. */
function endOf(raw: Uint8Array, start: number, end: number): number {
  let last = end;
  while (last > start && isSpace(raw[last - 1] as number)) last--;
  return last;
}

/** A capital letter of ASCII as the small one. */
function small(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

const opaqueViaString = viaString("opaque");

function opaque(raw: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  const first = startOf(raw, start, end);
  const last = endOf(raw, first, end);
  if (first === last) return EMPTY;
  // White space beyond ASCII can only be where a byte beyond ASCII is.
  if ((raw[first] as number) >= FIRST_NOT_ASCII || (raw[last - 1] as number) >= FIRST_NOT_ASCII)
    return opaqueViaString(raw, start, end, out, at);
  // Perhaps "6.22E+18".
  if (raw[first + 1] === DOT) return opaqueViaString(raw, start, end, out, at);
  if (last - first > MAX_ID_BYTES) return LENGTH;
  for (let i = first; i < last; i++) out[at + i - first] = raw[i] as number;
  return last - first;
}

const emailViaString = viaString("email");

function email(raw: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  const first = startOf(raw, start, end);
  const last = endOf(raw, first, end);
  if (first === last) return EMPTY;
  let sign = -1;
  let other = false;
  for (let i = first; i < last; i++) {
    const byte = raw[i] as number;
    if (byte >= FIRST_NOT_ASCII) return emailViaString(raw, start, end, out, at);
    if (byte <= 0x20 || byte === DELETE) other = true;
    if (byte === AT_SIGN) sign = i;
    if (i - first < MAX_ID_BYTES) out[at + i - first] = small(byte);
  }
  if (last - first > MAX_ID_BYTES) return LENGTH;
  if (other) return CHARACTERS;
  return sign > first && sign < last - 1 ? last - first : FORM;
}

function hashed(name: HashName): ByteNormaliser {
  const { digits: length, ofBlank } = HASHES[name];
  const blank = encoder.encode(ofBlank);
  const viaStringToo = viaString(name);
  return (raw, start, end, out, at) => {
    const first = startOf(raw, start, end);
    const last = endOf(raw, first, end);
    if (first === last) return EMPTY;
    let other = false;
    let isBlank = true;
    for (let i = first; i < last; i++) {
      const byte = small(raw[i] as number);
      if (byte >= FIRST_NOT_ASCII) return viaStringToo(raw, start, end, out, at);
      if (!((byte >= ZERO && byte <= ZERO + 9) || (byte >= 0x61 && byte <= 0x66))) other = true;
      if (i - first >= length) continue;
      out[at + i - first] = byte;
      if (byte !== blank[i - first]) isBlank = false;
    }
    if (other) return CHARACTERS;
    if (last - first !== length) return LENGTH;
    return isBlank ? EMPTY : length;
  };
}

const BY_NAME: Readonly<Record<NormaliserName, ByteNormaliser>> = {
  "phone-e164": phoneE164,
  opaque,
  email,
  // Of few rows beside telephone numbers, and with arithmetic that costs as much as the string.
  "cn-resident-id": viaString("cn-resident-id"),
  "cn-uscc": viaString("cn-uscc"),
  "hashed-sha256": hashed("hashed-sha256"),
  "hashed-md5": hashed("hashed-md5"),
  "hashed-sm3": hashed("hashed-sm3"),
};

export function byteNormaliserOf(name: NormaliserName): ByteNormaliser {
  return BY_NAME[name];
}
