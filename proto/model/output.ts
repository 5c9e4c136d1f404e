/**
 * What of a score the bank may keep, as the agreement says it. Tier bounds are the bank's secret: the agreement can carry
 * a salted commitment, which the bank can open to an auditor. Before that nobody else can tell whether it was kept to.
 */
import type { Output } from "../agreement/fields.ts";
import type { AgreedOperation } from "../agreement/schema.ts";
import { canonicalJson, type Json } from "../encoding/canonical-json.ts";
import { opens } from "../evidence/commitment.ts";
import { type Tiers, tierOf } from "./header.ts";

/** Domain of the commitment to tier bounds; their value is their canonical JSON. */
export const TIERS_COMMITMENT_DOMAIN = "entente model tiers";

export type Kept =
  /** The exact score. */
  | { readonly kind: "raw" }
  /** The nearest multiple of `step`, in units of the output (0.01: a whole percent of a probability). */
  | { readonly kind: "rounded"; readonly step: number }
  /** The name of a tier only. */
  | { readonly kind: "tier" };

/** What a job's output leaves of its scores: no more than a tier of one that the operation does not allow. */
export function keptOf(output: Output, operation: Pick<AgreedOperation, "outputs" | "rounding"> | undefined): Kept {
  if (operation?.outputs.includes(output)) {
    if (output === "score") return { kind: "raw" };
    if (output === "rounded-score" && operation.rounding !== undefined)
      return { kind: "rounded", step: operation.rounding.step };
  }
  return { kind: "tier" };
}

export interface Released {
  readonly score: number | null;
  readonly tier: string | null;
}

/**
 * What may be kept of `output` (of `outputOf`). A tier beside a rounded score is the rounded score's, so that it says no
 * more than that.
 */
export function releasedOf(kept: Kept, tiers: Tiers | undefined, output: number): Released {
  const shown = kept.kind === "rounded" ? rounded(output, kept.step) : output;
  return { score: kept.kind === "tier" ? null : shown, tier: tierOf({ tiers }, shown) ?? null };
}

/** Twelve digits: 3 * 0.1 is shown as 0.3. Adding zero leaves one zero, not two. */
function rounded(value: number, step: number): number {
  return Number((Math.round(value / step) * step).toPrecision(12)) + 0;
}

/** True when `commitment` was made of these tiers and this salt. */
export function opensTiers(commitment: Uint8Array, salt: Uint8Array, tiers: Tiers): boolean {
  return opens(commitment, { salt, domain: TIERS_COMMITMENT_DOMAIN, value: canonicalJson(tiers as unknown as Json) });
}
