/** What each language must say of an agreement. */
import type { AgreementDocument } from "../agreement/schema.ts";
import type { Subject } from "./differences.ts";
import type { ApprovalMode, KeptColumns, OperationFacts } from "./facts.ts";
import type { TermSection } from "./sections.ts";

/** A difference between two versions, for people: what it is of, and how it was and is; null where there was or is nothing. */
export interface DifferenceText {
  readonly what: string;
  readonly before: string | null;
  readonly after: string | null;
}

export interface TermsWords {
  readonly sections: { readonly [S in TermSection]: string };
  readonly inEveryJob: string;
  readonly everyJob: readonly string[];
  operation(facts: OperationFacts): string;
  /** What the peer learns by it, a sentence each. */
  leaves(facts: OperationFacts): readonly string[];
  /** What the viewer learns by it. */
  arrives(facts: OperationFacts): readonly string[];
  stays(columns: KeptColumns): readonly string[];
  purpose(purpose: AgreementDocument["purposes"][number]): string;
  retention(retention: AgreementDocument["retention"]): string;
  /** Who signs, who pays, who may end it. */
  parties(document: AgreementDocument, viewer: string): readonly string[];
  approval(facts: OperationFacts): string;
  limits(document: AgreementDocument): readonly string[];
  validity(document: AgreementDocument): readonly string[];
  readonly differences: DifferenceWords;
}

type Names = Readonly<Record<string, string>>;

/** What differences are told with. */
export interface DifferenceWords {
  what(subject: Subject, viewer: string): string;
  readonly partyRoles: Names;
  readonly columnRoles: Names;
  readonly outputs: Names;
  readonly modes: { readonly [M in ApprovalMode]: string };
  /** Whose node keeps the result floor. */
  readonly enforcers: Names;
  /** Between the entries of a list. */
  readonly between: string;
  readonly yes: string;
  readonly no: string;
  readonly none: string;
  readonly tiersFixed: string;
  readonly tiersChosen: string;
  readonly anySegment: string;
  /** How many model versions where no number is agreed. */
  readonly byExtraction: string;
  people(count: number): string;
  days(count: number): string;
  bytes(count: number): string;
  times(count: number): string;
  scale(scale: number): string;
  column(use: string, grade: number, isPersonal: boolean): string;
  purpose(text: string, legalBasis: string): string;
}
