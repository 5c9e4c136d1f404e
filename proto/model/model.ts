/**
 * A bank's model, whatever document it came in: one of two forms inside. Its digest is what a model version is; weights,
 * points, leaves and the intercept never leave the bank in clear. What the partner sees is made in partner-view.ts.
 */
import * as z from "zod";
import { canonicalJson, type Json } from "../encoding/canonical-json.ts";
import { digestOf } from "../encoding/sha256.ts";
import type { Digest } from "../ids.ts";
import { featuresOf, type LinearModel, type PartySide, parseLinear } from "./linear-model.ts";
import { readField } from "./refusal.ts";
import { parseSklearn } from "./sklearn.ts";
import { parseTrees, type TreeModel } from "./tree-model.ts";

export type Model = LinearModel | TreeModel;

const formatSchema = z.looseObject({ format: z.enum(["entente-linear/1", "entente-sklearn/1", "entente-trees/1"]) });

const PARSERS = {
  "entente-linear/1": parseLinear,
  "entente-sklearn/1": parseSklearn,
  "entente-trees/1": parseTrees,
} as const;

/**
 * The model in a parsed JSON value. Throws MODEL_INVALID naming the field, MODEL_UNSUPPORTED naming what is not scored
 * here, by its name in the library that wrote the model.
 */
export function parseModel(value: unknown): Model {
  return PARSERS[readField(formatSchema, value).format](value);
}

/** A party's columns in the order in which its rows have them. */
export function columnsOf(model: Model, side: PartySide): readonly string[] {
  return model.kind === "trees" ? model[side].columns : featuresOf(model, side).map(({ column }) => column);
}

/** SHA-256 of the canonical JSON of the form inside: the name of a model version at its own bank. It leaves only inside a
 * commitment, and on the bank's own tags. */
export function modelDigest(model: Model): Digest {
  return digestOf(canonicalJson(withoutUndefined(model)));
}

/** Canonical JSON knows no undefined member. */
function withoutUndefined(model: Model): Json {
  return JSON.parse(JSON.stringify(model)) as Json;
}
