/**
 * The bank's model document. Its canonical bytes (RFC 8785) are what a model version is; weights and intercept never leave
 * the bank in clear. What the partner sees of it is made in partner-view.ts; integer arithmetic is in quantise.ts.
 */
import * as z from "zod";
import { columnName, tagKeyField } from "../agreement/fields.ts";
import { canonicalJson, type Json } from "../encoding/canonical-json.ts";
import { digestOf } from "../encoding/sha256.ts";
import { EntenteError } from "../errors.ts";
import type { Digest } from "../ids.ts";
import { MAX_CLIP, MIN_CLIP } from "./feature.ts";

/** Of one party, in one model: what the encrypted protocol takes. */
export const MAX_FEATURES = 256;
const MAX_TIERS = 16;

/** How a column's value becomes a feature: what the owner of the column must know, and no more. */
export const featureFields = {
  column: columnName,
  /** Subtract mean, divide by sd; absent: the value itself. Carries magnitudes that 16 bits would not. */
  standardise: z.strictObject({ mean: z.number(), sd: z.number().positive() }).optional(),
  /** [least, greatest] after standardising; what lies outside is moved to the nearer bound. */
  clip: z.tuple([z.number().min(MIN_CLIP), z.number().max(MAX_CLIP)]),
  /** The column's value, before standardising, that stands for null. */
  missing: z.number(),
};

const featureSchema = z.strictObject({
  party: z.enum(["own", "partner"]),
  ...featureFields,
  weight: z.number(),
});

const tierSchema = z.strictObject({
  tier: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,15}$/),
  /** The tier of probabilities above the tier before it, up to and with this one. */
  maxProbability: z.number().gt(0).max(1),
});

type RuleFields = Pick<z.infer<typeof featureSchema>, "column" | "clip"> & { party?: string };

/** Rules across fields, on the list of a model and on that of its partner view: no empty clip, no column twice. */
export function featureRules(context: z.core.ParsePayload<readonly RuleFields[]>): void {
  const seen = new Set<string>();
  for (const [i, { party, column, clip }] of context.value.entries()) {
    const refuse = (field: string, message: string) =>
      context.issues.push({ code: "custom", input: undefined, path: [i, field], message });
    if (clip[0] >= clip[1]) refuse("clip", "not ascending");
    // Both parties may have a column of one name.
    const name = JSON.stringify([party, column]);
    if (seen.has(name)) refuse("column", "twice");
    seen.add(name);
  }
}

function tierRules(context: z.core.ParsePayload<readonly z.infer<typeof tierSchema>[]>): void {
  let previous = 0;
  const names = new Set<string>();
  for (const [i, { tier, maxProbability }] of context.value.entries()) {
    const refuse = (field: string, message: string) =>
      context.issues.push({ code: "custom", input: undefined, path: [i, field], message });
    if (maxProbability <= previous) refuse("maxProbability", "not ascending");
    if (names.has(tier)) refuse("tier", "twice");
    names.add(tier);
    previous = maxProbability;
  }
  if (previous !== 1) context.issues.push({ code: "custom", input: undefined, message: "the last does not end at 1" });
}

const nameField = z.string().regex(/^[a-z][a-z0-9-]{0,63}$/);

const modelSchema = z.strictObject({
  format: z.literal("entente-linear/1"),
  name: nameField,
  version: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,31}$/),
  kind: z.literal("logistic-regression"),
  /** probability = 1 / (1 + exp(-score)), score = intercept + sum of weight * feature. */
  link: z.literal("logit"),
  intercept: z.number(),
  features: z
    .array(featureSchema)
    .min(1)
    .max(2 * MAX_FEATURES)
    .check(featureRules),
  /** Best first, as banks write them: A has the lowest probability. The last one ends at 1. */
  tiers: z.array(tierSchema).min(1).max(MAX_TIERS).check(tierRules).optional(),
  tagKey: tagKeyField,
});

export type LinearModel = z.infer<typeof modelSchema>;
export type ModelFeature = LinearModel["features"][number];

/** `MODEL_INVALID` that names the first field at fault, never its value. */
export function invalidField(error: z.ZodError): EntenteError {
  const issue = error.issues[0];
  return new EntenteError("MODEL_INVALID", { detail: `${issue?.path.join(".") || "document"}: ${issue?.message}` });
}

/** The model in a parsed JSON value. Throws MODEL_INVALID naming the field. */
export function parseModel(value: unknown): LinearModel {
  const parsed = modelSchema.safeParse(value);
  if (!parsed.success) throw invalidField(parsed.error);
  for (const party of ["own", "partner"] as const) {
    if (featuresOf(parsed.data, party).length > MAX_FEATURES)
      throw new EntenteError("MODEL_INVALID", { detail: `features: more than ${MAX_FEATURES} of one party` });
  }
  return parsed.data;
}

/** In the order of the document, which is the order of weights on the wire. */
export function featuresOf(model: LinearModel, party: ModelFeature["party"]): readonly ModelFeature[] {
  return model.features.filter((feature) => feature.party === party);
}

/** SHA-256 of the canonical JSON: the name of a model version at its own bank. It leaves only inside a commitment. */
export function modelDigest(model: LinearModel): Digest {
  return digestOf(canonicalJson(model as unknown as Json));
}

/** The first tier whose bound is not below `probability`; undefined when the model has no tiers. */
export function tierOf(model: LinearModel, probability: number): string | undefined {
  return model.tiers?.find(({ maxProbability }) => probability <= maxProbability)?.tier;
}
