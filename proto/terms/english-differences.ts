/** What differences between two versions of an agreement are told with in English. */
import { groupedDigits } from "../grouped-digits.ts";
import type { BudgetField, ColumnField, Floor, Subject } from "./differences.ts";
import type { ApprovalMode } from "./facts.ts";
import type { DifferenceWords } from "./words.ts";

export const OPERATIONS = { audience: "Joint audience", score: "Score" } as const;

export function people(count: number): string {
  return count === 1 ? "1 person" : `${groupedDigits(count)} people`;
}

export function days(count: number): string {
  return count === 1 ? "1 day" : `${groupedDigits(count)} days`;
}

export const MODES: { readonly [M in ApprovalMode]: string } = {
  automatic: "runs start without anybody being asked",
  "first-run": "the first run of each kind waits for a person",
  "every-run": "every run waits for a person",
};

const FLOORS: { readonly [F in Floor]-?: string } = {
  input: "Fewest people in a list",
  result: "Fewest people in a result that is shown",
  group: "Fewest people in a report's group",
  matchRateCapPercent: 'Match rate above which only "above" is shown',
  sizeRatio: "Larger list to smaller list, at most",
};

const BUDGETS: { readonly [F in BudgetField]-?: string } = {
  epochDays: "Length of an epoch",
  runsPerEpoch: "Runs in an epoch",
  runsPerDay: "Runs in a day",
  scoresPerModelVersion: "Score runs of one model version over the same data in an epoch",
  modelVersionsPerEpoch: "Model versions in an epoch",
  datasetVersionsPerEpoch: "Versions of the receiver's dataset in an epoch",
  smallestDifference: "Smallest difference of two lists",
};

const COLUMN_FIELDS: { readonly [F in ColumnField]-?: string } = {
  role: "Use of",
  grade: "Grade of",
  personal: "Whether personal information:",
  type: "Type of",
  maxBytes: "Longest text of",
  normaliser: "How values are made equal in",
};

const COLUMN_ROLES: Readonly<Record<string, string>> = {
  id: "matched on, never readable",
  filter: "chooses who takes part, never leaves",
  feature: "used in computing, encrypted",
  label: "leaves in clear",
  release: "leaves in clear",
};

const OUTPUTS: Readonly<Record<string, string>> = {
  list: "which people are in both",
  "match-rate": "the share in both",
  "overlap-report": "a report of counts",
  score: "exact scores",
  "rounded-score": "rounded scores",
  tier: "tiers",
};

const ROLES: Readonly<Record<string, string>> = {
  "data-provider": "brings data",
  "result-receiver": "obtains results",
  "result-user": "acts on results",
  payer: "pays",
};

function owner(party: string, viewer: string): string {
  return party === viewer ? "your" : `the ${party}'s`;
}

function whatOf(subject: Subject, viewer: string): string {
  switch (subject.of) {
    case "agreement":
      return {
        title: "Title",
        suite: "Kind of signatures and digests",
        validFrom: "In force from",
        validUntil: "In force until",
        noise: "Random noise on counts",
        order: "The order of entries, and so what a job gets that names none",
      }[subject.field];
    case "party":
      return {
        whole: `Party ${subject.party}`,
        identity: `Identity key: ${owner(subject.party, viewer)}`,
        roles: `Part played: ${owner(subject.party, viewer)}`,
      }[subject.field];
    case "dataset": {
      const name = `${owner(subject.party, viewer)} dataset "${subject.dataset}"`;
      return subject.field === "whole" ? upperFirst(name) : `Columns that people are matched on in ${name}`;
    }
    case "column": {
      const name = `column "${subject.column}" of ${owner(subject.party, viewer)} "${subject.dataset}"`;
      return subject.field === "whole" ? upperFirst(name) : `${COLUMN_FIELDS[subject.field]} ${name}`;
    }
    case "operation":
      return operationSubject(subject, viewer);
    case "purpose":
      return {
        whole: `Purpose "${subject.id}"`,
        text: `Purpose "${subject.id}"`,
        legalBasis: `Legal basis of "${subject.id}"`,
      }[subject.field];
    case "floors":
      return FLOORS[subject.field];
    case "budgets":
      return BUDGETS[subject.field];
    case "retention":
      return { tagDays: "How long tags live", resultDays: "How long results are kept" }[subject.field];
  }
}

function operationSubject({ operation, field }: Subject & { of: "operation" }, viewer: string): string {
  const { receiver, receiverDataset, providerDataset } = operation;
  const isReceiver = receiver === viewer;
  const name =
    `${OPERATIONS[operation.operation]} of ${owner(receiver, viewer)} "${receiverDataset}" with ` +
    `${isReceiver ? "their" : "your"} "${providerDataset}"`;
  const what = {
    whole: "",
    outputs: "what the receiver may be given",
    segments: "segments that may be named",
    rounding: "rounding to multiples of",
    tiers: "bounds of the tiers",
    alignment: "whether the provider learns who matched",
    resultFloor: "whose node keeps the result floor",
    "approval.receiver": `approval at ${isReceiver ? "your" : "their"} node`,
    "approval.provider": `approval at ${isReceiver ? "their" : "your"} node`,
  }[field];
  return what === "" ? `${name} (${operation.protocol})` : `${name}: ${what}`;
}

function upperFirst(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

export const ENGLISH_DIFFERENCES: DifferenceWords = {
  what: whatOf,
  partyRoles: ROLES,
  columnRoles: COLUMN_ROLES,
  outputs: OUTPUTS,
  modes: MODES,
  enforcers: { receiver: "the receiver's", provider: "the provider's" },
  between: ", ",
  yes: "yes",
  no: "no",
  none: "none",
  tiersFixed: "fixed by the agreement",
  tiersChosen: "chosen by the receiver",
  anySegment: "any that is published, or everybody",
  byExtraction: "as many as cannot read the columns out",
  people,
  days,
  bytes: (count) => `${count} bytes`,
  times: (count) => `${groupedDigits(count)} times`,
  scale: (scale) => `scale ${scale}`,
  column: (use, grade, isPersonal) => `${use}, grade ${grade}${isPersonal ? ", personal information" : ""}`,
  purpose: (text, legalBasis) => `${text} (${legalBasis})`,
};
