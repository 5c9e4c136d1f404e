/** The runs that were charged to the budgets, as the evidence log of the collaboration tells them, and how they count. */
import type { Operation, Output } from "../agreement/fields.ts";
import type { AgreementDocument } from "../agreement/schema.ts";
import type { SegmentRef } from "../segments/names.ts";

const DAY_MS = 86_400_000;

export interface ChargedRun {
  readonly jobId: string;
  /** Digest of the agreement under which it ran; budgets count across versions of it. */
  readonly agreement: string;
  /** When it was charged, milliseconds since 1970 by this node's wall clock. */
  readonly at: number;
  readonly operation: Operation;
  readonly output: Output;
  readonly receiver: string;
  readonly provider: string;
  readonly receiverDataset: string;
  readonly providerDataset: string;
  /** Who of the provider's dataset took part; absent: everybody. */
  readonly providerSegment?: SegmentRef | undefined;
  /** Commitment to the model version, hex; of a score. */
  readonly modelVersion?: string;
  /** Of a score: see `featureBits`. Absent: taken to be the asking job's. */
  readonly featureBits?: number;
  /** Of a report: how many it had at most. */
  readonly groups?: number | undefined;
  /** Columns of the provider that left in clear; absent: none. */
  readonly releasedColumns?: readonly string[] | undefined;
  /** Tags of the datasets' versions, hex; absent while unknown. */
  readonly receiverVersion?: string;
  readonly providerVersion?: string;
  /** A receipt exists: the receiver can have the result. */
  readonly completed: boolean;
  /** It ended without a receipt: no key was released, and the receiver could decrypt nothing. Stays charged. */
  readonly failed: boolean;
}

/** In the order in which they were charged. */
export type History = readonly ChargedRun[];

/** What budgets are counted for: two datasets in one direction. */
export interface DatasetPair {
  readonly receiver: string;
  readonly provider: string;
  readonly receiverDataset: string;
  readonly providerDataset: string;
}

/** A fixed grid from 1970 on, so that both nodes' epochs begin alike. Milliseconds. */
export function epochStart(nowMs: number, { budgets }: Pick<AgreementDocument, "budgets">): number {
  const epochMs = budgets.epochDays * DAY_MS;
  return Math.floor(nowMs / epochMs) * epochMs;
}

export function epochEnd(nowMs: number, document: Pick<AgreementDocument, "budgets">): number {
  return epochStart(nowMs, document) + document.budgets.epochDays * DAY_MS;
}

function isOfPair(run: ChargedRun, pair: DatasetPair): boolean {
  return (
    run.receiver === pair.receiver &&
    run.provider === pair.provider &&
    run.receiverDataset === pair.receiverDataset &&
    run.providerDataset === pair.providerDataset
  );
}

export interface CountedRuns {
  /** In the epoch of now. */
  readonly inEpoch: readonly ChargedRun[];
  /** In the 24 hours up to now. */
  readonly inDay: readonly ChargedRun[];
}

/**
 * The pair's runs that a job shares its budgets with. What was charged later than now counts: a clock that was set back
 * frees nothing. A job that is asked about again (`jobId` is in the history) is counted as it was when it was charged:
 * against those before it, never against itself or against those that came after.
 */
export function countedRuns(
  history: History,
  pair: DatasetPair & { readonly jobId?: string },
  nowMs: number,
  document: Pick<AgreementDocument, "budgets">,
): CountedRuns {
  const own = pair.jobId === undefined ? -1 : history.findIndex((run) => run.jobId === pair.jobId);
  const atMs = history[own]?.at ?? nowMs;
  const before = (own < 0 ? history : history.slice(0, own)).filter((run) => isOfPair(run, pair));
  const start = epochStart(atMs, document);
  return {
    inEpoch: before.filter((run) => run.at >= start),
    inDay: before.filter((run) => run.at >= atMs - DAY_MS),
  };
}
