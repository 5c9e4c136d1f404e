/** What a verification answers, and how it collects what it finds. */
import { PROBLEMS, type ProblemCode, type Verdict } from "../../proto/evidence/verdict.ts";

/** `entente audit verify` exits with these; 64 is the command line's own, for wrong usage. */
export const EXIT_CODE: Readonly<Record<Verdict, number>> = { verified: 0, tampered: 1, incomplete: 2 };

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
    const problem = { code, text: PROBLEMS[code].text.en, ...place, ...(why === undefined ? {} : { why }) };
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
