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
  KEYSET_INVALID: tampered("A keyset is malformed, not signed by its identity key, or contradicts another."),
  IDENTITY_UNTRUSTED: tampered("A party's identity is not among the fingerprints that you trust."),
  AGREEMENT_INVALID: tampered("An agreement is malformed, not signed by all its parties, or names another identity."),
  AGREEMENT_MISSING: tampered("A receipt names an agreement that is not in the folder."),
  CHECKPOINT_INVALID: tampered("A checkpoint is malformed, or its owner's log key did not sign it."),
  COSIGNATURE_INVALID: tampered("A cosignature does not verify under the key that it names."),
  TREE_DIFFERS: tampered("The tree that the entries make is not the one in the tiles or under the checkpoint."),
  ENTRY_INVALID: tampered("A log entry is not of the published form."),
  SIGNATURE_INVALID: tampered("A log entry does not carry the signatures it needs, or one does not verify."),
  KEY_NOT_IN_FORCE: tampered("A log entry was signed by a key outside its validity."),
  ORDER_BROKEN: tampered("A log entry comes before what must precede it, or more often than it may."),
  POLICY_BROKEN: tampered("A receipt describes a job that its agreement does not allow."),
  GATE_BROKEN: tampered("A result was released without the checkpoints that must be cosigned before."),
  LOGS_DISAGREE: tampered("Two logs tell different stories of one job, or one log has two histories."),
  LOG_MISSING: incomplete("The log of a party to a job is not in the folders. Ask that party for its export."),
  LOG_SHORT: incomplete("A log ends before a head of it that its peer cosigned. Ask for a newer export."),
  RECEIPT_MISSING: incomplete("A receipt is in one party's log only, and nothing was released under it."),
  REQUEST_MISSING: incomplete("No log in the folders holds the request for a job."),
  NOT_COSIGNED: incomplete("No peer has cosigned a checkpoint of this log that covers its receipts."),
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
}

/** Collects what the verbs find, in the order in which they find it. */
export class Findings {
  readonly #problems: Problem[] = [];

  report(code: ProblemCode, place: Place): void {
    this.#problems.push({ code, text: PROBLEMS[code].text, ...place });
  }

  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** Tampering outweighs incompleteness, wherever it was found. */
  get first(): Problem | undefined {
    return this.#problems.find(({ code }) => PROBLEMS[code].severity === "tampered") ?? this.#problems[0];
  }

  get verdict(): Verdict {
    return this.first === undefined ? "verified" : PROBLEMS[this.first.code].severity;
  }
}

export interface LogSummary {
  readonly origin: string;
  readonly entries: number;
  /** Entries up to here are covered by a peer's cosignature; those after it could still be changed by the owner. */
  readonly cosignedSize: number;
}

export interface JobSummary {
  readonly jobId: string;
  readonly operation: string;
  readonly agreementDigest: string;
  readonly receiver: string;
  readonly sender: string;
  readonly attempts: number;
  readonly finishedAt: string;
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
  readonly summary: { readonly logs: readonly LogSummary[]; readonly jobs: readonly JobSummary[] };
  readonly fingerprints: readonly PartyFingerprint[];
}
