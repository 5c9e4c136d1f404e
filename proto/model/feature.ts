/** One column's values as int16: the rule that the bank and the partner must compute alike. */
import { EntenteError } from "../errors.ts";
import type { Value } from "./bins.ts";

/** Fractional bits of a feature. */
export const FEATURE_FRACTION_BITS = 8;
const SCALE = 2 ** FEATURE_FRACTION_BITS;

/** What int16 holds: -128 to 127.99609375. */
export const MIN_CLIP = -32768 / SCALE;
export const MAX_CLIP = 32767 / SCALE;

export interface FeatureSpec {
  readonly column: string;
  readonly standardise?: { readonly mean: number; readonly sd: number } | undefined;
  readonly clip: readonly [number, number];
  readonly missing: number;
}

/**
 * The real-valued feature: `missing` for null, then (value - mean) / sd in IEEE binary64, then moved into `clip`. Throws
 * DATASET_COLUMN_TYPE on NaN, an infinity or a text.
 */
export function featureValue(spec: FeatureSpec, value: Value): number {
  const raw = value ?? spec.missing;
  if (typeof raw !== "number" || !Number.isFinite(raw))
    throw new EntenteError("DATASET_COLUMN_TYPE", { detail: `${spec.column}: a value is not a finite number` });
  const scaled = spec.standardise === undefined ? raw : (raw - spec.standardise.mean) / spec.standardise.sd;
  return Math.min(Math.max(scaled, spec.clip[0]), spec.clip[1]);
}

/** floor(feature * 2^8 + 1/2), within int16: off by at most 2^-9. */
export function quantiseFeature(spec: FeatureSpec, value: Value): number {
  return Math.floor(featureValue(spec, value) * SCALE + 0.5);
}

/** Largest |quantised value| that `clip` lets through. */
export function maxQuantised(spec: FeatureSpec): number {
  const [least, greatest] = spec.clip.map((bound) => Math.abs(Math.floor(bound * SCALE + 0.5))) as [number, number];
  return Math.max(least, greatest);
}
