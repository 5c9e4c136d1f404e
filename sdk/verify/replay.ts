/** Replay: walks one log's entries in order and checks that each had what it needs before it. */
import type { Agreement } from "../../proto/agreement/agreement.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import type { TreeHead } from "../../proto/evidence/checkpoint.ts";
import { type CosignedHead, verifyCosignedHead } from "../../proto/evidence/cosignature.ts";
import type { Receipt } from "../../proto/evidence/predicates.ts";
import type { Entry } from "./entries.ts";
import type { Keyring } from "./keys.ts";
import { ownerOf, type VerifiedLog } from "./log.ts";
import type { Findings, ProblemCode } from "./verdict.ts";

export interface ReplayedLog {
  readonly log: VerifiedLog;
  readonly entries: readonly Entry[];
}

export interface World {
  readonly logs: readonly ReplayedLog[];
  readonly agreements: ReadonlyMap<string, Agreement>;
  readonly keyring: Keyring;
}

export type EntryOf<E extends Entry["event"]> = Extract<Entry, { readonly event: E }>;
type Releasing = EntryOf<"gate-key-released" | "opened">;

/** What a log has said of one job so far. */
interface JobTrace {
  jobDigest?: string;
  agreementDigest?: string;
  asked?: boolean;
  decision?: "allowed" | "approval-needed" | "refused";
  approved?: boolean;
  receipt?: EntryOf<"receipt">;
  opened?: boolean;
  tagsCommitment?: string;
}

export function replay({ log, entries }: ReplayedLog, world: World, findings: Findings): void {
  const jobs = new Map<string, JobTrace>();
  for (const entry of entries) {
    const jobId = jobIdOf(entry);
    if (jobId === undefined) continue;
    const trace = jobs.get(jobId) ?? {};
    jobs.set(jobId, trace);
    const problem = step(entry, trace, log, world);
    if (problem !== undefined) findings.report(problem, { folder: log.folder, log: log.origin, index: entry.index });
  }
}

export function jobIdOf(entry: Entry): string | undefined {
  if (entry.event === "receipt") return entry.statement.predicate.job.jobId;
  return "jobId" in entry.statement.predicate ? entry.statement.predicate.jobId : undefined;
}

function step(entry: Entry, trace: JobTrace, log: VerifiedLog, world: World): ProblemCode | undefined {
  switch (entry.event) {
    case "job-requested":
      return nameJob(trace, entry.statement.predicate);
    case "policy-decision": {
      trace.decision = entry.statement.predicate.decision;
      return nameJob(trace, entry.statement.predicate);
    }
    case "approval": {
      if (trace.jobDigest !== entry.statement.predicate.jobDigest) return "ORDER_BROKEN";
      trace.approved = entry.statement.predicate.decision === "approved";
      return undefined;
    }
    case "receipt":
      return receiptProblem(entry, trace, log, world);
    case "gate-key-released":
    case "opened":
      return releaseProblem(entry, trace, log, world);
    case "withheld":
      return isUnder(entry.statement.predicate.receiptDigest, trace) ? undefined : "ORDER_BROKEN";
    case "tags-issued": {
      trace.tagsCommitment = entry.statement.predicate.tagsCommitment;
      const isSame = trace.agreementDigest === entry.statement.predicate.agreementDigest;
      return trace.opened && isSame ? undefined : "ORDER_BROKEN";
    }
    case "tags-exported":
      return trace.tagsCommitment === entry.statement.predicate.tagsCommitment ? undefined : "ORDER_BROKEN";
    default:
      return undefined;
  }
}

/** Every entry about a job before its receipt names one digest and one agreement. */
function nameJob(
  trace: JobTrace,
  { jobDigest, agreementDigest }: { readonly jobDigest: string; readonly agreementDigest: string },
): ProblemCode | undefined {
  const isOther =
    (trace.jobDigest ?? jobDigest) !== jobDigest || (trace.agreementDigest ?? agreementDigest) !== agreementDigest;
  trace.jobDigest = jobDigest;
  trace.agreementDigest = agreementDigest;
  trace.asked = true;
  return isOther || trace.receipt !== undefined ? "ORDER_BROKEN" : undefined;
}

function isUnder(receiptDigest: string, trace: JobTrace): boolean {
  return trace.receipt?.digest === receiptDigest;
}

function receiptProblem(
  entry: EntryOf<"receipt">,
  trace: JobTrace,
  log: VerifiedLog,
  world: World,
): ProblemCode | undefined {
  const receipt = entry.statement.predicate;
  const isFirst = trace.receipt === undefined;
  trace.receipt = entry;
  const isParty = Object.values(receipt.parties).some((party) => party === log.owner);
  const wasAsked =
    trace.asked === true &&
    trace.jobDigest === receipt.job.jobDigest &&
    trace.agreementDigest === receipt.agreementDigest &&
    trace.decision !== "refused" &&
    (trace.decision !== "approval-needed" || trace.approved === true);
  // Whoever is no party to the job (the coordinator) records its receipt without having decided on it.
  if (!isFirst || (isParty && !wasAsked)) return "ORDER_BROKEN";
  const agreement = world.agreements.get(receipt.agreementDigest);
  if (agreement === undefined) return "AGREEMENT_MISSING";
  if (!isAllowed(receipt, agreement)) return "POLICY_BROKEN";
  return lastCosignedProblem(receipt, entry.index, log, world);
}

function isAllowed({ operation, parties, sizeClasses, finishedAt }: Receipt, { document }: Agreement): boolean {
  const names: readonly string[] = document.parties.map((party) => party.name);
  return (
    names.includes(parties.receiver) &&
    names.includes(parties.sender) &&
    document.operations.some((agreed) => agreed.operation === operation && agreed.receiver === parties.receiver) &&
    // A class is an upper bound of the size: one below the floor proves that the floor was not kept.
    Object.values(sizeClasses).every((k) => Math.ceil(2 ** (k / 8)) >= document.minimumInput) &&
    document.validFrom <= finishedAt &&
    finishedAt <= document.validUntil
  );
}

function lastCosignedProblem(
  { parties, lastCosigned }: Receipt,
  index: number,
  log: VerifiedLog,
  world: World,
): ProblemCode | undefined {
  for (const role of ["receiver", "sender"] as const) {
    const head = lastCosigned[role];
    if (head === null) continue;
    if (ownerOf(head.origin) !== parties[role] || (head.origin === log.origin && head.size > index))
      return "ORDER_BROKEN";
    const problem = headProblem(head, world);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Compares a head with every copy of that log that is here. */
function headProblem(head: TreeHead, { logs }: World): ProblemCode | undefined {
  const copies = logs.filter(({ log }) => log.origin === head.origin);
  const longest = Math.max(0, ...copies.map(({ log }) => log.tree.size));
  const differs = copies.some(({ log }) => head.size <= log.tree.size && toHex(log.tree.root(head.size)) !== head.root);
  if (differs) return "LOGS_DISAGREE";
  return copies.length > 0 && head.size > longest ? "LOG_SHORT" : undefined;
}

function releaseProblem(entry: Releasing, trace: JobTrace, log: VerifiedLog, world: World): ProblemCode | undefined {
  const { receipt } = trace;
  const { cosigned, receiptDigest } = entry.statement.predicate;
  if (receipt === undefined || !isUnder(receiptDigest, trace)) return "ORDER_BROKEN";
  const { parties, attempts } = receipt.statement.predicate;
  if (entry.event === "opened") {
    if (trace.opened || entry.statement.predicate.receiver !== parties.receiver || log.owner !== parties.receiver)
      return "ORDER_BROKEN";
    trace.opened = true;
  } else {
    const released = entry.statement.predicate.attempts;
    const isOfReceipt = released.every((gate) =>
      attempts.some((item) => item.attempt === gate.attempt && item.gateKeyHash === gate.gateKeyHash),
    );
    if (log.owner !== parties.sender || !isOfReceipt) return "GATE_BROKEN";
  }
  const { receiver, sender } = parties;
  return (
    gateHeadProblem(cosigned.receiver, { owner: receiver, cosigner: sender }, receipt, entry, log, world) ??
    gateHeadProblem(cosigned.sender, { owner: sender, cosigner: receiver }, receipt, entry, log, world)
  );
}

/** The head must be of the owner's log, cosigned by the other party, cover the receipt, and precede the release. */
function gateHeadProblem(
  head: CosignedHead,
  { owner, cosigner }: { readonly owner: string; readonly cosigner: string },
  receipt: EntryOf<"receipt">,
  entry: Releasing,
  log: VerifiedLog,
  world: World,
): ProblemCode | undefined {
  if (ownerOf(head.origin) !== owner) return "GATE_BROKEN";
  const keys = world.keyring.keysOf(cosigner, "cosigner");
  if (!keys.some(({ key }) => verifyCosignedHead(head, key))) return "COSIGNATURE_INVALID";
  const problem = headProblem(head, world);
  if (problem !== undefined) return problem;
  if (owner === log.owner && head.origin !== log.origin) return "GATE_BROKEN";
  if (head.origin === log.origin && head.size > entry.index) return "GATE_BROKEN";
  // Older exports of the same log end before the head, and have nothing to say of it.
  const copies = world.logs.filter((other) => other.log.origin === head.origin && other.log.tree.size >= head.size);
  const covers = copies.every(({ entries }) =>
    entries.some((other) => other.digest === receipt.digest && other.index < head.size),
  );
  return covers ? undefined : "GATE_BROKEN";
}
