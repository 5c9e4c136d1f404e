/** What a verification can find, and what it answers. */

export type Verdict = "verified" | "tampered" | "incomplete";

/** `entente audit verify` exits with these; 64 is the command line's own, for wrong usage. */
export const EXIT_CODE: Readonly<Record<Verdict, number>> = { verified: 0, tampered: 1, incomplete: 2 };

type Severity = Exclude<Verdict, "verified">;

function tampered(text: string): { readonly severity: Severity; readonly text: string } {
  return { severity: "tampered", text };
}

function incomplete(text: string): { readonly severity: Severity; readonly text: string } {
  return { severity: "incomplete", text };
}

export const PROBLEMS = {
  MANIFEST_INVALID: tampered("The folder has no manifest of the published form."),
  FILE_MISSING: tampered("A file that the manifest or the log's size calls for is missing."),
  FILE_EXTRA: tampered("The folder holds a file that does not belong there."),
  FILE_DIFFERS: tampered("A file is not the one that the manifest lists."),
  KEYSET_INVALID: tampered(
    "A keyset is malformed, not signed by its identity key, does not follow the one before, or contradicts another.",
  ),
  IDENTITY_UNTRUSTED: tampered("A party's identity is not among the fingerprints that you trust."),
  AGREEMENT_INVALID: tampered("An agreement is malformed, not signed by all its parties, or names another identity."),
  AGREEMENT_MISSING: tampered("A receipt names an agreement that is not in the folder."),
  CHECKPOINT_INVALID: tampered("A checkpoint is malformed, or its owner's log key did not sign it."),
  COSIGNATURE_INVALID: tampered("A cosignature does not verify under the key that it names."),
  TREE_DIFFERS: tampered("The tree that the entries make is not the one in the tiles or under the checkpoint."),
  ENTRY_INVALID: tampered("A log entry is not of the published form."),
  SIGNATURE_INVALID: tampered("A log entry does not carry the signatures it needs, or one does not verify."),
  KEY_NOT_IN_FORCE: tampered("A log entry or a checkpoint was signed by a key that was not in force."),
  ORDER_BROKEN: tampered("A log entry comes before what must precede it, or more often than it may."),
  POLICY_BROKEN: tampered("A receipt describes a job that its agreement does not allow."),
  GATE_BROKEN: tampered("A result was released without the checkpoints that must be cosigned before."),
  OPENING_INVALID: tampered("An opening is not what a commitment of its party was made of."),
  REVOCATION_INVALID: tampered("A revocation is malformed, or not signed by the identity of a party to the agreement."),
  TIME_BROKEN: tampered("A log entry's time does not fit the cosignatures around it."),
  DECISION_DIFFERS: tampered("A recorded policy decision is not what the rules say over the log's own entries."),
  APPROVAL_MISSING: tampered("A job ran without the approval that its agreement demands."),
  AGREEMENT_ENDED: tampered("Something was done under an agreement that had ended."),
  FLOOR_BROKEN: tampered("A list or a result is smaller than the agreement allows."),
  SINCE_BROKEN: tampered("A checkpoint that you kept is not one of a log's past, or its log's key did not sign it."),
  LOGS_DISAGREE: tampered("Two logs tell different stories of one job, or one log has two histories."),
  FORK_INVALID: tampered("The file of a fork is malformed, shows no fork, or is not what a log says of it."),
  LOG_MISSING: incomplete(
    "The log of a party to a job, or one that another log follows, is not in the folders. Ask that party for its export.",
  ),
  LOG_SHORT: incomplete("A log ends before a head of it that its peer cosigned. Ask for a newer export."),
  LOG_RECOVERED: incomplete("A log was begun anew after a loss: entries that its owner had made are gone."),
  FORK_SEEN: incomplete("A party says that a log has shown it two histories. Ask the log's owner."),
  RECEIPT_MISSING: incomplete("A receipt is in one party's log only, and nothing was released under it."),
  REQUEST_MISSING: incomplete("No log in the folders holds the request for a job."),
  NOT_COSIGNED: incomplete("No peer has cosigned a checkpoint of this log that covers its receipts."),
  REVOCATION_MISSING: incomplete("A log names a revocation that is not in the folders. Ask for a newer export."),
  WITHDRAWAL_MISSING: incomplete(
    "After a revocation a log does not say that the tags were withdrawn. Ask for a newer export.",
  ),
  NOT_OPENED: incomplete("A commitment was not opened by the party that made it."),
  NOTHING_TO_VERIFY: incomplete("The folders hold no log."),
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

export interface Place {
  /** The folder as it was given. */
  readonly folder?: string;
  /** Origin of the log. */
  readonly log?: string;
  /** Index of the entry in its log. */
  readonly index?: number;
  /** Path below the folder. */
  readonly path?: string;
}

export interface Problem extends Place {
  readonly code: ProblemCode;
  readonly text: string;
  /** What exactly, in words; holds no id and nothing of a person in the data. */
  readonly why?: string;
}

/** Of more than these the report says how many there are. */
const MAX_PROBLEMS = 1000;

/** Collects what the verbs find, in the order in which they find it. */
export class Findings {
  readonly #problems: Problem[] = [];
  #first: Problem | undefined;
  #count = 0;

  report(code: ProblemCode, place: Place, why?: string): void {
    const problem = { code, text: PROBLEMS[code].text, ...place, ...(why === undefined ? {} : { why }) };
    if (this.#first === undefined || isWorse(problem, this.#first)) this.#first = problem;
    if (this.#count++ < MAX_PROBLEMS) this.#problems.push(problem);
  }

  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** With those that are not in `problems`. */
  get count(): number {
    return this.#count;
  }

  /** Tampering outweighs incompleteness, wherever it was found. */
  get first(): Problem | undefined {
    return this.#first;
  }

  get verdict(): Verdict {
    return this.first === undefined ? "verified" : PROBLEMS[this.first.code].severity;
  }
}

function isWorse(problem: Problem, than: Problem): boolean {
  return PROBLEMS[problem.code].severity === "tampered" && PROBLEMS[than.code].severity === "incomplete";
}

export interface LogSummary {
  readonly origin: string;
  readonly entries: number;
  /** Entries up to here are covered by the other parties' cosignatures; those after could still be changed by the owner. */
  readonly cosignedSize: number;
  /** The owner's log keys as C2SP signed-note verifier keys, for other tools. */
  readonly keys: readonly string[];
}

export interface JobSummary {
  readonly jobId: string;
  readonly operation: string;
  readonly agreementDigest: string;
  readonly receiver: string;
  readonly sender: string;
  readonly attempts: number;
  readonly finishedAt: string;
  /** Distinct people that each side put in; null where the commitment is not opened. */
  readonly rows: { readonly receiver: number | null; readonly sender: number | null };
  /** Matched people, or the rate as it was shown; null where nothing came out or it is not opened. */
  readonly cameOut: string | null;
  /** What the logs say came of the receipt. */
  readonly outcome: "opened" | "withheld" | "receipt-only";
}

export interface PartyFingerprint {
  readonly party: string;
  readonly fingerprint: string;
}

export interface VerifyReport {
  readonly verdict: Verdict;
  /** False: nobody said which identities to trust, so "verified" means consistent under the keys in the folders. */
  readonly trusted: boolean;
  readonly firstProblem?: Problem;
  readonly problems: readonly Problem[];
  /** All of them, with those of the same kind that `problems` has no room for. */
  readonly problemCount: number;
  /** Commitments of the logs' owners: how many were opened, and those that were not ("committed, not opened"). */
  readonly commitments: {
    readonly opened: number;
    readonly notOpenedCount: number;
    /** The first of them. */
    readonly notOpened: readonly (Place & { readonly kind: string })[];
  };
  readonly summary: { readonly logs: readonly LogSummary[]; readonly jobs: readonly JobSummary[] };
  readonly fingerprints: readonly PartyFingerprint[];
}
