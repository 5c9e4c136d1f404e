/**
 * A model in integers: the score in units of 2^-fractionBits is base + own part + partner's part, each an exact integer.
 * The partner's part is what an encrypted protocol computes modulo 2^32, so it must fit int32; the bank's is added below
 * 2^53. Linear: sum of W_j * X_j, W_j = round(2^f weight), X_j the feature with 8 fractional bits or 2^8 for the one bin
 * that a value falls into, fractionBits = f + 8. Trees: sum of L, L = round(2^e leaf), fractionBits = e.
 */
import { EntenteError } from "../errors.ts";
import { FEATURE_FRACTION_BITS, maxQuantised } from "./feature.ts";
import { leafGroups } from "./leaf-groups.ts";
import { featuresOf, type LinearFeature, type LinearModel, widthOf } from "./linear-model.ts";
import type { Model } from "./model.ts";
import type { Comparison } from "./tree.ts";
import type { TreeModel, TreePart } from "./tree-model.ts";

export const MAX_WEIGHT_FRACTION_BITS = 17;
/** Below this, weights would be too coarse to be called the same model. */
export const MIN_WEIGHT_FRACTION_BITS = 10;
/** Where leaves are small. There is no such floor for them: their unit is at most 2^-29 of what they can sum up to. */
export const MAX_LEAF_FRACTION_BITS = 30;
const PART_LIMIT = 2 ** 31;
const ONE = 2 ** FEATURE_FRACTION_BITS;

export interface QuantisedLinear {
  readonly kind: "linear";
  readonly columns: readonly string[];
  readonly features: readonly LinearFeature[];
  /** One for each number and each bin, in the order of the features: an encrypted column each. */
  readonly weights: Int32Array;
}

export interface QuantisedTrees extends TreePart {
  readonly kind: "trees";
  readonly comparison: Comparison;
  /** For each tree its leaves' integers; int32 for the partner's. */
  readonly leafValues: readonly Float64Array[];
}

export type QuantisedPart = QuantisedLinear | QuantisedTrees;

export interface QuantisedModel {
  /** A score's unit is 2^-fractionBits. */
  readonly fractionBits: number;
  /** Intercept or base score, in that unit. */
  readonly base: number;
  readonly own: QuantisedPart;
  readonly partner: QuantisedPart;
}

/** With the finest scale that leaves room. Throws MODEL_HEADROOM when there is none. */
export function quantise(model: Model): QuantisedModel {
  return model.kind === "linear" ? quantiseLinear(model) : quantiseTrees(model);
}

/** The largest f <= 17 for which the partner's sum stays below 2^31; refused below 10. */
function quantiseLinear(model: LinearModel): QuantisedModel {
  const [own, partner] = [featuresOf(model, "own"), featuresOf(model, "partner")];
  for (let bits = MAX_WEIGHT_FRACTION_BITS; bits >= MIN_WEIGHT_FRACTION_BITS; bits--) {
    const weights = quantisedWeights(partner, bits);
    if (linearReach(partner, weights) >= PART_LIMIT) continue;
    const ownWeights = quantisedWeights(own, bits);
    const fractionBits = bits + FEATURE_FRACTION_BITS;
    const base = Math.round(model.intercept * 2 ** fractionBits);
    refuseInexact(linearReach(own, ownWeights) + Math.abs(base));
    if (ownWeights.some((weight) => weight !== (weight | 0))) throw ownHeadroom();
    return { fractionBits, base, own: linearPart(own, ownWeights), partner: linearPart(partner, weights) };
  }
  throw new EntenteError("MODEL_HEADROOM", { detail: "the partner's features" });
}

function linearPart(features: readonly LinearFeature[], weights: readonly number[]): QuantisedLinear {
  const columns = features.map(({ column }) => column);
  return { kind: "linear", columns, features, weights: Int32Array.from(weights) };
}

function quantisedWeights(features: readonly LinearFeature[], bits: number): number[] {
  return features
    .flatMap((feature) => (feature.kind === "number" ? [feature.weight] : feature.points))
    .map((weight) => Math.round(weight * 2 ** bits));
}

/** Largest |sum of W_j * X_j| that clips let through; of a column's bins only one counts. */
function linearReach(features: readonly LinearFeature[], weights: readonly number[]): number {
  let at = 0;
  return features.reduce((sum, feature) => {
    const of = weights.slice(at, at + widthOf([feature])).map(Math.abs);
    at += of.length;
    return sum + Math.max(...of) * (feature.kind === "number" ? maxQuantised(feature) : ONE);
  }, 0);
}

/** The largest e <= 30 for which the partner's sum stays below 2^31; refused below 0. */
function quantiseTrees(model: TreeModel): QuantisedModel {
  for (let bits = MAX_LEAF_FRACTION_BITS; bits >= 0; bits--) {
    const partner = leafValues(model.partner, bits);
    if (leafReach(partner) >= PART_LIMIT) continue;
    const own = leafValues(model.own, bits);
    const base = Math.round(model.base * 2 ** bits);
    refuseInexact(leafReach(own) + Math.abs(base));
    const { comparison } = model;
    return {
      fractionBits: bits,
      base,
      own: { kind: "trees", comparison, ...model.own, leafValues: own },
      partner: { kind: "trees", comparison, ...model.partner, leafValues: partner },
    };
  }
  throw new EntenteError("MODEL_HEADROOM", { detail: "the partner's leaves" });
}

function leafValues({ trees }: TreePart, bits: number): Float64Array[] {
  return trees.map(({ leaves }) => Float64Array.from(leaves, (leaf) => Math.round(leaf * 2 ** bits)));
}

/** Largest |sum| of one leaf from each tree. */
function leafReach(values: readonly Float64Array[]): number {
  return values.reduce((sum, leaves) => sum + leaves.reduce((most, leaf) => Math.max(most, Math.abs(leaf)), 0), 0);
}

/** The partner's part as the bank encrypts it: coefficients of each polynomial, from the constant one on. A weight is a
 * constant; leaves lie in groups. */
export function encryptedPolynomials(part: QuantisedPart): readonly Int32Array[] {
  return part.kind === "trees"
    ? leafGroups(part.leafValues)
    : Array.from(part.weights, (weight) => Int32Array.of(weight));
}

function ownHeadroom(): EntenteError {
  return new EntenteError("MODEL_HEADROOM", { detail: "the bank's own features or the intercept" });
}

/** `reach`: of the bank's part and the base. Beyond this a sum of doubles would round. */
function refuseInexact(reach: number): void {
  if (!(reach + PART_LIMIT <= Number.MAX_SAFE_INTEGER)) throw ownHeadroom();
}

/**
 * Bound of |score * 2^-fractionBits - score in real numbers|. Linear: for each number |w| * 2^-9 (of the feature's rounding)
 * and max |X / 2^8| * 2^-(f + 1) (of the weight's), for each binned column 2^-(f + 1), and 2^-(f + 9) for the intercept.
 * Trees: 2^-(e + 1) for each and for the base. A probability is off by at most a quarter of it times the link's slope.
 * Features count after clipping, as the model was trained on them.
 */
export function scoreErrorBound({ fractionBits, own, partner }: QuantisedModel): number {
  return partErrorBound(own, fractionBits) + partErrorBound(partner, fractionBits) + 2 ** -(fractionBits + 1);
}

function partErrorBound(part: QuantisedPart, fractionBits: number): number {
  if (part.kind === "trees") return part.trees.length * 2 ** -(fractionBits + 1);
  const weightError = 2 ** -(fractionBits - FEATURE_FRACTION_BITS + 1);
  const featureError = 2 ** -(FEATURE_FRACTION_BITS + 1);
  return part.features.reduce((sum, feature) => {
    if (feature.kind !== "number") return sum + weightError;
    return sum + Math.abs(feature.weight) * featureError + (maxQuantised(feature) / ONE) * weightError;
  }, 0);
}
