/**
 * XGBoost's own JSON (`Booster.save_model("model.json")`), versions 1 to 3: doc/model.schema and src/tree/tree_model.cc of
 * XGBoost. Numbers in it are float32. Boosters gbtree and dart, objectives reg:squarederror and binary:logistic.
 */
import * as z from "zod";
import { type Ensemble, ensemble } from "./ensemble.ts";
import type { Link } from "./header.ts";
import { invalidModel, readField, unsupportedModel } from "./refusal.ts";
import { buildTree, type SourceNode, type Tree } from "./tree.ts";

const count = z
  .string()
  .regex(/^\d{1,7}$/)
  .transform(Number);
const indexes = z.array(z.int().min(-1));
const flags = z.array(z.union([z.boolean(), z.literal(0), z.literal(1)]));

const treeSchema = z.looseObject({
  left_children: indexes.min(1),
  right_children: indexes,
  split_indices: z.array(z.int().min(0)),
  split_conditions: z.array(z.number()),
  default_left: flags,
  /** 1: categorical. Absent before 1.3. */
  split_type: z.array(z.int()).optional(),
  tree_param: z.looseObject({ size_leaf_vector: count.optional() }),
});

const treesSchema = z.looseObject({
  gbtree_model_param: z.looseObject({ num_parallel_tree: count.optional() }),
  tree_info: z.array(z.int()),
  trees: z.array(treeSchema),
});

const boosterSchema = z.looseObject({
  name: z.string().max(64),
  model: z.unknown().optional(),
  gbtree: z.looseObject({ model: z.unknown().optional() }).optional(),
  weight_drop: z.array(z.number()).optional(),
});

const documentSchema = z.looseObject({
  version: z.array(z.int()).min(1),
  learner: z.looseObject({
    attributes: z.looseObject({ best_iteration: count.optional() }).optional(),
    feature_names: z.array(z.string().max(256)).optional(),
    gradient_booster: boosterSchema,
    learner_model_param: z.looseObject({
      base_score: z.string().max(256),
      num_class: count,
      num_feature: count,
      num_target: count.optional(),
    }),
    objective: z.looseObject({ name: z.string().max(64) }),
  }),
});

type XgboostTree = z.infer<typeof treeSchema>;

const LINKS: Readonly<Record<string, Link>> = {
  "reg:squarederror": { kind: "identity" },
  "binary:logistic": { kind: "logit", slope: 1 },
};

/** Throws MODEL_INVALID naming the field, MODEL_UNSUPPORTED naming what is not scored here. */
export function parseXgboost(value: unknown): Ensemble {
  const { version, learner } = readField(documentSchema, value);
  if ((version[0] as number) > 3) throw unsupportedModel(`XGBoost version ${version[0]}`);
  const { name: objective } = learner.objective;
  const link = Object.hasOwn(LINKS, objective) ? LINKS[objective] : undefined;
  if (link === undefined) throw unsupportedModel(`objective ${objective}`);
  const { base_score, num_class, num_feature, num_target } = learner.learner_model_param;
  if (num_class > 1) throw unsupportedModel(`num_class ${num_class}`);
  if ((num_target ?? 1) > 1) throw unsupportedModel(`num_target ${num_target}`);
  const { model, weights } = boosterOf(learner.gradient_booster);
  const rounds = model.trees.length / (model.gbtree_model_param.num_parallel_tree || 1);
  const best = learner.attributes?.best_iteration;
  // XGBClassifier.predict stops there, Booster.predict does not: the document does not say which was meant.
  if (best !== undefined && best + 1 < rounds)
    throw unsupportedModel("best_iteration before the last round: save booster[: best_iteration + 1]");
  if (model.tree_info.some((group) => group !== 0)) throw unsupportedModel("tree_info: more than one group");
  const given = learner.feature_names ?? [];
  const features = given.length > 0 ? given : Array.from({ length: num_feature }, (_, i) => `f${i}`);
  if (features.length !== num_feature) throw invalidModel("learner.feature_names", "not num_feature of them");
  const trees = model.trees.map((tree, t) => readTree(tree, `tree ${t}`, weights?.[t] ?? 1, num_feature));
  return ensemble({ comparison: "float32-below", link, base: marginOf(base_score, link), features, trees });
}

function boosterOf({ name, model, gbtree, weight_drop }: z.infer<typeof boosterSchema>) {
  if (name !== "gbtree" && name !== "dart") throw unsupportedModel(`booster ${name}`);
  // gblinear's model is of another form: only now is it known which.
  const [given, path] = name === "dart" ? [gbtree?.model, "gbtree.model"] : [model, "model"];
  const trees = readField(treesSchema, given, `learner.gradient_booster.${path}`);
  if (trees.tree_info.length !== trees.trees.length)
    throw invalidModel("learner.gradient_booster.model.tree_info", "not one for each tree");
  if (name === "dart" && weight_drop?.length !== trees.trees.length)
    throw invalidModel("learner.gradient_booster.weight_drop", "not one for each tree");
  return { model: trees, weights: name === "dart" ? weight_drop : undefined };
}

/** A probability for a logit link, whatever the version; [..] of one target since 3.1. In float32, as XGBoost does it. */
function marginOf(text: string, link: Link): number {
  const inner = /^\[?([-+.0-9Ee]+)\]?$/.exec(text)?.[1];
  if (inner === undefined || inner === "" || Number.isNaN(Number(inner)))
    throw invalidModel("learner.learner_model_param.base_score", "not one number");
  const base = Math.fround(Number(inner));
  if (link.kind === "identity") return base;
  if (base <= 0 || base >= 1)
    throw invalidModel("learner.learner_model_param.base_score", "not a probability between 0 and 1");
  return Math.fround(-Math.log(Math.fround(Math.fround(1 / base) - 1)));
}

/** `weight`: DART's factor of the tree; the product of two float32 is exact in binary64. */
function readTree(tree: XgboostTree, name: string, weight: number, featureCount: number): Tree {
  const { left_children, right_children, split_indices, split_conditions, default_left, split_type } = tree;
  const size = left_children.length;
  if ([right_children, split_indices, split_conditions, default_left].some((list) => list.length !== size))
    throw invalidModel(name, "its lists differ in length");
  if ((tree.tree_param.size_leaf_vector ?? 0) > 1) throw unsupportedModel(`${name}: vector leaves`);
  return buildTree(name, 0, (i): SourceNode<number> => {
    const condition = split_conditions[i];
    const [left, right, feature] = [left_children[i], right_children[i], split_indices[i]];
    if (condition === undefined || left === undefined || right === undefined || feature === undefined)
      throw invalidModel(name, "a node that is not there");
    if (left === -1) return { leaf: Math.fround(condition) * Math.fround(weight) };
    if ((split_type?.[i] ?? 0) !== 0) throw unsupportedModel(`${name}: categorical split`);
    if (feature >= featureCount) throw invalidModel(name, "a feature that is not there");
    const missing = default_left[i] ? "left" : "right";
    return { feature, threshold: Math.fround(condition), missing, left, right };
  });
}
