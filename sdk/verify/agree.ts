/** Agree: the logs of a collaboration tell one story, and each log has one history. */
import { equalBytes, fromHex } from "../../proto/encoding/bytes.ts";
import type { Checkpoint, TreeHead } from "../../proto/evidence/checkpoint.ts";
import { cosignatureTimeS, verifyCosignedHead } from "../../proto/evidence/cosignature.ts";
import { compareOrigins, ownerOf, parseOrigin } from "../../proto/evidence/origin.ts";
import type { ProblemCode } from "../../proto/evidence/verdict.ts";
import type { Keyring } from "./keys.ts";
import { isHeadOf, type SeenHead } from "./log.ts";
import type { Charge, HeadClaim, JobTrace, LogRecord, TracedReceipt } from "./trace.ts";
import type { Findings, Place } from "./verdict.ts";

/** The same log in several folders: the shorter must be how the longer began. */
export function compareCopies(records: readonly LogRecord[], findings: Findings): void {
  for (const copies of Map.groupBy(records, ({ log }) => log.origin).values()) {
    const longest = longestOf(copies);
    for (const { log } of copies) {
      if (!equalBytes(log.tree.root(), longest.log.tree.root(log.tree.size)))
        findings.report("LOGS_DISAGREE", { folder: log.folder, log: log.origin }, "two histories of one log");
    }
  }
}

export function longestOf(copies: readonly LogRecord[]): LogRecord {
  return copies.reduce((a, b) => (b.log.tree.size > a.log.tree.size ? b : a));
}

/** Compares a head with every copy of that log that is here. */
export function compareHead(
  head: Pick<Checkpoint, "origin" | "size" | "root">,
  records: readonly LogRecord[],
): ProblemCode | undefined {
  const copies = records.filter(({ log }) => log.origin === head.origin);
  if (copies.some(({ log }) => head.size <= log.tree.size && !isHeadOf(log.tree, head))) return "LOGS_DISAGREE";
  return copies.length > 0 && copies.every(({ log }) => head.size > log.tree.size) ? "LOG_SHORT" : undefined;
}

function headOf({ origin, size, root }: TreeHead): Checkpoint {
  return { origin, size, root: fromHex(root) };
}

/** The heads that releases name; returns those that their cosigners vouch for, by origin. */
export function compareClaims(
  records: readonly LogRecord[],
  keyring: Keyring,
  findings: Findings,
): Map<string, SeenHead[]> {
  const seen = new Map<string, SeenHead[]>();
  for (const record of records) {
    for (const claim of record.claims) {
      const { head, cosigner, place } = claim;
      const problem = claimProblem(claim, record, records, keyring);
      if (problem !== undefined) findings.report(...problem(place));
      if (!isCosigned(claim, keyring)) continue;
      const timeS = cosignatureTimeS(fromHex(head.cosignature));
      seen.set(head.origin, [...(seen.get(head.origin) ?? []), { size: head.size, by: cosigner, timeS }]);
    }
  }
  return seen;
}

type Report = (place: Place) => [ProblemCode, Place, string?];

function isCosigned({ head, cosigner }: HeadClaim, keyring: Keyring): boolean {
  return keyring.keysOf(cosigner, "cosigner").some(({ key }) => verifyCosignedHead(head, key));
}

/** The head must be of the owner's log, cosigned by the other party, cover the receipt, and precede the release. */
function claimProblem(
  claim: HeadClaim,
  { log }: LogRecord,
  records: readonly LogRecord[],
  keyring: Keyring,
): Report | undefined {
  const { head, owner, receiptDigest, place } = claim;
  const gate =
    (why: string): Report =>
    () => ["GATE_BROKEN", place, why];
  if (ownerOf(head.origin) !== owner) return gate("a head of another party's log");
  if (!isCosigned(claim, keyring)) return () => ["COSIGNATURE_INVALID", place];
  const problem = compareHead(headOf(head), records);
  if (problem !== undefined) return () => [problem, place, `the head of ${head.origin} at ${head.size}`];
  const isLater = () => compareOrigins(parseOrigin(head.origin), parseOrigin(log.origin)) > 0;
  if (owner === log.owner && isLater()) return gate("a head of a later log of its own");
  if (head.origin === log.origin && head.size > (place.index ?? 0)) return gate("a head of its own future");
  // Older exports of the same log end before the head, and have nothing to say of it.
  const copies = records.filter((other) => other.log.origin === head.origin && other.log.tree.size >= head.size);
  const isCovered = copies.every(
    ({ receipts }) => (receipts.get(receiptDigest) ?? Number.POSITIVE_INFINITY) < head.size,
  );
  return isCovered ? undefined : gate(`the head of ${head.origin} at ${head.size} does not cover the receipt`);
}

interface Sighting {
  readonly record: LogRecord;
  readonly trace: JobTrace;
  readonly receipt: TracedReceipt;
}

function placeOf({ log }: LogRecord, index: number): Place {
  return { folder: log.folder, log: log.origin, index };
}

/** Jobs that several logs know: one receipt, one charge, and both parties' logs here. */
export function compareJobs(records: readonly LogRecord[], findings: Findings): void {
  const sightings = records.flatMap((record) =>
    [...record.jobs.values()].flatMap((trace) =>
      trace.receipt?.log !== record.log.origin ? [] : [{ record, trace, receipt: trace.receipt }],
    ),
  );
  for (const same of Map.groupBy(sightings, ({ trace }) => trace.jobId).values())
    compareReceipts(same as [Sighting, ...Sighting[]], records, findings);
  for (const record of records)
    for (const trace of record.jobs.values()) compareCharges(record, trace, records, findings);
}

function compareReceipts(same: [Sighting, ...Sighting[]], records: readonly LogRecord[], findings: Findings): void {
  const [first] = same;
  const { parties, lastCosigned } = first.receipt.predicate;
  const place = placeOf(first.record, first.receipt.index);
  const other = same.find(({ receipt }) => receipt.digest !== first.receipt.digest);
  if (other !== undefined)
    findings.report("LOGS_DISAGREE", placeOf(other.record, other.receipt.index), "another receipt of one job");
  for (const party of Object.values(parties)) {
    if (!records.some(({ log }) => log.owner === party)) findings.report("LOG_MISSING", place, `of ${party}`);
    else if (!same.some(({ record }) => record.log.owner === party))
      findings.report(
        mustHold(party, same, records) ? "LOGS_DISAGREE" : "RECEIPT_MISSING",
        place,
        `not in the log of ${party}`,
      );
  }
  for (const head of Object.values(lastCosigned)) {
    const problem = head === null ? undefined : compareHead(headOf(head), records);
    if (problem !== undefined) findings.report(problem, place, `the head of ${head?.origin} at ${head?.size}`);
  }
}

/** Whether something was released on a head of the party's log that is here in full: then the receipt stands in it. An
 * export from before that is merely older. */
function mustHold(party: string, same: readonly Sighting[], records: readonly LogRecord[]): boolean {
  const digests = new Set(same.map(({ receipt }) => receipt.digest));
  return records.some(({ claims }) =>
    claims.some(
      ({ head, receiptDigest }) =>
        digests.has(receiptDigest) &&
        ownerOf(head.origin) === party &&
        records.some(({ log }) => log.origin === head.origin && log.tree.size >= head.size),
    ),
  );
}

/** Both sides charged the same run; the receiver did so before it was told the provider's version. */
function compareCharges(record: LogRecord, trace: JobTrace, records: readonly LogRecord[], findings: Findings): void {
  const { charge } = trace;
  if (charge?.log !== record.log.origin || record.log.owner !== charge.charge.provider) return;
  for (const other of records) {
    const theirs = other.log.owner === charge.charge.receiver ? other.jobs.get(trace.jobId)?.charge : undefined;
    if (theirs === undefined) continue;
    const names = Object.keys({ ...theirs.charge, ...charge.charge }) as (keyof Charge)[];
    const differing = names.filter(
      (name) =>
        name !== "providerVersion" && JSON.stringify(charge.charge[name]) !== JSON.stringify(theirs.charge[name]),
    );
    if (differing.length > 0)
      findings.report(
        "LOGS_DISAGREE",
        placeOf(record, charge.index),
        `the parties charged another ${differing.join(", ")}`,
      );
  }
}

/** Up to where each log is covered by cosignatures of all `witnesses`, over all copies; 0 when it is not. */
export function cosignedSize(copies: readonly LogRecord[], witnesses: readonly string[]): number {
  const sizes = copies.map(({ log: { cosigned } }) => {
    const by = new Set(cosigned.map((head) => head.by));
    return witnesses.every((name) => by.has(name)) ? Math.max(0, ...cosigned.map(({ size }) => size)) : 0;
  });
  return Math.max(0, ...sizes);
}

/** A party's log whose receipts, or which at all, the others have not cosigned. The coordinator's is a register of what the
 * parties' own, cosigned logs hold. */
export function requireCosigned(copies: readonly LogRecord[], witnesses: readonly string[], findings: Findings): void {
  const { log, isParty, jobs } = longestOf(copies);
  if (!isParty) return;
  const size = cosignedSize(copies, witnesses);
  const uncovered = [...jobs.values()].flatMap(({ receipt }) =>
    receipt?.log === log.origin && receipt.index >= size ? [receipt.index] : [],
  );
  const place = { folder: log.folder, log: log.origin };
  const why = `by ${witnesses.join(" and ")}`;
  if (uncovered.length > 0) findings.report("NOT_COSIGNED", { ...place, index: Math.min(...uncovered) }, why);
  else if (size === 0 && log.tree.size > 0) findings.report("NOT_COSIGNED", place, why);
}
