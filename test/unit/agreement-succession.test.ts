/** Who may put one identity in the place of another: every document that lacks a signature, has a wrong one, comes too early, or
 * comes again is refused, and what peers sign is never enough. */
import { describe, expect, test } from "vitest";
import { issueKeyset, KEY_ROLES, type KeyRole, keyId, signKeyset, verifyKeyset } from "../../proto/agreement/keyset.ts";
import {
  decodeHistory,
  encodeHistory,
  follow,
  type KeysetRecord,
  verifyHistory,
} from "../../proto/agreement/keyset-history.ts";
import {
  addCountersignature,
  countersign,
  parseSuccession,
  RECOVERY_DELAY_MS,
  SUCCESSION_TYPE,
  signSuccession,
  successionKeyId,
  verifyCountersignature,
  verifySuccession,
} from "../../proto/agreement/succession.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import { type Envelope, sign } from "../../proto/encoding/dsse.ts";
import { type SigningKey, signingKey } from "../../proto/encoding/ed25519.ts";
import { digestOf, domainHash } from "../../proto/encoding/sha256.ts";
import { partyId } from "../../proto/ids.ts";
import { AT, BANK, PARTNER } from "../support/evidence-world.ts";

const PARTY = partyId("bank");
const START_MS = Date.parse(AT);

function key(name: string): SigningKey {
  return signingKey(name, domainHash("test key", new TextEncoder().encode(`succession ${name}`)));
}

const old = { ...key("first"), keyId: "bank/identity" };
const next = { ...key("second"), keyId: "bank/identity" };
const third = { ...key("third"), keyId: "bank/identity" };
const recovery = key("recovery");
const mallory = key("mallory");
const peer = PARTNER.keys.identity;
const known = { party: PARTY, identity: old.publicKey, recovery: recovery.publicKey };

function keysetOf(identity: SigningKey, generation: string, recoveryKey = recovery, nowMs = START_MS): Envelope {
  const keys = Object.fromEntries(
    KEY_ROLES.map((role) => [role, { ...key(`${generation} ${role}`), keyId: keyId(PARTY, role) }]),
  ) as Record<KeyRole, SigningKey>;
  return issueKeyset({ party: PARTY, identity, keys, recovery: recoveryKey.publicKey, nowMs });
}

const firstKeyset = keysetOf(old, "1");
const nextKeyset = keysetOf(next, "2");
const said = { party: PARTY, oldIdentity: old.publicKey, keysetDigest: digestOf(nextKeyset.payload), at: AT };
const rotated = signSuccession({ ...said, kind: "rotated" }, { from: old, to: next });
const recovered = signSuccession({ ...said, kind: "recovered" }, { from: recovery, to: next });

/** The document with fields changed, signed by those keys under those names. */
function signedBy(
  envelope: Envelope,
  change: Record<string, string>,
  signers: readonly (readonly [string, SigningKey])[],
): Envelope {
  const payload = canonicalJson({ ...(parseCanonicalJson(envelope.payload) as object), ...change } as Json);
  const signatures = signers.map(([name, signer]) => sign(SUCCESSION_TYPE, payload, { ...signer, keyId: name }));
  return { payloadType: SUCCESSION_TYPE, payload, signatures };
}

const OLD = successionKeyId(PARTY, "old-identity");
const NEW = successionKeyId(PARTY, "new-identity");
const RECOVERY = successionKeyId(PARTY, "recovery");
const laterBy = (ms: number) => new Date(START_MS + ms).toISOString();
const refusal = expect.objectContaining({ code: "SIGNATURE_INVALID" });

test("a rotation by both identities holds at once; a recovery by the recovery key and the new identity seven days later", () => {
  expect(verifySuccession(rotated, known)).toMatchObject({
    kind: "rotated",
    newIdentity: next.publicKey,
    effectiveAt: AT,
  });
  expect(verifySuccession(recovered, known)).toMatchObject({ kind: "recovered", effectiveAt: laterBy(604_800_000) });
  expect(RECOVERY_DELAY_MS).toBe(604_800_000);
});

describe("refused:", () => {
  test.each<[string, Envelope]>([
    ["a rotation that the new identity alone signed", signedBy(rotated, {}, [[NEW, next]])],
    ["a rotation that the old identity alone signed", signedBy(rotated, {}, [[OLD, old]])],
    [
      "a rotation by another key in the old one's name",
      signedBy(rotated, {}, [
        [OLD, mallory],
        [NEW, next],
      ]),
    ],
    [
      "a rotation that the new key signed twice",
      signedBy(rotated, {}, [
        [OLD, next],
        [NEW, next],
      ]),
    ],
    [
      "a rotation by the recovery key",
      signedBy(rotated, {}, [
        [RECOVERY, recovery],
        [NEW, next],
      ]),
    ],
    [
      "a rotation by the recovery key in the old one's name",
      signedBy(rotated, {}, [
        [OLD, recovery],
        [NEW, next],
      ]),
    ],
    [
      "a recovery by the old identity",
      signedBy(recovered, {}, [
        [RECOVERY, old],
        [NEW, next],
      ]),
    ],
    ["a recovery by the recovery key alone", signedBy(recovered, {}, [[RECOVERY, recovery]])],
    [
      "a recovery that the new key alone signed",
      signedBy(recovered, {}, [
        [RECOVERY, next],
        [NEW, next],
      ]),
    ],
    ["a recovery by peers alone", signedBy(recovered, {}, [["partner/identity", peer]])],
    [
      "a recovery by peers in everybody's names",
      signedBy(recovered, {}, [
        [RECOVERY, peer],
        [NEW, peer],
        ["partner/identity", peer],
      ]),
    ],
    [
      "a recovery by peers and the new identity",
      signedBy(recovered, {}, [
        [NEW, next],
        ["partner/identity", peer],
      ]),
    ],
    [
      "a recovery that holds at once",
      signedBy(recovered, { effectiveAt: AT }, [
        [RECOVERY, recovery],
        [NEW, next],
      ]),
    ],
    [
      "a recovery a millisecond too early",
      signedBy(recovered, { effectiveAt: laterBy(RECOVERY_DELAY_MS - 1) }, [
        [RECOVERY, recovery],
        [NEW, next],
      ]),
    ],
    [
      "a rotation into the past",
      signedBy(rotated, { effectiveAt: laterBy(-1) }, [
        [OLD, old],
        [NEW, next],
      ]),
    ],
    [
      "one that names another party",
      signedBy(rotated, { party: "partner" }, [
        [OLD, old],
        [NEW, next],
      ]),
    ],
    [
      "one whose document was changed",
      { ...rotated, payload: signedBy(rotated, { keysetDigest: "ab".repeat(32) }, []).payload },
    ],
    ["one of another type", { ...rotated, payloadType: "application/vnd.entente.keyset.v1+json" }],
    ["one to the same identity", signSuccession({ ...said, kind: "rotated" }, { from: old, to: old })],
    ["one to the recovery key", signSuccession({ ...said, kind: "rotated" }, { from: old, to: recovery })],
  ])("%s", (_what, envelope) => {
    expect(() => verifySuccession(envelope, known)).toThrow(refusal);
  });

  test("any form but the one", () => {
    for (const change of [{ format: "entente-succession/2" }, { kind: "stolen" }, { note: "x" }, { at: "now" }])
      expect(() => verifySuccession(signedBy(rotated, change, [[OLD, old]]), known)).toThrow(
        expect.objectContaining({ code: "WIRE_INVALID" }),
      );
  });

  test("the same again after it held, and one for an identity that was never this party's", () => {
    expect(() => verifySuccession(rotated, { ...known, identity: next.publicKey })).toThrow(refusal);
    expect(() => verifySuccession(recovered, { ...known, identity: next.publicKey })).toThrow(refusal);
    expect(() => verifySuccession(rotated, { ...known, identity: mallory.publicKey })).toThrow(refusal);
  });

  test("a recovery where no recovery key, or another, is known", () => {
    expect(() => verifySuccession(recovered, { ...known, recovery: null })).toThrow(refusal);
    expect(() => verifySuccession(recovered, { ...known, recovery: mallory.publicKey })).toThrow(refusal);
  });
});

describe("a countersignature", () => {
  test("is the peer's own over these bytes, and changes nothing of who must sign", () => {
    const signed = countersign(recovered, peer);
    verifyCountersignature(signed, peer);
    expect(verifySuccession(signed, known).kind).toBe("recovered");
    expect(countersign(signed, peer)).toEqual(signed);
    expect(() => verifyCountersignature(recovered, peer)).toThrow(refusal);
    expect(() => verifyCountersignature(signed, { ...mallory, keyId: peer.keyId })).toThrow(refusal);
    expect(() => verifyCountersignature({ ...signed, payload: rotated.payload }, peer)).toThrow(refusal);
    expect(() => verifyCountersignature(countersign(recovered, old), old)).toThrow(refusal);
  });

  test("is taken over from another copy only when it verifies, in the place of one that does not", () => {
    const bogus = { ...recovered, signatures: [...recovered.signatures, sign("x", recovered.payload, peer)] };
    expect(() => addCountersignature(recovered, bogus, peer)).toThrow(refusal);
    expect(addCountersignature(bogus, countersign(recovered, peer), peer)).toEqual(countersign(recovered, peer));
    expect(() => addCountersignature(recovered, countersign(rotated, peer), peer)).toThrow(refusal);
  });
});

describe("a history", () => {
  const first = verifyKeyset(firstKeyset, old.publicKey);
  const moved: KeysetRecord = { keyset: nextKeyset, succession: rotated };
  const history = [{ keyset: firstKeyset }, moved];

  test("goes on under the new identity, whose keysets the old one cannot sign any more", () => {
    const keysets = verifyHistory(history, old.publicKey);
    expect(keysets.map(({ identity }) => identity)).toEqual([old.publicKey, next.publicKey]);
    expect(decodeHistory(encodeHistory(history))).toEqual(history);
    expect(follow(keysets, { keyset: keysetOf(next, "3") }).succession).toBeUndefined();
    expect(() => follow(keysets, { keyset: keysetOf(old, "3") })).toThrow(refusal);
    expect(() => verifyHistory(history, next.publicKey)).toThrow(refusal);
  });

  test("takes no keyset but the one that the succession names", () => {
    expect(() => follow([first], { ...moved, keyset: keysetOf(next, "3") })).toThrow(refusal);
    expect(() => follow([first], { keyset: nextKeyset })).toThrow(refusal);
  });

  test("never changes the recovery key", () => {
    const other = keysetOf(old, "2", mallory);
    expect(() => follow([first], { keyset: other })).toThrow(refusal);
    const none = signKeyset({ ...verifyKeyset(other, old.publicKey), recovery: null }, old);
    expect(() => follow([first], { keyset: none })).toThrow(refusal);
    const moving = keysetOf(next, "2", mallory);
    const says = { ...said, keysetDigest: digestOf(moving.payload), kind: "rotated" as const };
    const succession = signSuccession(says, { from: old, to: next });
    expect(() => follow([first], { keyset: moving, succession })).toThrow(refusal);
  });

  test("never comes back to an identity that was given up", () => {
    const keysets = verifyHistory(history, old.publicKey);
    const back = keysetOf(old, "3");
    const says = { party: PARTY, kind: "rotated" as const, at: AT, oldIdentity: next.publicKey };
    const succession = signSuccession({ ...says, keysetDigest: digestOf(back.payload) }, { from: next, to: old });
    expect(() => follow(keysets, { keyset: back, succession })).toThrow(refusal);
    expect(() => follow(keysets, moved)).toThrow(refusal);
    const on = keysetOf(third, "3");
    const third_ = signSuccession({ ...says, keysetDigest: digestOf(on.payload) }, { from: next, to: third });
    expect(follow(keysets, { keyset: on, succession: third_ }).keyset.identity).toEqual(third.publicKey);
  });

  test("of another party is none", () => {
    expect(() => verifyHistory([{ keyset: BANK.keyset }, moved], BANK.keys.identity.publicKey)).toThrow(refusal);
    expect(parseSuccession(rotated).party).toBe(PARTY);
  });
});
