/** What a node's log says of its jobs. It is written before the book, so after a stop it may be one entry ahead. */
import { digestOf } from "../../proto/encoding/sha256.ts";
import type { ErrorCode } from "../../proto/errors.ts";
import type { EvidenceLog } from "../../proto/evidence/log.ts";
import { jobIdOf, type ParsedStatement, parseStatement } from "../../proto/evidence/statements.ts";

export interface RecordedJob {
  readonly decision?: {
    readonly as: "allowed" | "approval-needed" | "refused";
    /** The first rule that said no. */
    readonly refusedBy: ErrorCode | undefined;
    readonly at: string;
  };
  readonly finished: readonly {
    readonly attempt: number;
    readonly partition: number;
    readonly transcript: string;
    readonly at: string;
  }[];
  readonly receipt?: { readonly entry: Uint8Array; readonly digest: string };
  readonly releasedAt?: string;
  readonly openedAt?: string;
  readonly withheldAt?: string;
  readonly end?:
    | { readonly type: "failed"; readonly at: string; readonly code: ErrorCode }
    | { readonly type: "refused"; readonly at: string; readonly code: ErrorCode; readonly by: string };
}

const NOTHING: RecordedJob = { finished: [] };

/** What one more entry makes of it; the same when the entry is of no interest. */
export function applyEntry(before: RecordedJob, parsed: ParsedStatement, entry: Uint8Array): RecordedJob {
  const { event, statement } = parsed;
  switch (event) {
    case "policy-decision": {
      const { decision: as, rules, at } = statement.predicate;
      const refusedBy = rules.find(({ outcome }) => outcome === "failed")?.code as ErrorCode | undefined;
      return { ...before, decision: { as, refusedBy, at } };
    }
    case "partition-finished": {
      const { attempt, partition, transcriptHash: transcript, at } = statement.predicate;
      return { ...before, finished: [...before.finished, { attempt, partition, transcript, at }] };
    }
    case "receipt":
      return { ...before, receipt: { entry, digest: digestOf(entry) } };
    case "gate-key-released":
      return { ...before, releasedAt: statement.predicate.at };
    case "opened":
      return { ...before, openedAt: statement.predicate.at };
    case "withheld":
      return { ...before, withheldAt: statement.predicate.at };
    case "failed": {
      const { code, at } = statement.predicate;
      return { ...before, end: { type: event, at, code } };
    }
    case "refused": {
      const { code, at, by } = statement.predicate;
      return { ...before, end: { type: event, at, code, by } };
    }
    default:
      return before;
  }
}

/** Of each of these jobs, in the order of the logs. Reads every entry. Throws LOG_CORRUPT. */
export async function recordedJobs(
  logs: readonly EvidenceLog[],
  jobIds: ReadonlySet<string>,
): Promise<ReadonlyMap<string, RecordedJob>> {
  const found = new Map([...jobIds].map((jobId) => [jobId, NOTHING]));
  for (const log of logs) {
    for await (const entry of log.entriesFrom(0)) {
      const parsed = parseStatement(entry);
      const jobId = jobIdOf(parsed);
      const before = jobId === undefined ? undefined : found.get(jobId);
      if (jobId !== undefined && before !== undefined) found.set(jobId, applyEntry(before, parsed, entry));
    }
  }
  return found;
}
