/**
 * Normalisers: from an id as somebody typed it to the one text that both parties hash. Two parties match only where they
 * agree on every byte, so each rule is fixed by a golden vector in test/vectors/data/ids and a change needs a new name.
 */
import type { NormaliserName } from "../../proto/agreement/fields.ts";
import { cnResidentId, cnUscc } from "./cn-codes.ts";
import { MAX_ID_BYTES } from "./limits.ts";
import { isSpreadsheetExponent, type Normalised, type Normaliser, normalised, unusable } from "./normalised.ts";
import { PHONE_PROFILE, phoneE164 } from "./phone.ts";

const encoder = new TextEncoder();
const idScratch = new Uint8Array(MAX_ID_BYTES);

function fits(id: string): boolean {
  return encoder.encodeInto(id, idScratch).read === id.length;
}

/**
 * White space at both ends goes (ECMAScript `trim`), nothing else changes: case and composition are the parties' own. Only
 * "6.22E+18" is refused, which a spreadsheet makes of many account numbers at both parties: strangers would match.
 */
function opaque(raw: string | null): Normalised {
  const id = raw === null ? "" : raw.trim();
  if (id === "") return unusable("id-empty");
  if (isSpreadsheetExponent(id)) return unusable("id-exponent");
  return fits(id) ? normalised(id) : unusable("id-length");
}

/**
 * As the PAIR protocol of the IAB Tech Lab has it: white space at both ends goes, ASCII letters become small, and nothing
 * else; neither dots nor what follows a plus sign go. Needs something on either side of an @ and no space or mark within.
 */
function email(raw: string | null): Normalised {
  const text = raw === null ? "" : raw.trim();
  if (text === "") return unusable("id-empty");
  if (!fits(text)) return unusable("id-length");
  if (/[\s\p{Cc}\p{Cf}]/u.test(text)) return unusable("id-characters");
  const at = text.lastIndexOf("@");
  if (at < 1 || at === text.length - 1) return unusable("id-form");
  return normalised(text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase()));
}

/** Hashes that both sides hold already, by their digits in hex and the hash of a blank cell, which is nobody's. */
export const HASHES = {
  "hashed-sha256": { digits: 64, ofBlank: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
  "hashed-md5": { digits: 32, ofBlank: "d41d8cd98f00b204e9800998ecf8427e" },
  "hashed-sm3": { digits: 64, ofBlank: "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b" },
} as const;
export type HashName = keyof typeof HASHES;

function hashed(name: HashName): Normaliser {
  const { digits, ofBlank } = HASHES[name];
  return (raw) => {
    const id = (raw ?? "").trim().toLowerCase();
    if (id === "") return unusable("id-empty");
    if (!/^[0-9a-f]+$/.test(id)) return unusable("id-characters");
    if (id.length !== digits) return unusable("id-length");
    return id === ofBlank ? unusable("id-empty") : normalised(id);
  };
}

const BY_NAME: Readonly<Record<NormaliserName, Normaliser>> = {
  "phone-e164": phoneE164,
  opaque,
  email,
  "cn-resident-id": cnResidentId,
  "cn-uscc": cnUscc,
  "hashed-sha256": hashed("hashed-sha256"),
  "hashed-md5": hashed("hashed-md5"),
  "hashed-sm3": hashed("hashed-sm3"),
};

export function normaliserOf(name: NormaliserName): Normaliser {
  return BY_NAME[name];
}

/** What must be equal at two nodes for them to normalise alike: the rule's name, and what beside it can change the result. */
export function profileOf(name: NormaliserName): string {
  return name === "phone-e164" ? PHONE_PROFILE : name;
}
