/** Agree: the logs of a collaboration tell one story, and each log has one history. */
import { equalBytes } from "../../proto/encoding/bytes.ts";
import type { Receipt } from "../../proto/evidence/predicates.ts";
import type { Entry } from "./entries.ts";
import { ownerOf } from "./log.ts";
import { type EntryOf, jobIdOf, type ReplayedLog } from "./replay.ts";
import type { Findings, JobSummary } from "./verdict.ts";

interface Sighting {
  readonly entry: EntryOf<"receipt">;
  readonly from: ReplayedLog;
}

export function agree(logs: readonly ReplayedLog[], findings: Findings): void {
  for (const sightings of receiptsByJob(logs).values()) compareJob(sightings, logs, findings);
  for (const copies of Map.groupBy(logs, ({ log }) => log.origin).values()) {
    const { log, entries } = longestOf(copies);
    if (isRegister(longestOf(copies))) continue;
    const cosignedSize = Math.max(...copies.map((copy) => copy.log.cosignedSize));
    const uncovered = entries.find((entry) => entry.event === "receipt" && entry.index >= cosignedSize);
    const place = { folder: log.folder, log: log.origin };
    if (uncovered !== undefined) findings.report("NOT_COSIGNED", { ...place, index: uncovered.index });
    else if (cosignedSize === 0 && log.entries.length > 0) findings.report("NOT_COSIGNED", place);
  }
}

/** The coordinator's log: a register of other parties' receipts. It repeats what the parties' own, cosigned logs hold, and
 * no party is its witness yet. */
function isRegister({ log, entries }: ReplayedLog): boolean {
  return entries.every(
    (entry) =>
      entry.event === "receipt" &&
      !Object.values(entry.statement.predicate.parties).some((party) => party === log.owner),
  );
}

function longestOf(copies: readonly ReplayedLog[]): ReplayedLog {
  return copies.reduce((a, b) => (b.log.tree.size > a.log.tree.size ? b : a));
}

/** The same log in several folders: the shorter must be how the longer began. */
export function compareCopies(logs: readonly ReplayedLog[], findings: Findings): void {
  for (const copies of Map.groupBy(logs, ({ log }) => log.origin).values()) {
    const longest = longestOf(copies);
    for (const { log } of copies) {
      if (!equalBytes(log.tree.root(), longest.log.tree.root(log.tree.size)))
        findings.report("LOGS_DISAGREE", { folder: log.folder, log: log.origin });
    }
  }
}

function receiptsByJob(logs: readonly ReplayedLog[]): Map<string, Sighting[]> {
  const jobs = new Map<string, Sighting[]>();
  for (const from of logs) {
    for (const entry of from.entries) {
      if (entry.event !== "receipt") continue;
      const jobId = entry.statement.predicate.job.jobId;
      jobs.set(jobId, [...(jobs.get(jobId) ?? []), { entry, from }]);
    }
  }
  return jobs;
}

function compareJob(sightings: readonly Sighting[], logs: readonly ReplayedLog[], findings: Findings): void {
  const [first] = sightings as [Sighting, ...Sighting[]];
  const { parties, job } = first.entry.statement.predicate;
  const place = { folder: first.from.log.folder, log: first.from.log.origin, index: first.entry.index };
  const other = sightings.find(({ entry }) => entry.digest !== first.entry.digest);
  if (other !== undefined) {
    const { log } = other.from;
    findings.report("LOGS_DISAGREE", { folder: log.folder, log: log.origin, index: other.entry.index });
  }
  const isPresent = (party: string) => logs.some(({ log }) => log.owner === party);
  for (const party of Object.values(parties)) {
    if (!isPresent(party)) findings.report("LOG_MISSING", place);
    else if (!sightings.some(({ from }) => from.log.owner === party))
      findings.report(mustHold(party, first.entry, logs) ? "LOGS_DISAGREE" : "RECEIPT_MISSING", place);
  }
  const isRequested = logs.some(({ entries }) =>
    entries.some(
      ({ event, statement }) =>
        event === "job-requested" && (statement.predicate as { jobDigest?: string }).jobDigest === job.jobDigest,
    ),
  );
  if (!isRequested)
    findings.report(Object.values(parties).every(isPresent) ? "ORDER_BROKEN" : "REQUEST_MISSING", place);
}

function entriesOfJob(jobId: string, logs: readonly ReplayedLog[]): Entry[] {
  return logs.flatMap(({ entries }) => entries.filter((entry) => jobIdOf(entry) === jobId));
}

/** Whether something was released on a head of the party's log that is here in full: then the receipt stands in it. An
 * export from before that is merely older. */
function mustHold(party: string, receipt: EntryOf<"receipt">, logs: readonly ReplayedLog[]): boolean {
  const releases = entriesOfJob(receipt.statement.predicate.job.jobId, logs).filter(
    (entry) => entry.event === "opened" || entry.event === "gate-key-released",
  );
  return releases.some(({ statement }) =>
    Object.values(statement.predicate.cosigned).some(
      (head) =>
        ownerOf(head.origin) === party &&
        logs.some(({ log }) => log.origin === head.origin && log.tree.size >= head.size),
    ),
  );
}

/** One line for each job that has a receipt. */
export function summariseJobs(logs: readonly ReplayedLog[]): JobSummary[] {
  return [...receiptsByJob(logs)].map(([jobId, [first]]) => {
    const receipt: Receipt = (first as Sighting).entry.statement.predicate;
    const events = new Set(entriesOfJob(jobId, logs).map(({ event }) => event));
    return {
      jobId,
      operation: receipt.operation,
      agreementDigest: receipt.agreementDigest,
      receiver: receipt.parties.receiver,
      sender: receipt.parties.sender,
      attempts: receipt.attempts.length,
      finishedAt: receipt.finishedAt,
      outcome: events.has("withheld") ? "withheld" : events.has("opened") ? "opened" : "receipt-only",
    };
  });
}
