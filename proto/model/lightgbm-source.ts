/** What a LightGBM model says, as text or as JSON. */
import type { MissingRule, Tree } from "./tree.ts";

export interface LightGbmSource {
  readonly version: string;
  readonly classes: number;
  readonly treesPerIteration: number;
  readonly objective: string | undefined;
  readonly isAveraged: boolean;
  readonly features: readonly string[];
  readonly trees: readonly Tree[];
}

/** Tree::NumericalDecision: NaN is 0 unless the type is NaN; with Zero, whatever is then a zero takes the default side. */
export function missingRule(type: "None" | "Zero" | "NaN", isLeft: boolean): MissingRule {
  if (type === "None") return "as-zero";
  if (type === "Zero") return isLeft ? "zero-left" : "zero-right";
  return isLeft ? "left" : "right";
}
