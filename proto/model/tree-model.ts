/**
 * A model of trees, each of which uses one party's columns only, and the document `entente-trees/1` that wraps what
 * XGBoost or LightGBM wrote and says whose each feature is.
 */
import * as z from "zod";
import { columnName } from "../agreement/fields.ts";
import type { Ensemble } from "./ensemble.ts";
import { headerFields, type ModelHeader } from "./header.ts";
import { parseLightGbm } from "./lightgbm.ts";
import { type PartySide, refuseMisplacedTiers } from "./linear-model.ts";
import { invalidModel, readField, unsupportedModel } from "./refusal.ts";
import type { Comparison, Tree } from "./tree.ts";
import { parseXgboost } from "./xgboost.ts";

/** Of the partner's trees together: 512 ciphertexts, and a view that fits a frame of a control session. */
export const MAX_PARTNER_LEAVES = 8192;
export const MAX_TREE_COLUMNS = 1024;

/** One party's trees; a tree's `feature` is an index of `columns`, all of which are used. */
export interface TreePart {
  readonly columns: readonly string[];
  readonly trees: readonly Tree[];
}

export interface SeparatedTrees {
  readonly comparison: Comparison;
  /** With trees of a single leaf, which use nobody's features. */
  readonly base: number;
  readonly own: TreePart;
  readonly partner: TreePart;
}

export interface TreeModel extends ModelHeader, SeparatedTrees {
  readonly kind: "trees";
}

/** Whose a feature is, and the column's name there. */
export interface FeatureOwner {
  readonly party: PartySide;
  readonly column: string;
}

const documentSchema = z.strictObject({
  format: z.literal("entente-trees/1"),
  ...headerFields,
  library: z.enum(["xgboost", "lightgbm"]),
  features: z
    .array(
      z.strictObject({
        /** As the library has it. */
        name: z.string().min(1).max(256),
        party: z.enum(["own", "partner"]),
        /** The same name when left out. */
        column: columnName.optional(),
      }),
    )
    .min(1)
    .max(2 * MAX_TREE_COLUMNS),
  /** XGBoost's JSON; LightGBM's JSON, or its text as one string. */
  model: z.unknown(),
  /** Of LightGBM v2 only: see README.md. */
  objective: z.string().max(128).optional(),
  link: z.enum(["identity", "logit"]).optional(),
});

/** The model in a document `entente-trees/1`. Throws MODEL_INVALID naming the field, MODEL_UNSUPPORTED naming the part. */
export function parseTrees(value: unknown): TreeModel {
  const document = readField(documentSchema, value);
  const { name, version, tiers, tagKey, library, features, model, objective, link } = document;
  if (library === "xgboost" && (objective !== undefined || link !== undefined))
    throw invalidModel(objective === undefined ? "link" : "objective", "an XGBoost model has its own");
  const ensemble = library === "xgboost" ? parseXgboost(model) : parseLightGbm(model, { objective, link });
  const owners = new Map<string, FeatureOwner>();
  const columns = new Set<string>();
  for (const [i, { name: feature, party, column = feature }] of features.entries()) {
    if (!ensemble.features.includes(feature)) throw invalidModel(`features.${i}.name`, "not a feature of the model");
    if (owners.has(feature)) throw invalidModel(`features.${i}.name`, "twice");
    readField(columnName, column, `features.${i}.column`);
    const key = JSON.stringify([party, column]);
    if (columns.has(key)) throw invalidModel(`features.${i}.column`, "twice");
    columns.add(key);
    owners.set(feature, { party, column });
  }
  refuseMisplacedTiers(ensemble.link, tiers);
  const separated = separateTrees(ensemble, owners);
  return { name, version, link: ensemble.link, tiers, tagKey, kind: "trees", ...separated };
}

/**
 * Each party's trees, in the library's order, with only the columns that they use. Throws MODEL_INVALID when a used
 * feature has no owner, MODEL_UNSUPPORTED naming a tree that mixes the parties' features, or on too many leaves.
 */
export function separateTrees(ensemble: Ensemble, owners: ReadonlyMap<string, FeatureOwner>): SeparatedTrees {
  const { comparison, features } = ensemble;
  const parts = { own: new PartBuilder(), partner: new PartBuilder() };
  let base = ensemble.base;
  for (const [t, tree] of ensemble.trees.entries()) {
    const names = [...new Set(tree.feature)].map((feature) => features[feature] as string);
    if (names.length === 0) {
      base += tree.leaves[0] as number;
      continue;
    }
    const orphan = names.find((name) => !owners.has(name));
    if (orphan !== undefined) throw invalidModel("features", `${orphan}, of tree ${t}, is nobody's`);
    const sideOf = (name: string) => (owners.get(name) as FeatureOwner).party;
    const side = sideOf(names[0] as string);
    if (names.some((name) => sideOf(name) !== side)) {
      const of = (party: PartySide) => names.filter((name) => sideOf(name) === party).join(" ");
      throw unsupportedModel(`tree ${t} mixes features: own ${of("own")}, partner ${of("partner")}`);
    }
    parts[side].add(tree, (feature) => (owners.get(features[feature] as string) as FeatureOwner).column);
  }
  const { own, partner } = parts;
  const leaves = partner.trees.reduce((sum, tree) => sum + tree.leaves.length, 0);
  if (leaves > MAX_PARTNER_LEAVES)
    throw unsupportedModel(`more than ${MAX_PARTNER_LEAVES} leaves in the partner's trees`);
  return { comparison, base, own: own.part(), partner: partner.part() };
}

class PartBuilder {
  readonly #columns = new Map<string, number>();
  readonly trees: Tree[] = [];

  add(tree: Tree, columnOf: (feature: number) => string): void {
    const feature = tree.feature.map((index) => {
      const column = columnOf(index);
      const known = this.#columns.get(column);
      if (known !== undefined) return known;
      this.#columns.set(column, this.#columns.size);
      return this.#columns.size - 1;
    });
    this.trees.push({ ...tree, feature });
  }

  part(): TreePart {
    return { columns: [...this.#columns.keys()], trees: this.trees };
  }
}
