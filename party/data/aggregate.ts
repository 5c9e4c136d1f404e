/** Rows of one id made into one, by the dataset's policy for duplicates. */
import type { Aggregate, DuplicatePolicy } from "../../proto/duplicate-policy.ts";
import { EntenteError } from "../../proto/errors.ts";
import { featureIndex } from "./dataset.ts";
import type { FeatureValues } from "./row-block.ts";
import type { DatasetColumn } from "./table.ts";

/** How a feature's values in the rows of one id become one; `first`: what is no number of the dataset. */
export type Combine = Aggregate | "first";

/**
 * Every numeric column has to be combined in a way that somebody chose. Throws DATASET_COLUMN_UNKNOWN, DATASET_COLUMN_TYPE,
 * or BAD_REQUEST naming the first column that nothing was said of.
 */
export function requireWholePolicy(policy: DuplicatePolicy, columns: readonly DatasetColumn[]): void {
  if (policy.kind !== "aggregate") return;
  for (const name of Object.keys(policy.columns)) featureIndex(columns, name);
  const open = columns.find(({ name, type }) => type === "number" && combineOf(policy, name) === "first");
  if (open !== undefined)
    throw new EntenteError("BAD_REQUEST", {
      detail: `duplicates: no aggregate for the numbers of ${open.name}; name one, or a default for all`,
    });
}

export function combineOf(policy: DuplicatePolicy, column: string): Combine {
  if (policy.kind !== "aggregate") return "first";
  return (Object.hasOwn(policy.columns, column) ? policy.columns[column] : policy.others) ?? "first";
}

/** Combines into the values of first rows those of later ones. NaN is a blank cell, which does not count. */
export class Combiner {
  readonly #combines: readonly Combine[];
  readonly #values: readonly FeatureValues[];
  /** Features of which means are made. */
  readonly #means: readonly number[];
  /** Of an id with several rows, by its position: where its counts begin. */
  readonly #places = new Map<number, number>();
  /** How many values stand in the sums of `#means`, id after id: memory for those with several rows alone. */
  readonly #counts: number[] = [];

  /** `values`: of each feature by the position of its id. */
  constructor(combines: readonly Combine[], values: readonly FeatureValues[]) {
    this.#combines = combines;
    this.#values = values;
    this.#means = combines.flatMap((combine, j) => (combine === "mean" ? [j] : []));
  }

  /** Row `i` of `from` belongs to the id at `position`, whose first row is there. */
  add(position: number, from: readonly FeatureValues[], i: number): void {
    if (this.#means.length > 0) this.#count(position, from, i);
    for (const [j, combine] of this.#combines.entries()) {
      const value = (from[j] as FeatureValues)[i] as number;
      if (combine === "first" || Number.isNaN(value)) continue;
      const values = this.#values[j] as FeatureValues;
      const before = values[position] as number;
      values[position] = Number.isNaN(before) ? value : combined(combine, before, value);
    }
  }

  /** After the last row: sums become means. */
  finish(): void {
    for (const [position, place] of this.#places)
      for (const [m, j] of this.#means.entries()) {
        const values = this.#values[j] as FeatureValues;
        values[position] = (values[position] as number) / (this.#counts[place + m] as number);
      }
  }

  #count(position: number, from: readonly FeatureValues[], i: number): void {
    const isFilled = (values: FeatureValues | undefined, at: number) => (Number.isNaN(values?.[at]) ? 0 : 1);
    let place = this.#places.get(position);
    if (place === undefined) {
      place = this.#counts.length;
      this.#places.set(position, place);
      for (const j of this.#means) this.#counts.push(isFilled(this.#values[j], position));
    }
    for (const [m, j] of this.#means.entries())
      this.#counts[place + m] = (this.#counts[place + m] as number) + isFilled(from[j], i);
  }
}

function combined(combine: Aggregate, before: number, value: number): number {
  switch (combine) {
    case "sum":
    case "mean":
      return before + value;
    case "min":
      return Math.min(before, value);
    case "max":
      return Math.max(before, value);
  }
}
