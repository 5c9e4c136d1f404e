/** How much of the partner's columns one score can carry, when its weights were chosen for that. */

import { binCount } from "../model/bins.ts";
import { FEATURE_FRACTION_BITS } from "../model/feature.ts";
import type { PartnerView, ViewColumn } from "../model/partner-view.ts";

/** A partial score is exact modulo 2^32. */
export const SCORE_BITS = 32;

/**
 * Bits of the narrowest column as the model reads it: floor(log2(number of values it can tell apart)), at least 1. A
 * number's values follow from its clip, a column in bins has as many as bins, one in trees one more than the trees'
 * thresholds, and one where it is missing. What a column's values really need can be less, and then a score carries
 * more columns than `columnsPerScore` says.
 */
export function featureBits(view: PartnerView): number {
  return Math.max(1, Math.floor(Math.log2(Math.min(...columnValues(view)))));
}

function columnValues(view: PartnerView): number[] {
  if (view.kind === "linear") return view.columns.map(linearValues);
  return view.columns.map((_, column) => {
    const thresholds = view.trees.flatMap(({ feature, threshold }) =>
      threshold.filter((_, i) => feature[i] === column),
    );
    return new Set(thresholds).size + 2;
  });
}

function linearValues(column: ViewColumn): number {
  if (column.kind !== "number") return binCount(column);
  const [least, most] = column.clip.map((bound) => Math.floor(bound * 2 ** FEATURE_FRACTION_BITS + 0.5));
  return (most as number) - (least as number) + 1;
}

/** ceil(32 / featureBits): weights that are powers of the radix 2^featureBits pack so many columns into one score. */
export function columnsPerScore(featureBits: number): number {
  return Math.ceil(SCORE_BITS / featureBits);
}
