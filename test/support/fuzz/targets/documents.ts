/** Documents that parties sign, and the encodings below them. */
import { makeAgreement, readAgreement, readSignedAgreement } from "../../../../proto/agreement/agreement.ts";
import { fingerprint, parseFingerprint } from "../../../../proto/agreement/identity.ts";
import {
  JOB_ANSWER_TYPE,
  JOB_SPEC_TYPE,
  readJobAnswer,
  readJobSpec,
  signJobAnswer,
} from "../../../../proto/agreement/job-spec.ts";
import { KEYSET_TYPE, type Keyset, signKeyset, verifyKeyset } from "../../../../proto/agreement/keyset.ts";
import { decodeHistory, encodeHistory, verifyHistory } from "../../../../proto/agreement/keyset-history.ts";
import {
  IN_FORCE_TYPE,
  REVOCATION_TYPE,
  readInForce,
  readRevocation,
  signInForce,
  signRevocation,
} from "../../../../proto/agreement/revocation.ts";
import {
  parseSuccession,
  SUCCESSION_TYPE,
  signSuccession,
  successionKeyId,
  verifyCountersignature,
  verifySuccession,
} from "../../../../proto/agreement/succession.ts";
import { formatEndpoint, parseEndpoint } from "../../../../proto/codec/endpoint.ts";
import { formatInvite, parseInvite } from "../../../../proto/codec/invite.ts";
import { fromBase64, fromHex, fromUtf8, toBase64, toHex, utf8 } from "../../../../proto/encoding/bytes.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../../../../proto/encoding/canonical-json.ts";
import { decodeEnvelope, encodeEnvelope, envelope, envelopeFromJson, verify } from "../../../../proto/encoding/dsse.ts";
import { type SigningKey, signingKey } from "../../../../proto/encoding/ed25519.ts";
import { digestOf, domainHash } from "../../../../proto/encoding/sha256.ts";
import type { Digest } from "../../../../proto/ids.ts";
import { partyId } from "../../../../proto/ids.ts";
import { AGREEMENT, AT, BANK, PARTNER, signedByBoth, testKey } from "../../evidence-world.ts";
import { filled, SIGNED } from "../../session-messages.ts";
import { GOOD_SPECS } from "../job-specs.ts";
import { comesBack, type FuzzTarget, isCanonical } from "../target.ts";

const jobs = testKey("bank", "jobs");
const identity = BANK.keys.identity;
const agreement = AGREEMENT.digest as Digest;
const expected = { agreement, by: "bank" };
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The payload is fuzzed and signed again: behind the signature there is a reader, too. */
function signed(
  name: string,
  {
    type,
    seeds,
    keys = [jobs],
    covers,
    read,
  }: {
    readonly type: string;
    readonly seeds: readonly Uint8Array[];
    readonly keys?: readonly SigningKey[];
    readonly covers: readonly unknown[];
    readonly read: (signed: ReturnType<typeof envelope>) => unknown;
  },
): FuzzTarget {
  return { name, form: "json", seeds, covers, run: (payload) => void read(envelope(type, payload, ...keys)) };
}

const answer = { format: "entente-job-answer/1", jobDigest: agreement, answeredAt: AT } as const;
const newIdentity = signingKey("bank/identity", filled(32, 3));
const renewed: Keyset = { ...verifyKeyset(BANK.keyset, identity.publicKey), identity: newIdentity.publicKey };
const nextKeyset = signKeyset(renewed, { ...newIdentity, keyId: "bank/identity" });
const succession = signSuccession(
  {
    ...{ party: partyId("bank"), kind: "rotated", oldIdentity: identity.publicKey, at: AT },
    keysetDigest: digestOf(nextKeyset.payload),
  },
  { from: identity, to: newIdentity },
);
const knownIdentity = { party: "bank", identity: identity.publicKey, recovery: null };
const history = encodeHistory([{ keyset: BANK.keyset }, { keyset: nextKeyset, succession }]);

const SIGNED_TARGETS: readonly FuzzTarget[] = [
  signed("job spec", {
    type: JOB_SPEC_TYPE,
    seeds: GOOD_SPECS.map((spec) => canonicalJson(spec as unknown as Json)),
    covers: [readJobSpec, verify],
    read: (given) => readJobSpec(given, jobs),
  }),
  signed("job answer", {
    type: JOB_ANSWER_TYPE,
    seeds: [
      signJobAnswer({ ...answer, decision: "admitted" }, jobs).payload,
      signJobAnswer({ ...answer, decision: "refused", code: "POLICY_RUNS_DAY" }, jobs).payload,
    ],
    covers: [readJobAnswer],
    read: (given) => readJobAnswer(given, jobs, agreement),
  }),
  signed("revocation", {
    type: REVOCATION_TYPE,
    keys: [identity],
    seeds: [signRevocation({ agreement, by: partyId("bank"), at: AT }, identity).payload],
    covers: [readRevocation],
    read: (given) => readRevocation(given, identity, expected),
  }),
  signed("in force", {
    type: IN_FORCE_TYPE,
    seeds: [signInForce({ agreement, by: partyId("bank"), at: AT }, jobs).payload],
    covers: [readInForce],
    read: (given) => readInForce(given, jobs, expected),
  }),
  signed("keyset", {
    type: KEYSET_TYPE,
    keys: [identity],
    seeds: [BANK.keyset.payload],
    covers: [verifyKeyset],
    read: (given) => verifyKeyset(given, identity.publicKey),
  }),
  signed("succession", {
    type: SUCCESSION_TYPE,
    keys: [
      { ...identity, keyId: successionKeyId("bank", "old-identity") },
      { ...newIdentity, keyId: successionKeyId("bank", "new-identity") },
      PARTNER.keys.identity,
    ],
    seeds: [succession.payload],
    covers: [parseSuccession, verifySuccession, verifyCountersignature],
    read(given) {
      verifySuccession(given, knownIdentity);
      verifyCountersignature(given, PARTNER.keys.identity);
    },
  }),
];

const PLAIN_TARGETS: readonly FuzzTarget[] = [
  {
    name: "agreement",
    form: "json",
    seeds: [AGREEMENT.bytes],
    covers: [readAgreement],
    run: isCanonical(readAgreement, ({ bytes }) => bytes),
  },
  {
    name: "agreement draft",
    form: "json",
    seeds: [AGREEMENT.bytes],
    covers: [makeAgreement],
    // A draft comes back complete: what was filled in stays.
    run: (input) =>
      comesBack(
        (bytes) => makeAgreement(parseCanonicalJson(bytes)).document,
        (document) => canonicalJson(document as unknown as Json),
      )(input),
  },
  {
    name: "signed agreement",
    form: "json",
    seeds: [encodeEnvelope(signedByBoth(AGREEMENT))],
    covers: [readSignedAgreement],
    run: (input) => void readSignedAgreement(decodeEnvelope(input)),
  },
  {
    name: "keyset history",
    form: "json",
    seeds: [history],
    covers: [decodeHistory, verifyHistory],
    run(input) {
      comesBack(decodeHistory, encodeHistory)(input);
      verifyHistory(decodeHistory(input), identity.publicKey);
    },
  },
  {
    name: "envelope",
    form: "json",
    seeds: [encodeEnvelope(SIGNED), encodeEnvelope(signedByBoth(AGREEMENT))],
    covers: [decodeEnvelope, envelopeFromJson],
    run: isCanonical(decodeEnvelope, encodeEnvelope),
  },
  {
    name: "canonical JSON",
    form: "json",
    seeds: [AGREEMENT.bytes, canonicalJson([1, "é\u0000", null, { a: [], "": {} }, 1e21, -0.5])],
    covers: [parseCanonicalJson],
    run: isCanonical(parseCanonicalJson, canonicalJson),
  },
];

const invite = formatInvite({
  endpoint: { host: "coordinator.example", port: 7421 },
  caFingerprint: agreement,
  secret: filled(32),
  party: partyId("bank"),
  inviter: { party: partyId("telecom"), fingerprint: fingerprint(identity.publicKey) },
});

const TEXT_TARGETS: readonly FuzzTarget[] = [
  {
    name: "invite",
    form: "text",
    seeds: [utf8(invite)],
    covers: [parseInvite],
    run: comesBack(
      (input) => parseInvite(decoder.decode(input)),
      (value) => utf8(formatInvite(value)),
    ),
  },
  {
    name: "invite content",
    form: "json",
    // Behind the checksum: whoever makes invites can write any.
    seeds: [Uint8Array.fromBase64(invite.slice("entente1_".length), { alphabet: "base64url" }).slice(0, -4)],
    covers: [parseInvite],
    run(body) {
      const sum = domainHash("entente invite/1", body).subarray(0, 4);
      const code = Buffer.concat([body, sum]).toString("base64url");
      comesBack(
        (input) => parseInvite(decoder.decode(input)),
        (value) => utf8(formatInvite(value)),
      )(utf8(`entente1_${code}`));
    },
  },
  {
    name: "endpoint",
    form: "text",
    seeds: ["coordinator.example:7420", "[::1]:1", "127.0.0.1:65535"].map(utf8),
    covers: [parseEndpoint],
    run: isCanonical(
      (input) => parseEndpoint(decoder.decode(input)),
      (value) => utf8(formatEndpoint(value)),
    ),
  },
  {
    name: "fingerprint",
    form: "text",
    seeds: [utf8(fingerprint(identity.publicKey))],
    covers: [parseFingerprint],
    run: comesBack((input) => parseFingerprint(decoder.decode(input)), utf8),
  },
  {
    name: "hex",
    form: "text",
    seeds: ["", "00ff", agreement].map(utf8),
    covers: [fromHex],
    run: isCanonical(
      (input) => fromHex(decoder.decode(input)),
      (value) => utf8(toHex(value)),
    ),
  },
  {
    name: "base64",
    form: "text",
    seeds: ["", "AA==", "AAECAw=="].map(utf8),
    covers: [fromBase64],
    run: isCanonical(
      (input) => fromBase64(decoder.decode(input)),
      (value) => utf8(toBase64(value)),
    ),
  },
  {
    name: "UTF-8",
    form: "text",
    seeds: ["", "é 李 \u0000", "\ufeff"].map(utf8),
    covers: [fromUtf8],
    run: isCanonical(fromUtf8, utf8),
  },
];

export const DOCUMENT_TARGETS: readonly FuzzTarget[] = [...SIGNED_TARGETS, ...PLAIN_TARGETS, ...TEXT_TARGETS];
