/**
 * One decision tree, and where a row ends in it. Nodes and leaves are numbered from the left in preorder, so that a tree
 * has one form, which can be checked, and the partner's leaf numbers are the bank's.
 */
import { EntenteError } from "../errors.ts";
import { invalidModel, unsupportedModel } from "./refusal.ts";

/**
 * What the library that wrote the model compares: XGBoost `float32(x) < float32(threshold)`, LightGBM `x <= threshold` in
 * binary64, where an x within 1e-35 of 0 is 0. True goes left.
 */
export const COMPARISONS = ["float32-below", "float64-at-most"] as const;
export type Comparison = (typeof COMPARISONS)[number];

/**
 * Where a missing value goes: compared as 0 (`as-zero`), or to one side (`left`, `right`); `zero-left` and `zero-right`
 * send a zero the same way.
 */
export const MISSING_RULES = ["as-zero", "left", "right", "zero-left", "zero-right"] as const;
export type MissingRule = (typeof MISSING_RULES)[number];

/** LightGBM's kZeroThreshold, a float (include/LightGBM/meta.h): its predictor makes a value within it 0. */
const ZERO_THRESHOLD = Math.fround(1e-35);

export const MAX_TREE_LEAVES = 1024;

/** Structure only: arrays with one entry for each inner node, none for a tree of one leaf. */
export interface TreeShape {
  /** Index among the columns that go with the tree. */
  readonly feature: readonly number[];
  readonly threshold: readonly number[];
  /** A node's index, or -1 - the leaf's. Node 0 is the root. */
  readonly left: readonly number[];
  readonly right: readonly number[];
  readonly missing: readonly MissingRule[];
}

export interface Tree extends TreeShape {
  readonly leaves: readonly number[];
}

export type SourceNode<Ref> =
  | { readonly leaf: number }
  | {
      readonly feature: number;
      readonly threshold: number;
      readonly missing: MissingRule;
      readonly left: Ref;
      readonly right: Ref;
    };

/**
 * The tree below `root`, renumbered; nodes that nothing refers to are dropped. `name` is for errors: MODEL_INVALID when a
 * node is reached twice, MODEL_UNSUPPORTED beyond MAX_TREE_LEAVES.
 */
export function buildTree<Ref>(name: string, root: Ref, nodeOf: (ref: Ref) => SourceNode<Ref>): Tree {
  const feature: number[] = [];
  const threshold: number[] = [];
  const missing: MissingRule[] = [];
  const leaves: number[] = [];
  const children = { left: [] as number[], right: [] as number[] };
  const seen = new Set<Ref>();
  const open: { ref: Ref; parent: number; side: "left" | "right" }[] = [{ ref: root, parent: -1, side: "left" }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { ref, parent, side } = next;
    if (seen.has(ref)) throw invalidModel(name, "a node has two parents");
    seen.add(ref);
    const node = nodeOf(ref);
    const isLeaf = "leaf" in node;
    if (parent >= 0) children[side][parent] = isLeaf ? -1 - leaves.length : feature.length;
    if (isLeaf) {
      leaves.push(node.leaf);
      continue;
    }
    const index = feature.push(node.feature) - 1;
    threshold.push(node.threshold);
    missing.push(node.missing);
    if (index + 2 > MAX_TREE_LEAVES) throw unsupportedModel(`${name}: more than ${MAX_TREE_LEAVES} leaves`);
    // The last in is the first out: left before right.
    open.push({ ref: node.right, parent: index, side: "right" }, { ref: node.left, parent: index, side: "left" });
  }
  return { feature, threshold, ...children, missing, leaves };
}

export function leafCount({ feature }: TreeShape): number {
  return feature.length + 1;
}

/** True when the arrays are of one length and the numbering is that of `buildTree`. */
export function isCanonical(tree: TreeShape): boolean {
  const { feature, threshold, left, right, missing } = tree;
  const count = feature.length;
  if ([threshold, left, right, missing].some((list) => list.length !== count)) return false;
  // Preorder: after its parents, a node's number is how many came before it; a leaf's likewise.
  let nodes = 0;
  let leaves = 0;
  const open = count === 0 ? [] : [0];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next < 0) {
      if (-1 - next !== leaves++) return false;
      continue;
    }
    if (next !== nodes++ || next >= count) return false;
    open.push(right[next] as number, left[next] as number);
  }
  return nodes === count;
}

/** A value as the library compares it; NaN, for missing, stays. */
function comparable(value: number, comparison: Comparison): number {
  if (comparison === "float32-below") return Math.fround(value);
  return Math.abs(value) <= ZERO_THRESHOLD ? 0 : value;
}

/** True: left. The one place where a value meets a threshold. `value`: of `comparable`. */
function goesLeft(value: number, threshold: number, rule: number, isBelow: boolean): boolean {
  const isMissing = Number.isNaN(value);
  if (rule > 0 && (isMissing || (rule > 2 && value === 0))) return rule === 1 || rule === 3;
  const x = isMissing ? 0 : value;
  return isBelow ? x < threshold : x <= threshold;
}

/** The leaf of one row. `row`: by column, NaN where missing. */
export function leafIndex(tree: TreeShape, row: ArrayLike<number>, comparison: Comparison): number {
  const isBelow = comparison === "float32-below";
  let at = tree.feature.length === 0 ? -1 : 0;
  while (at >= 0) {
    const value = comparable(row[tree.feature[at] as number] as number, comparison);
    const rule = MISSING_RULES.indexOf(tree.missing[at] as MissingRule);
    at = (goesLeft(value, tree.threshold[at] as number, rule, isBelow) ? tree.left[at] : tree.right[at]) as number;
  }
  return -1 - at;
}

/**
 * The same for all rows of columns, fast. `columns`: of `treeColumns`. One leaf number for each
 * row goes into `out`.
 */
export function leafColumn(
  tree: TreeShape,
  columns: readonly Float64Array[],
  comparison: Comparison,
  out: Uint16Array,
): void {
  const isBelow = comparison === "float32-below";
  const nodes = tree.feature.length;
  if (nodes === 0) {
    out.fill(0);
    return;
  }
  const values = tree.feature.map((feature) => columns[feature] as Float64Array);
  const threshold = Float64Array.from(tree.threshold);
  const rule = Uint8Array.from(tree.missing, (name) => MISSING_RULES.indexOf(name));
  // child[2 i] is the right one of node i, child[2 i + 1] the left one.
  const child = new Int32Array(2 * nodes);
  for (let i = 0; i < nodes; i++) {
    child[2 * i] = tree.right[i] as number;
    child[2 * i + 1] = tree.left[i] as number;
  }
  for (let row = 0; row < out.length; row++) {
    let at = 0;
    do {
      const value = (values[at] as Float64Array)[row] as number;
      const left = goesLeft(value, threshold[at] as number, rule[at] as number, isBelow);
      at = child[2 * at + (left ? 1 : 0)] as number;
    } while (at >= 0);
    out[row] = -1 - at;
  }
}

/**
 * Columns as `leafColumn` takes them; NaN where missing, and it stays so. A value beyond float32 is compared as an
 * infinity. Throws DATASET_COLUMN_TYPE on an infinity in the data. `names`: of the columns.
 */
export function treeColumns(
  names: readonly string[],
  columns: readonly Float64Array[],
  comparison: Comparison,
): readonly Float64Array[] {
  requireFinite(names, columns);
  return columns.map((column) => column.map((value) => comparable(value, comparison)));
}

/** Throws DATASET_COLUMN_TYPE naming a column with an infinity. */
export function requireFinite(names: readonly string[], columns: readonly Float64Array[]): void {
  for (const [j, column] of columns.entries())
    if (column.includes(Number.POSITIVE_INFINITY) || column.includes(Number.NEGATIVE_INFINITY))
      throw new EntenteError("DATASET_COLUMN_TYPE", { detail: `${names[j]}: a value is not a finite number` });
}
