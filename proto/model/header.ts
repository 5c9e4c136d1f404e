/** What every model has, whatever computes its score: names, the link, tiers and the tag. */
import * as z from "zod";
import { tagKeyField } from "../agreement/fields.ts";

const MAX_TIERS = 16;

const tierSchema = z.strictObject({
  tier: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,15}$/),
  /** The tier of probabilities above the tier before it, up to and with this one; the last is 1. */
  maxProbability: z.number().gt(0).max(1).optional(),
  /** Of a score that falls as risk grows: at least this, and below the tier before it; the last has none. */
  minScore: z.number().optional(),
  /** Of a score that grows with risk: above the tier before it, up to and with this one; the last has none. */
  maxScore: z.number().optional(),
});

const MEASURES = ["maxProbability", "minScore", "maxScore"] as const;

function tierRules(context: z.core.ParsePayload<readonly z.infer<typeof tierSchema>[]>): void {
  const refuse = (path: (string | number)[], message: string) =>
    context.issues.push({ code: "custom", input: undefined, path, message });
  const tiers = context.value;
  const measure = MEASURES.find((name) => tiers[0]?.[name] !== undefined) ?? "maxScore";
  const names = new Set<string>();
  let previous = measure === "minScore" ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  for (const [i, entry] of tiers.entries()) {
    if (names.has(entry.tier)) refuse([i, "tier"], "twice");
    names.add(entry.tier);
    for (const other of MEASURES)
      if (other !== measure && entry[other] !== undefined) refuse([i, other], `not with ${measure}`);
    const bound = entry[measure];
    if (measure !== "maxProbability" && i === tiers.length - 1) {
      if (bound !== undefined) refuse([i, measure], "the last takes all that is left");
    } else if (bound === undefined) {
      refuse([i, measure], "missing");
    } else {
      if (measure === "minScore" ? bound >= previous : bound <= previous)
        refuse([i, measure], measure === "minScore" ? "not descending" : "not ascending");
      previous = bound;
    }
  }
  if (measure === "maxProbability" && previous !== 1) refuse([], "the last does not end at 1");
}

/** Best first, as banks write them. All by one measure. */
export const tiersSchema = z.array(tierSchema).min(1).max(MAX_TIERS).check(tierRules);

export type Tiers = z.infer<typeof tiersSchema>;

/** Members that every model document has. */
export const headerFields = {
  name: z.string().regex(/^[a-z][a-z0-9-]{0,63}$/),
  version: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,31}$/),
  tiers: tiersSchema.optional(),
  tagKey: tagKeyField,
};

export interface ModelHeader {
  readonly name: string;
  readonly version: string;
  readonly link: Link;
  readonly tiers?: Tiers | undefined;
  readonly tagKey: string;
}

/** From the score to what the model puts out: itself, or the probability 1 / (1 + exp(-slope * score)). */
export type Link = { readonly kind: "identity" } | { readonly kind: "logit"; readonly slope: number };

/** `score` in real units. A probability for a logit link, the score itself otherwise. */
export function outputOf({ link }: Pick<ModelHeader, "link">, score: number): number {
  return link.kind === "identity" ? score : 1 / (1 + Math.exp(-link.slope * score));
}

/** The first tier that takes `output` (of `outputOf`); undefined when the model has no tiers. */
export function tierOf({ tiers }: { readonly tiers?: Tiers | undefined }, output: number): string | undefined {
  return tiers?.find(({ maxProbability, minScore, maxScore }) => {
    if (minScore !== undefined) return output >= minScore;
    return output <= (maxProbability ?? maxScore ?? Number.POSITIVE_INFINITY);
  })?.tier;
}

/** A probability needs a logit link, a score an identity link. Returns the measure at fault. */
export function misplacedTier(link: Link, tiers: Tiers | undefined): string | undefined {
  const wanted = link.kind === "logit" ? ["maxProbability"] : ["minScore", "maxScore"];
  return MEASURES.find((measure) => !wanted.includes(measure) && tiers?.some((entry) => entry[measure] !== undefined));
}
