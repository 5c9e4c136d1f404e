/**
 * Replay: walks the entries of one owner's logs in order and checks that each had what it needs before it. What concerns
 * others' logs is noted down, and compared when all have been read.
 */

import type { Agreement } from "../../proto/agreement/agreement.ts";
import { ownerOf } from "../../proto/evidence/origin.ts";
import type { Predicate } from "../../proto/evidence/predicates.ts";
import { jobIdOf, timeOf } from "../../proto/evidence/statements.ts";
import type { ProblemCode } from "../../proto/evidence/verdict.ts";
import type { Entry } from "./entries.ts";
import { inputProblem, outputProblem, tagsProblem } from "./floors.ts";
import { forkProblem } from "./forks.ts";
import { PolicyReplay } from "./policy.ts";
import { KeysInForce } from "./rotations.ts";
import { successionProblem } from "./successors.ts";
import { type EntryOf, type JobTrace, type LogRecord, traceOf, type World } from "./trace.ts";
import type { Findings } from "./verdict.ts";

/** What is wrong with an entry, and why. */
export type Trouble = readonly [ProblemCode, string?] | undefined;

export class LogReplay {
  #record: LogRecord;
  readonly #world: World;
  readonly #findings: Findings;
  /** The logs before, in order. */
  readonly #before: LogRecord[] = [];
  /** What those have said. */
  readonly #known = new Map<string, JobTrace>();
  readonly keys: KeysInForce;
  readonly policy: PolicyReplay;

  constructor(first: LogRecord, world: World, findings: Findings) {
    this.#record = first;
    this.#world = world;
    this.#findings = findings;
    this.keys = new KeysInForce(first.log.owner, world.keyring);
    this.policy = new PolicyReplay(first.log.owner, world);
  }

  /** Goes on with the log that follows. */
  goOn(next: LogRecord): void {
    for (const [jobId, trace] of this.#record.jobs) this.#known.set(jobId, trace);
    this.#before.push(this.#record);
    this.#record = next;
  }

  apply(entry: Entry): void {
    this.#record.atMs[entry.index] = Date.parse(timeOf(entry));
    const { keyring } = this.#world;
    const troubles = [
      successionProblem(entry, this.#record, this.#before.at(-1), keyring),
      this.keys.apply(entry, this.#record),
      this.#step(entry),
    ];
    for (const [code, why] of troubles.filter((trouble) => trouble !== undefined)) this.#report(code, entry.index, why);
    this.policy.apply(entry);
  }

  /** After the last entry of the last log. */
  finish(): void {
    const findings = this.#findings;
    const records = [...this.#before, this.#record];
    const [{ log: first }] = records as [LogRecord];
    if (!this.keys.isSettled)
      findings.report("KEY_NOT_IN_FORCE", { folder: first.folder, log: first.origin, index: 0 });
    for (const { log, isParty, revoked } of records)
      for (const [agreement, { index }] of revoked)
        if (isParty && !records.some(({ withdrawn }) => withdrawn.has(agreement)))
          findings.report("WITHDRAWAL_MISSING", { folder: log.folder, log: log.origin, index });
  }

  #report(code: ProblemCode, index: number, why?: string): void {
    const { folder, origin } = this.#record.log;
    this.#findings.report(code, { folder, log: origin, index }, why);
  }

  #step(entry: Entry): Trouble {
    const jobId = jobIdOf(entry);
    if (jobId === undefined) return this.#stepOfAgreement(entry);
    const trace = traceOf(this.#record.jobs, jobId, this.#known);
    trace.indexes.push(entry.index);
    const at = { index: entry.index, at: timeOf(entry) };
    switch (entry.event) {
      case "job-requested": {
        const { operation, output, purpose, requester } = entry.statement.predicate;
        trace.requested = { ...at, operation, output, purpose, requester };
        return nameJob(trace, entry.statement.predicate);
      }
      case "policy-decision": {
        const trouble = nameJob(trace, entry.statement.predicate) ?? decidedInOrder(trace, entry.statement.predicate);
        return trouble ?? this.policy.decided(entry, trace, this.#record.log.origin);
      }
      case "approval": {
        const { jobDigest, decision, approver } = entry.statement.predicate;
        if (trace.jobDigest !== jobDigest || trace.receipt !== undefined || trace.decision === undefined)
          return ["ORDER_BROKEN", "an approval of nothing that was waiting"];
        trace.approvals.push({ ...at, isApproved: decision === "approved", approver });
        return undefined;
      }
      case "partition-finished": {
        const { attempt, partition, transcriptHash } = entry.statement.predicate;
        const done = trace.finished.get(attempt) ?? [];
        if (trace.receipt === undefined) trace.finished.set(attempt, [...done, { partition, transcriptHash }]);
        return undefined;
      }
      case "receipt":
        return this.#receipt(entry, trace);
      case "gate-key-released":
      case "opened":
        return this.#released(entry, trace);
      case "withheld": {
        const { receiptDigest, code } = entry.statement.predicate;
        trace.withheld = { ...at, code };
        if (trace.receipt?.digest !== receiptDigest || trace.opened !== undefined)
          return ["ORDER_BROKEN", "withheld without its receipt, or after it was opened"];
        return undefined;
      }
      case "tags-issued": {
        const { tagsCommitment, agreementDigest } = entry.statement.predicate;
        trace.tagsCommitment = tagsCommitment;
        const isSame = trace.agreementDigest === agreementDigest;
        return trace.opened && isSame ? undefined : ["ORDER_BROKEN", "tags of a result that was not opened"];
      }
      case "tags-exported":
        return trace.tagsCommitment === entry.statement.predicate.tagsCommitment
          ? undefined
          : ["ORDER_BROKEN", "an export of tags that were not issued"];
      case "result-exported":
        return trace.opened?.predicate.outputCommitment === entry.statement.predicate.outputCommitment
          ? undefined
          : ["ORDER_BROKEN", "an export of a result that was not opened"];
      case "refused": {
        const { by, code } = entry.statement.predicate;
        trace.refused = { ...at, by, code };
        return undefined;
      }
      case "failed":
        trace.failed = { ...at, code: entry.statement.predicate.code };
        return undefined;
      default:
        return undefined;
    }
  }

  #stepOfAgreement(entry: Entry): Trouble {
    const { signed, withdrawn } = this.#record;
    const at = { index: entry.index, at: timeOf(entry) };
    switch (entry.event) {
      case "agreement-signed": {
        const { agreementDigest, supersedes } = entry.statement.predicate;
        signed.set(agreementDigest, at);
        const agreement = this.#world.agreements.get(agreementDigest);
        if (agreement === undefined) return ["AGREEMENT_MISSING"];
        return agreement.document.supersedes === supersedes
          ? undefined
          : ["LOGS_DISAGREE", "the agreement names another version before it"];
      }
      case "agreement-revoked":
        return this.#revoked(entry);
      case "tags-withdrawn": {
        const { agreementDigest, tagsCommitment } = entry.statement.predicate;
        withdrawn.set(agreementDigest, { ...at, commitment: tagsCommitment });
        const isRevoked = [...this.#before, this.#record].some((record) => record.revoked.has(agreementDigest));
        return isRevoked ? undefined : ["ORDER_BROKEN", "tags withdrawn without a revocation"];
      }
      case "log-fork-seen":
        return forkProblem(entry, this.#world.forks);
      default:
        return undefined;
    }
  }

  #revoked(entry: EntryOf<"agreement-revoked">): Trouble {
    const { agreementDigest, by, revocationDigest, at } = entry.statement.predicate;
    this.#record.revoked.set(agreementDigest, { index: entry.index, at, by });
    const revocation = this.#world.revocations.get(revocationDigest);
    if (revocation === undefined) {
      // A node that stopped between the entry and the store has signed another one since.
      const others = [...this.#world.revocations.values()];
      return others.some((other) => other.agreement === agreementDigest) ? undefined : ["REVOCATION_MISSING"];
    }
    return revocation.agreement === agreementDigest && revocation.by === by
      ? undefined
      : ["REVOCATION_INVALID", "of another agreement, or by another party"];
  }

  #receipt(entry: EntryOf<"receipt">, trace: JobTrace): Trouble {
    const { log, isParty, receipts } = this.#record;
    const receipt = entry.statement.predicate;
    const isFirst = trace.receipt === undefined;
    const at = { index: entry.index, at: receipt.finishedAt, log: log.origin };
    trace.receipt = { ...at, digest: entry.digest, predicate: receipt };
    receipts.set(entry.digest, entry.index);
    if (!isFirst) return ["ORDER_BROKEN", "a second receipt of one job"];
    // Whoever is no party (the coordinator) records what others signed, without having decided on it.
    if (!isParty) return undefined;
    const role = receipt.parties.receiver === log.owner ? "receiver" : "sender";
    if (receipt.parties[role] !== log.owner) return ["ORDER_BROKEN", "a receipt between others"];
    const { charge } = trace;
    if (charge === undefined || trace.decision?.decision !== "allowed")
      return ["ORDER_BROKEN", "a receipt of a job that was not allowed before"];
    if (trace.jobDigest !== receipt.job.jobDigest || trace.agreementDigest !== receipt.agreementDigest)
      return ["ORDER_BROKEN", "a receipt of another job or agreement than was allowed"];
    const agreement = this.#world.agreements.get(receipt.agreementDigest);
    if (agreement === undefined) return ["AGREEMENT_MISSING"];
    return (
      this.policy.receiptProblem(receipt, charge.charge, agreement) ??
      this.#ended(agreement, receipt.finishedAt) ??
      partitionsProblem(receipt, trace) ??
      inputProblem(receipt, role, trace, agreement, this.#world.openings) ??
      this.#lastCosigned(receipt, entry.index)
    );
  }

  #ended(agreement: Agreement, at: string): Trouble {
    const state = this.policy.stateOf(agreement.digest);
    if (state !== "active") return ["AGREEMENT_ENDED", `the agreement was ${state} before`];
    const { validFrom, validUntil } = agreement.document;
    if (at < validFrom || at > validUntil) return ["AGREEMENT_ENDED", "outside the agreement's validity"];
    return undefined;
  }

  /** Each party's own head before: of its own log, and not of its future. Other logs' heads are compared later. */
  #lastCosigned({ parties, lastCosigned }: Predicate<"receipt">, index: number): Trouble {
    const { log } = this.#record;
    for (const role of ["receiver", "sender"] as const) {
      const head = lastCosigned[role];
      if (head === null) continue;
      if (ownerOf(head.origin) !== parties[role]) return ["ORDER_BROKEN", "a head of another party's log"];
      if (head.origin === log.origin && head.size > index)
        return ["ORDER_BROKEN", "a head of the receipt's own future"];
    }
    return undefined;
  }

  #released(entry: EntryOf<"gate-key-released" | "opened">, trace: JobTrace): Trouble {
    const { log, claims } = this.#record;
    const { receipt } = trace;
    const { cosigned, receiptDigest, at } = entry.statement.predicate;
    if (receipt === undefined || receipt.digest !== receiptDigest)
      return ["ORDER_BROKEN", "a release without its receipt before it"];
    const { parties, attempts } = receipt.predicate;
    const agreement = this.#world.agreements.get(receipt.predicate.agreementDigest);
    let trouble: Trouble;
    if (entry.event === "opened") {
      const { predicate } = entry.statement;
      if (trace.opened || trace.withheld || predicate.receiver !== parties.receiver || log.owner !== parties.receiver)
        return ["ORDER_BROKEN", "opened twice, after it was withheld, or by another party"];
      trace.opened = { index: entry.index, at, predicate };
      if (predicate.tags !== null) trace.tagsCommitment = predicate.tags.commitment;
      trouble =
        agreement &&
        (outputProblem(predicate, trace, agreement, this.#world.openings) ?? tagsProblem(predicate, trace, agreement));
    } else {
      const released = entry.statement.predicate.attempts;
      const isOfReceipt =
        released.length === attempts.length &&
        released.every((gate) =>
          attempts.some((item) => item.attempt === gate.attempt && item.gateKeyHash === gate.gateKeyHash),
        );
      trace.released = { index: entry.index, at };
      if (log.owner !== parties.sender || !isOfReceipt) return ["GATE_BROKEN", "other keys than the receipt names"];
    }
    const place = { folder: log.folder, log: log.origin, index: entry.index };
    const { receiver, sender } = parties;
    claims.push(
      { place, head: cosigned.receiver, owner: receiver, cosigner: sender, receiptDigest },
      { place, head: cosigned.sender, owner: sender, cosigner: receiver, receiptDigest },
    );
    return trouble ?? (agreement && this.#ended(agreement, at));
  }
}

/** Every request for a job, and every decision on it, names one digest and one agreement. */
function nameJob(
  trace: JobTrace,
  { jobDigest, agreementDigest }: { readonly jobDigest: string; readonly agreementDigest: string },
): Trouble {
  const isOther =
    (trace.jobDigest ?? jobDigest) !== jobDigest || (trace.agreementDigest ?? agreementDigest) !== agreementDigest;
  trace.jobDigest = jobDigest;
  trace.agreementDigest = agreementDigest;
  return isOther ? ["ORDER_BROKEN", "another job or agreement under the same id"] : undefined;
}

/** A job that was run may be asked for again, by a peer or after a loss; it may not be allowed again. */
function decidedInOrder(trace: JobTrace, { decision }: Predicate<"policy-decision">): Trouble {
  if (trace.requested === undefined) return ["ORDER_BROKEN", "a decision on a job that was not requested"];
  const isAgain = trace.receipt !== undefined && decision !== "refused";
  return isAgain ? ["ORDER_BROKEN", `${decision} again after its receipt`] : undefined;
}

/** What the receipt says that the attempts finished is what this log said when they did. */
function partitionsProblem({ attempts }: Predicate<"receipt">, { finished }: JobTrace): Trouble {
  for (const { attempt, partitions, transcriptHash } of attempts) {
    const own = (finished.get(attempt) ?? []).filter(({ partition }) => partitions.includes(partition));
    if (own.length !== partitions.length || own.at(-1)?.transcriptHash !== transcriptHash)
      return ["ORDER_BROKEN", `attempt ${attempt} finished other partitions, or with another transcript`];
  }
  finished.clear();
  return undefined;
}
