/**
 * What a node keeps, as one asynchronous interface: SQLite is synchronous, PostgreSQL is not. Every method that changes
 * something returns only when the change is durable. Documents are JSON texts that the caller has checked already.
 */
import type { SegmentKind } from "../../proto/segments/names.ts";
import type { JobEvent } from "../jobs/lifecycle.ts";
import type { FeedStore, OptOutStore, TagStore } from "./tag-records.ts";

export interface PeerRecord {
  readonly party: string;
  /** Raw Ed25519 key in hex: the one that was confirmed. */
  readonly identity: string;
  readonly confirmedAt: string;
}

export interface DatasetRecord {
  readonly name: string;
  /** Content digest; a new registration of the same name makes a new version. */
  readonly version: string;
  /** The `DatasetRegistration` as JSON. */
  readonly registration: string;
  readonly registeredAt: string;
}

/** One version of a segment: never changed. */
export interface SegmentRecord {
  readonly name: string;
  readonly version: number;
  readonly dataset: string;
  readonly kind: SegmentKind;
  readonly definedAt: string;
  readonly definedBy: string;
  /** The definition, under the node's at-rest key. */
  readonly sealed: Uint8Array;
}

/** What of a segment can change. */
export interface SegmentStanding {
  readonly name: string;
  readonly published: {
    readonly version: number;
    readonly description: string;
    readonly at: string;
    /** The peers that it is published to; nobody else learns of it. */
    readonly to: readonly string[];
  } | null;
  readonly retiredAt: string | null;
}

export interface AgreementRecord {
  readonly digest: string;
  readonly collaboration: string;
  /** DSSE envelope as canonical JSON, with the signatures this node has seen so far. */
  readonly envelope: string;
  readonly receivedAt: string;
}

/** The end of an agreement before its time, as one of its parties signed it. */
export interface RevocationRecord {
  readonly agreement: string;
  readonly by: string;
  /** DSSE envelope as canonical JSON. */
  readonly envelope: string;
  /** Whether the other party has it; always true of one that came from there. */
  readonly delivered: boolean;
}

/** What this node, as a witness, last cosigned of a log. */
export interface WitnessRecord {
  readonly origin: string;
  readonly size: number;
  /** Root hash in hex. */
  readonly root: string;
  readonly note: string;
}

/** A bearer token of one of the node's users. The token itself is nowhere. */
export interface TokenRecord {
  /** 8 bytes in hex, chosen at random: names the token in lists and logs. */
  readonly tokenId: string;
  /** SHA-256 of the token in hex. */
  readonly hash: string;
  readonly person: string;
  /** Names of roles, with single spaces between. */
  readonly roles: string;
  readonly createdAt: string;
  /** Person; null for the node's first. */
  readonly createdBy: string | null;
  readonly expiresAt: string;
  readonly revokedAt: string | null;
  /** UTC day. */
  readonly lastUsedOn: string | null;
}

/** Requests denied within one minute that are alike. */
export interface DenialRecord {
  /** When the minute began. */
  readonly at: string;
  readonly tokenId: string | null;
  readonly person: string | null;
  readonly route: string | null;
  readonly code: string;
  readonly count: number;
}

/** A signed document of a job that evidence names by digest: spec, answer, receipt. */
export type JobDocumentKind = "spec" | "answer" | "receipt";

export interface Store extends TagStore, OptOutStore, FeedStore {
  setting(key: string): Promise<string | undefined>;
  putSetting(key: string, value: string): Promise<void>;
  /** So that nothing of the value is left on the disk. */
  eraseSetting(key: string): Promise<void>;

  peers(): Promise<PeerRecord[]>;
  putPeer(peer: PeerRecord): Promise<void>;

  datasets(): Promise<DatasetRecord[]>;
  putDataset(dataset: DatasetRecord): Promise<void>;

  /** By name and version. */
  segments(): Promise<SegmentRecord[]>;
  /** False, and nothing written, when that version is there. */
  addSegment(segment: SegmentRecord): Promise<boolean>;
  segmentStandings(): Promise<SegmentStanding[]>;
  putSegmentStanding(standing: SegmentStanding): Promise<void>;

  agreements(): Promise<AgreementRecord[]>;
  agreement(digest: string): Promise<AgreementRecord | undefined>;
  putAgreement(agreement: AgreementRecord): Promise<void>;

  revocations(): Promise<RevocationRecord[]>;
  /** The first one of an agreement stays; `delivered` goes from false to true only. */
  putRevocation(revocation: RevocationRecord): Promise<void>;

  /** Job ids, newest first. */
  jobIds(): Promise<string[]>;
  jobEvents(jobId: string): Promise<JobEvent[]>;
  /** Appends when the job has exactly `expectedLength` events so far; false when it has not, and nothing is written. */
  appendJobEvent(jobId: string, expectedLength: number, event: JobEvent): Promise<boolean>;
  /** For erasure only: the history keeps its length, the last event loses what may not be kept any longer. */
  replaceLastJobEvent(jobId: string, event: JobEvent): Promise<void>;
  putJobDocument(jobId: string, kind: JobDocumentKind, text: string): Promise<void>;
  jobDocument(jobId: string, kind: JobDocumentKind): Promise<string | undefined>;

  /** Secrets of a job (gate keys, job key), each already encrypted under the node's at-rest key. */
  putJobSecret(jobId: string, name: string, sealed: Uint8Array): Promise<void>;
  jobSecret(jobId: string, name: string): Promise<Uint8Array | undefined>;
  destroyJobSecrets(jobId: string): Promise<void>;
  /** Destroys those of every other job. */
  keepJobSecretsOf(jobIds: ReadonlySet<string>): Promise<void>;

  witness(origin: string): Promise<WitnessRecord | undefined>;
  /** Of all logs below `<party>/<collaboration>`. */
  witnesses(below: string): Promise<WitnessRecord[]>;
  /** Compare-and-store: false, and nothing written, when the stored size is not `expectedSize` (0 for none). */
  putWitness(record: WitnessRecord, expectedSize: number): Promise<boolean>;

  /** Oldest first. */
  tokens(): Promise<TokenRecord[]>;
  tokenByHash(hash: string): Promise<TokenRecord | undefined>;
  /** Throws when its id or hash is taken. */
  addToken(token: TokenRecord): Promise<void>;
  /** The first revocation stays. False when there is no such token. */
  revokeToken(tokenId: string, revokedAt: string): Promise<boolean>;
  setTokenUse(tokenId: string, lastUsedOn: string): Promise<void>;
  /** Those of the person by that creator that expired before then. */
  removeTokens(of: {
    readonly person: string;
    readonly createdBy: string;
    readonly endedBefore: string;
  }): Promise<void>;
  /** Adds the counts to what is there of the same minute, token, route and code; keeps the last `maxRecords`. */
  addDenials(denials: readonly DenialRecord[], maxRecords: number): Promise<void>;
  /** Newest first. */
  denials(): Promise<DenialRecord[]>;

  close(): Promise<void>;
}
