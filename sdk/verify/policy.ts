/**
 * Replays a log owner's policy decisions with the rules themselves (proto/policy), over the history that the log's own
 * entries make. What the rules look at and the log does not hold (exact sizes, the columns of a model, differences of
 * lists) is taken from the decision's own record, as far as classes, agreement and openings leave room for it.
 */
import type { AgreedOperation, Agreement } from "../../proto/agreement/agreement.ts";
import { AGGREGATE_OUTPUTS } from "../../proto/agreement/fields.ts";
import type { ErrorCode } from "../../proto/errors.ts";
import type { Receipt } from "../../proto/evidence/predicates.ts";
import type { ProblemCode } from "../../proto/evidence/verdict.ts";
import { approvalNeeded } from "../../proto/policy/approval.ts";
import { applyToRuns } from "../../proto/policy/charged-runs.ts";
import type { ChargedRun } from "../../proto/policy/history.ts";
import { allowsSegment, operationsOver } from "../../proto/policy/request.ts";
import { RULE_CODES } from "../../proto/policy/rule-codes.ts";
import { decide, type JobRequest, type PolicyFacts, type RuleOutcome } from "../../proto/policy/rules.ts";
import { classRange, classRows, sizeClassOf } from "../../proto/size-class.ts";
import type { Entry } from "./entries.ts";
import type { Trouble } from "./replay.ts";
import type { Charge, EntryOf, JobTrace, RecordedLimits, World } from "./trace.ts";

type State = PolicyFacts["state"];
type Decided = EntryOf<"policy-decision">;
type RuleRecord = Decided["statement"]["predicate"]["rules"][number];

/** A rule that says no although the record says yes: under which name that is reported, where it has one of its own. */
const REPORTED_AS: Partial<Record<ErrorCode, ProblemCode>> = {
  AGREEMENT_EXPIRED: "AGREEMENT_ENDED",
  AGREEMENT_REVOKED: "AGREEMENT_ENDED",
  AGREEMENT_SUPERSEDED: "AGREEMENT_ENDED",
  POLICY_INPUT_FLOOR: "FLOOR_BROKEN",
};

export class PolicyReplay {
  readonly #owner: string;
  readonly #world: World;
  readonly #runs = new Map<string, ChargedRun>();
  readonly #ended = new Map<string, Exclude<State, "active">>();

  constructor(owner: string, world: World) {
    this.#owner = owner;
    this.#world = world;
  }

  /** Charged so far, in order. */
  get runs(): readonly ChargedRun[] {
    return [...this.#runs.values()];
  }

  stateOf(agreementDigest: string): State {
    return this.#ended.get(agreementDigest) ?? "active";
  }

  /** After the entry itself has been looked at. */
  apply(entry: Entry): void {
    applyToRuns(this.#runs, entry);
    if (entry.event === "agreement-revoked") this.#ended.set(entry.statement.predicate.agreementDigest, "revoked");
    if (entry.event !== "agreement-signed" || entry.statement.predicate.supersedes === null) return;
    const { supersedes } = entry.statement.predicate;
    if (!this.#ended.has(supersedes)) this.#ended.set(supersedes, "superseded");
  }

  /** `log`: origin of the log that the decision stands in. */
  decided({ statement, index }: Decided, trace: JobTrace, log: string): Trouble {
    const { decision, rules, charge, at, agreementDigest } = statement.predicate;
    trace.decision = { index, at, decision, ruleLimits: limitsOf(rules) };
    if (charge !== null) trace.charge = { index, at, charge, log };
    if (rules.map(({ code }) => code).join() !== RULE_CODES.join())
      return ["DECISION_DIFFERS", "the record does not name each rule once, in order"];
    const failed = rules.find(({ outcome }) => outcome === "failed");
    if ((failed !== undefined) !== (decision === "refused"))
      return ["DECISION_DIFFERS", `${decision}, although ${failed?.code ?? "no rule"} failed`];
    if ((charge !== null) !== (decision === "allowed"))
      return ["DECISION_DIFFERS", "what is allowed is charged, and nothing else is"];
    if (charge === null) return undefined;
    const agreement = this.#world.agreements.get(agreementDigest);
    return agreement === undefined
      ? ["AGREEMENT_MISSING"]
      : this.#allowed(statement.predicate, charge, trace, agreement);
  }

  #allowed(
    { jobId, rules, at }: Decided["statement"]["predicate"],
    charge: Charge,
    trace: JobTrace,
    agreement: Agreement,
  ): Trouble {
    const { requested } = trace;
    if (requested?.operation !== charge.operation || requested.output !== charge.output)
      return ["DECISION_DIFFERS", "another operation or output is charged than was requested"];
    if (charge.receiver !== this.#owner && charge.provider !== this.#owner)
      return ["POLICY_BROKEN", "a job between others"];
    const job = this.#jobOf(jobId, charge, trace, agreement);
    const facts = factsOf(rules, Date.parse(at), this.stateOf(agreement.digest));
    if (facts === undefined) return ["DECISION_DIFFERS", "the record names no size class"];
    const replayed = decide(agreement, job, this.runs, facts).rules;
    const trouble = forbidden(rules, replayed, facts, agreement) ?? differing(rules, replayed);
    if (trouble !== undefined) return trouble;
    const isApproved = trace.approvals.at(-1)?.isApproved === true;
    if (!isApproved && approvalNeeded(agreement, job, this.runs))
      return ["APPROVAL_MISSING", `the agreement demands it of the ${job.role}`];
    return undefined;
  }

  #jobOf(jobId: string, charge: Charge, trace: JobTrace, { document }: Agreement): JobRequest {
    const { modelVersion, featureBits, receiverVersion, providerVersion, ...pair } = charge;
    const { tagDays } = (trace.decision as NonNullable<JobTrace["decision"]>).ruleLimits;
    const operations = operationsOver(document, pair);
    const agreed = operations.find((item) => allowsSegment(item, charge.providerSegment)) ?? operations[0];
    return {
      jobId,
      ...pair,
      purpose: trace.requested?.purpose ?? "",
      tagDays: AGGREGATE_OUTPUTS.includes(pair.output) ? null : (tagDays ?? 0),
      // The charge does not name it; the receipt does, and is compared with the agreement.
      protocol: agreed?.protocol ?? "psi-dh",
      alignment: agreed?.alignment ?? "hidden",
      role: pair.receiver === this.#owner ? "receiver" : "provider",
      providerFeatures: [],
      ...(modelVersion === null ? {} : { modelVersion }),
      ...(featureBits === null ? {} : { featureBits }),
      ...(receiverVersion === null ? {} : { receiverVersion }),
      ...(providerVersion === null ? {} : { providerVersion }),
    };
  }

  /** The receipt is of the job that was charged, and that job was agreed on. */
  receiptProblem(receipt: Receipt, charge: Charge, agreement: Agreement): Trouble {
    const { operation, output, parties, modelVersion, datasetVersions, protocol } = receipt;
    const isCharged =
      operation === charge.operation &&
      output === charge.output &&
      parties.receiver === charge.receiver &&
      parties.sender === charge.provider &&
      modelVersion === charge.modelVersion &&
      JSON.stringify(receipt.releasedColumns) === JSON.stringify(charge.releasedColumns) &&
      JSON.stringify(receipt.providerSegment) === JSON.stringify(charge.providerSegment) &&
      datasetVersions.receiver === (charge.receiverVersion ?? datasetVersions.receiver) &&
      datasetVersions.sender === (charge.providerVersion ?? datasetVersions.sender);
    if (!isCharged) return ["DECISION_DIFFERS", "the receipt is of another run than was charged"];
    if (!operationsOver(agreement.document, charge).some((agreed) => isOf(protocol.name, agreed)))
      return ["POLICY_BROKEN", "a protocol, operation or dataset that was not agreed on"];
    return undefined;
  }
}

/** A score is named by its scoring, and a shared one by what aligned it; the PSI under it is in the agreement. */
function isOf(name: string, { operation, alignment, protocol }: AgreedOperation): boolean {
  if (operation !== "score") return name === protocol;
  return alignment === "shared" ? name === "aligned" : name.startsWith("score-");
}

function inputOf(rules: readonly RuleRecord[], code: ErrorCode, name: string): number | undefined {
  return rules.find((rule) => rule.code === code)?.inputs[name];
}

function limitsOf(rules: readonly RuleRecord[]): RecordedLimits {
  return {
    ownRowsUpTo: inputOf(rules, "POLICY_INPUT_FLOOR", "ownRowsUpTo"),
    tagDays: inputOf(rules, "POLICY_RETENTION", "days"),
  };
}

/** The owner's list by the bound of its class, where exact floors need an opening; undefined when that is no class. */
function factsOf(rules: readonly RuleRecord[], nowMs: number, state: State): PolicyFacts | undefined {
  const ownRows = limitsOf(rules).ownRowsUpTo;
  const peerMaxRows = inputOf(rules, "POLICY_INPUT_FLOOR", "peerRowsUpTo");
  if (ownRows === undefined || !isClassBound(ownRows)) return undefined;
  if (peerMaxRows !== undefined && !isClassBound(peerMaxRows)) return undefined;
  return { nowMs, ownRows, state, ...(peerMaxRows === undefined ? {} : { peerMaxRows }) };
}

function isClassBound(rows: number): boolean {
  try {
    return classRows(sizeClassOf(rows)) === rows;
  } catch {
    return false;
  }
}

/** The first rule that says no, whatever is on record. */
function forbidden(
  recorded: readonly RuleRecord[],
  replayed: readonly RuleOutcome[],
  facts: PolicyFacts,
  agreement: Agreement,
): Trouble {
  for (const [i, rule] of replayed.entries()) {
    // Each node alone knows its lists; what it said of their difference stands.
    const isRecorded = rule.code === "POLICY_DIFFERENCE";
    const outcome = isRecorded ? recorded[i]?.outcome : outcomeOf(rule, facts, agreement);
    if (outcome === "failed")
      return [REPORTED_AS[rule.code] ?? "POLICY_BROKEN", `${rule.code} forbids it: ${describe(rule.inputs)}`];
  }
  return undefined;
}

/** The first rule whose counts are not those on record. */
function differing(recorded: readonly RuleRecord[], replayed: readonly RuleOutcome[]): Trouble {
  for (const [i, { code, inputs }] of replayed.entries()) {
    const [told, counted] = [describe(recorded[i]?.inputs ?? {}), describe(inputs)];
    if (told !== counted) return ["DECISION_DIFFERS", `${code}: ${told} is on record, not ${counted}`];
  }
  return undefined;
}

function describe(inputs: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(inputs).sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([name, value]) => `${name} ${value}`).join(", ") || "no count";
}

/** Of lists of which only the class is known the ratio may hold for some length of that class. */
function outcomeOf(
  { code, outcome }: RuleOutcome,
  { ownRows, peerMaxRows }: PolicyFacts,
  { document }: Agreement,
): RuleOutcome["outcome"] {
  if (code !== "POLICY_SIZE_RATIO" || peerMaxRows === undefined) return outcome;
  const { from, to } = classRange(sizeClassOf(ownRows));
  const limit = document.floors.sizeRatio;
  const least = Math.max(from, Math.ceil(peerMaxRows / limit));
  return least <= Math.min(to, peerMaxRows * limit) ? "passed" : "failed";
}
