/**
 * What the partner learns of a model: which of its columns, how each becomes a feature, and a commitment to the version.
 * No weight, no intercept, no scale, no tier, and nothing of the bank's own features.
 */
import * as z from "zod";
import { toHex, utf8 } from "../encoding/bytes.ts";
import { canonicalJson, type Json } from "../encoding/canonical-json.ts";
import { digestOf } from "../encoding/sha256.ts";
import { EntenteError } from "../errors.ts";
import { commit } from "../evidence/commitment.ts";
import type { Digest } from "../ids.ts";
import {
  featureFields,
  featureRules,
  featuresOf,
  invalidField,
  type LinearModel,
  MAX_FEATURES,
  modelDigest,
} from "./linear-model.ts";

/** Domain of the commitment to a model version. */
export const MODEL_COMMITMENT_DOMAIN = "entente model version";

export const partnerViewSchema = z.strictObject({
  format: z.literal("entente-linear-view/1"),
  /** HMAC-SHA-256(salt, domain, model digest), hex: versions can be counted, and opened to an auditor. */
  commitment: z.string().regex(/^[0-9a-f]{64}$/),
  features: z.array(z.strictObject(featureFields)).min(1).max(MAX_FEATURES).check(featureRules),
});

export type PartnerView = z.infer<typeof partnerViewSchema>;

/**
 * `saltSecret`: 32 random bytes, drawn once for a model version and kept by the bank. Throws MODEL_INVALID when no
 * feature is the partner's.
 */
export function partnerView(model: LinearModel, saltSecret: Uint8Array): PartnerView {
  const features = featuresOf(model, "partner").map(({ column, standardise, clip, missing }) => {
    return { column, ...(standardise === undefined ? {} : { standardise }), clip, missing };
  });
  if (features.length === 0) throw new EntenteError("MODEL_INVALID", { detail: "features: none is the partner's" });
  const commitment = toHex(commit(saltSecret, MODEL_COMMITMENT_DOMAIN, utf8(modelDigest(model))));
  return { format: "entente-linear-view/1", commitment, features };
}

/** The view in a parsed JSON value that the bank sent. Throws MODEL_INVALID naming the field. */
export function parsePartnerView(value: unknown): PartnerView {
  const parsed = partnerViewSchema.safeParse(value);
  if (!parsed.success) throw invalidField(parsed.error);
  return parsed.data;
}

/** SHA-256 of the canonical JSON: what a job spec names. */
export function partnerViewDigest(view: PartnerView): Digest {
  return digestOf(canonicalJson(view as unknown as Json));
}
