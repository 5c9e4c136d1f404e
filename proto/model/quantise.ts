/**
 * A model in integers. score * 2^(f + 8) = intercept + sum of W_j * X_j, with W_j = round(weight * 2^f) and X_j the
 * feature with 8 fractional bits. The partner's part is what the encrypted protocol computes modulo 2^32, so it must fit
 * int32; the bank's own part is added in exact integers below 2^53.
 */
import { EntenteError } from "../errors.ts";
import { FEATURE_FRACTION_BITS, maxQuantised, quantiseFeature } from "./feature.ts";
import { featuresOf, type LinearModel, type ModelFeature } from "./linear-model.ts";

export const MAX_WEIGHT_FRACTION_BITS = 17;
/** Below this, weights would be too coarse to be called the same model. */
export const MIN_WEIGHT_FRACTION_BITS = 10;
const SCORE_LIMIT = 2 ** 31;

export interface QuantisedPart {
  readonly features: readonly ModelFeature[];
  readonly weights: Int32Array;
}

export interface QuantisedModel {
  /** f; a score's unit is 2^-(f + 8). */
  readonly weightFractionBits: number;
  readonly intercept: number;
  readonly own: QuantisedPart;
  readonly partner: QuantisedPart;
}

function quantisedWeights(features: readonly ModelFeature[], fractionBits: number): number[] {
  return features.map(({ weight }) => Math.round(weight * 2 ** fractionBits));
}

/** Largest |sum of W_j * X_j| that the clips let through. */
function reach(features: readonly ModelFeature[], weights: readonly number[]): number {
  return features.reduce((sum, feature, j) => sum + Math.abs(weights[j] as number) * maxQuantised(feature), 0);
}

/**
 * With the largest f <= 17 for which sum |W_j| * max |X_j| of the partner's features stays below 2^31. Throws
 * MODEL_HEADROOM when that f is below 10, or when the bank's own part does not fit.
 */
export function quantise(model: LinearModel): QuantisedModel {
  const own = featuresOf(model, "own");
  const partner = featuresOf(model, "partner");
  for (let bits = MAX_WEIGHT_FRACTION_BITS; bits >= MIN_WEIGHT_FRACTION_BITS; bits--) {
    const weights = quantisedWeights(partner, bits);
    if (reach(partner, weights) >= SCORE_LIMIT) continue;
    const ownWeights = quantisedWeights(own, bits);
    const intercept = Math.round(model.intercept * 2 ** (bits + FEATURE_FRACTION_BITS));
    const total = reach(own, ownWeights) + Math.abs(intercept) + SCORE_LIMIT;
    if (ownWeights.some((weight) => weight !== (weight | 0)) || total > Number.MAX_SAFE_INTEGER)
      throw new EntenteError("MODEL_HEADROOM", { detail: "the bank's own features or the intercept" });
    return {
      weightFractionBits: bits,
      intercept,
      own: { features: own, weights: Int32Array.from(ownWeights) },
      partner: { features: partner, weights: Int32Array.from(weights) },
    };
  }
  throw new EntenteError("MODEL_HEADROOM", { detail: "the partner's features" });
}

/** One row's sum of W_j * X_j, an exact integer. `row`: the part's columns in order, null where missing. */
export function partScore(part: QuantisedPart, row: readonly (number | null)[]): number {
  if (row.length !== part.features.length)
    throw new EntenteError("INTERNAL", { detail: "one value for each feature of a model" });
  return part.features.reduce((sum, feature, j) => {
    return sum + (part.weights[j] as number) * quantiseFeature(feature, row[j] as number | null);
  }, 0);
}

/** Intercept and own features, in units of 2^-(f + 8). */
export function ownScore(model: QuantisedModel, row: readonly (number | null)[]): number {
  return model.intercept + partScore(model.own, row);
}

/** What the encrypted protocol yields for a row, as int32: the reference that it is tested against. */
export function partnerScore(model: QuantisedModel, row: readonly (number | null)[]): number {
  return partScore(model.partner, row);
}

/** `score`: own and partner's part together, in units of 2^-(f + 8). */
export function probability(model: QuantisedModel, score: number): number {
  return 1 / (1 + Math.exp(-score / 2 ** (model.weightFractionBits + FEATURE_FRACTION_BITS)));
}

/**
 * Bound of |score / 2^(f + 8) - score in real numbers|: for each feature |w| * 2^-9 (of the feature's rounding) and
 * max |X / 2^8| * 2^-(f + 1) (of the weight's), and 2^-(f + 9) for the intercept. A probability is off by at most a
 * quarter of it. Features count after clipping, as the model was trained on them.
 */
export function scoreErrorBound(model: QuantisedModel): number {
  const weightError = 2 ** -(model.weightFractionBits + 1);
  const featureError = 2 ** -(FEATURE_FRACTION_BITS + 1);
  const features = [...model.own.features, ...model.partner.features];
  return features.reduce(
    (sum, feature) =>
      sum +
      Math.abs(feature.weight) * featureError +
      (maxQuantised(feature) / 2 ** FEATURE_FRACTION_BITS) * weightError,
    2 ** -(model.weightFractionBits + FEATURE_FRACTION_BITS + 1),
  );
}
