import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  AGREEMENT_TYPE,
  makeAgreement,
  mergeSignatures,
  otherParty,
  readAgreement,
  readSignedAgreement,
  signAgreement,
  verifyAgreementSignature,
} from "../../proto/agreement/agreement.ts";
import { collaborationOf, fingerprint, parseFingerprint } from "../../proto/agreement/identity.ts";
import {
  type JobSpec,
  readJobAnswer,
  readJobSpec,
  signJobAnswer,
  signJobSpec,
} from "../../proto/agreement/job-spec.ts";
import { issueKeyset, KEYSET_TYPE, requireInForce, signKeyset, verifyKeyset } from "../../proto/agreement/keyset.ts";
import { type LabelColumn, requireAgreedLabels } from "../../proto/agreement/label-columns.ts";
import { toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import { type Envelope, envelope } from "../../proto/encoding/dsse.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import type { Digest, JobId } from "../../proto/ids.ts";
import { parseModel } from "../../proto/model/model.ts";
import { partnerView } from "../../proto/model/partner-view.ts";
import { RISK_MODEL } from "../support/credit.ts";
import { demoAgreement, PURPOSE } from "../support/demo-agreement.ts";
import { testParty } from "../support/evidence-world.ts";

const bank = testParty("bank");
const bureau = testParty("bureau");
const mallory = testParty("mallory");
const PARTIES = [bank, bureau].map(({ name, keys }) => ({ name, identity: toHex(keys.identity.publicKey) }));
const draft = (changes: Record<string, unknown> = {}) => demoAgreement({ parties: PARTIES, ...changes });
const agreement = makeAgreement(draft());
const code = (name: string) => expect.objectContaining({ code: name });

type Fields = Record<string, unknown>;
describe("an agreement's bytes", () => {
  test("are RFC 8785: the order of fields in a draft does not matter, and the digest is over exactly these bytes", () => {
    const shuffled = Object.fromEntries(Object.entries(draft()).reverse());
    const again = makeAgreement(shuffled);
    expect(again.bytes).toEqual(agreement.bytes);
    expect(again.digest).toBe(createHash("sha256").update(agreement.bytes).digest("hex"));
    expect(new TextDecoder().decode(agreement.bytes).startsWith('{"budgets":{"datasetVersionsPerEpoch":5,')).toBe(true);
    expect(agreement.collaboration).toBe(collaborationOf(["bureau", "bank"]));
  });

  test("hold the defaults, so that both sign the same floors", () => {
    expect(draft()).not.toHaveProperty("floors");
    expect(makeAgreement(agreement.document).digest).toBe(agreement.digest);
    for (const field of ["floors", "budgets", "noise", "retention", "version", "supersedes", "suite"] as const) {
      const { [field]: _, ...bare } = agreement.document;
      expect(makeAgreement(bare).digest, field).toBe(agreement.digest);
      expect(() => readAgreement(canonicalJson(bare as unknown as Json)), field).toThrow(code("AGREEMENT_INVALID"));
    }
  });

  test("every change of a value is another agreement", () => {
    const changes = [
      { title: "Another" },
      { purposes: [{ id: PURPOSE, text: "Another", legalBasis: "Another" }] },
      { floors: { input: 1001 } },
      { floors: { result: 99 } },
      { budgets: { runsPerDay: 6 } },
      { noise: { kind: "discrete-laplace", scale: 1 } },
      { retention: { tagDays: 364 } },
      { validUntil: "2099-12-31T00:00:00.001Z" },
      { parties: PARTIES.toReversed() },
    ];
    const digests = [agreement, ...changes.map((change) => makeAgreement(draft(change)))].map(({ digest }) => digest);
    expect(new Set(digests).size).toBe(digests.length);
  });

  test("bytes that are not canonical are refused", () => {
    const text = new TextDecoder().decode(agreement.bytes);
    for (const other of [` ${text}`, text.replace('{"budgets"', '{ "budgets"'), text.replace("1000", "1e3")])
      expect(() => readAgreement(utf8(other))).toThrow();
    expect(readAgreement(agreement.bytes).digest).toBe(agreement.digest);
  });
});

describe("signatures", () => {
  const byBank = signAgreement(agreement, bank.keys.identity);
  const byBureau = signAgreement(agreement, bureau.keys.identity);
  const both = mergeSignatures(byBank, byBureau);
  const signedBy = (...envelopes: Envelope[]) => envelopes.reduce(mergeSignatures);
  const forged = (party: "bank" | "bureau", by = mallory): Envelope =>
    signAgreement(agreement, { ...by.keys.identity, keyId: `${party}/identity` });

  test("both, in one order whoever merges", () => {
    expect(readSignedAgreement(both).digest).toBe(agreement.digest);
    expect(mergeSignatures(byBureau, byBank)).toEqual(both);
    expect(both.signatures.map(({ keyid }) => keyid)).toEqual(["bank/identity", "bureau/identity"]);
    for (const party of ["bank", "bureau"]) verifyAgreementSignature(both, agreement, party);
  });

  test("one is missing", () => {
    expect(() => readSignedAgreement(byBank)).toThrow(code("AGREEMENT_UNSIGNED"));
    expect(() => readSignedAgreement(byBureau)).toThrow(code("AGREEMENT_UNSIGNED"));
  });

  test.each<[string, Envelope]>([
    ["somebody else's key under a party's name", signedBy(byBank, forged("bureau"))],
    [
      "a party's working key",
      signedBy(byBank, signAgreement(agreement, { ...bureau.keys.jobs, keyId: "bureau/identity" })),
    ],
    ["one party's key for both", signedBy(byBank, forged("bureau", bank))],
    ["a third signature", signedBy(both, signAgreement(agreement, mallory.keys.identity))],
    ["another payload type", { ...both, payloadType: KEYSET_TYPE }],
    ["signatures over another agreement", { ...both, payload: makeAgreement(draft({ floors: { input: 1 } })).bytes }],
  ])("%s", (_what, signed) => {
    expect(() => readSignedAgreement(signed)).toThrow(code("SIGNATURE_INVALID"));
  });

  test("every changed bit of a signature", () => {
    for (const at of [0, 31, 32, 63]) {
      const signatures = both.signatures.map(({ keyid, sig }) => ({
        keyid,
        sig: sig.with(at, (sig[at] as number) ^ 1),
      }));
      expect(() => readSignedAgreement({ ...both, signatures })).toThrow(code("SIGNATURE_INVALID"));
    }
  });

  test("of nobody's: the agreement names two parties", () => {
    expect(() => verifyAgreementSignature(both, agreement, "mallory")).toThrow(code("AGREEMENT_INVALID"));
    expect(otherParty(agreement.document, "bank").name).toBe("bureau");
    expect(() => otherParty(agreement.document, "mallory")).toThrow(code("AGREEMENT_INVALID"));
  });
});

describe("a keyset", () => {
  const nowMs = Date.parse("2026-05-01T00:00:00.000Z");
  const { identity, ...keys } = bank.keys;
  const signed = issueKeyset({ party: bank.name, identity, keys, recovery: null, nowMs });
  const payload = (change: Fields) =>
    canonicalJson({ ...(parseCanonicalJson(signed.payload) as Fields), ...change } as Json);
  const resigned = (change: Fields, by = identity) => envelope(KEYSET_TYPE, payload(change), by);

  test("gives the four keys that the identity signed, for a year", () => {
    const keyset = verifyKeyset(signed, identity.publicKey);
    expect(keyset).toMatchObject({ party: "bank", keys: { jobs: keys.jobs.publicKey, log: keys.log.publicKey } });
    requireInForce(keyset, nowMs);
    requireInForce(keyset, nowMs + 365 * 86_400_000);
    expect(() => requireInForce(keyset, nowMs - 1)).toThrow(code("SIGNATURE_INVALID"));
    expect(() => requireInForce(keyset, nowMs + 365 * 86_400_000 + 1)).toThrow(code("SIGNATURE_INVALID"));
  });

  test.each<[string, () => Envelope, string]>([
    [
      "signed by another identity",
      () => resigned({}, { ...mallory.keys.identity, keyId: "bank/identity" }),
      "SIGNATURE_INVALID",
    ],
    ["signed by a working key", () => resigned({}, { ...keys.jobs, keyId: "bank/identity" }), "SIGNATURE_INVALID"],
    ["signed under another name", () => resigned({ party: "bureau" }), "SIGNATURE_INVALID"],
    [
      "that names another identity",
      () => resigned({ identity: toHex(mallory.keys.identity.publicKey) }),
      "SIGNATURE_INVALID",
    ],
    [
      "with one key for two purposes",
      () => resigned({ keys: { ...hexKeys(), log: hexKeys().jobs } }),
      "SIGNATURE_INVALID",
    ],
    [
      "with the identity as a working key",
      () => resigned({ keys: { ...hexKeys(), log: toHex(identity.publicKey) } }),
      "SIGNATURE_INVALID",
    ],
    ["with an unknown field", () => resigned({ note: "x" }), "WIRE_INVALID"],
    ["with a fifth key", () => resigned({ keys: { ...hexKeys(), spare: "44".repeat(32) } }), "WIRE_INVALID"],
    ["with a key too short", () => resigned({ keys: { ...hexKeys(), log: "44".repeat(31) } }), "WIRE_INVALID"],
    ["as another type", () => ({ ...signed, payloadType: AGREEMENT_TYPE }), "SIGNATURE_INVALID"],
    [
      "changed after it was signed",
      () => ({ ...signed, payload: payload({ validUntil: "2099-01-01T00:00:00.000Z" }) }),
      "SIGNATURE_INVALID",
    ],
  ])("%s is refused", (_what, make, expected) => {
    expect(() => verifyKeyset(make(), identity.publicKey)).toThrow(code(expected));
  });

  function hexKeys() {
    const { session, jobs, log, cosigner } = keys;
    return {
      session: toHex(session.publicKey),
      jobs: toHex(jobs.publicKey),
      log: toHex(log.publicKey),
      cosigner: toHex(cosigner.publicKey),
    };
  }

  test("is signed over canonical bytes", () => {
    const again = signKeyset(verifyKeyset(signed, identity.publicKey), identity);
    expect(again.payload).toEqual(signed.payload);
  });
});

describe("a job spec and its answer", () => {
  const spec: JobSpec = {
    format: "entente-job/1",
    jobId: "0b".repeat(16) as JobId,
    agreement: agreement.digest,
    operation: "audience",
    output: "list",
    purpose: PURPOSE,
    protocol: "psi-dh",
    alignment: "hidden",
    receiver: bank.name,
    provider: bureau.name,
    receiverDataset: "customers" as JobSpec["receiverDataset"],
    providerDataset: "repayments" as JobSpec["providerDataset"],
    receiverVersion: "cd".repeat(32),
    tagDays: 30,
    receiverSizeClass: 88,
    normalisers: ["opaque"],
    receiverNonce: "ab".repeat(32),
    createdAt: "2026-05-01T00:00:00.000Z",
  };
  const { envelope: signed, digest } = signJobSpec(spec, bank.keys.jobs);
  const resigned = (change: Fields) =>
    envelope(signed.payloadType, canonicalJson({ ...spec, ...change } as unknown as Json), bank.keys.jobs);

  test("is read back, and named by the digest of its bytes", () => {
    expect(readJobSpec(signed, bank.keys.jobs)).toEqual({ spec, digest });
    expect(digest).toBe(digestOf(signed.payload));
  });

  test("signed by another key, or for another purpose, is refused", () => {
    expect(() => readJobSpec(signed, bureau.keys.jobs)).toThrow(code("SIGNATURE_INVALID"));
    const asIdentity = signJobSpec(spec, { ...bank.keys.identity, keyId: "bank/jobs" });
    expect(() => readJobSpec(asIdentity.envelope, bank.keys.jobs)).toThrow(code("SIGNATURE_INVALID"));
    expect(() => readJobSpec({ ...signed, payloadType: AGREEMENT_TYPE }, bank.keys.jobs)).toThrow(
      code("SIGNATURE_INVALID"),
    );
  });

  test.each<[string, Fields]>([
    ["an unknown field", { priority: 1 }],
    ["a score without a model", { operation: "score", output: "score" }],
    ["an output of another operation", { output: "tier" }],
    ["an unknown output", { output: "rows" }],
    ["no output", { output: "" }],
    ["a purpose of another form", { purpose: "Instalment offers" }],
    ["a dataset version too short", { receiverVersion: "cd".repeat(31) }],
    ["no days for its tags", { tagDays: null }],
    ["days for tags that a match rate does not issue", { output: "match-rate" }],
    ["no whole number of days", { tagDays: 0.5 }],
    ["a size class out of range", { receiverSizeClass: 79 }],
    ["an unknown alignment", { alignment: "open" }],
    ["no alignment", { alignment: null }],
    ["a shared audience", { alignment: "shared", matched: { audience: "0a".repeat(16), sizeClass: 80 } }],
    ["matched people of a hidden job", { matched: { audience: "0a".repeat(16), sizeClass: 80 } }],
    ["a nonce too short", { receiverNonce: "ab".repeat(31) }],
    ["an id of another form", { jobId: "0B".repeat(16) }],
  ])("with %s is refused", (_what, change) => {
    expect(() => readJobSpec(resigned(change), bank.keys.jobs)).toThrow(code("WIRE_INVALID"));
  });

  const text = (name: string, maxBytes: number) => ({ name, type: "text", maxBytes });
  test.each<[string, Fields]>([
    ["an empty list of labels", { labels: [] }],
    ["a label without a type", { labels: [{ name: "city" }] }],
    ["a text without a length", { labels: [{ name: "city", type: "text" }] }],
    ["a text that is too long", { labels: [text("city", 65)] }],
    ["a number with a length", { labels: [{ name: "spend", type: "number", maxBytes: 8 }] }],
    ["one label twice", { labels: [text("city", 4), { name: "city", type: "boolean" }] }],
    ["two labels that differ by case alone", { labels: [text("city", 4), text("City", 4)] }],
    ["labels longer than a row's", { labels: ["a", "b", "c", "d"].map((name) => text(name, 64)) }],
    ["too many labels", { labels: Array.from({ length: 17 }, (_, i) => ({ name: `b${i}`, type: "boolean" })) }],
    ["labels beside a match rate", { output: "match-rate", tagDays: null, labels: [text("city", 4)] }],
  ])("with %s is refused", (_what, change) => {
    expect(() => readJobSpec(resigned(change), bank.keys.jobs)).toThrow(code("WIRE_INVALID"));
  });

  test("with labels is read back, and compared with one's own agreement", () => {
    const labels = [text("city", 32), { name: "has_car", type: "boolean" }] as LabelColumn[];
    expect(readJobSpec(resigned({ labels }), bank.keys.jobs).spec.labels).toEqual(labels);
    const datasets = agreement.document.datasets.map((dataset) =>
      dataset.name === spec.providerDataset
        ? {
            ...dataset,
            columns: [
              ...dataset.columns,
              { name: "city", role: "label", grade: 1, personal: false } as const,
              { name: "has_car", role: "label", type: "boolean", grade: 1, personal: false } as const,
              { name: "region", role: "release", grade: 1, personal: false } as const,
            ],
          }
        : dataset,
    );
    const document = { ...agreement.document, datasets };
    const job = { provider: spec.provider, providerDataset: spec.providerDataset };
    const check = (given: readonly LabelColumn[] | undefined) => () =>
      requireAgreedLabels(document, { ...job, labels: given });
    check(labels)();
    check(undefined)();
    check([...labels].reverse())();
    for (const other of [
      [text("city", 31)],
      [{ name: "city", type: "boolean" }],
      [{ name: "has_car", type: "number" }],
      [text("region", 32)],
      [text("phone", 32)],
    ])
      expect(check(other as LabelColumn[])).toThrow(code("POLICY_OUTPUT"));
    expect(() => requireAgreedLabels(document, { ...job, providerDataset: "customers", labels })).toThrow(
      code("POLICY_OUTPUT"),
    );
  });

  test("of a shared score names the audience, and no more people than its list had", () => {
    const score = {
      operation: "score",
      output: "score",
      alignment: "shared",
      model: partnerView(parseModel(RISK_MODEL), new Uint8Array(32)),
    } as const;
    const matched = { audience: "0a".repeat(16), sizeClass: 88 };
    const read = (change: Fields) => readJobSpec(resigned({ ...score, ...change }), bank.keys.jobs).spec;
    expect(read({ matched })).toMatchObject({ alignment: "shared", matched });
    const { sizeClass: _, ...without } = matched;
    const wrong = [null, { ...matched, sizeClass: 89 }, { ...matched, audience: "0A" }, without];
    for (const other of wrong) expect(() => read({ matched: other })).toThrow(code("WIRE_INVALID"));
    expect(() => read({})).toThrow(code("WIRE_INVALID"));
  });

  test("an answer counts for the job that it names, from the party that was asked", () => {
    const answer = { format: "entente-job-answer/1", jobDigest: digest, answeredAt: spec.createdAt } as const;
    const refused = signJobAnswer({ ...answer, decision: "refused", code: "POLICY_INPUT_FLOOR" }, bureau.keys.jobs);
    expect(readJobAnswer(refused, bureau.keys.jobs, digest)).toMatchObject({
      decision: "refused",
      code: "POLICY_INPUT_FLOOR",
    });
    expect(() => readJobAnswer(refused, bank.keys.jobs, digest)).toThrow(code("SIGNATURE_INVALID"));
    expect(() => readJobAnswer(refused, bureau.keys.jobs, "00".repeat(32) as Digest)).toThrow(code("SESSION_MISMATCH"));
    const pending = signJobAnswer({ ...answer, decision: "pending" }, bureau.keys.jobs);
    expect(readJobAnswer(pending, bureau.keys.jobs, digest)).toEqual({ ...answer, decision: "pending" });
    const unknown = envelope(
      refused.payloadType,
      canonicalJson({ ...answer, decision: "refused", code: "NO_SUCH_CODE" }),
      bureau.keys.jobs,
    );
    expect(() => readJobAnswer(unknown, bureau.keys.jobs, digest)).toThrow(code("WIRE_INVALID"));
  });
});

test("a fingerprint is read as people write it, and differs for every identity", () => {
  const shown = fingerprint(bank.keys.identity.publicKey);
  expect(shown).toMatch(/^([0-9a-f]{4}-){7}[0-9a-f]{4}$/);
  for (const typed of [
    shown.toUpperCase(),
    shown.replaceAll("-", " "),
    shown.replaceAll("-", ":"),
    shown.replaceAll("-", ""),
  ])
    expect(parseFingerprint(typed)).toBe(shown);
  for (const typed of ["", shown.slice(1), `${shown}0`, shown.replace(/^./, "g")])
    expect(() => parseFingerprint(typed)).toThrow(code("BAD_REQUEST"));
  expect(fingerprint(bureau.keys.identity.publicKey)).not.toBe(shown);
});

test("a collaboration is of its parties, in whatever order", () => {
  expect(collaborationOf(["bank", "bureau"])).toBe(collaborationOf(["bureau", "bank"]));
  expect(collaborationOf(["bank", "telecom"])).not.toBe(collaborationOf(["bureau", "bank"]));
  for (const parties of [["bank"], ["bank", "bank"], ["bank", "Bureau"]])
    expect(() => collaborationOf(parties)).toThrow(code("BAD_REQUEST"));
});
