/**
 * A keyset: the four working keys of a party, signed by its identity key. One key serves one purpose, so that a
 * signature made for one can never be shown as another.
 */
import * as z from "zod";
import { fromHex, toHex } from "../encoding/bytes.ts";
import { canonicalJson, parseCanonicalJson } from "../encoding/canonical-json.ts";
import { type Envelope, envelope, verify } from "../encoding/dsse.ts";
import { type SigningKey, verifyingKey } from "../encoding/ed25519.ts";
import { EntenteError } from "../errors.ts";
import type { PartyId } from "../ids.ts";
import { hexKey, partyName, utcTime } from "./fields.ts";

export const KEYSET_TYPE = "application/vnd.entente.keyset.v1+json";

/** session: TLS certificates · jobs: specs, answers, receipts, agreements' bindings · log: checkpoints · cosigner: peers' checkpoints */
export const KEY_ROLES = ["session", "jobs", "log", "cosigner"] as const;
export type KeyRole = (typeof KEY_ROLES)[number];

const keysetSchema = z.strictObject({
  format: z.literal("entente-keyset/1"),
  party: partyName,
  identity: hexKey,
  validFrom: utcTime,
  validUntil: utcTime,
  keys: z.strictObject({ session: hexKey, jobs: hexKey, log: hexKey, cosigner: hexKey }),
  recovery: hexKey.nullable(),
});

export interface Keyset {
  readonly party: PartyId;
  /** Raw 32 bytes. */
  readonly identity: Uint8Array<ArrayBuffer>;
  readonly validFrom: string;
  readonly validUntil: string;
  readonly keys: Readonly<Record<KeyRole, Uint8Array<ArrayBuffer>>>;
  /** Public half of the key that is kept offline and can replace a lost identity (`succession.ts`): the same in every keyset of
   * a party. A coordinator has none. */
  readonly recovery: Uint8Array<ArrayBuffer> | null;
}

/** The name a key has in signatures: `bank/jobs`. */
export function keyId(party: string, role: KeyRole | "identity" | "recovery"): string {
  return `${party}/${role}`;
}

const VALID_DAYS = 365;
const DAY_MS = 86_400_000;

/** A keyset over the four working keys, valid for a year from `nowMs`. */
export function issueKeyset(input: {
  readonly party: PartyId;
  readonly identity: SigningKey;
  readonly keys: Readonly<Record<KeyRole, SigningKey>>;
  readonly recovery: Uint8Array<ArrayBuffer> | null;
  readonly nowMs: number;
}): Envelope {
  const { party, identity, keys, recovery, nowMs } = input;
  const keyset: Keyset = {
    party,
    identity: identity.publicKey,
    validFrom: new Date(nowMs).toISOString(),
    validUntil: new Date(nowMs + VALID_DAYS * DAY_MS).toISOString(),
    keys: {
      session: keys.session.publicKey,
      jobs: keys.jobs.publicKey,
      log: keys.log.publicKey,
      cosigner: keys.cosigner.publicKey,
    },
    recovery,
  };
  return signKeyset(keyset, identity);
}

export function signKeyset(keyset: Keyset, identityKey: SigningKey): Envelope {
  const { session, jobs, log, cosigner } = keyset.keys;
  const payload = canonicalJson({
    format: "entente-keyset/1",
    party: keyset.party,
    identity: toHex(keyset.identity),
    validFrom: keyset.validFrom,
    validUntil: keyset.validUntil,
    keys: { session: toHex(session), jobs: toHex(jobs), log: toHex(log), cosigner: toHex(cosigner) },
    recovery: keyset.recovery && toHex(keyset.recovery),
  });
  return envelope(KEYSET_TYPE, payload, identityKey);
}

/** The keyset, when `identityPublicKey` signed it and it names that key. Throws SIGNATURE_INVALID or WIRE_INVALID. */
export function verifyKeyset(signed: Envelope, identityPublicKey: Uint8Array): Keyset {
  const { party, identity, validFrom, validUntil, keys, recovery } = parseKeyset(signed);
  verify(signed, KEYSET_TYPE, verifyingKey(keyId(party, "identity"), identityPublicKey));
  const all = [identity, recovery, ...KEY_ROLES.map((role) => keys[role])];
  if (identity !== toHex(identityPublicKey) || new Set(all).size !== all.length) {
    throw new EntenteError("SIGNATURE_INVALID", { detail: "keyset names another identity, or one key twice" });
  }
  return {
    party,
    identity: fromHex(identity),
    validFrom,
    validUntil,
    keys: {
      session: fromHex(keys.session),
      jobs: fromHex(keys.jobs),
      log: fromHex(keys.log),
      cosigner: fromHex(keys.cosigner),
    },
    recovery: recovery === null ? null : fromHex(recovery),
  };
}

/** The identity that a keyset names, raw 32 bytes; nothing is verified. Throws WIRE_INVALID. */
export function namedIdentity(signed: Envelope): Uint8Array<ArrayBuffer> {
  return fromHex(parseKeyset(signed).identity);
}

function parseKeyset(signed: Envelope): z.output<typeof keysetSchema> {
  const parsed = keysetSchema.safeParse(parseCanonicalJson(signed.payload));
  if (!parsed.success) throw new EntenteError("WIRE_INVALID", { detail: "keyset" });
  return parsed.data;
}

/** Throws SIGNATURE_INVALID when `nowMs` is outside the keyset's validity. */
export function requireInForce(keyset: Keyset, nowMs: number): void {
  if (nowMs < Date.parse(keyset.validFrom) || nowMs > Date.parse(keyset.validUntil)) {
    throw new EntenteError("SIGNATURE_INVALID", { detail: `the keyset of ${keyset.party} is not valid now` });
  }
}
