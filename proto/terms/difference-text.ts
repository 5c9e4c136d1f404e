/** A difference between two versions of an agreement for people, in the vocabulary of a language. */
import type { Json } from "../encoding/canonical-json.ts";
import { groupedDigits } from "../grouped-digits.ts";
import type { Difference, Subject } from "./differences.ts";
import { timeText } from "./time-text.ts";
import type { DifferenceText, DifferenceWords } from "./words.ts";

type Names = Readonly<Record<string, string>>;

function named(names: Names, value: unknown): string {
  return names[String(value)] ?? String(value);
}

function listed(words: DifferenceWords, value: Json, names: Names = {}): string {
  return (Array.isArray(value) ? value : [value]).map((item) => named(names, item)).join(words.between);
}

function valueText(words: DifferenceWords, subject: Subject, value: Json): string {
  const { people, days, yes, no } = words;
  switch (subject.of) {
    case "agreement": {
      const { scale } = value as { readonly scale?: number };
      if (subject.field === "noise") return scale === undefined ? words.none : words.scale(scale);
      return subject.field === "validFrom" || subject.field === "validUntil" ? timeText(String(value)) : String(value);
    }
    case "party":
      return listed(words, value, words.partyRoles);
    case "column":
      if (subject.field === "role") return named(words.columnRoles, value);
      if (subject.field === "personal") return value === true ? yes : no;
      return subject.field === "maxBytes" ? words.bytes(Number(value)) : String(value);
    case "operation":
      return operationValue(words, subject.field, value);
    case "floors":
      if (subject.field === "matchRateCapPercent") return `${value}%`;
      return subject.field === "sizeRatio" ? words.times(Number(value)) : people(Number(value));
    case "budgets":
      if (subject.field === "epochDays") return days(Number(value));
      return subject.field === "smallestDifference" ? people(Number(value)) : groupedDigits(Number(value));
    case "retention":
      return days(Number(value));
    default:
      return listed(words, value);
  }
}

function operationValue(words: DifferenceWords, field: (Subject & { of: "operation" })["field"], value: Json): string {
  switch (field) {
    case "outputs":
      return listed(words, value, words.outputs);
    case "tiers":
      return words.tiersFixed;
    case "alignment":
      return value === "shared" ? words.yes : words.no;
    case "resultFloor":
      return named(words.enforcers, value);
    case "approval.receiver":
    case "approval.provider":
      return named(words.modes, value);
    default:
      return listed(words, value);
  }
}

/** Of an entry that is in one version only. */
function wholeText(words: DifferenceWords, subject: Subject, value: Json): string {
  const item = value as { readonly [key: string]: Json };
  switch (subject.of) {
    case "column":
      return words.column(named(words.columnRoles, item.role), Number(item.grade), item.personal === true);
    case "operation":
      return listed(words, item.outputs ?? [], words.outputs);
    case "dataset":
      return (item.columns as unknown as readonly { readonly name: string }[])
        .map(({ name }) => name)
        .join(words.between);
    case "purpose":
      return words.purpose(String(item.text), String(item.legalBasis));
    default:
      return words.yes;
  }
}

/** What it means that a field has no value. */
function absentText(words: DifferenceWords, subject: Subject): string {
  if (subject.of === "budgets") return words.byExtraction;
  if (subject.of === "operation" && subject.field === "segments") return words.anySegment;
  return subject.of === "operation" && subject.field === "tiers" ? words.tiersChosen : words.none;
}

/** `viewer`: whose "your" it is. */
export function textOfDifference(words: DifferenceWords, difference: Difference, viewer: string): DifferenceText {
  const { subject } = difference;
  const what = words.what(subject, viewer);
  if (subject.of === "agreement" && subject.field === "order") return { what, before: null, after: null };
  const text = (value: Json | null) => {
    if (subject.field === "whole") return value === null ? null : wholeText(words, subject, value);
    return value === null ? absentText(words, subject) : valueText(words, subject, value);
  };
  return { what, before: text(difference.before), after: text(difference.after) };
}
