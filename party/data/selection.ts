/**
 * Which rows of a dataset take part: a boolean expression over conditions on the row, which DuckDB evaluates where it reads,
 * and over lists of people, which are looked up. A row is in or out by itself; a person takes part by the first row that is
 * in. Nothing here has a name: what a person calls a selection is a segment (`party/segments`).
 */
import { EntenteError } from "../../proto/errors.ts";
import type { DatasetRegistration } from "./dataset.ts";
import type { Filter } from "./filter.ts";
import type { PackedText } from "./packed-text.ts";
import type { RowCondition } from "./table.ts";

export type Selection =
  | Filter
  /** By their normalised ids, in any order; one may be there twice. */
  | { readonly kind: "people"; readonly people: PackedText }
  /** Of none: every row. */
  | { readonly kind: "all"; readonly of: readonly Selection[] }
  /** Of none: no row. */
  | { readonly kind: "any"; readonly of: readonly Selection[] }
  | { readonly kind: "minus"; readonly from: Selection; readonly minus: Selection };

/** What a person must meet beside: everybody, where it is undefined. */
export function without(from: Selection | undefined, minus: Selection | undefined): Selection | undefined {
  return minus === undefined ? from : { kind: "minus", from: from ?? { kind: "all", of: [] }, minus };
}

/** A selection made ready for the rows of one dataset. Positions are in `Lookups`. */
export type RowTest =
  | { readonly kind: "condition"; readonly at: number }
  | { readonly kind: "people"; readonly at: number }
  | { readonly kind: "all" | "any"; readonly of: readonly RowTest[] }
  | { readonly kind: "minus"; readonly from: RowTest; readonly minus: RowTest };

/** What the tests of one read look at, each once. */
export class Lookups {
  readonly conditions: RowCondition[] = [];
  readonly people: PackedText[] = [];
  readonly #registration: DatasetRegistration;
  readonly #found = new Map<Selection, RowTest>();

  constructor(registration: DatasetRegistration) {
    this.#registration = registration;
  }

  /** Whatever can be left to DuckDB is one condition. Throws DATASET_CHANGED. */
  test(selection: Selection): RowTest {
    const known = this.#found.get(selection);
    if (known !== undefined) return known;
    const test = this.#test(selection);
    this.#found.set(selection, test);
    return test;
  }

  /** True of every row that the selection holds, and of no other one where it has no list. Throws DATASET_CHANGED. */
  bound(selection: Selection): RowCondition {
    return conditionOf(selection, this.#registration, true);
  }

  #test(selection: Selection): RowTest {
    if (!hasPeople(selection)) return this.#condition(selection);
    switch (selection.kind) {
      case "people":
        return { kind: "people", at: placeOf(this.people, selection.people) };
      case "minus":
        return { kind: "minus", from: this.test(selection.from), minus: this.test(selection.minus) };
      case "all":
      case "any": {
        const plain = selection.of.filter((part) => !hasPeople(part));
        const others = selection.of.filter(hasPeople).map((part) => this.test(part));
        const one = plain.length === 0 ? [] : [this.#condition({ kind: selection.kind, of: plain })];
        return { kind: selection.kind, of: [...one, ...others] };
      }
      case "filter":
        throw new EntenteError("INTERNAL", { cause: new Error("a filter with people") });
    }
  }

  #condition(selection: Selection): RowTest {
    const condition = conditionOf(selection, this.#registration, true);
    const known = this.conditions.findIndex(({ sql }) => sql === condition.sql);
    return { kind: "condition", at: known >= 0 ? known : this.conditions.push(condition) - 1 };
  }
}

function placeOf<T>(list: T[], item: T): number {
  const known = list.indexOf(item);
  return known >= 0 ? known : list.push(item) - 1;
}

export function hasPeople(selection: Selection): boolean {
  if (selection.kind === "filter" || selection.kind === "people") return selection.kind === "people";
  if (selection.kind === "minus") return hasPeople(selection.from) || hasPeople(selection.minus);
  return selection.of.some(hasPeople);
}

/** In SQL, never NULL. A list is `assumed` to hold the row, and behind a minus not to. */
function conditionOf(selection: Selection, registration: DatasetRegistration, assumed: boolean): RowCondition {
  switch (selection.kind) {
    case "filter": {
      const { sql, columns } = selection.conditionFor(registration);
      return { sql: `coalesce(${sql}, false)`, columns };
    }
    case "people":
      return { sql: String(assumed), columns: [] };
    case "minus": {
      const from = conditionOf(selection.from, registration, assumed);
      const minus = conditionOf(selection.minus, registration, !assumed);
      return { sql: `(${from.sql} AND NOT ${minus.sql})`, columns: [...from.columns, ...minus.columns] };
    }
    case "all":
    case "any": {
      const parts = selection.of.map((part) => conditionOf(part, registration, assumed));
      const joined = parts.map(({ sql }) => sql).join(selection.kind === "all" ? " AND " : " OR ");
      const sql = parts.length === 0 ? String(selection.kind === "all") : `(${joined})`;
      return { sql, columns: parts.flatMap(({ columns }) => columns) };
    }
  }
}
