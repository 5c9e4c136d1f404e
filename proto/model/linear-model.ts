/**
 * A model that is a sum: intercept, plus weight times feature for each number, plus one value for each binned column.
 * Logistic and linear regression, and scorecards. This is the one form inside; `entente-linear/1` is the document that
 * says it directly, sklearn.ts reads another.
 */
import * as z from "zod";
import { columnName } from "../agreement/fields.ts";
import { type Bins, binCount, categoryFields, intervalFields } from "./bins.ts";
import { type FeatureSpec, MAX_CLIP, MIN_CLIP } from "./feature.ts";
import { headerFields, type Link, type ModelHeader, misplacedTier } from "./header.ts";
import { invalidModel, readField } from "./refusal.ts";

/** Of one party, in one model, with a bin counted as one: what the encrypted protocol takes. */
export const MAX_FEATURES = 256;

export type PartySide = "own" | "partner";

export interface NumberFeature extends FeatureSpec {
  readonly kind: "number";
  readonly party: PartySide;
  readonly weight: number;
}

export type BinnedFeature = Bins & {
  readonly party: PartySide;
  readonly column: string;
  /** One for each bin. */
  readonly points: readonly number[];
};

export type LinearFeature = NumberFeature | BinnedFeature;

export interface LinearModel extends ModelHeader {
  readonly kind: "linear";
  readonly intercept: number;
  /** The order of weights on the wire. */
  readonly features: readonly LinearFeature[];
}

/** How a column's value becomes a feature: what the owner of the column must know, and no more. */
export const numberFields = {
  kind: z.literal("number").default("number"),
  column: columnName,
  /** Subtract mean, divide by sd; absent: the value itself. Carries magnitudes that 16 bits would not. */
  standardise: z.strictObject({ mean: z.number(), sd: z.number().positive() }).optional(),
  /** [least, greatest] after standardising; what lies outside is moved to the nearer bound. */
  clip: z.tuple([z.number().min(MIN_CLIP), z.number().max(MAX_CLIP)]).check((context) => {
    if (context.value[0] >= context.value[1])
      context.issues.push({ code: "custom", input: undefined, message: "not ascending" });
  }),
  /** The column's value, before standardising, that stands for null. */
  missing: z.number(),
};

const party = z.enum(["own", "partner"]);

/** Of a binned column: points, or values such as WOE with the column's coefficient. */
const pointFields = {
  party,
  column: columnName,
  values: z.array(z.number()),
  missing: z.number(),
  coefficient: z.number().default(1),
};

const featureSchema = z.discriminatedUnion("kind", [
  z.strictObject({ ...numberFields, party, weight: z.number() }),
  z.strictObject({ kind: z.literal("intervals"), ...intervalFields, ...pointFields }),
  z.strictObject({ kind: z.literal("categories"), ...categoryFields, ...pointFields, other: z.number() }),
]);

const documentSchema = z.strictObject({
  format: z.literal("entente-linear/1"),
  ...headerFields,
  kind: z.enum(["logistic-regression", "linear-regression", "scorecard"]),
  /** score = intercept + sum of weight * feature; with `logit`, probability = 1 / (1 + exp(-score)). */
  link: z.enum(["logit", "identity"]),
  intercept: z.number(),
  features: z
    .array(featureSchema)
    .min(1)
    .max(2 * MAX_FEATURES),
});

function pointsOf(feature: Exclude<z.infer<typeof featureSchema>, { kind: "number" }>, path: string): BinnedFeature {
  const { kind, party, column, values, missing, coefficient } = feature;
  const bins = kind === "intervals" ? { kind, edges: feature.edges } : { kind, categories: feature.categories };
  const given = kind === "categories" ? [...values, feature.other, missing] : [...values, missing];
  if (given.length !== binCount(bins)) throw invalidModel(`${path}.values`, "not one for each bin");
  return { ...bins, party, column, points: given.map((value) => coefficient * value) };
}

/** The model in a document `entente-linear/1`. Throws MODEL_INVALID naming the field. */
export function parseLinear(value: unknown): LinearModel {
  const { name, version, link, tiers, tagKey, intercept, features, kind } = readField(documentSchema, value);
  if (kind !== "scorecard" && (kind === "logistic-regression") !== (link === "logit"))
    throw invalidModel("link", `not that of a ${kind}`);
  return linearModel({
    name,
    version,
    link: link === "logit" ? { kind: "logit", slope: 1 } : { kind: "identity" },
    tiers,
    tagKey,
    kind: "linear",
    intercept,
    features: features.map((feature, i) => (feature.kind === "number" ? feature : pointsOf(feature, `features.${i}`))),
  });
}

/** Rules across fields, whatever the document was. Throws MODEL_INVALID naming the field. */
export function linearModel(model: LinearModel): LinearModel {
  // Both parties may have a column of one name.
  const seen = new Set<string>();
  for (const [i, { party, column }] of model.features.entries()) {
    const name = JSON.stringify([party, column]);
    if (seen.has(name)) throw invalidModel(`features.${i}.column`, "twice");
    seen.add(name);
  }
  for (const side of ["own", "partner"] as const)
    if (widthOf(featuresOf(model, side)) > MAX_FEATURES)
      throw invalidModel("features", `more than ${MAX_FEATURES} of one party`);
  refuseMisplacedTiers(model.link, model.tiers);
  return model;
}

/** Throws MODEL_INVALID when tiers are not by what the link puts out. */
export function refuseMisplacedTiers(link: Link, tiers: ModelHeader["tiers"]): void {
  const measure = misplacedTier(link, tiers);
  if (measure !== undefined) throw invalidModel(`tiers.0.${measure}`, `not with a link of kind ${link.kind}`);
}

/** In the order of the model, which is the order of weights on the wire. */
export function featuresOf(model: LinearModel, side: PartySide): readonly LinearFeature[] {
  return model.features.filter((feature) => feature.party === side);
}

/** Encrypted columns that features take: one for a number, one for each bin of a binned column. */
export function widthOf(features: readonly (Bins | { readonly kind: "number" })[]): number {
  return features.reduce((sum, feature) => sum + (feature.kind === "number" ? 1 : binCount(feature)), 0);
}
