/**
 * A new identity in the place of an old one. `rotated`: the old identity and the new one sign, and it holds at once.
 * `recovered`: the old one is lost; the offline recovery key and the new identity sign, peers countersign after a person there
 * has compared the new fingerprint out of band, and it holds only after a delay that everybody can see. What peers sign is
 * never enough by itself.
 */
import * as z from "zod";
import { equalBytes, fromHex, toHex } from "../encoding/bytes.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../encoding/canonical-json.ts";
import { type Envelope, envelope, sign, verify } from "../encoding/dsse.ts";
import { type SigningKey, type VerifyingKey, verifyingKey } from "../encoding/ed25519.ts";
import { EntenteError } from "../errors.ts";
import type { Digest, PartyId } from "../ids.ts";
import { digestField, hexKey, partyName, utcTime } from "./fields.ts";
import { keyId } from "./keyset.ts";

export const SUCCESSION_TYPE = "application/vnd.entente.succession.v1+json";
/** From the time that a recovery was signed, and at each peer from the time that it saw it first, until it holds: long enough
 * for the owner of an identity that is not lost to see it and to answer it with a rotation. */
export const RECOVERY_DELAY_MS = 7 * 86_400_000;

const successionSchema = z.strictObject({
  format: z.literal("entente-succession/1"),
  party: partyName,
  kind: z.enum(["rotated", "recovered"]),
  oldIdentity: hexKey,
  newIdentity: hexKey,
  keysetDigest: digestField,
  at: utcTime,
  effectiveAt: utcTime,
});

export interface Succession {
  readonly party: PartyId;
  readonly kind: "rotated" | "recovered";
  /** Raw 32 bytes. */
  readonly oldIdentity: Uint8Array<ArrayBuffer>;
  readonly newIdentity: Uint8Array<ArrayBuffer>;
  /** SHA-256 of the payload of the first keyset under the new identity. */
  readonly keysetDigest: Digest;
  readonly at: string;
  /** Of a rotation `at`; of a recovery `RECOVERY_DELAY_MS` after it, or later. */
  readonly effectiveAt: string;
}

/** Names in signatures: the two identities of one party must not have the same. */
const OLD = "old-identity";
const NEW = "new-identity";

/** The old identity's name is `<party>/old-identity`, or `<party>/recovery` when it is the recovery key that speaks for it. */
export function successionKeyId(party: string, role: typeof OLD | typeof NEW | "recovery"): string {
  return `${party}/${role}`;
}

/** `from`: the old identity of a rotation, the recovery key of a recovery. `to`: the new identity. */
export function signSuccession(
  input: Omit<Succession, "newIdentity" | "effectiveAt">,
  keys: { readonly from: SigningKey; readonly to: SigningKey },
): Envelope {
  const { party, kind, oldIdentity, keysetDigest, at } = input;
  const delayMs = kind === "rotated" ? 0 : RECOVERY_DELAY_MS;
  const document = {
    ...{ format: "entente-succession/1", party, kind, keysetDigest, at },
    oldIdentity: toHex(oldIdentity),
    newIdentity: toHex(keys.to.publicKey),
    effectiveAt: new Date(Date.parse(at) + delayMs).toISOString(),
  };
  const from = { ...keys.from, keyId: successionKeyId(party, kind === "rotated" ? OLD : "recovery") };
  const to = { ...keys.to, keyId: successionKeyId(party, NEW) };
  return envelope(SUCCESSION_TYPE, canonicalJson(document as Json), from, to);
}

/** What is claimed: form only. Throws WIRE_INVALID. */
export function parseSuccession(signed: Envelope): Succession {
  const parsed = successionSchema.safeParse(parseCanonicalJson(signed.payload));
  if (!parsed.success) throw new EntenteError("WIRE_INVALID", { detail: "succession" });
  const { oldIdentity, newIdentity, party, kind, keysetDigest, at, effectiveAt } = parsed.data;
  const keys = { oldIdentity: fromHex(oldIdentity), newIdentity: fromHex(newIdentity) };
  return { ...keys, party, kind, keysetDigest, at, effectiveAt };
}

/**
 * The succession, when it takes the place of `known.identity` and both that have to sign it did. Whether peers have
 * countersigned and the delay is over the caller asks by itself. Throws SIGNATURE_INVALID, WIRE_INVALID.
 */
export function verifySuccession(
  signed: Envelope,
  known: { readonly party: string; readonly identity: Uint8Array; readonly recovery: Uint8Array | null },
): Succession {
  const succession = parseSuccession(signed);
  const { party, kind, oldIdentity, newIdentity, at, effectiveAt } = succession;
  const by = kind === "rotated" ? oldIdentity : known.recovery;
  const isOf = party === known.party && equalBytes(oldIdentity, known.identity);
  if (!isOf || by === null) throw new EntenteError("SIGNATURE_INVALID", { detail: "succession of another identity" });
  const one = [oldIdentity, newIdentity, ...(known.recovery === null ? [] : [known.recovery])].map(toHex);
  const delayMs = Date.parse(effectiveAt) - Date.parse(at);
  const isTimely = kind === "rotated" ? delayMs === 0 : delayMs >= RECOVERY_DELAY_MS;
  if (new Set(one).size !== one.length || !isTimely)
    throw new EntenteError("SIGNATURE_INVALID", { detail: "succession: one key twice, or too early" });
  const from = successionKeyId(party, kind === "rotated" ? OLD : "recovery");
  verify(signed, SUCCESSION_TYPE, verifyingKey(from, by));
  verify(signed, SUCCESSION_TYPE, verifyingKey(successionKeyId(party, NEW), newIdentity));
  return succession;
}

/** With the signature of a peer, whose identity `key` is. */
export function countersign(signed: Envelope, key: SigningKey): Envelope {
  const others = signed.signatures.filter(({ keyid }) => keyid !== key.keyId);
  return { ...signed, signatures: [...others, sign(SUCCESSION_TYPE, signed.payload, key)] };
}

/** Throws SIGNATURE_INVALID unless `key`, a peer's identity, has countersigned. */
export function verifyCountersignature(signed: Envelope, key: VerifyingKey): void {
  const { party } = parseSuccession(signed);
  if (key.keyId === keyId(party, "identity")) throw new EntenteError("SIGNATURE_INVALID", { detail: "its own peer" });
  verify(signed, SUCCESSION_TYPE, key);
}

/** `signed` with the countersignature of `key` that `other`, an envelope of the same succession, carries. Throws SIGNATURE_INVALID. */
export function addCountersignature(signed: Envelope, other: Envelope, key: VerifyingKey): Envelope {
  verifyCountersignature({ ...signed, signatures: other.signatures }, key);
  const isTheirs = ({ keyid }: { readonly keyid: string }) => keyid === key.keyId;
  const others = signed.signatures.filter((signature) => !isTheirs(signature));
  return { ...signed, signatures: [...others, ...other.signatures.filter(isTheirs)] };
}
