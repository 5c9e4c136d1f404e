/** One line for each job that has a receipt: what the logs together say of it. */

import type { Openings } from "./openings.ts";
import type { JobTrace, LogRecord } from "./trace.ts";
import type { JobSummary } from "./verdict.ts";

/** What the logs of all parties say of one job. */
export function tracesOf(jobId: string, records: readonly LogRecord[]): JobTrace[] {
  return records.flatMap(({ jobs }) => jobs.get(jobId) ?? []);
}

export function summariseJobs(records: readonly LogRecord[], openings: Openings): JobSummary[] {
  const jobIds = new Set(records.flatMap(({ jobs }) => [...jobs.keys()]));
  return [...jobIds].flatMap((jobId) => {
    const traces = tracesOf(jobId, records);
    const receipt = traces.find((trace) => trace.receipt)?.receipt?.predicate;
    if (receipt === undefined) return [];
    const { operation, agreementDigest, parties, attempts, finishedAt, inputCommitments } = receipt;
    const rows = (role: "receiver" | "sender") =>
      openings.find({ by: parties[role], kind: "input", commitment: inputCommitments[role] })?.rows ?? null;
    return [
      {
        ...{ jobId, operation, agreementDigest, ...parties, attempts: attempts.length, finishedAt },
        rows: { receiver: rows("receiver"), sender: rows("sender") },
        cameOut: cameOut(traces, parties.receiver, openings),
        outcome: traces.some((trace) => trace.withheld)
          ? "withheld"
          : traces.some((trace) => trace.opened)
            ? "opened"
            : "receipt-only",
      },
    ];
  });
}

/** People who matched, or the rate as it was shown. */
function cameOut(traces: readonly JobTrace[], by: string, openings: Openings): string | null {
  const opened = traces.find((trace) => trace.opened)?.opened?.predicate;
  if (opened === undefined) return null;
  const commitment = opened.outputCommitment;
  const matched = openings.find({ by, kind: "output", commitment })?.matched;
  return matched === undefined ? (openings.find({ by, kind: "rate", commitment })?.shown ?? null) : String(matched);
}
