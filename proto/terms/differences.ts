/**
 * What one version of an agreement says otherwise than the one before: field by field, with whether it lets more happen or
 * less. A change that no rule here knows is told all the same, so that two versions without a difference are the same terms.
 */
import { agreedIds } from "../agreement/references.ts";
import { type AgreedOperation, type AgreementDocument, APPROVAL_MODES, CLEAR_ROLES } from "../agreement/schema.ts";
import { fromUtf8 } from "../encoding/bytes.ts";
import { canonicalJson, type Json } from "../encoding/canonical-json.ts";

/** loosens: more may leave, more often or for longer · tightens: less · other: neither can be said. */
export type Effect = "loosens" | "tightens" | "other";

export type OperationName = Pick<
  AgreedOperation,
  "operation" | "receiver" | "receiverDataset" | "providerDataset" | "protocol"
>;

export type Floor = keyof AgreementDocument["floors"];
export type BudgetField = keyof AgreementDocument["budgets"];
export type ColumnField = Exclude<keyof AgreementDocument["datasets"][number]["columns"][number], "name">;

/** What a difference is of. `whole`: it is there in one of the two only. */
export type Subject =
  | { readonly of: "agreement"; readonly field: "title" | "suite" | "validFrom" | "validUntil" | "noise" | "order" }
  | { readonly of: "party"; readonly party: string; readonly field: "whole" | "identity" | "roles" }
  | { readonly of: "dataset"; readonly party: string; readonly dataset: string; readonly field: "whole" | "ids" }
  | {
      readonly of: "column";
      readonly party: string;
      readonly dataset: string;
      readonly column: string;
      readonly field: "whole" | ColumnField;
    }
  | {
      readonly of: "operation";
      readonly operation: OperationName;
      readonly field:
        | "whole"
        | "outputs"
        | "segments"
        | "rounding"
        | "tiers"
        | "alignment"
        | "resultFloor"
        | "approval.receiver"
        | "approval.provider";
    }
  | { readonly of: "purpose"; readonly id: string; readonly field: "whole" | "text" | "legalBasis" }
  | { readonly of: "floors"; readonly field: Floor }
  | { readonly of: "budgets"; readonly field: BudgetField }
  | { readonly of: "retention"; readonly field: keyof AgreementDocument["retention"] };

export interface Difference {
  readonly subject: Subject;
  /** Where in the document, entries of lists by their names. */
  readonly path: string;
  /** null where there was or is nothing. */
  readonly before: Json | null;
  readonly after: Json | null;
  readonly effect: Effect;
}

type Found = Omit<Difference, "path">;
type Column = AgreementDocument["datasets"][number]["columns"][number];

const CLEARNESS = { id: 0, filter: 0, feature: 1, label: 2, release: 2 } as const;

/** A larger number lets more happen. */
const MORE: Effect = "loosens";
/** A larger number lets less happen. */
const LESS: Effect = "tightens";
const FLOOR_EFFECTS: { readonly [F in Floor]-?: Effect } = {
  input: LESS,
  result: LESS,
  group: LESS,
  matchRateCapPercent: MORE,
  sizeRatio: MORE,
};
const BUDGET_EFFECTS: { readonly [F in BudgetField]-?: Effect } = {
  epochDays: LESS,
  runsPerEpoch: MORE,
  runsPerDay: MORE,
  scoresPerModelVersion: MORE,
  modelVersionsPerEpoch: MORE,
  datasetVersionsPerEpoch: MORE,
  smallestDifference: LESS,
};

function opposite(effect: Effect): Effect {
  return effect === "other" ? effect : effect === "loosens" ? "tightens" : "loosens";
}

/** `growth`: what it means that the value grows. Other where one of the two is no number. */
function byGrowth(growth: Effect, before: unknown, after: unknown): Effect {
  if (typeof before !== "number" || typeof after !== "number") return "other";
  return after > before ? growth : opposite(growth);
}

function jsonOf(value: unknown): Json | null {
  return (value ?? null) as Json | null;
}

function textOf(value: unknown): string {
  return fromUtf8(canonicalJson(jsonOf(value)));
}

function isSame(a: unknown, b: unknown): boolean {
  return textOf(a) === textOf(b);
}

/** Two values of one field; nothing when they are the same. */
function changed(subject: Subject, before: unknown, after: unknown, effect: Effect): Found[] {
  return isSame(before, after) ? [] : [{ subject, before: jsonOf(before), after: jsonOf(after), effect }];
}

/** Entries of two lists by their names: those of one only, and those of both to compare. */
function byName<T>(
  [before, after]: readonly [readonly T[], readonly T[]],
  nameOf: (item: T) => string,
  { whole, compare }: { whole: (item: T, isNew: boolean) => Found; compare: (a: T, b: T) => readonly Found[] },
): Found[] {
  const names = new Set(after.map(nameOf));
  const earlier = new Map(before.map((item) => [nameOf(item), item]));
  return [
    ...before.filter((item) => !names.has(nameOf(item))).map((item) => whole(item, false)),
    ...after.flatMap((item) => {
      const old = earlier.get(nameOf(item));
      return old === undefined ? [whole(item, true)] : compare(old, item);
    }),
  ];
}

/** An entry that came or went; `effect`: what it means that it came. */
function wholeOf(subject: Subject, item: unknown, isNew: boolean, effect: Effect): Found {
  return isNew
    ? { subject, before: null, after: jsonOf(item), effect }
    : { subject, before: jsonOf(item), after: null, effect: opposite(effect) };
}

function ofColumn(at: { party: string; dataset: string }, before: Column, after: Column): Found[] {
  const one = (field: ColumnField, effect: Effect) =>
    changed({ of: "column", ...at, column: after.name, field }, before[field], after[field], effect);
  return [
    ...one("role", byGrowth(MORE, CLEARNESS[before.role], CLEARNESS[after.role])).map((found) =>
      CLEARNESS[before.role] === CLEARNESS[after.role] ? { ...found, effect: "other" as const } : found,
    ),
    ...one("grade", byGrowth(LESS, before.grade, after.grade)),
    ...one("personal", after.personal ? LESS : MORE),
    ...one("type", "other"),
    ...one("maxBytes", byGrowth(MORE, before.maxBytes, after.maxBytes)),
    ...one("normaliser", "other"),
  ];
}

function columnEffect({ role }: Column): Effect {
  return role === "feature" || CLEAR_ROLES.includes(role) ? "loosens" : "other";
}

function ofDatasets(before: AgreementDocument, after: AgreementDocument): Found[] {
  return byName([before.datasets, after.datasets], ({ party, name }) => `${party}/${name}`, {
    whole: (item, isNew) =>
      wholeOf({ of: "dataset", party: item.party, dataset: item.name, field: "whole" }, item, isNew, "loosens"),
    compare: (a, b) => {
      const at = { party: b.party, dataset: b.name };
      const columns = byName([a.columns, b.columns], ({ name }) => name, {
        whole: (column, isNew) =>
          wholeOf({ of: "column", ...at, column: column.name, field: "whole" }, column, isNew, columnEffect(column)),
        compare: (old, column) => ofColumn(at, old, column),
      });
      const ids = [agreedIds(a), agreedIds(b)].map((all) => all.map(({ column }) => column as string));
      return [...columns, ...changed({ of: "dataset", ...at, field: "ids" }, ids[0], ids[1], "other")];
    },
  });
}

function effectOfSet(before: readonly string[], after: readonly string[]): Effect {
  const isWider = after.some((item) => !before.includes(item));
  const isNarrower = before.some((item) => !after.includes(item));
  return isWider ? "loosens" : isNarrower ? "tightens" : "other";
}

function segmentsEffect(before: AgreedOperation["segments"], after: AgreedOperation["segments"]): Effect {
  if (before === undefined || after === undefined) return before === undefined ? "tightens" : "loosens";
  return effectOfSet(before, after);
}

function ofOperation(before: AgreedOperation, after: AgreedOperation): Found[] {
  const { operation, receiver, receiverDataset, providerDataset, protocol } = after;
  const name = { operation, receiver, receiverDataset, providerDataset, protocol };
  const one = (field: (Subject & { of: "operation" })["field"], a: unknown, b: unknown, effect: Effect) =>
    changed({ of: "operation", operation: name, field }, a, b, effect);
  const strictness = (mode: (typeof APPROVAL_MODES)[number]) => APPROVAL_MODES.indexOf(mode);
  const approval = (role: "receiver" | "provider") =>
    one(
      `approval.${role}`,
      before.approval[role],
      after.approval[role],
      byGrowth(LESS, strictness(before.approval[role]), strictness(after.approval[role])),
    );
  return [
    ...one("outputs", before.outputs, after.outputs, effectOfSet(before.outputs, after.outputs)),
    ...one("segments", before.segments, after.segments, segmentsEffect(before.segments, after.segments)),
    ...one(
      "rounding",
      before.rounding?.step,
      after.rounding?.step,
      byGrowth(LESS, before.rounding?.step, after.rounding?.step),
    ),
    ...one(
      "tiers",
      before.tiers,
      after.tiers,
      before.tiers === undefined ? "tightens" : after.tiers === undefined ? "loosens" : "other",
    ),
    ...one("alignment", before.alignment, after.alignment, after.alignment === "shared" ? "loosens" : "tightens"),
    ...one(
      "resultFloor",
      before.resultFloor,
      after.resultFloor,
      after.resultFloor === "provider" ? "tightens" : "loosens",
    ),
    ...approval("receiver"),
    ...approval("provider"),
  ];
}

function nameOfOperation(item: OperationName): string {
  const { operation, receiver, receiverDataset, providerDataset, protocol } = item;
  return [operation, receiver, receiverDataset, providerDataset, protocol].join("/");
}

function ofOperations(before: AgreementDocument, after: AgreementDocument): Found[] {
  return byName([before.operations, after.operations], nameOfOperation, {
    whole: (item, isNew) => {
      const { operation, receiver, receiverDataset, providerDataset, protocol } = item;
      const name = { operation, receiver, receiverDataset, providerDataset, protocol };
      return wholeOf({ of: "operation", operation: name, field: "whole" }, item, isNew, "loosens");
    },
    compare: ofOperation,
  });
}

function ofPurposes(before: AgreementDocument, after: AgreementDocument): Found[] {
  return byName([before.purposes, after.purposes], ({ id }) => id, {
    whole: (item, isNew) => wholeOf({ of: "purpose", id: item.id, field: "whole" }, item, isNew, "loosens"),
    compare: (a, b) => [
      ...changed({ of: "purpose", id: b.id, field: "text" }, a.text, b.text, "other"),
      ...changed({ of: "purpose", id: b.id, field: "legalBasis" }, a.legalBasis, b.legalBasis, "other"),
    ],
  });
}

function ofParties(before: AgreementDocument, after: AgreementDocument): Found[] {
  return byName([before.parties, after.parties], ({ name }) => name, {
    whole: (item, isNew) => wholeOf({ of: "party", party: item.name, field: "whole" }, item, isNew, "other"),
    compare: (a, b) => [
      ...changed({ of: "party", party: b.name, field: "identity" }, a.identity, b.identity, "other"),
      ...changed({ of: "party", party: b.name, field: "roles" }, [...a.roles].sort(), [...b.roles].sort(), "other"),
    ],
  });
}

function noiseScale({ noise }: AgreementDocument): number {
  return noise.kind === "none" ? 0 : noise.scale;
}

function ofNumbers(before: AgreementDocument, after: AgreementDocument): Found[] {
  const floors = Object.entries(FLOOR_EFFECTS) as [Floor, Effect][];
  const budgets = Object.entries(BUDGET_EFFECTS) as [BudgetField, Effect][];
  const retention = ["tagDays", "resultDays"] as const;
  return [
    ...floors.flatMap(([field, growth]) => {
      const [a, b] = [before.floors[field], after.floors[field]];
      return changed({ of: "floors", field }, a, b, byGrowth(growth, a, b));
    }),
    ...budgets.flatMap(([field, growth]) => {
      const [a, b] = [before.budgets[field], after.budgets[field]];
      return changed({ of: "budgets", field }, a, b, byGrowth(growth, a, b));
    }),
    ...changed(
      { of: "agreement", field: "noise" },
      before.noise,
      after.noise,
      byGrowth(LESS, noiseScale(before), noiseScale(after)),
    ),
    ...retention.flatMap((field) => {
      const [a, b] = [before.retention[field], after.retention[field]];
      return changed({ of: "retention", field }, a, b, byGrowth(MORE, a, b));
    }),
  ];
}

function ofAgreement(before: AgreementDocument, after: AgreementDocument): Found[] {
  const time = (field: "validFrom" | "validUntil", growth: Effect) =>
    changed(
      { of: "agreement", field },
      before[field],
      after[field],
      byGrowth(growth, Date.parse(before[field]), Date.parse(after[field])),
    );
  return [
    ...changed({ of: "agreement", field: "title" }, before.title, after.title, "other"),
    ...changed({ of: "agreement", field: "suite" }, before.suite, after.suite, "other"),
    ...time("validFrom", LESS),
    ...time("validUntil", MORE),
  ];
}

function pathOf(subject: Subject): string {
  switch (subject.of) {
    case "agreement":
      return subject.field;
    case "party":
      return `parties.${subject.party}${inWhole(subject.field)}`;
    case "dataset":
      return `datasets.${subject.party}/${subject.dataset}${inWhole(subject.field)}`;
    case "column":
      return `datasets.${subject.party}/${subject.dataset}.columns.${subject.column}${inWhole(subject.field)}`;
    case "operation":
      return `operations.${nameOfOperation(subject.operation)}${inWhole(subject.field)}`;
    case "purpose":
      return `purposes.${subject.id}${inWhole(subject.field)}`;
    default:
      return `${subject.of}.${subject.field}`;
  }
}

function inWhole(field: string): string {
  return field === "whole" ? "" : `.${field}`;
}

/** In the order of the document: whom and what it is of first, then numbers. Empty exactly when the terms are the same. */
export function differencesBetween(before: AgreementDocument, after: AgreementDocument): readonly Difference[] {
  const found = [
    ...ofDatasets(before, after),
    ...ofOperations(before, after),
    ...ofPurposes(before, after),
    ...ofNumbers(before, after),
    ...ofParties(before, after),
    ...ofAgreement(before, after),
  ];
  // The first of some lists is what a job gets that names none.
  const termsOf = ({ version: _, supersedes: __, ...terms }: AgreementDocument) => terms;
  if (found.length === 0 && !isSame(termsOf(before), termsOf(after)))
    found.push({ subject: { of: "agreement", field: "order" }, before: null, after: null, effect: "other" });
  return found.map((item) => ({ ...item, path: pathOf(item.subject) }));
}
