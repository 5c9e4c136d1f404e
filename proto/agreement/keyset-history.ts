/**
 * The keysets of a party in their order, from the first that somebody saw: each under the identity of the one before it, or
 * under a new one that came with a succession. The recovery key stays the same throughout.
 */
import { equalBytes } from "../encoding/bytes.ts";
import { canonicalJson, parseCanonicalJson } from "../encoding/canonical-json.ts";
import { type Envelope, envelopeFromJson, envelopeToJson } from "../encoding/dsse.ts";
import { digestOf } from "../encoding/sha256.ts";
import { EntenteError } from "../errors.ts";
import { type Keyset, verifyKeyset } from "./keyset.ts";
import { type Succession, verifySuccession } from "./succession.ts";

export interface KeysetRecord {
  readonly keyset: Envelope;
  /** Of the first keyset under a new identity. */
  readonly succession?: Envelope | undefined;
}

export interface Followed {
  readonly keyset: Keyset;
  readonly succession?: Succession;
}

/** What comes after `before` (oldest first). Says nothing of times and countersignatures. Throws SIGNATURE_INVALID, WIRE_INVALID. */
export function follow(
  before: readonly Keyset[],
  { keyset: signed, succession: signedSuccession }: KeysetRecord,
): Followed {
  const [last] = before.slice(-1);
  if (last === undefined) throw new EntenteError("SIGNATURE_INVALID", { detail: "no keyset to follow" });
  const { party, identity, recovery } = last;
  const succession = signedSuccession && verifySuccession(signedSuccession, { party, identity, recovery });
  const keyset = verifyKeyset(signed, succession?.newIdentity ?? identity);
  const isRight =
    keyset.party === party &&
    isSame(keyset.recovery, recovery) &&
    (succession === undefined || succession.keysetDigest === digestOf(signed.payload));
  if (!isRight) throw new EntenteError("SIGNATURE_INVALID", { detail: "keyset with another recovery key, or not its" });
  // An identity that was given up never comes back.
  if (succession !== undefined && before.some((one) => equalBytes(one.identity, keyset.identity)))
    throw new EntenteError("SIGNATURE_INVALID", { detail: "succession to an earlier identity" });
  return succession === undefined ? { keyset } : { keyset, succession };
}

/** All of a history whose first keyset is `identity`'s, oldest first. Throws as `follow`. */
export function verifyHistory(records: readonly KeysetRecord[], identity: Uint8Array): Keyset[] {
  const keysets: Keyset[] = [];
  for (const record of records) {
    const isFirst = keysets.length === 0;
    keysets.push(isFirst ? verifyKeyset(record.keyset, identity) : follow(keysets, record).keyset);
  }
  return keysets;
}

function isSame(a: Uint8Array | null, b: Uint8Array | null): boolean {
  return a === null || b === null ? a === b : equalBytes(a, b);
}

/** Canonical JSON. */
export function encodeHistory(records: readonly KeysetRecord[]): Uint8Array<ArrayBuffer> {
  return canonicalJson(
    records.map(({ keyset, succession }) => ({
      keyset: envelopeToJson(keyset),
      ...(succession === undefined ? {} : { succession: envelopeToJson(succession) }),
    })),
  );
}

/** Form only. Throws WIRE_INVALID. */
export function decodeHistory(bytes: Uint8Array): KeysetRecord[] {
  const value = parseCanonicalJson(bytes);
  if (!Array.isArray(value)) throw new EntenteError("WIRE_INVALID", { detail: "keysets" });
  return value.map((item: unknown) => {
    const { keyset, succession } = (item ?? {}) as Record<string, unknown>;
    const first = { keyset: envelopeFromJson(keyset) };
    return succession === undefined ? first : { ...first, succession: envelopeFromJson(succession) };
  });
}
