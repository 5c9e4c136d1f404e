import { expect, test } from "vitest";
import { concat, fromUtf8, utf8 } from "../../proto/encoding/bytes.ts";
import { canonicalJson, type Json } from "../../proto/encoding/canonical-json.ts";
import { encodeEnvelope, envelope } from "../../proto/encoding/dsse.ts";
import {
  EVIDENCE_EVENTS,
  type EvidenceEvent,
  PREDICATES,
  type PredicateInput,
} from "../../proto/evidence/predicates.ts";
import {
  assembleEntry,
  parseStatement,
  predicateType,
  STATEMENT_PAYLOAD_TYPE,
  signStatement,
  statementEntry,
  statementPayload,
  verifyStatement,
} from "../../proto/evidence/statements.ts";
import {
  ABOUT_JOB,
  AGREEMENT,
  AT,
  BANK,
  CHARGE,
  JOB,
  originOf,
  PARTNER,
  receiptOf,
  testHash,
} from "../support/evidence-world.ts";

const refused = (code: string) => expect.objectContaining({ code });
const job = { ...JOB, agreementDigest: AGREEMENT.digest };
const jobId = JOB.jobId;
const receiptDigest = testHash("receipt");
const head = (party: typeof BANK, cosigner: string) => ({
  origin: originOf(party),
  size: 3,
  root: testHash("root"),
  cosigner,
  cosignature: "00".repeat(72),
});
const cosigned = { receiver: head(BANK, "partner/cosigner"), sender: head(PARTNER, "bank/cosigner") };

const bare = (size: number) => ({ origin: `${originOf(BANK)}-2`, size, root: testHash(`root of ${size}`) });

function identityChange(by: string) {
  const signatures = [by, "new-identity"].map((role) => ({ signer: `bank/${role}`, signature: "ab".repeat(64) }));
  const digests = { successionDigest: testHash("succession"), keysetDigest: testHash("next k") };
  return {
    party: "bank",
    ...digests,
    identityFingerprint: "0123-4567-89ab-cdef-0123-4567-89ab-cdef",
    effectiveAt: AT,
    signatures,
    at: AT,
  };
}

/** One good predicate of every event. */
const GOOD: { readonly [E in EvidenceEvent]: PredicateInput<E> } = {
  enrolled: {
    party: "bank",
    identityFingerprint: "0123-4567-89ab-cdef-0123-4567-89ab-cdef",
    keysetDigest: testHash("k"),
    at: AT,
  },
  "agreement-signed": {
    agreementDigest: AGREEMENT.digest,
    supersedes: testHash("version before"),
    signers: ["bank/identity", "partner/identity"],
    at: AT,
  },
  "agreement-revoked": {
    agreementDigest: AGREEMENT.digest,
    by: "partner",
    revocationDigest: testHash("revocation"),
    at: AT,
  },
  "job-requested": {
    ...job,
    operation: "score",
    output: "tier",
    purpose: "credit-review",
    requester: "bank",
    at: AT,
  },
  "policy-decision": {
    ...job,
    decision: "allowed",
    rules: [
      { code: "POLICY_INPUT_FLOOR", outcome: "passed", inputs: { floor: 1000, ownRowsUpTo: 1024 } },
      { code: "POLICY_PURPOSE", outcome: "passed", inputs: {} },
    ],
    charge: { ...CHARGE, operation: "score", output: "tier", modelVersion: testHash("model"), featureBits: 8 },
    at: AT,
  },
  approval: { ...JOB, decision: "approved", leakStatementDigest: testHash("leak"), approver: testHash("who"), at: AT },
  "partition-finished": { jobId, attempt: 1, partition: 0, transcriptHash: testHash("t"), at: AT },
  receipt: receiptOf({
    output: "match-rate",
    modelVersion: testHash("model"),
    sketchCommitment: testHash("sketch"),
    lastCosigned: { receiver: { origin: originOf(BANK), size: 1, root: testHash("r") }, sender: null },
  }),
  "gate-key-released": {
    jobId,
    receiptDigest,
    attempts: [{ attempt: 1, gateKeyHash: testHash("gate") }],
    cosigned,
    at: AT,
  },
  opened: {
    jobId,
    receiptDigest,
    outputCommitment: testHash("out"),
    outputSizeClass: 80,
    tags: { commitment: "ab".repeat(32), expiresAt: "2027-01-01T00:00:00.000Z" },
    receiver: "bank",
    cosigned,
    at: AT,
  },
  withheld: { jobId, receiptDigest, code: "POLICY_RESULT_FLOOR", at: AT },
  "tags-issued": {
    jobId,
    agreementDigest: AGREEMENT.digest,
    tagsCommitment: testHash("tags"),
    expiresAt: AT,
    at: AT,
  },
  "tags-exported": { jobId, tagsCommitment: testHash("tags"), destination: testHash("crm"), at: AT },
  "result-exported": { jobId, outputCommitment: testHash("output"), destination: testHash("crm"), at: AT },
  "tags-withdrawn": { agreementDigest: AGREEMENT.digest, tagsCommitment: testHash("withdrawn"), at: AT },
  refused: { ...JOB, by: "partner", code: "POLICY_OPERATION", at: AT },
  failed: { jobId, attempt: null, code: "PEER_GONE", at: AT },
  "dataset-registered": { datasetCommitment: testHash("dataset"), at: AT },
  "keyset-rotated": {
    party: "bank",
    previousKeysetDigest: testHash("k"),
    keysetDigest: testHash("next k"),
    validFrom: AT,
    at: AT,
  },
  "identity-rotated": identityChange("old-identity"),
  "identity-recovered": identityChange("recovery"),
  "log-continued": { previous: head(BANK, "partner/cosigner"), at: AT },
  "log-recovered": { lost: [bare(9)], found: bare(4), at: AT },
  "log-fork-seen": { known: bare(4), offered: bare(5), forkDigest: testHash("fork"), at: AT },
};

test.each(EVIDENCE_EVENTS)("%s: written, read and verified", (event) => {
  const bytes = statementEntry(event, ABOUT_JOB, GOOD[event], BANK.keys.jobs);
  const parsed = parseStatement(bytes);
  expect(parsed.event).toBe(event);
  expect(parsed.statement).toEqual({
    _type: "https://in-toto.io/Statement/v1",
    subject: ABOUT_JOB,
    predicateType: `https://entente.dev/evidence/${event}/v1`,
    predicate: GOOD[event],
  });
  verifyStatement(parsed.envelope, BANK.keys.jobs);
  expect(() => verifyStatement(parsed.envelope, PARTNER.keys.jobs)).toThrow(refused("SIGNATURE_INVALID"));
});

/** Every object inside a value, by the path to it. */
function objectsIn(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== "object" || value === null) return [];
  const below = Object.entries(value).flatMap(([key, item]) => objectsIn(item, [...path, key]));
  return Array.isArray(value) ? below : [path, ...below];
}

function at(value: unknown, path: readonly (string | number)[]): Record<string, unknown> {
  return path.reduce<unknown>((item, key) => (item as Record<string, unknown>)[key], value) as Record<string, unknown>;
}

/** But for a rule's inputs: which counts there are is the rule's to say. */
test.each(EVIDENCE_EVENTS)("%s: no object takes another field or lacks one", (event) => {
  for (const path of objectsIn(GOOD[event])) {
    const extra = structuredClone(GOOD[event]);
    Object.assign(at(extra, path), { note: testHash("x") });
    expect(PREDICATES[event].safeParse(extra).success, `${path.join(".")} with more`).toBe(false);
    for (const key of Object.keys(at(GOOD[event], path))) {
      const less = structuredClone(GOOD[event]);
      delete at(less, path)[key];
      const isNamedCount = path.includes("inputs");
      expect(PREDICATES[event].safeParse(less).success, `${path.join(".")} without ${key}`).toBe(isNamedCount);
    }
  }
});

/** What must never stand in evidence: a phone number, an id, a name, an address, a feature, a sentence. */
const PLAIN = [
  "13800138000",
  "+8613800138000",
  "张三",
  "Zhang San",
  "a@example.com",
  "110101199003078888",
  "0.73",
  "income=5200",
  "",
];

test.each(EVIDENCE_EVENTS)("%s: no text field takes plain text", (event) => {
  for (const path of objectsIn(GOOD[event])) {
    for (const [key, value] of Object.entries(at(GOOD[event], path))) {
      if (typeof value !== "string") continue;
      for (const text of PLAIN) {
        const leaking = structuredClone(GOOD[event]);
        at(leaking, path)[key] = text;
        expect(PREDICATES[event].safeParse(leaking).success, `${path.join(".")}.${key} = ${text}`).toBe(false);
      }
    }
  }
});

const inCharge = (name: string) => `charge.${name}`;
/** Fields that a statement must have, but that may say that there is nothing to say. */
const NULLABLE: { readonly [E in EvidenceEvent]?: readonly string[] } = {
  "agreement-signed": ["supersedes"],
  "policy-decision": ["charge", ...["modelVersion", "featureBits", "receiverVersion", "providerVersion"].map(inCharge)],
  receipt: ["modelVersion", "sketchCommitment", "lastCosigned.receiver", "lastCosigned.sender"],
  opened: ["outputSizeClass", "tags"],
  failed: ["attempt"],
};

test.each(EVIDENCE_EVENTS)("%s: null stands where it means something, and nowhere else", (event) => {
  const allowed = NULLABLE[event] ?? [];
  for (const path of objectsIn(GOOD[event])) {
    for (const key of Object.keys(at(GOOD[event], path))) {
      const emptied = structuredClone(GOOD[event]);
      at(emptied, path)[key] = null;
      const name = [...path, key].join(".");
      expect(PREDICATES[event].safeParse(emptied).success, name).toBe(allowed.includes(name));
    }
  }
});

test.each<[string, unknown]>([
  ["a name that is a sentence", { "ids of 3 people": 3 }],
  ["a name with a digit", { limit2: 3 }],
  ["no name", { "": 3 }],
  ["a name of 41 letters", { ["a".repeat(41)]: 3 }],
  ["a negative count", { limit: -1 }],
  ["half a run", { runs: 1.5 }],
  ["a text", { limit: "1000" }],
  ["nothing", { limit: null }],
])("a rule's inputs are named counts: not %s", (_, inputs) => {
  const decision = (given: unknown) => ({
    ...GOOD["policy-decision"],
    rules: [{ code: "POLICY_RUNS_DAY", outcome: "failed", inputs: given }],
  });
  const parse = (given: unknown) => PREDICATES["policy-decision"].safeParse(decision(given)).success;
  expect([parse({ runs: 6, limit: 5 }), parse({ ["a".repeat(40)]: 0 })]).toEqual([true, true]);
  expect(parse(inputs)).toBe(false);
});

test.each<[string, Record<string, unknown>]>([
  ["no bits", { featureBits: 0 }],
  ["more bits than a feature has", { featureBits: 33 }],
  ["half a bit", { featureBits: 0.5 }],
  ["an output that there is not", { output: "rows" }],
  ["a dataset that is a path", { providerDataset: "../other" }],
])("a charge with %s is refused", (_, change) => {
  const parse = (charge: unknown) =>
    PREDICATES["policy-decision"].safeParse({ ...GOOD["policy-decision"], charge }).success;
  expect([parse(CHARGE), parse({ ...CHARGE, featureBits: 1 }), parse({ ...CHARGE, featureBits: 32 })]).toEqual(
    Array(3).fill(true),
  );
  expect(parse({ ...CHARGE, ...change })).toBe(false);
});

test("a refusal names the field, never the value or the name of an unknown field", () => {
  const leaking = { ...GOOD.failed, jobId: "13800138000", "13800138000": 1 };
  let thrown: unknown;
  try {
    statementEntry("failed", ABOUT_JOB, leaking, BANK.keys.jobs);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ code: "WIRE_INVALID", detail: "evidence: failed jobId" });
  expect(String(thrown)).not.toContain("138");
});

test.each([
  ["partitions out of order", { partitions: [1, 0] }],
  ["a partition twice", { partitions: [0, 0] }],
  ["no partition", { partitions: [] }],
  ["a sixth attempt", { attempt: 6 }],
])("a receipt with %s is refused", (_, change) => {
  const good = receiptOf();
  const bad = { ...good, attempts: good.attempts.map((attempt) => ({ ...attempt, ...change })) };
  expect(PREDICATES.receipt.safeParse(good).success).toBe(true);
  expect(PREDICATES.receipt.safeParse(bad).success).toBe(false);
});

test("a receipt's attempts go up and share no partition; its parties are two", () => {
  const [first] = receiptOf().attempts as [PredicateInput<"receipt">["attempts"][number]];
  const second = { ...first, attempt: 2, partitions: [2] };
  const parse = (change: Partial<PredicateInput<"receipt">>) => PREDICATES.receipt.safeParse(receiptOf(change)).success;
  expect(parse({ attempts: [first, second] })).toBe(true);
  expect(parse({ attempts: [second, first] })).toBe(false);
  expect(parse({ attempts: [first, { ...second, partitions: [1, 2] }] })).toBe(false);
  expect(parse({ parties: { receiver: "bank", sender: "bank" } })).toBe(false);
});

test("two parties who sign one receipt hold the same bytes, whoever signed first", () => {
  const payload = statementPayload("receipt", ABOUT_JOB, receiptOf());
  const [a, b] = [signStatement(payload, BANK.keys.jobs), signStatement(payload, PARTNER.keys.jobs)];
  const entry = assembleEntry(payload, [a, b]);
  expect(assembleEntry(payload, [b, a])).toEqual(entry);
  expect(statementEntry("receipt", ABOUT_JOB, receiptOf(), PARTNER.keys.jobs, BANK.keys.jobs)).toEqual(entry);
  for (const key of [BANK.keys.jobs, PARTNER.keys.jobs]) verifyStatement(parseStatement(entry).envelope, key);
  expect(() => assembleEntry(payload, [a, a])).toThrow(refused("WIRE_INVALID"));
  expect(() => assembleEntry(payload, [])).toThrow(refused("WIRE_INVALID"));
  expect(() => assembleEntry(payload, [{ ...a, keyid: "13800138000" }])).toThrow(refused("WIRE_INVALID"));
});

const PAYLOAD = {
  _type: "https://in-toto.io/Statement/v1",
  subject: ABOUT_JOB,
  predicateType: predicateType("failed"),
  predicate: GOOD.failed,
};
const entryOf = (payload: Json, type = STATEMENT_PAYLOAD_TYPE) =>
  encodeEnvelope(envelope(type, canonicalJson(payload), BANK.keys.jobs));

test.each([
  ["another payload type", entryOf(PAYLOAD, "application/json")],
  ["another statement type", entryOf({ ...PAYLOAD, _type: "https://in-toto.io/Statement/v0.1" })],
  ["an unknown predicate type", entryOf({ ...PAYLOAD, predicateType: "https://entente.dev/evidence/other/v1" })],
  ["another event's predicate", entryOf({ ...PAYLOAD, predicateType: predicateType("withheld") })],
  ["another member", entryOf({ ...PAYLOAD, more: 1 })],
  ["no subject", entryOf({ ...PAYLOAD, subject: [] })],
  ["a subject of another name", entryOf({ ...PAYLOAD, subject: [{ name: "zhangsan", digest: ABOUT_JOB[0]!.digest }] })],
  ["spaces in the envelope", utf8(fromUtf8(entryOf(PAYLOAD)).replace(":", ": "))],
  ["bytes after the envelope", concat(entryOf(PAYLOAD), utf8("\n"))],
  ["no JSON", utf8("{")],
  ["too many bytes", new Uint8Array(65_536)],
])("an entry with %s is refused", (_, bytes) => {
  expect(parseStatement(entryOf(PAYLOAD)).event).toBe("failed");
  expect(() => parseStatement(bytes)).toThrow(refused("WIRE_INVALID"));
});
