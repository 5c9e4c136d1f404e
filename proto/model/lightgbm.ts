/**
 * LightGBM's models as text (`Booster.save_model`) and as JSON (`Booster.dump_model`), versions v2 to v4: src/io/tree.cpp
 * and src/boosting/gbdt_model_text.cpp of LightGBM. Leaves have shrinkage and DART's weights in them already. Objectives
 * regression and binary.
 */
import * as z from "zod";
import { type Ensemble, ensemble } from "./ensemble.ts";
import type { Link } from "./header.ts";
import { type LightGbmSource, missingRule } from "./lightgbm-source.ts";
import { readLightGbmText } from "./lightgbm-text.ts";
import { invalidModel, readField, unsupportedModel } from "./refusal.ts";
import { buildTree, type SourceNode } from "./tree.ts";

export interface LightGbmOptions {
  /** For a JSON dump of v2, which lacks it; refused where the model has one. */
  readonly objective?: string | undefined;
  /** For a random forest of v2: whether its leaves are probabilities (`identity`) or log-odds (`logit`). */
  readonly link?: "identity" | "logit" | undefined;
}

const nodeSchema = z.looseObject({
  split_feature: z.int().min(0),
  threshold: z.union([z.number(), z.string()]),
  decision_type: z.string(),
  default_left: z.boolean(),
  missing_type: z.enum(["None", "Zero", "NaN"]),
  left_child: z.unknown(),
  right_child: z.unknown(),
});

const leafSchema = z.looseObject({ leaf_value: z.number() });

const dumpSchema = z.looseObject({
  version: z.string().max(16),
  num_class: z.int(),
  num_tree_per_iteration: z.int(),
  objective: z.string().max(128).optional(),
  average_output: z.boolean().optional(),
  feature_names: z.array(z.string().max(256)),
  tree_info: z.array(z.looseObject({ tree_structure: z.unknown() })),
});

/** `source`: the text, or the dump as a JSON value. Throws MODEL_INVALID naming the field, MODEL_UNSUPPORTED naming what is
 * not scored here. */
export function parseLightGbm(source: unknown, options: LightGbmOptions = {}): Ensemble {
  const model = typeof source === "string" ? readLightGbmText(source) : readDump(source);
  if (!["v2", "v3", "v4"].includes(model.version)) throw unsupportedModel(`LightGBM version ${model.version}`);
  if (model.classes > 1) throw unsupportedModel(`num_class ${model.classes}`);
  if (model.treesPerIteration > 1) throw unsupportedModel(`num_tree_per_iteration ${model.treesPerIteration}`);
  const used = model.trees.flatMap(({ feature }) => feature);
  if (used.some((feature) => feature >= model.features.length))
    throw invalidModel("split_feature", "a feature that is not there");
  const { features, trees, isAveraged } = model;
  return ensemble({
    comparison: "float64-at-most",
    link: linkOf(model, options),
    base: 0,
    features,
    trees: isAveraged
      ? trees.map((tree) => ({ ...tree, leaves: tree.leaves.map((leaf) => leaf / trees.length) }))
      : trees,
  });
}

/** `binary sigmoid:1`, `regression`: the objective's name, then its parameters. */
function linkOf(model: LightGbmSource, options: LightGbmOptions): Link {
  if (model.objective !== undefined && options.objective !== undefined)
    throw invalidModel("objective", "the model has one of its own");
  const objective = model.objective ?? options.objective;
  if (objective === undefined) throw invalidModel("objective", "missing");
  const link = objectiveLink(objective);
  // Under the name v2, releases before 2.2.3 wrote probabilities into the leaves of a forest, later ones log-odds.
  const isAmbiguous = model.isAveraged && model.version === "v2" && link.kind === "logit";
  if (isAmbiguous === (options.link === undefined))
    throw isAmbiguous
      ? unsupportedModel("average_output of version v2 without a link")
      : invalidModel("link", "only a random forest of version v2 needs one");
  return options.link === "identity" ? { kind: "identity" } : link;
}

function objectiveLink(objective: string): Link {
  if (objective === "regression") return { kind: "identity" };
  const slope = /^binary sigmoid:([0-9.eE+-]+)$/.exec(objective)?.[1];
  if (slope === undefined) throw unsupportedModel(`objective ${objective}`);
  if (!(Number(slope) > 0) || !Number.isFinite(Number(slope))) throw invalidModel("objective", "sigmoid");
  return { kind: "logit", slope: Number(slope) };
}

function readDump(value: unknown): LightGbmSource {
  const dump = readField(dumpSchema, value);
  return {
    version: dump.version,
    classes: dump.num_class,
    treesPerIteration: dump.num_tree_per_iteration,
    objective: dump.objective,
    isAveraged: dump.average_output ?? false,
    features: dump.feature_names,
    trees: dump.tree_info.map(({ tree_structure }, t) =>
      buildTree(`tree ${t}`, tree_structure, (ref) => readNode(ref, `tree ${t}`)),
    ),
  };
}

function readNode(ref: unknown, name: string): SourceNode<unknown> {
  if (typeof ref === "object" && ref !== null && "leaf_value" in ref) {
    if ("leaf_coeff" in ref) throw unsupportedModel(`${name}: linear leaves`);
    return { leaf: readField(leafSchema, ref, name).leaf_value };
  }
  const node = readField(nodeSchema, ref, name);
  if (node.decision_type === "==") throw unsupportedModel(`${name}: categorical split`);
  if (node.decision_type !== "<=" || typeof node.threshold !== "number")
    throw unsupportedModel(`${name}: decision_type ${node.decision_type}`);
  return {
    feature: node.split_feature,
    threshold: node.threshold,
    missing: missingRule(node.missing_type, node.default_left),
    left: node.left_child,
    right: node.right_child,
  };
}
