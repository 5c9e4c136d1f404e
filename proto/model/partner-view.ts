/**
 * What the partner learns of a model: which of its columns, what it must do with each, and a commitment to the version.
 * No weight, point, leaf, intercept, scale or tier, and nothing of the bank's own features. README.md says what follows
 * from it.
 */
import * as z from "zod";
import { columnName } from "../agreement/fields.ts";
import { toHex, utf8 } from "../encoding/bytes.ts";
import { canonicalJson, type Json } from "../encoding/canonical-json.ts";
import { digestOf } from "../encoding/sha256.ts";
import { commit } from "../evidence/commitment.ts";
import type { Digest } from "../ids.ts";
import { binCount, binOf, categoryFields, intervalFields, type Value } from "./bins.ts";
import { FEATURE_FRACTION_BITS, quantiseFeature } from "./feature.ts";
import { leafLayout } from "./leaf-groups.ts";
import { featuresOf, type LinearFeature, MAX_FEATURES, numberFields, widthOf } from "./linear-model.ts";
import { columnsOf, type Model, modelDigest } from "./model.ts";
import { invalidModel, readField } from "./refusal.ts";
import {
  COMPARISONS,
  isCanonical,
  leafColumn,
  leafCount,
  MAX_TREE_LEAVES,
  MISSING_RULES,
  treeColumns,
} from "./tree.ts";
import { MAX_PARTNER_LEAVES, MAX_TREE_COLUMNS } from "./tree-model.ts";

/** Domain of the commitment to a model version. */
export const MODEL_COMMITMENT_DOMAIN = "entente model version";

const common = {
  format: z.literal("entente-model-view/1"),
  /** HMAC-SHA-256(salt, domain, model digest), hex: versions can be counted, and opened to an auditor. */
  commitment: z.string().regex(/^[0-9a-f]{64}$/),
};

const viewColumn = z.discriminatedUnion("kind", [
  z.strictObject({ ...numberFields, kind: z.literal("number") }),
  z.strictObject({ kind: z.literal("intervals"), column: columnName, ...intervalFields }),
  z.strictObject({ kind: z.literal("categories"), column: columnName, ...categoryFields }),
]);

export type ViewColumn = z.infer<typeof viewColumn>;

function linearRules(context: z.core.ParsePayload<readonly ViewColumn[]>): void {
  if (new Set(context.value.map(({ column }) => column)).size !== context.value.length)
    context.issues.push({ code: "custom", input: undefined, message: "one twice" });
  if (widthOf(context.value) > MAX_FEATURES)
    context.issues.push({ code: "custom", input: undefined, message: `more than ${MAX_FEATURES} with bins` });
}

const linearView = z.strictObject({
  ...common,
  kind: z.literal("linear"),
  columns: z.array(viewColumn).min(1).max(MAX_FEATURES).check(linearRules),
});

const MAX_NODES = MAX_TREE_LEAVES - 1;
const child = z.int().min(-MAX_TREE_LEAVES).max(MAX_NODES);

const treeSchema = z
  .strictObject({
    feature: z
      .array(
        z
          .int()
          .min(0)
          .max(MAX_TREE_COLUMNS - 1),
      )
      .min(1)
      .max(MAX_NODES),
    threshold: z.array(z.number()).max(MAX_NODES),
    left: z.array(child).max(MAX_NODES),
    right: z.array(child).max(MAX_NODES),
    missing: z.array(z.enum(MISSING_RULES)).max(MAX_NODES),
  })
  .refine(isCanonical, "not a tree in preorder");

const treesView = z
  .strictObject({
    ...common,
    kind: z.literal("trees"),
    comparison: z.enum(COMPARISONS),
    columns: z.array(columnName).min(1).max(MAX_TREE_COLUMNS),
    trees: z.array(treeSchema).min(1).max(MAX_PARTNER_LEAVES),
  })
  .check(({ value: { columns, trees }, issues }) => {
    const refuse = (field: string, message: string) =>
      issues.push({ code: "custom", input: undefined, path: [field], message });
    if (new Set(columns).size !== columns.length) refuse("columns", "one twice");
    // The partner is shown, and the policy is asked for, exactly what is used.
    const used = new Set(trees.flatMap(({ feature }) => feature));
    if (used.size !== columns.length || Math.max(...used) >= columns.length)
      refuse("columns", "not those of the trees");
    if (trees.reduce((sum, tree) => sum + leafCount(tree), 0) > MAX_PARTNER_LEAVES)
      refuse("trees", `more than ${MAX_PARTNER_LEAVES} leaves`);
  });

export const partnerViewSchema = z.discriminatedUnion("kind", [linearView, treesView]);

export type PartnerView = z.infer<typeof partnerViewSchema>;
export type TreesView = z.infer<typeof treesView>;

/**
 * `saltSecret`: 32 random bytes, drawn once for a model version and kept by the bank. Throws MODEL_INVALID when nothing of
 * the model is the partner's.
 */
export function partnerView(model: Model, saltSecret: Uint8Array): PartnerView {
  if (columnsOf(model, "partner").length === 0) throw invalidModel("features", "none is the partner's");
  const commitment = toHex(commit(saltSecret, MODEL_COMMITMENT_DOMAIN, utf8(modelDigest(model))));
  const view =
    model.kind === "linear"
      ? { kind: model.kind, columns: featuresOf(model, "partner").map(shownColumn) }
      : {
          kind: model.kind,
          comparison: model.comparison,
          columns: model.partner.columns,
          trees: model.partner.trees.map(({ leaves: _, ...shape }) => shape),
        };
  return parsePartnerView({ format: "entente-model-view/1", commitment, ...view });
}

/** Named one by one, so that a member added to a feature stays at the bank. */
function shownColumn(feature: LinearFeature): ViewColumn {
  const { column } = feature;
  if (feature.kind === "intervals") return { kind: feature.kind, column, edges: [...feature.edges] };
  if (feature.kind === "categories")
    return { kind: feature.kind, column, categories: feature.categories.map((values) => [...values]) };
  const { kind, standardise, clip, missing } = feature;
  return { kind, column, ...(standardise === undefined ? {} : { standardise }), clip: [...clip], missing };
}

/** The view in a parsed JSON value that the bank sent. Throws MODEL_INVALID naming the field. */
export function parsePartnerView(value: unknown): PartnerView {
  return readField(partnerViewSchema, value);
}

/** Names of the partner's columns in the view's order. */
export function viewColumns(view: PartnerView): readonly string[] {
  return view.kind === "trees" ? view.columns : view.columns.map(({ column }) => column);
}

/** Ciphertexts of the model's weights: one for each number and bin, or for each group of leaves. */
export function encryptedWeights(view: PartnerView): number {
  return view.kind === "trees" ? leafLayout(view.trees).groups : widthOf(view.columns);
}

/** SHA-256 of the canonical JSON: what a job spec names. */
export function partnerViewDigest(view: PartnerView): Digest {
  return digestOf(canonicalJson(view as unknown as Json));
}

/** One value as the partner keeps it, int16: the feature with 8 fractional bits, or its bin's number. Throws
 * DATASET_COLUMN_TYPE. */
export function storedValue(column: ViewColumn, value: Value): number {
  return column.kind === "number" ? quantiseFeature(column, value) : binOf(column.column, column, value);
}

/** Stored values as the encrypted protocol takes them: a column of features, or one for each bin, 2^8 where it is the
 * value's and 0 elsewhere. */
export function encryptedColumns(column: ViewColumn, stored: Int16Array<ArrayBuffer>): Int16Array<ArrayBuffer>[] {
  if (column.kind === "number") return [stored];
  return Array.from({ length: binCount(column) }, (_, bin) =>
    stored.map((value) => (value === bin ? 2 ** FEATURE_FRACTION_BITS : 0)),
  );
}

/** For each tree, each row's leaf. `columns`: in the view's order, NaN where missing. Throws DATASET_COLUMN_TYPE on an
 * infinity. */
export function viewLeaves(view: TreesView, columns: readonly Float64Array[], rows: number): Uint16Array[] {
  const values = treeColumns(view.columns, columns, view.comparison);
  return view.trees.map((tree) => {
    const leaves = new Uint16Array(rows);
    leafColumn(tree, values, view.comparison, leaves);
    return leaves;
  });
}
