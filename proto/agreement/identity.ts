/** A party's identity: one Ed25519 key, known to its peers by a fingerprint that people compare out of band. */
import { fromHex, toHex, utf8 } from "../encoding/bytes.ts";
import { domainHash } from "../encoding/sha256.ts";
import { EntenteError } from "../errors.ts";
import { type CollaborationId, type PartyId, partyId } from "../ids.ts";

const FINGERPRINT_BYTES = 16;

/** 128 bits of a domain-separated SHA-256 of the raw key, as eight groups of four hex digits: short enough to read out. */
export function fingerprint(identityPublicKey: Uint8Array): string {
  const hex = toHex(domainHash("entente identity/1", identityPublicKey).subarray(0, FINGERPRINT_BYTES));
  return (hex.match(/.{4}/g) as string[]).join("-");
}

/** Accepts what a person may type (spaces, colons, upper case); the result is `fingerprint`'s form. Throws BAD_REQUEST. */
export function parseFingerprint(text: string): string {
  const hex = text.toLowerCase().replaceAll(/[\s:-]/g, "");
  if (hex.length !== FINGERPRINT_BYTES * 2 || !/^[0-9a-f]+$/.test(hex)) {
    throw new EntenteError("BAD_REQUEST", { detail: "a fingerprint has 32 hex digits" });
  }
  return (toHex(fromHex(hex)).match(/.{4}/g) as string[]).join("-");
}

/** One collaboration for one set of parties, whoever proposes first. At least two, distinct. Throws BAD_REQUEST. */
export function collaborationOf(parties: readonly string[]): CollaborationId {
  const names = parties.map((name): PartyId => partyId(name)).sort();
  if (names.length < 2 || new Set(names).size !== names.length) {
    throw new EntenteError("BAD_REQUEST", { detail: "a collaboration has two or more different parties" });
  }
  return toHex(domainHash("entente collaboration/1", utf8(names.join("\n"))).subarray(0, 16)) as CollaborationId;
}
