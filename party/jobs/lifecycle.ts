/**
 * A job as a pure fold over its persisted events: what a node knows of a job is what these events say and nothing else.
 * States: proposed -> admitted -> running -> releasing -> done, or refused, failed, cancelled.
 */
import type { Operation, Output } from "../../proto/agreement/fields.ts";
import type { ErrorCode } from "../../proto/errors.ts";
import type { OverlapReport } from "../../proto/report/overlap-report.ts";

/** This node's part in the job: the receiver learns the result, the provider serves it. */
export type JobRole = "receiver" | "provider";

export interface JobProposed {
  readonly type: "proposed";
  readonly at: string;
  readonly role: JobRole;
  readonly peer: string;
  readonly operation: Operation;
  readonly output: Output;
  readonly agreement: string;
  readonly collaboration: string;
  readonly jobDigest: string;
  /** Rows of this node's own dataset that take part. */
  readonly ownRows: number;
  readonly ownSizeClass: number;
  /** Of this node's own dataset; another one is another input. */
  readonly datasetVersion: string;
  /** How it was registered: by other ids or another policy for duplicates the same rows are another input, too. */
  readonly datasetForm: string;
  /** Where people had opted out: what the job is asked of is less than that content. */
  readonly effectiveVersion?: string;
  /** What the peer and the evidence see of it: a keyed tag of the epoch in which the job was asked for; hex. */
  readonly versionTag: string;
  /** A person at this node decides first. */
  readonly awaitsApproval: boolean;
  /** Who asked, at the receiver: somebody else must approve. */
  readonly requestedBy?: string;
}

/** A partition that is durable: an attempt that comes later goes on after it. */
export interface FinishedPartition {
  readonly partition: number;
  /** The attempt that finished it, that session's exporter value, and the transcript up to the partition's end; hex. */
  readonly attempt: number;
  readonly exporter: string;
  readonly transcript: string;
}

/** Of the session that ended with the receipt. */
export interface Traffic {
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** What the receiver's own user is told at the end; the provider's summary holds no match count. */
export interface JobSummary {
  readonly matched?: number;
  /** Of an aggregate output: as it may be shown. */
  readonly matchRate?: string;
  /** Of that output: the whole of it. */
  readonly report?: OverlapReport;
  readonly tags?: Readonly<Record<string, number>>;
  /** Of the people who matched: label values of the peer that are none, and taken as missing. Absent when there are none. */
  readonly labelsUnreadable?: number;
  /** From the first attempt on, stops in between included. */
  readonly seconds: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

export type JobEvent =
  | JobProposed
  | { readonly type: "approved"; readonly at: string }
  | { readonly type: "admitted"; readonly at: string }
  | {
      readonly type: "attempt-started";
      readonly at: string;
      readonly attempt: number;
      readonly peerSizeClass: number;
      /** Tag of the peer's dataset version, hex. */
      readonly peerVersion: string;
      /** What both nodes have of earlier attempts; anything else of them is void. */
      readonly finished: readonly FinishedPartition[];
      /** That session's exporter value, hex; absent in what an earlier version of this program wrote. */
      readonly exporter?: string;
    }
  | ({ readonly type: "partition-finished"; readonly at: string } & FinishedPartition)
  | { readonly type: "receipt-signed"; readonly at: string; readonly traffic?: Traffic }
  | { readonly type: "gate-opened"; readonly at: string }
  /** At the receiver: the log says what came out, and everything that makes it is durable. */
  | { readonly type: "result-recorded"; readonly at: string }
  | { readonly type: "done"; readonly at: string; readonly summary: JobSummary; readonly withheld: boolean }
  | {
      readonly type: "refused";
      readonly at: string;
      readonly by: "own" | "peer";
      readonly code: ErrorCode;
      readonly detail?: string;
    }
  | { readonly type: "failed"; readonly at: string; readonly code: ErrorCode; readonly detail?: string };

export type JobState = "proposed" | "admitted" | "running" | "releasing" | "done" | "refused" | "failed";

export interface Job {
  readonly jobId: string;
  readonly state: JobState;
  readonly proposed: JobProposed;
  readonly updatedAt: string;
  /** Last attempt number that was persisted; a session with one not above it is refused. */
  readonly attempt: number;
  /** When the first attempt began. */
  readonly startedAt: string | undefined;
  /** Exporter value of the last attempt's session. */
  readonly exporter: string | undefined;
  readonly peerSizeClass: number | undefined;
  readonly peerVersion: string | undefined;
  /** A person at this node has not decided yet. */
  readonly awaitsApproval: boolean;
  /** In the order in which they were finished. */
  readonly finished: readonly FinishedPartition[];
  readonly reason: { readonly code: ErrorCode; readonly detail?: string; readonly by?: "own" | "peer" } | undefined;
  readonly summary: JobSummary | undefined;
  readonly withheld: boolean;
  /** When the receipt was: the nodes have a day from then on to release the keys. */
  readonly receiptAt: string | undefined;
  readonly traffic: Traffic;
  /** The provider has released the keys, or the receiver has them: from here on a result may exist. */
  readonly isOpened: boolean;
  /** The receiver's log says what came out. */
  readonly isRecorded: boolean;
  readonly events: number;
}

const NO_TRAFFIC: Traffic = { bytesSent: 0, bytesReceived: 0 };

const NEXT: Readonly<Record<JobState, readonly JobEvent["type"][]>> = {
  proposed: ["approved", "admitted", "refused", "failed"],
  admitted: ["attempt-started", "refused", "failed"],
  running: ["attempt-started", "partition-finished", "receipt-signed", "failed"],
  releasing: ["gate-opened", "result-recorded", "done", "failed"],
  done: [],
  refused: [],
  failed: [],
};

export function isFinal(state: JobState): boolean {
  return NEXT[state].length === 0;
}

/** The job that one more event makes; undefined when the event is not allowed in the job's state. */
export function applyJobEvent(jobId: string, job: Job | undefined, event: JobEvent): Job | undefined {
  if (job === undefined) {
    if (event.type !== "proposed") return undefined;
    const peer = { peerSizeClass: undefined, peerVersion: undefined };
    const start = { attempt: 0, finished: [], startedAt: undefined, exporter: undefined, ...peer };
    const gate = { receiptAt: undefined, traffic: NO_TRAFFIC, isOpened: false, isRecorded: false };
    const closed = { reason: undefined, summary: undefined, withheld: false, ...gate };
    const { awaitsApproval } = event;
    return {
      jobId,
      state: "proposed",
      proposed: event,
      updatedAt: event.at,
      events: 1,
      awaitsApproval,
      ...start,
      ...closed,
    };
  }
  if (!NEXT[job.state].includes(event.type)) return undefined;
  const next = { ...job, updatedAt: event.at, events: job.events + 1 };
  switch (event.type) {
    case "proposed":
      return undefined;
    case "approved":
      return job.awaitsApproval ? { ...next, awaitsApproval: false } : undefined;
    case "admitted":
      return job.awaitsApproval ? undefined : { ...next, state: "admitted" };
    case "attempt-started": {
      const { attempt, finished, peerSizeClass, peerVersion, exporter } = event;
      if (attempt <= job.attempt) return undefined;
      const startedAt = job.startedAt ?? event.at;
      return { ...next, state: "running", attempt, finished, startedAt, exporter, peerSizeClass, peerVersion };
    }
    case "partition-finished": {
      const { partition, attempt, exporter, transcript } = event;
      const isNew = attempt === job.attempt && !job.finished.some((other) => other.partition === partition);
      return isNew ? { ...next, finished: [...job.finished, { partition, attempt, exporter, transcript }] } : undefined;
    }
    case "receipt-signed":
      return { ...next, state: "releasing", receiptAt: event.at, traffic: event.traffic ?? NO_TRAFFIC };
    case "gate-opened":
      return job.isOpened ? undefined : { ...next, isOpened: true };
    case "result-recorded":
      if (!job.isOpened || job.isRecorded || job.proposed.role !== "receiver") return undefined;
      return { ...next, isRecorded: true };
    case "done":
      // What the log says came out is not withheld any more.
      if (!job.isOpened || (job.isRecorded && event.withheld)) return undefined;
      return { ...next, state: "done", summary: event.summary, withheld: event.withheld };
    case "refused":
    case "failed": {
      const reason = { code: event.code, ...(event.detail === undefined ? {} : { detail: event.detail }) };
      return { ...next, state: event.type, reason: event.type === "refused" ? { ...reason, by: event.by } : reason };
    }
  }
}

/** Throws when the events are not a history that `applyJobEvent` allows: the store was changed by something else. */
export function foldJob(jobId: string, events: readonly JobEvent[]): Job | undefined {
  let job: Job | undefined;
  for (const event of events) {
    const next = applyJobEvent(jobId, job, event);
    if (next === undefined)
      throw new Error(`job ${jobId}: event ${event.type} is not allowed in state ${job?.state ?? "none"}`);
    job = next;
  }
  return job;
}
