/** What a node keeps of tags: batches, values with their history, the catalogue, opt-outs and feeds. */
import type { Tag } from "../tags/tag.ts";

/** `staged`: of a job that has not ended, seen by nobody. `removed`: its result was erased when its time had come. */
export type TagBatchState = "staged" | "in-force" | "withdrawn" | "expired" | "removed";

/** One job's issue of one key. */
export interface TagBatchRecord {
  readonly batchId: number;
  readonly jobId: string;
  readonly key: string;
  readonly agreement: string;
  /** Commitment to the model version, hex; null for an audience's. */
  readonly model: string | null;
  readonly issuedAt: string;
  readonly expiresAt: string;
  readonly state: TagBatchState;
  readonly endedAt: string | null;
  /** People by value, as they were issued. */
  readonly counts: Readonly<Record<string, number>>;
  /** The `TagLineage` as JSON; null of a batch that an earlier version of this program stored. */
  readonly lineage: string | null;
}

/** One value that a person had of a key. */
export interface TagHistoryRecord {
  readonly batchId: number;
  readonly key: string;
  /** Empty once it has been withdrawn or its result erased. */
  readonly value: string;
  readonly jobId: string;
  readonly agreement: string;
  readonly issuedAt: string;
  readonly expiresAt: string;
  readonly state: "current" | "superseded" | "withdrawn" | "expired";
}

/** What became of the one value that a person has of a key. */
export interface TagChange {
  readonly tag: Tag;
  /** It is not there any more: withdrawn, expired or erased. `tag` then says whose and of which key, and no value. */
  readonly isEnded: boolean;
  readonly batchId: number;
  /** The change that it was issued or ended by. */
  readonly change: number;
}

/** A place in the order of a read of changes: after this one. */
export interface TagPlace {
  readonly subject: string;
  readonly batchId: number;
}

export interface ChangesFilter {
  /** Only what changed after this change; 0: everything. */
  readonly since: number;
  /** As it was after this change: what was issued, ended or uncovered since is for a later read. */
  readonly until?: number | undefined;
  readonly keys?: readonly string[] | undefined;
  /** Leaves out what has ended. */
  readonly onlyCurrent?: boolean;
  readonly after?: TagPlace | undefined;
}

export interface TagStore {
  /** A part of a job's tags at once, staged; a second part of the same number is refused with false. */
  putTags(jobId: string, part: number, tags: Iterable<Tag>): Promise<boolean>;
  /** What was staged of the job is in force from here on, all at once, and supersedes what the same people had of the same
   * keys. Idempotent. */
  publishTags(jobId: string, at: string, lineage: string | null): Promise<void>;
  /** Of a job that did not reach its end, or whose result may not be kept any longer. Who had one stays known, without its value,
   * until every feed has told its target. */
  removeTags(jobId: string, at?: string): Promise<void>;
  /** Current tags in force at `now` (ISO time), in the order of subject and key. */
  tags(filter: { readonly now: string; readonly key?: string; readonly jobId?: string }): AsyncIterable<Tag>;
  /** Whom the job tagged, each once, also where a later job's value stands now; without withdrawn and expired tags. */
  subjectsOf(jobId: string, now: string): AsyncIterable<string>;
  /** Digests of the agreements that tags in force at `now` were issued under. */
  tagAgreements(now: string): Promise<string[]>;
  /** Ends every tag that was issued under an agreement; how many current ones, by job. */
  withdrawTags(agreement: string, at: string): Promise<{ jobId: string; count: number }[]>;
  /** Ends every tag of these people, staged ones included; how many. */
  withdrawTagsOf(subjects: readonly string[], at: string): Promise<number>;
  /** Of current tags. */
  tagCounts(now: string): Promise<{ key: string; value: string; jobId: string; count: number }[]>;
  /** Turns what expires at `now` or before into a change, so that feeds hear of it. */
  expireTags(now: string): Promise<void>;
  /** Newest first. */
  tagBatches(): Promise<TagBatchRecord[]>;
  /** Newest first. */
  tagHistory(subject: string, now: string): Promise<TagHistoryRecord[]>;
  /** The number of the last change; 0 before the first. */
  lastTagChange(): Promise<number>;
  /** The last change whose ended tags have been forgotten: who knows less cannot catch up. */
  forgottenTagChange(): Promise<number>;
  /** As of the moment of the first read, whatever is written meanwhile; some thousands at a time, in the order of subject and
   * batch. What has expired is a change once `expireTags` has been called. */
  tagChanges(filter: ChangesFilter): AsyncIterable<readonly TagChange[]>;
  /** Jobs and agreements of the current tags among those changes. */
  tagChangeSources(filter: ChangesFilter): Promise<{ readonly jobIds: string[]; readonly agreements: string[] }>;
  /** Forgets who had ended tags where every feed has told its target, or the change is older than `before` (ISO time). */
  forgetEndedTags(before: string): Promise<void>;

  /** Documents by key. */
  tagDefinitions(): Promise<{ readonly key: string; readonly document: string }[]>;
  putTagDefinition(key: string, document: string): Promise<void>;
}

export interface OptOutRecord {
  readonly form: string;
  /** 16-byte keyed hash of the normalised id. */
  readonly mark: Uint8Array;
  /** The id under the node's at-rest key. */
  readonly sealed: Uint8Array;
  readonly addedAt: string;
  readonly person: string;
}

export interface OptOutStore {
  /** Lists them and ends every tag of these people at once, staged ones included: nobody is listed and still tagged. How many
   * were not listed before, and how many tags ended. */
  addOptOuts(
    records: readonly OptOutRecord[],
    subjects: readonly string[],
    at: string,
  ): Promise<{ readonly added: number; readonly withdrawnTags: number }>;
  /** How many were there. */
  removeOptOuts(form: string, marks: readonly Uint8Array[]): Promise<number>;
  /** In the order of marks. */
  optOuts(form: string): Promise<OptOutRecord[]>;
  optOutCounts(): Promise<{ form: string; count: number; lastAddedAt: string }[]>;
}

export interface FeedRecord {
  readonly name: string;
  /** The `FeedConfig` as JSON. */
  readonly config: string;
  /** The last change that the target knows; 0: nothing. */
  readonly cursor: number;
  readonly createdAt: string;
  readonly createdBy: string;
}

export type DeliveryState = "running" | "done" | "failed";

export interface DeliveryRecord {
  readonly deliveryId: string;
  readonly feed: string;
  readonly mode: "full" | "since-last";
  readonly fromChange: number;
  readonly toChange: number;
  readonly state: DeliveryState;
  readonly person: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** Tags written, and tags taken back. */
  readonly written: number;
  readonly ended: number;
  /** Whether evidence has the delivery. */
  readonly isRecorded: boolean;
  /** How far the target has acknowledged it, for targets that take it in pieces. */
  readonly place: TagPlace | null;
  readonly code: string | null;
}

export interface FeedStore {
  feeds(): Promise<FeedRecord[]>;
  /** False when the name is taken. */
  addFeed(feed: FeedRecord): Promise<boolean>;
  /** With its deliveries. */
  removeFeed(name: string): Promise<void>;
  /** Newest first. */
  deliveries(feed: string, limit: number): Promise<DeliveryRecord[]>;
  putDelivery(delivery: DeliveryRecord): Promise<void>;
  /** The delivery's end and the feed's new cursor, at once. */
  endDelivery(delivery: DeliveryRecord, cursor: number): Promise<void>;
}
