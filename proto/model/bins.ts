/** Bins of one column: a value falls into exactly one, so that a scorecard is a sum of one number for each column. */
import * as z from "zod";
import { EntenteError } from "../errors.ts";

/** A cell of a dataset; null where missing. */
export type Value = number | string | null;

const MAX_BINS = 64;
const MAX_CATEGORIES = 1024;

const category = z.union([z.number(), z.string().max(128)]);

/** Half-open intervals: bin 0 is x < edges[0], bin i is edges[i-1] <= x < edges[i], the last but one x >= the last
 * edge; the last is for what is missing. */
export const intervalFields = { edges: z.array(z.number()).min(1).max(MAX_BINS).check(ascending) };

/** Bin i is what equals one of categories[i], number to number and text to text; then one for any other value, then one
 * for what is missing. */
export const categoryFields = {
  categories: z.array(z.array(category).min(1).max(MAX_CATEGORIES)).min(1).max(MAX_BINS).check(disjoint),
};

export type Bins =
  | { readonly kind: "intervals"; readonly edges: readonly number[] }
  | { readonly kind: "categories"; readonly categories: readonly (readonly (number | string)[])[] };

function ascending(context: z.core.ParsePayload<readonly number[]>): void {
  for (const [i, edge] of context.value.entries())
    if (i > 0 && edge <= (context.value[i - 1] as number))
      context.issues.push({ code: "custom", input: undefined, path: [i], message: "not ascending" });
}

function disjoint(context: z.core.ParsePayload<readonly (readonly (number | string)[])[]>): void {
  const seen = new Set<number | string>();
  for (const [i, bin] of context.value.entries())
    for (const [j, value] of bin.entries()) {
      if (seen.has(value)) context.issues.push({ code: "custom", input: undefined, path: [i, j], message: "twice" });
      seen.add(value);
    }
}

/** With those of missing and other values. */
export function binCount(bins: Bins): number {
  return bins.kind === "intervals" ? bins.edges.length + 2 : bins.categories.length + 2;
}

/** Throws DATASET_COLUMN_TYPE on NaN, an infinity, or a text where a number is needed. */
export function binOf(column: string, bins: Bins, value: Value): number {
  const missing = binCount(bins) - 1;
  if (value === null) return missing;
  if (typeof value === "number" && !Number.isFinite(value))
    throw new EntenteError("DATASET_COLUMN_TYPE", { detail: `${column}: a value is not a finite number` });
  if (bins.kind === "categories") {
    const bin = bins.categories.findIndex((values) => values.includes(value));
    return bin < 0 ? missing - 1 : bin;
  }
  if (typeof value !== "number") throw new EntenteError("DATASET_COLUMN_TYPE", { detail: `${column}: not a number` });
  // The first edge above the value; at most 64, so that no search pays.
  let bin = 0;
  while (bin < bins.edges.length && value >= (bins.edges[bin] as number)) bin++;
  return bin;
}
