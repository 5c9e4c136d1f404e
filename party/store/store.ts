/**
 * What a node keeps, as one asynchronous interface: SQLite is synchronous, PostgreSQL is not. Every method that changes
 * something returns only when the change is durable. Documents are JSON texts that the caller has checked already.
 */
import type { JobEvent } from "../jobs/lifecycle.ts";
import type { Tag } from "../tags/tag.ts";

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

export interface AgreementRecord {
  readonly digest: string;
  readonly collaboration: string;
  /** DSSE envelope as canonical JSON, with the signatures this node has seen so far. */
  readonly envelope: string;
  readonly receivedAt: string;
}

/** What this node, as a witness, last cosigned of a log. */
export interface WitnessRecord {
  readonly origin: string;
  readonly size: number;
  /** Root hash in hex. */
  readonly root: string;
  readonly note: string;
}

/** A signed document of a job that evidence names by digest: spec, answer, receipt. */
export type JobDocumentKind = "spec" | "answer" | "receipt";

export interface Store {
  setting(key: string): Promise<string | undefined>;
  putSetting(key: string, value: string): Promise<void>;

  peers(): Promise<PeerRecord[]>;
  putPeer(peer: PeerRecord): Promise<void>;

  datasets(): Promise<DatasetRecord[]>;
  putDataset(dataset: DatasetRecord): Promise<void>;

  agreements(): Promise<AgreementRecord[]>;
  agreement(digest: string): Promise<AgreementRecord | undefined>;
  putAgreement(agreement: AgreementRecord): Promise<void>;

  /** Job ids, newest first. */
  jobIds(): Promise<string[]>;
  jobEvents(jobId: string): Promise<JobEvent[]>;
  /** Appends when the job has exactly `expectedLength` events so far; false when it has not, and nothing is written. */
  appendJobEvent(jobId: string, expectedLength: number, event: JobEvent): Promise<boolean>;
  putJobDocument(jobId: string, kind: JobDocumentKind, text: string): Promise<void>;
  jobDocument(jobId: string, kind: JobDocumentKind): Promise<string | undefined>;

  /** Secrets of a job (gate keys, job key), each already encrypted under the node's at-rest key. */
  putJobSecret(jobId: string, name: string, sealed: Uint8Array): Promise<void>;
  jobSecret(jobId: string, name: string): Promise<Uint8Array | undefined>;
  destroyJobSecrets(jobId: string): Promise<void>;
  /** Destroys those of every other job. */
  keepJobSecretsOf(jobIds: ReadonlySet<string>): Promise<void>;

  witness(origin: string): Promise<WitnessRecord | undefined>;
  /** Compare-and-store: false, and nothing written, when the stored size is not `expectedSize` (0 for none). */
  putWitness(record: WitnessRecord, expectedSize: number): Promise<boolean>;

  /** One batch of a job's tags at once; a second batch of the same number is refused with false. */
  putTags(jobId: string, batch: number, tags: Iterable<Tag>): Promise<boolean>;
  /** Of a job that did not reach its end. */
  removeTags(jobId: string): Promise<void>;
  /** Tags in force at `now` (ISO time), in the order of subject and key. */
  tags(filter: { readonly now: string; readonly key?: string; readonly jobId?: string }): AsyncIterable<Tag>;
  tagCounts(now: string): Promise<{ key: string; value: string; jobId: string; count: number }[]>;

  close(): Promise<void>;
}
