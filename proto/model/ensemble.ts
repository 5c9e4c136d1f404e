/** Trees as their library wrote them, before anybody says whose features they use. */
import type { Link } from "./header.ts";
import { invalidModel } from "./refusal.ts";
import type { Comparison, Tree } from "./tree.ts";

export const MAX_TREES = 2000;

export interface Ensemble {
  readonly comparison: Comparison;
  readonly link: Link;
  /** score = base + one leaf of each tree. */
  readonly base: number;
  /** Names; a tree's `feature` is an index of these. */
  readonly features: readonly string[];
  /** In the library's order; leaves with weights, shrinkage and averaging in them. */
  readonly trees: readonly Tree[];
}

/** Throws MODEL_INVALID on a number of trees that is not taken, and on two features of one name. */
export function ensemble(parts: Ensemble): Ensemble {
  if (parts.trees.length === 0 || parts.trees.length > MAX_TREES)
    throw invalidModel("trees", `not 1 to ${MAX_TREES} of them`);
  if (new Set(parts.features).size !== parts.features.length) throw invalidModel("feature names", "one twice");
  return parts;
}
