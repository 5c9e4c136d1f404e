/**
 * What each kind of evidence entry says: one strict schema per event. Fields are digests, salted commitments, codes,
 * names of parties and keys, times and size classes. No field can hold free text, an id of a person or a feature, so a
 * log that parses has leaked none; what the peer may not know stands only as a commitment (`commitment.ts`).
 */
import * as z from "zod";
import { digestField, hexKey, jobIdField, OPERATIONS, PSI_PROTOCOLS, partyName, utcTime } from "../agreement/fields.ts";
import { isErrorCode } from "../errors.ts";

export const EVIDENCE_EVENTS = [
  "enrolled",
  "agreement-signed",
  "job-requested",
  "policy-decision",
  "approval",
  "partition-finished",
  "receipt",
  "gate-key-released",
  "opened",
  "withheld",
  "tags-issued",
  "tags-exported",
  "refused",
  "failed",
  "dataset-registered",
] as const;
export type EvidenceEvent = (typeof EVIDENCE_EVENTS)[number];

export const EVIDENCE_PROTOCOLS = [...PSI_PROTOCOLS, "score-linear", "score-trees"] as const;

/** At most 5 attempts a job; partitions are numbered from 0. */
export const MAX_ATTEMPTS = 5;
const MAX_PARTITIONS = 4096;

const hash = hexKey;
const commitment = hexKey;
const code = z.string().refine(isErrorCode, "not a code of the catalogue");
const operation = z.enum(OPERATIONS);
/** k of 2^(k/8), from 2^10 to 2^32 rows. */
const sizeClass = z.int().min(80).max(256);
const attempt = z.int().min(1).max(MAX_ATTEMPTS);
const partition = z
  .int()
  .min(0)
  .max(MAX_PARTITIONS - 1);
const jobsKeyId = z.string().regex(/^[a-z][a-z0-9-]{1,31}\/(?:identity|jobs)$/);
const cosignerKeyId = z.string().regex(/^[a-z][a-z0-9-]{1,31}\/cosigner$/);
const protocolVersion = z.int().min(1).max(999);

/** `<party>/<collaboration>/<year>`. */
export const ORIGIN_FORM = /^([a-z][a-z0-9-]{1,31})\/([0-9a-f]{32})\/(2\d{3})$/;

const treeHeadShape = {
  origin: z.string().regex(ORIGIN_FORM),
  size: z.int().min(0),
  root: hash,
};
const head = z.strictObject(treeHeadShape);
/** 72 bytes: timestamp and Ed25519 signature (`cosignature.ts`). */
const cosignedHead = z.strictObject({
  ...treeHeadShape,
  cosigner: cosignerKeyId,
  cosignature: z.string().regex(/^[0-9a-f]{144}$/),
});
const bothCosigned = z.strictObject({ receiver: cosignedHead, sender: cosignedHead });

function isIncreasing(values: readonly number[]): boolean {
  return values.every((value, i) => i === 0 || value > (values[i - 1] as number));
}

const partitions = z.array(partition).min(1).max(MAX_PARTITIONS).refine(isIncreasing, "not in increasing order");

const finishedAttempt = z.strictObject({
  attempt,
  /** TLS exporter value of the attempt's session. */
  exporter: hash,
  /** SHA-256 chain over the sealed frames. */
  transcriptHash: hash,
  /** SHA-256(domain, gate key). */
  gateKeyHash: hash,
  /** Partitions that this attempt finished. */
  partitions,
});

const finishedAttempts = z
  .array(finishedAttempt)
  .min(1)
  .max(MAX_ATTEMPTS)
  .refine((all) => isIncreasing(all.map((item) => item.attempt)), "attempts not in increasing order")
  .refine((all) => {
    const numbers = all.flatMap((item) => item.partitions);
    return new Set(numbers).size === numbers.length;
  }, "a partition finished twice");

const receipt = z.strictObject({
  job: z.strictObject({ jobId: jobIdField, jobDigest: digestField }),
  agreementDigest: digestField,
  operation,
  protocol: z.strictObject({
    name: z.enum(EVIDENCE_PROTOCOLS),
    parametersDigest: digestField,
    version: protocolVersion,
  }),
  /** PSI roles: the receiver learns the intersection. Their jobs keys sign the receipt. */
  parties: z
    .strictObject({ receiver: partyName, sender: partyName })
    .refine(({ receiver, sender }) => receiver !== sender, "one party in both roles"),
  sizeClasses: z.strictObject({ receiver: sizeClass, sender: sizeClass }),
  inputCommitments: z.strictObject({ receiver: commitment, sender: commitment }),
  attempts: finishedAttempts,
  /** Each party's own head that the other cosigned last before this job ended. */
  lastCosigned: z.strictObject({ receiver: head.nullable(), sender: head.nullable() }),
  finishedAt: utcTime,
});

const decidedJob = { jobId: jobIdField, jobDigest: digestField };

/** One schema per event. Digests are SHA-256 and commitments HMAC-SHA-256, in lower-case hex. */
export const PREDICATES = {
  enrolled: z.strictObject({
    party: partyName,
    /** First 16 bytes, as `fingerprint` of `agreement/identity.ts` writes them. */
    identityFingerprint: z.string().regex(/^[0-9a-f]{4}(?:-[0-9a-f]{4}){7}$/),
    keysetDigest: digestField,
    at: utcTime,
  }),
  "agreement-signed": z.strictObject({
    agreementDigest: digestField,
    /** Keys whose signatures the agreement carries by then. */
    signers: z.array(jobsKeyId).min(1).max(8),
    at: utcTime,
  }),
  "job-requested": z.strictObject({
    ...decidedJob,
    agreementDigest: digestField,
    operation,
    requester: partyName,
    at: utcTime,
  }),
  "policy-decision": z.strictObject({
    ...decidedJob,
    agreementDigest: digestField,
    decision: z.enum(["allowed", "approval-needed", "refused"]),
    rules: z.array(z.strictObject({ code, outcome: z.enum(["passed", "failed"]) })).max(32),
    /** Budget units before and after the job, each committed. */
    budget: z.strictObject({ before: commitment, after: commitment }).nullable(),
    at: utcTime,
  }),
  approval: z.strictObject({
    ...decidedJob,
    decision: z.enum(["approved", "declined"]),
    /** Of the text that the approver was shown. */
    leakStatementDigest: digestField,
    /** Commitment to the approver's name at its node. */
    approver: commitment,
    at: utcTime,
  }),
  "partition-finished": z.strictObject({
    jobId: jobIdField,
    attempt,
    partition,
    transcriptHash: hash,
    at: utcTime,
  }),
  receipt,
  "gate-key-released": z.strictObject({
    jobId: jobIdField,
    /** SHA-256 of the receipt's entry bytes. */
    receiptDigest: digestField,
    attempts: z
      .array(z.strictObject({ attempt, gateKeyHash: hash }))
      .min(1)
      .max(MAX_ATTEMPTS),
    /** The heads that cover the receipt, each cosigned by the other party. */
    cosigned: bothCosigned,
    at: utcTime,
  }),
  opened: z.strictObject({
    jobId: jobIdField,
    receiptDigest: digestField,
    outputCommitment: commitment,
    outputSizeClass: sizeClass.nullable(),
    /** The tags that were issued with it. In the same entry, so that a released and a withheld result leave logs of one
     * length. */
    tags: z.strictObject({ commitment, expiresAt: utcTime }),
    receiver: partyName,
    cosigned: bothCosigned,
    at: utcTime,
  }),
  /** The receiver opened the gate and found less than the agreed minimum: it shows nobody the result. */
  withheld: z.strictObject({ jobId: jobIdField, receiptDigest: digestField, code, at: utcTime }),
  "tags-issued": z.strictObject({
    jobId: jobIdField,
    agreementDigest: digestField,
    tagsCommitment: commitment,
    expiresAt: utcTime,
    at: utcTime,
  }),
  "tags-exported": z.strictObject({
    jobId: jobIdField,
    tagsCommitment: commitment,
    /** Commitment to where they went. */
    destination: commitment,
    at: utcTime,
  }),
  refused: z.strictObject({ ...decidedJob, by: partyName, code, at: utcTime }),
  failed: z.strictObject({ jobId: jobIdField, attempt: attempt.nullable(), code, at: utcTime }),
  "dataset-registered": z.strictObject({ datasetCommitment: commitment, at: utcTime }),
} as const satisfies Record<EvidenceEvent, z.ZodType>;

/** What a reader gets. */
export type Predicate<E extends EvidenceEvent> = z.output<(typeof PREDICATES)[E]>;
/** What a writer gives: plain strings, checked on the way in. */
export type PredicateInput<E extends EvidenceEvent> = z.input<(typeof PREDICATES)[E]>;
export type Receipt = Predicate<"receipt">;
