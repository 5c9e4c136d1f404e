/**
 * What each kind of evidence entry says: one strict schema per event. Fields are digests, salted commitments, codes,
 * names of parties and keys, times and size classes. No field can hold free text, an id of a person or a feature, so a
 * log that parses has leaked none; what the peer may not know stands only as a commitment (`commitment.ts`).
 */
import * as z from "zod";
import {
  columnName,
  datasetNameField,
  digestField,
  hexKey,
  jobIdField,
  OPERATIONS,
  OUTPUTS,
  PSI_PROTOCOLS,
  partyName,
  purposeIdField,
  utcTime,
} from "../agreement/fields.ts";
import { MAX_LABELS } from "../agreement/label-columns.ts";
import { isErrorCode } from "../errors.ts";
import { segmentRefField } from "../segments/names.ts";

export const EVIDENCE_EVENTS = [
  "enrolled",
  "agreement-signed",
  "agreement-revoked",
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
  "result-exported",
  "tags-withdrawn",
  "refused",
  "failed",
  "dataset-registered",
  "keyset-rotated",
  "identity-rotated",
  "identity-recovered",
  "log-continued",
  "log-recovered",
  "log-fork-seen",
] as const;
export type EvidenceEvent = (typeof EVIDENCE_EVENTS)[number];

export const EVIDENCE_PROTOCOLS = [...PSI_PROTOCOLS, "aligned", "score-linear", "score-trees"] as const;

/** At most 5 attempts a job; partitions are numbered from 0. */
export const MAX_ATTEMPTS = 5;
const MAX_PARTITIONS = 4096;

const hash = hexKey;
const commitment = hexKey;
/** First 16 bytes, as `fingerprint` of `agreement/identity.ts` writes them. */
const fingerprintField = z.string().regex(/^[0-9a-f]{4}(?:-[0-9a-f]{4}){7}$/);
const versionTag = hexKey;
/** To what a person wrote; the text is in a side store of the node and can be erased there. Absent when nobody gave one. */
const reasonCommitment = commitment.optional();
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
/** Who signed a succession: the two identities or the recovery key and the new identity, then peers. */
const successionSigner = z.string().regex(/^[a-z][a-z0-9-]{1,31}\/(?:old-identity|new-identity|recovery|identity)$/);
const protocolVersion = z.int().min(1).max(999);

/** `<party>/<collaboration>/<year>`, and `<year>-<n>` from the second log of a year on (`origin.ts`). */
export const ORIGIN_FORM = /^([a-z][a-z0-9-]{1,31})\/([0-9a-f]{32})\/(2\d{3})(?:-([2-9]|[1-9]\d))?$/;

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

/** Columns of the provider's dataset that the receiver is given in clear, for matched rows; absent: none. */
const releasedColumns = z.array(columnName).min(1).max(MAX_LABELS).optional();

/** Who of the provider's dataset takes part; absent: everybody. */
const providerSegment = segmentRefField.optional();

const receipt = z.strictObject({
  job: z.strictObject({ jobId: jobIdField, jobDigest: digestField }),
  agreementDigest: digestField,
  operation,
  output: z.enum(OUTPUTS),
  /** Of `score`: the commitment to the model version that the provider was shown. */
  modelVersion: commitment.nullable(),
  providerSegment,
  releasedColumns,
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
  /** Tags of the datasets' versions, keyed by each owner for an epoch: equal tags, same version. */
  datasetVersions: z.strictObject({ receiver: versionTag, sender: versionTag }),
  /** The receiver's, to the difference sketch of its input; of aggregate outputs only. */
  sketchCommitment: commitment.nullable(),
  attempts: finishedAttempts,
  /** Each party's own head that the other cosigned last before this job ended. */
  lastCosigned: z.strictObject({ receiver: head.nullable(), sender: head.nullable() }),
  finishedAt: utcTime,
});

/** Inputs are counts that both parties may know: runs, versions, limits, bounds of size classes. Never an exact size. */
const ruleRecord = z.strictObject({
  code,
  outcome: z.enum(["passed", "failed"]),
  inputs: z.record(z.string().regex(/^[a-zA-Z]{1,40}$/), z.int().min(0)),
});

const charge = z.strictObject({
  operation,
  output: z.enum(OUTPUTS),
  receiver: partyName,
  provider: partyName,
  receiverDataset: datasetNameField,
  providerDataset: datasetNameField,
  modelVersion: commitment.nullable(),
  /** Of the narrowest of the model's features: how many columns one score could carry. */
  featureBits: z.int().min(1).max(32).nullable(),
  /** Of a report: how many it has at most. */
  groups: z.int().min(1).optional(),
  providerSegment,
  releasedColumns,
  receiverVersion: versionTag.nullable(),
  providerVersion: versionTag.nullable(),
});

/** In the party's own log the last entry under the keyset before, in a peer's where that follows the party. */
const identityChange = z.strictObject({
  party: partyName,
  /** SHA-256 of the succession's payload. */
  successionDigest: digestField,
  /** Of the first keyset under the new identity. */
  keysetDigest: digestField,
  /** Of the new identity. */
  identityFingerprint: fingerprintField,
  effectiveAt: utcTime,
  /** Over the succession. */
  signatures: z
    .array(z.strictObject({ signer: successionSigner, signature: z.string().regex(/^[0-9a-f]{128}$/) }))
    .min(2)
    .max(8),
  at: utcTime,
});

const decidedJob = { jobId: jobIdField, jobDigest: digestField };

/** One schema per event. Digests are SHA-256 and commitments HMAC-SHA-256, in lower-case hex. */
export const PREDICATES = {
  enrolled: z.strictObject({
    party: partyName,
    identityFingerprint: fingerprintField,
    keysetDigest: digestField,
    at: utcTime,
  }),
  "agreement-signed": z.strictObject({
    agreementDigest: digestField,
    /** The version before, which ends by this one. */
    supersedes: digestField.nullable(),
    /** Keys whose signatures the agreement carries by then. */
    signers: z.array(jobsKeyId).min(1).max(8),
    at: utcTime,
  }),
  /** From here on nothing runs under it and its tags are withdrawn. */
  "agreement-revoked": z.strictObject({
    agreementDigest: digestField,
    by: partyName,
    /** SHA-256 of the revocation that its identity key signed. */
    revocationDigest: digestField,
    reason: reasonCommitment,
    at: utcTime,
  }),
  "job-requested": z.strictObject({
    ...decidedJob,
    agreementDigest: digestField,
    operation,
    output: z.enum(OUTPUTS),
    purpose: purposeIdField,
    requester: partyName,
    at: utcTime,
  }),
  "policy-decision": z.strictObject({
    ...decidedJob,
    agreementDigest: digestField,
    decision: z.enum(["allowed", "approval-needed", "refused"]),
    rules: z.array(ruleRecord).max(32),
    /** What the job takes from the budgets of its pair of datasets: the budgets are the sum of these entries. Present exactly
     * when the decision is `allowed`; nothing gives it back. */
    charge: charge.nullable(),
    at: utcTime,
  }),
  approval: z.strictObject({
    ...decidedJob,
    decision: z.enum(["approved", "declined"]),
    /** Of the text that the approver was shown. */
    leakStatementDigest: digestField,
    /** Commitment to the approver's name at its node. */
    approver: commitment,
    reason: reasonCommitment,
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
    /** The tags that were issued with it; null for an aggregate. In the same entry, so that a released and a withheld result leave logs of one
     * length. */
    tags: z.strictObject({ commitment, expiresAt: utcTime }).nullable(),
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
  /** People with their labels, as the job's output has them. */
  "result-exported": z.strictObject({
    jobId: jobIdField,
    outputCommitment: commitment,
    /** Commitment to where it went. */
    destination: commitment,
    at: utcTime,
  }),
  /** After a revocation: every tag issued under the agreement. At both parties, tags or not, so that the log's length tells
   * nothing. */
  "tags-withdrawn": z.strictObject({ agreementDigest: digestField, tagsCommitment: commitment, at: utcTime }),
  refused: z.strictObject({ ...decidedJob, by: partyName, code, at: utcTime }),
  failed: z.strictObject({ jobId: jobIdField, attempt: attempt.nullable(), code, at: utcTime }),
  "dataset-registered": z.strictObject({ datasetCommitment: commitment, at: utcTime }),
  /** Signed by the identity key, too. Entries and checkpoints up to this entry are under the keyset before, all after it under
   * this one. */
  "keyset-rotated": z.strictObject({
    party: partyName,
    /** SHA-256 of the keysets' payloads. */
    previousKeysetDigest: digestField,
    keysetDigest: digestField,
    validFrom: utcTime,
    at: utcTime,
  }),
  /** A new identity that the old one signed; in the party's own log signed by the old one, too. */
  "identity-rotated": identityChange,
  /** A new identity in the place of a lost one, which the recovery key signed; in the party's own log signed by the new one, too. */
  "identity-recovered": identityChange,
  /** First entry of a new year's log: the last head of the log before, which a peer has cosigned. */
  "log-continued": z.strictObject({ previous: cosignedHead, at: utcTime }),
  /** First entry of the log that follows one that was lost, signed by the identity key, too. */
  "log-recovered": z.strictObject({
    /** Heads of this party's log that others have cosigned or that the node's own store names, and that it can no longer show. */
    lost: z.array(head).min(1).max(8),
    /** What was found instead. */
    found: head,
    at: utcTime,
  }),
  /** A log that this node witnesses has shown two histories. */
  "log-fork-seen": z.strictObject({
    known: head,
    offered: head,
    /** SHA-256 of the file with both signed notes (`fork.ts`). */
    forkDigest: digestField,
    at: utcTime,
  }),
} as const satisfies Record<EvidenceEvent, z.ZodType>;

/** What a reader gets. */
export type Predicate<E extends EvidenceEvent> = z.output<(typeof PREDICATES)[E]>;
/** What a writer gives: plain strings, checked on the way in. */
export type PredicateInput<E extends EvidenceEvent> = z.input<(typeof PREDICATES)[E]>;
export type Receipt = Predicate<"receipt">;
