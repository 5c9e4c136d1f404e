/** Scores of rows: the integers that the encrypted protocols must yield bit for bit, and real numbers to compare with. */
import { EntenteError } from "../errors.ts";
import { binCount, binOf, type Value } from "./bins.ts";
import { FEATURE_FRACTION_BITS, featureValue, quantiseFeature } from "./feature.ts";
import type { LinearFeature, PartySide } from "./linear-model.ts";
import { columnsOf, type Model } from "./model.ts";
import type { QuantisedLinear, QuantisedModel, QuantisedPart, QuantisedTrees } from "./quantise.ts";
import { type Comparison, leafColumn, leafIndex, treeColumns } from "./tree.ts";
import type { TreePart } from "./tree-model.ts";

/** Both parties' values, in the order of `columnsOf`; null where missing. */
export interface Row {
  readonly own: readonly Value[];
  readonly partner: readonly Value[];
}

const ONE = 2 ** FEATURE_FRACTION_BITS;

/** The whole score of a row in units of 2^-fractionBits. Throws DATASET_COLUMN_TYPE on NaN, infinities and misplaced text. */
export function scoreInteger(model: QuantisedModel, row: Row): number {
  return model.base + partScore(model.own, row.own) + partScore(model.partner, row.partner);
}

/** One row's part, an exact integer; the partner's is what the encrypted protocol yields, as int32. */
export function partScore(part: QuantisedPart, row: readonly Value[]): number {
  requireWidth(row, part.columns);
  return part.kind === "linear" ? linearScore(part, row) : treeScore(part, row);
}

function linearScore({ features, weights }: QuantisedLinear, row: readonly Value[]): number {
  let sum = 0;
  let at = 0;
  for (const [j, feature] of features.entries()) {
    const value = row[j] as Value;
    if (feature.kind === "number") {
      sum += (weights[at] as number) * quantiseFeature(feature, value);
      at++;
    } else {
      sum += (weights[at + binOf(feature.column, feature, value)] as number) * ONE;
      at += binCount(feature);
    }
  }
  return sum;
}

function treeScore({ columns, trees, comparison, leafValues }: QuantisedTrees, row: readonly Value[]): number {
  const values = treeRow(columns, row);
  return trees.reduce((sum, tree, t) => sum + (leafValues[t]?.[leafIndex(tree, values, comparison)] as number), 0);
}

/**
 * `partScore` of every row, fast. `columns`: NaN where missing, all of `rows` values; numbers only, so that text categories
 * match nothing. Throws DATASET_COLUMN_TYPE on an infinity.
 */
export function partScores(part: QuantisedPart, columns: readonly Float64Array[], rows: number): Float64Array {
  requireWidth(columns, part.columns);
  const sums = new Float64Array(rows);
  if (part.kind === "trees") addLeaves(part, columns, sums);
  else addFeatures(part, columns, sums);
  return sums;
}

function addLeaves(part: QuantisedTrees, columns: readonly Float64Array[], sums: Float64Array): void {
  const values = treeColumns(part.columns, columns, part.comparison);
  const leaves = new Uint16Array(sums.length);
  for (const [t, tree] of part.trees.entries()) {
    const of = part.leafValues[t] as Float64Array;
    leafColumn(tree, values, part.comparison, leaves);
    for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + (of[leaves[i] as number] as number);
  }
}

function addFeatures(
  { features, weights }: QuantisedLinear,
  columns: readonly Float64Array[],
  sums: Float64Array,
): void {
  let at = 0;
  for (const [j, feature] of features.entries()) {
    const column = columns[j] as Float64Array;
    const width = feature.kind === "number" ? 1 : binCount(feature);
    const of = weights.subarray(at, at + width);
    for (let i = 0; i < sums.length; i++) {
      const value = column[i] as number;
      const cell = Number.isNaN(value) ? null : value;
      const term =
        feature.kind === "number"
          ? (of[0] as number) * quantiseFeature(feature, cell)
          : (of[binOf(feature.column, feature, cell)] as number) * ONE;
      sums[i] = (sums[i] as number) + term;
    }
    at += width;
  }
}

/** `score`: an integer of `scoreInteger`. */
export function realScore({ fractionBits }: QuantisedModel, score: number): number {
  return score / 2 ** fractionBits;
}

/** The score in binary64, with clips and bins but nothing rounded: what the model means. Errors as `scoreInteger`. */
export function scoreFloat(model: Model, row: Row): number {
  requireWidth(row.own, columnsOf(model, "own"));
  requireWidth(row.partner, columnsOf(model, "partner"));
  if (model.kind === "trees")
    return (
      model.base + leafSum(model.own, row.own, model.comparison) + leafSum(model.partner, row.partner, model.comparison)
    );
  const next: Record<PartySide, number> = { own: 0, partner: 0 };
  return model.features.reduce((sum, feature) => {
    return sum + featureTerm(feature, row[feature.party][next[feature.party]++] as Value);
  }, model.intercept);
}

function featureTerm(feature: LinearFeature, value: Value): number {
  if (feature.kind === "number") return feature.weight * featureValue(feature, value);
  return feature.points[binOf(feature.column, feature, value)] as number;
}

function leafSum({ columns, trees }: TreePart, row: readonly Value[], comparison: Comparison): number {
  const values = treeRow(columns, row);
  return trees.reduce((sum, tree) => sum + (tree.leaves[leafIndex(tree, values, comparison)] as number), 0);
}

function treeRow(columns: readonly string[], row: readonly Value[]): Float64Array {
  return Float64Array.from(row, (value, j) => {
    if (value === null) return Number.NaN;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw new EntenteError("DATASET_COLUMN_TYPE", { detail: `${columns[j]}: a value is not a finite number` });
  });
}

function requireWidth(given: { readonly length: number }, columns: readonly string[]): void {
  if (given.length !== columns.length)
    throw new EntenteError("INTERNAL", { detail: "one value for each column of a model" });
}
