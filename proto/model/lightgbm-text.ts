/** LightGBM's text: lines `key=value`, first the model's, then each tree's behind `Tree=n`, then what does not score. */
import { type LightGbmSource, missingRule } from "./lightgbm-source.ts";
import { invalidModel, unsupportedModel } from "./refusal.ts";
import { buildTree, type SourceNode, type Tree } from "./tree.ts";

type Section = ReadonlyMap<string, string>;

/** decision_type: bit 0 categorical, bit 1 default left, bits 2 and 3 the missing type (include/LightGBM/tree.h). */
const CATEGORICAL_BIT = 1;
const DEFAULT_LEFT_BIT = 2;
const MISSING_SHIFT = 2;
const MISSING_TYPES = ["None", "Zero", "NaN"] as const;

/** Throws MODEL_INVALID naming the key, MODEL_UNSUPPORTED naming the part. */
export function readLightGbmText(text: string): LightGbmSource {
  const lines = text.split(/\r?\n/);
  if (lines[0] !== "tree") throw invalidModel("model", "the first line of a LightGBM model is 'tree'");
  const end = lines.findIndex((line) => line === "end of trees" || /^feature[_ ]importances:/.test(line));
  const body = lines.slice(1, end < 0 ? lines.length : end);
  const starts = body.flatMap((line, i) => (line.startsWith("Tree=") ? [i] : []));
  const header = section(body.slice(0, starts[0] ?? body.length));
  const trees = starts.map((start, t) => readTree(section(body.slice(start + 1, starts[t + 1])), `tree ${t}`));
  // A file cut short has fewer trees than it says.
  const sizes = header.get("tree_sizes");
  if (sizes !== undefined && words(sizes).length !== trees.length)
    throw invalidModel("tree_sizes", "not one each tree");
  return {
    version: needed(header, "version"),
    classes: integer(header, "num_class"),
    treesPerIteration: integer(header, "num_tree_per_iteration"),
    objective: header.get("objective"),
    isAveraged: header.has("average_output"),
    features: words(needed(header, "feature_names")),
    trees,
  };
}

/** Throws MODEL_INVALID when a key comes twice. */
function section(lines: readonly string[]): Section {
  const out = new Map<string, string>();
  for (const line of lines) {
    if (line.trim() === "") continue;
    const at = line.indexOf("=");
    const key = at < 0 ? line : line.slice(0, at);
    if (out.has(key)) throw invalidModel(key.slice(0, 64), "twice");
    out.set(key, at < 0 ? "" : line.slice(at + 1));
  }
  return out;
}

function words(value: string): string[] {
  return value.split(" ").filter((word) => word !== "");
}

function needed(of: Section, key: string, name = key): string {
  const value = of.get(key);
  if (value === undefined) throw invalidModel(name, "missing");
  return value;
}

function integer(of: Section, key: string, name = key): number {
  const value = needed(of, key, name);
  if (!/^\d{1,7}$/.test(value)) throw invalidModel(name, "not a number");
  return Number(value);
}

/** A split of what is missing from all else has the threshold inf: of finite values, as many are at most the largest. */
function numberOf(word: string): number {
  return word === "inf" ? Number.MAX_VALUE : Number(word);
}

function numbers(of: Section, key: string, name: string, count: number): number[] {
  const values = words(needed(of, key, `${name}: ${key}`)).map(numberOf);
  if (values.length !== count || !values.every(Number.isFinite))
    throw invalidModel(`${name}: ${key}`, `not ${count} numbers`);
  return values;
}

function readTree(of: Section, name: string): Tree {
  const leafCount = integer(of, "num_leaves", `${name}: num_leaves`);
  if (leafCount < 1) throw invalidModel(`${name}: num_leaves`, "none");
  if (integer(of, "num_cat", `${name}: num_cat`) > 0) throw unsupportedModel(`${name}: categorical split`);
  if ((of.get("is_linear") ?? "0") !== "0") throw unsupportedModel(`${name}: linear leaves`);
  const list = (key: string) => numbers(of, key, name, leafCount - 1);
  const leaves = numbers(of, "leaf_value", name, leafCount);
  if (leafCount === 1) return buildTree<number>(name, 0, () => ({ leaf: leaves[0] as number }));
  const [feature, threshold, decision] = [list("split_feature"), list("threshold"), list("decision_type")];
  const [left, right] = [list("left_child"), list("right_child")];
  return buildTree(name, 0, (ref): SourceNode<number> => {
    if (ref < 0 && leaves[-1 - ref] !== undefined) return { leaf: leaves[-1 - ref] as number };
    const bits = decision[ref];
    const type = MISSING_TYPES[(bits ?? 0) >> MISSING_SHIFT];
    const column = feature[ref] as number;
    if (bits === undefined || !Number.isInteger(column) || column < 0) throw invalidModel(name, "a node is not there");
    if ((bits & CATEGORICAL_BIT) !== 0) throw unsupportedModel(`${name}: categorical split`);
    if (type === undefined) throw unsupportedModel(`${name}: decision_type ${bits}`);
    return {
      feature: column,
      threshold: threshold[ref] as number,
      missing: missingRule(type, (bits & DEFAULT_LEFT_BIT) !== 0),
      left: left[ref] as number,
      right: right[ref] as number,
    };
  });
}
