import { describe, expect, test } from "vitest";
import {
  IN_FORCE_TYPE,
  REVOCATION_TYPE,
  readInForce,
  readRevocation,
  signInForce,
  signRevocation,
} from "../../proto/agreement/revocation.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import { envelope } from "../../proto/encoding/dsse.ts";
import type { Digest, PartyId } from "../../proto/ids.ts";
import { testParty } from "../support/evidence-world.ts";

const bank = testParty("bank");
const bureau = testParty("bureau");
const agreement = "ab".repeat(32) as Digest;
const at = "2026-05-01T00:00:00.000Z";
const ofBureau = { agreement, by: "bureau" };
const code = (name: string) => expect.objectContaining({ code: name });

const KINDS = [
  {
    name: "a revocation",
    sign: signRevocation,
    read: readRevocation,
    type: REVOCATION_TYPE,
    format: "entente-revocation/1",
    role: "identity",
    other: "jobs",
  },
  {
    name: "an in-force statement",
    sign: signInForce,
    read: readInForce,
    type: IN_FORCE_TYPE,
    format: "entente-in-force/1",
    role: "jobs",
    other: "identity",
  },
] as const;

describe.each(KINDS)("$name", ({ sign, read, type, format, role, other }) => {
  const key = bureau.keys[role];
  const signed = sign({ agreement, by: bureau.name, at }, key);

  test("is read back by who expects it", () => {
    expect(read(signed, key, ofBureau)).toEqual({ format, agreement, by: "bureau", at });
    expect(signed.signatures.map(({ keyid }) => keyid)).toEqual([`bureau/${role}`]);
  });

  test("of another agreement says nothing of this one", () => {
    expect(() => read(signed, key, { ...ofBureau, agreement: "cd".repeat(32) as Digest })).toThrow(
      code("SESSION_MISMATCH"),
    );
  });

  test("is nobody else's: not of another party, another key of the party's, or one party in another's name", () => {
    expect(() => read(signed, bank.keys[role], { agreement, by: "bank" })).toThrow(code("SIGNATURE_INVALID"));
    expect(() => read(signed, bureau.keys[other], ofBureau)).toThrow(code("SIGNATURE_INVALID"));
    const underWorkingKey = sign(
      { agreement, by: bureau.name, at },
      { ...bureau.keys[other], keyId: `bureau/${role}` },
    );
    expect(() => read(underWorkingKey, key, ofBureau)).toThrow(code("SIGNATURE_INVALID"));
    const forOther = sign({ agreement, by: "bureau" as PartyId, at }, bank.keys[role]);
    expect(() => read(forOther, bank.keys[role], { agreement, by: "bank" })).toThrow(code("SIGNATURE_INVALID"));
    expect(() => read(forOther, bank.keys[role], ofBureau)).toThrow(code("SIGNATURE_INVALID"));
  });

  test("changed, shown as another kind, or signed over other fields, is refused", () => {
    const fields = parseCanonicalJson(signed.payload) as Record<string, Json>;
    const later = canonicalJson({ ...fields, at: "2026-05-02T00:00:00.000Z" });
    expect(() => read({ ...signed, payload: later }, key, ofBureau)).toThrow(code("SIGNATURE_INVALID"));
    const { type: otherType } = KINDS.find((kind) => kind.type !== type) as (typeof KINDS)[number];
    expect(() => read({ ...signed, payloadType: otherType }, key, ofBureau)).toThrow(code("SIGNATURE_INVALID"));
    for (const change of [{ note: "x" }, { at: "2026-05-01" }, { format: "entente-other/1" }, { agreement: "ab" }]) {
      const resigned = envelope(type, canonicalJson({ ...fields, ...change }), key);
      expect(() => read(resigned, key, ofBureau)).toThrow(code("WIRE_INVALID"));
    }
  });
});
