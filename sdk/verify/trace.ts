/** What one log has said, kept while its entries go by: little for each job, and nothing of entries about no job. */
import type { Agreement } from "../../proto/agreement/agreement.ts";
import type { Revocation } from "../../proto/agreement/revocation.ts";
import type { CosignedHead } from "../../proto/evidence/cosignature.ts";
import type { Predicate, Receipt } from "../../proto/evidence/predicates.ts";
import type { Entry } from "./entries.ts";
import type { SeenForks } from "./forks.ts";
import type { Keyring } from "./keys.ts";
import type { VerifiedLog } from "./log.ts";
import type { Openings } from "./openings.ts";
import type { Place } from "./verdict.ts";

export type EntryOf<E extends Entry["event"]> = Extract<Entry, { readonly event: E }>;
export type Charge = NonNullable<Predicate<"policy-decision">["charge"]>;

/** Where an entry stands, and when it says that it was made. */
export interface At {
  readonly index: number;
  readonly at: string;
}

export interface TracedReceipt extends At {
  readonly digest: string;
  readonly predicate: Receipt;
  /** Origin of the log that it stands in, of those that follow one another. */
  readonly log: string;
}

/** What a log, and those that it follows, have said of one job so far. */
export interface JobTrace {
  readonly jobId: string;
  /** Of all its entries in this log. */
  readonly indexes: number[];
  jobDigest?: string;
  agreementDigest?: string;
  requested?: At & Pick<Predicate<"job-requested">, "operation" | "output" | "purpose" | "requester">;
  /** The newest. */
  decision?: At & Pick<Predicate<"policy-decision">, "decision"> & { readonly ruleLimits: RecordedLimits };
  charge?: At & { readonly charge: Charge; readonly log: string };
  readonly approvals: (At & { readonly isApproved: boolean; readonly approver: string })[];
  /** By attempt, in the order in which they were finished; empty from the receipt on. */
  readonly finished: Map<number, { readonly partition: number; readonly transcriptHash: string }[]>;
  receipt?: TracedReceipt;
  released?: At;
  opened?: At & { readonly predicate: Predicate<"opened"> };
  withheld?: At & { readonly code: string };
  refused?: At & { readonly by: string; readonly code: string };
  failed?: At & { readonly code: string };
  tagsCommitment?: string;
}

/** What a decision's records say that the log says nowhere else. */
export interface RecordedLimits {
  readonly ownRowsUpTo?: number | undefined;
  readonly tagDays?: number | undefined;
}

/** A head that a release names: it must be cosigned, cover the receipt, and be of the log as it is here. */
export interface HeadClaim {
  readonly place: Place;
  readonly head: CosignedHead;
  readonly owner: string;
  readonly cosigner: string;
  readonly receiptDigest: string;
}

export interface LogRecord {
  readonly log: VerifiedLog;
  /** Of the collaboration; false for its coordinator. */
  readonly isParty: boolean;
  readonly jobs: Map<string, JobTrace>;
  /** Index by digest. */
  readonly receipts: Map<string, number>;
  readonly claims: HeadClaim[];
  readonly signed: Map<string, At>;
  readonly revoked: Map<string, At & { readonly by: string }>;
  readonly withdrawn: Map<string, At & { readonly commitment: string }>;
  /** Place of the owner's keyset (`keys.ts`) from an entry on. */
  readonly keyChanges: { readonly from: number; readonly place: number }[];
  /** When each entry says that it was made, milliseconds; NaN for one that is not valid. */
  readonly atMs: Float64Array;
}

export interface World {
  readonly agreements: ReadonlyMap<string, Agreement>;
  readonly revocations: ReadonlyMap<string, Revocation>;
  readonly keyring: Keyring;
  readonly openings: Openings;
  readonly forks: SeenForks;
}

export function recordOf(log: VerifiedLog, isParty: boolean): LogRecord {
  return {
    ...{ log, isParty, jobs: new Map(), receipts: new Map(), claims: [], keyChanges: [] },
    ...{ signed: new Map(), revoked: new Map(), withdrawn: new Map() },
    atMs: new Float64Array(log.tree.size).fill(Number.NaN),
  };
}

/** `before`: what the log in front of this one has said of jobs. */
export function traceOf(
  jobs: Map<string, JobTrace>,
  jobId: string,
  before: ReadonlyMap<string, JobTrace> = new Map(),
): JobTrace {
  const known = jobs.get(jobId);
  if (known !== undefined) return known;
  const earlier = before.get(jobId);
  const trace: JobTrace =
    earlier === undefined
      ? { jobId, indexes: [], approvals: [], finished: new Map() }
      : { ...earlier, indexes: [], approvals: [...earlier.approvals], finished: new Map(earlier.finished) };
  jobs.set(jobId, trace);
  return trace;
}
