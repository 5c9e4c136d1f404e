/**
 * What the coordinator keeps, behind an asynchronous interface (SQLite answers at once, PostgreSQL will not). Each method
 * is one transaction, durable when it resolves. Rows that are decided on and then replaced carry a revision: a replace
 * that finds another one than the decision was made on does nothing and says so.
 */
import type { AgreementEntry, AgreementState, Job } from "../../proto/codec/coordinator.ts";
import type { CollaborationId, Digest, JobId, PartyId } from "../../proto/ids.ts";
import type { JobEvent } from "../jobs/lifecycle.ts";

export interface StoredInvite {
  /** Hex. The secret itself is kept nowhere. */
  readonly secretHash: string;
  readonly party: PartyId;
  /** Absent when the operator made it. */
  readonly inviter?: PartyId | undefined;
  readonly expiresMs: number;
  readonly usedMs?: number | undefined;
}

export interface StoredParty {
  readonly party: PartyId;
  readonly identityPublicKey: Uint8Array;
  readonly keyset: Uint8Array;
  readonly revokedMs?: number | undefined;
}

export interface StoredCertificate {
  /** SHA-256 of the DER, hex. */
  readonly fingerprint: string;
  readonly party: PartyId;
  readonly notAfterMs: number;
  readonly revokedMs?: number | undefined;
  /** Hex; absent of those that were issued before serial numbers were kept. */
  readonly serial?: string | undefined;
}

export type CertificateOutcome = "added" | "revoked" | "too-many";

export interface Enrolment {
  readonly secretHash: string;
  readonly nowMs: number;
  readonly party: Omit<StoredParty, "revokedMs">;
  readonly certificate: Omit<StoredCertificate, "party" | "revokedMs">;
}

export type EnrolmentOutcome = "enrolled" | "invite-used" | "name-taken";

export interface StoredAgreement extends AgreementEntry {
  /** What each party said of it. */
  readonly marks: Readonly<Partial<Record<PartyId, AgreementState>>>;
  /** 0 when it is not stored yet. */
  readonly revision: number;
}

export interface StoredJob extends Job {
  /** How often it has changed: of a job that is not stored yet 0. */
  readonly revision: number;
}

/** An entry of a collaboration's log: stored with the receipt that it holds, appended to the log right after. */
export interface PendingEntry {
  readonly id: number;
  readonly bytes: Uint8Array;
}

export interface Store {
  readSetting(key: string): Promise<string | undefined>;
  writeSetting(key: string, value: string): Promise<void>;
  /** Reading, changing and writing in one transaction; `change` may throw, and nothing is written then. */
  changeSetting(key: string, change: (before: string | undefined) => string): Promise<void>;

  addInvite(invite: StoredInvite): Promise<void>;
  findInvite(secretHash: string): Promise<StoredInvite | undefined>;
  countOpenInvites(inviter: PartyId, nowMs: number): Promise<number>;
  /** Uses the invite, writes party and certificate, and clears a revocation, all or nothing. */
  enrol(enrolment: Enrolment): Promise<EnrolmentOutcome>;

  findParty(party: PartyId): Promise<StoredParty | undefined>;
  /** Parties that are not revoked, by name. */
  listParties(after: string, limit: number): Promise<StoredParty[]>;
  putKeyset(party: PartyId, keyset: Uint8Array): Promise<void>;
  /** A new identity with its keyset; nothing happens when the present one is not `before`. */
  putIdentity(party: Omit<StoredParty, "revokedMs">, before: Uint8Array): Promise<void>;
  /** The party and all its certificates; false when it is unknown. */
  revokeParty(party: PartyId, nowMs: number): Promise<boolean>;
  findCertificate(fingerprint: string): Promise<StoredCertificate | undefined>;
  /** Of an enrolled party. "revoked" when it is unknown or revoked, "too-many" when it has `maxLive` that are in force. */
  addCertificate(
    certificate: Omit<StoredCertificate, "revokedMs">,
    limits: { readonly nowMs: number; readonly maxLive: number },
  ): Promise<CertificateOutcome>;
  hasLiveCertificate(party: PartyId, nowMs: number): Promise<boolean>;
  /** Those that have not expired, by fingerprint. */
  revokedCertificates(nowMs: number): Promise<StoredCertificate[]>;

  findAgreement(agreementDigest: Digest): Promise<StoredAgreement | undefined>;
  listAgreements(party: PartyId, after: string, limit: number): Promise<AgreementEntry[]>;
  countAgreements(party: PartyId): Promise<number>;
  /** False when the stored revision is not `agreement.revision`. */
  putAgreement(agreement: StoredAgreement): Promise<boolean>;
  /** Parties of a collaboration that has an agreement; empty otherwise. */
  partiesOf(collaborationId: CollaborationId): Promise<readonly PartyId[]>;

  findJob(jobId: JobId): Promise<StoredJob | undefined>;
  listJobs(party: PartyId, after: string, limit: number): Promise<Job[]>;
  countJobs(requester: PartyId): Promise<number>;
  countJobsByState(): Promise<Readonly<Record<string, number>>>;
  /** In their order. */
  jobEvents(jobId: JobId): Promise<JobEvent[]>;
  /** Appends the event, and keeps what the job has come to by it beside its history, at once. False when the stored revision is not
   * `job.revision`. */
  appendJobEvent(job: StoredJob, event: JobEvent): Promise<boolean>;

  findReceipt(jobId: JobId): Promise<Digest | undefined>;
  /** Also leaves `entry` pending for the log. False when the job has a receipt. */
  addReceipt(job: Job, receipt: Digest, entry: Uint8Array): Promise<boolean>;

  /** In the order in which they were stored. */
  pendingEntries(collaborationId: CollaborationId): Promise<PendingEntry[]>;
  collaborationsWithPendingEntries(): Promise<CollaborationId[]>;
  removePending(ids: readonly number[]): Promise<void>;

  close(): Promise<void>;
}
