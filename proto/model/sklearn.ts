/** scikit-learn's linear estimators as JSON, `entente-sklearn/1`: attributes under their own names, as README.md writes them. */
import * as z from "zod";
import { columnName } from "../agreement/fields.ts";
import { MAX_CLIP, MIN_CLIP } from "./feature.ts";
import { headerFields, type Link } from "./header.ts";
import { type LinearModel, linearModel, MAX_FEATURES, numberFields } from "./linear-model.ts";
import { invalidModel, readField, unsupportedModel } from "./refusal.ts";

const columns = z.array(columnName).max(2 * MAX_FEATURES);
const numbers = z.array(z.number());

const documentSchema = z.strictObject({
  format: z.literal("entente-sklearn/1"),
  ...headerFields,
  /** Name of the estimator's class. */
  estimator: z.string().max(64),
  /** feature_names_in_: names of the columns. */
  features: columns.min(1),
  /** Those of them that are the partner's. */
  partner: columns,
  /** coef_ of shape (1, features) or (features). */
  coef: z.union([numbers, z.array(numbers)]),
  /** intercept_: of one target, or a number. */
  intercept: z.union([z.number(), numbers]),
  /** classes_. */
  classes: z.array(z.union([z.number(), z.string(), z.boolean()])).optional(),
  /** StandardScaler's mean_ and scale_; null as it has them when it does not centre or does not scale. */
  mean: numbers.nullish(),
  scale: z.array(z.number().positive()).nullish(),
  /** After scaling. Needed when nothing scales. */
  clip: numberFields.clip.optional(),
  /** For each feature what stands for null: SimpleImputer's statistics_. */
  missing: numbers,
});

const LINKS: Readonly<Record<string, Link>> = {
  LogisticRegression: { kind: "logit", slope: 1 },
  LinearRegression: { kind: "identity" },
  Ridge: { kind: "identity" },
  Lasso: { kind: "identity" },
};

/** Throws MODEL_INVALID naming the field, MODEL_UNSUPPORTED naming the estimator or the classes. */
export function parseSklearn(value: unknown): LinearModel {
  const document = readField(documentSchema, value);
  const { name, version, tiers, tagKey, features, partner, mean, scale, missing } = document;
  const link = Object.hasOwn(LINKS, document.estimator) ? LINKS[document.estimator] : undefined;
  if (link === undefined) throw unsupportedModel(`estimator ${document.estimator}`);
  if (document.classes !== undefined && document.classes.length !== 2) throw unsupportedModel("more than two classes");
  const coef = onlyTarget(document.coef);
  const intercept = typeof document.intercept === "number" ? [document.intercept] : document.intercept;
  if (intercept.length !== 1) throw unsupportedModel("intercept: more than one target");
  for (const [field, list] of Object.entries({ coef, mean, scale, missing }))
    if (list != null && list.length !== features.length) throw invalidModel(field, "not one for each feature");
  const stray = partner.findIndex((column) => !features.includes(column));
  if (stray >= 0) throw invalidModel(`partner.${stray}`, "not among the features");
  const isScaled = mean != null || scale != null;
  if (!isScaled && document.clip === undefined) throw invalidModel("clip", "needed where nothing scales the features");
  return linearModel({
    name,
    version,
    link,
    tiers,
    tagKey,
    kind: "linear",
    intercept: intercept[0] as number,
    features: features.map((column, j) => ({
      kind: "number",
      party: partner.includes(column) ? "partner" : "own",
      column,
      ...(isScaled ? { standardise: { mean: mean?.[j] ?? 0, sd: scale?.[j] ?? 1 } } : {}),
      clip: document.clip ?? [MIN_CLIP, MAX_CLIP],
      missing: missing[j] as number,
      weight: coef[j] as number,
    })),
  });
}

/** coef_ of the one target. Throws MODEL_UNSUPPORTED when there are several. */
function onlyTarget(coef: readonly number[] | readonly (readonly number[])[]): readonly number[] {
  if (coef.every((item) => typeof item === "number")) return coef as readonly number[];
  if (coef.length !== 1) throw unsupportedModel("coef: more than two classes or more than one target");
  return coef[0] as readonly number[];
}
