/** What the score bench scores: reproducible rows and weights, the same at both ends, and the scores in clear. */
import { MAX_SCORE_ROWS, MAX_TREE_ROWS } from "../../party/protocols/plan.ts";
import { columnRows } from "../../party/protocols/score-linear/columns.ts";
import { LINEAR, type Packing } from "../../party/protocols/score-linear/params.ts";
import type { PartnerRows } from "../../party/protocols/score-linear/partner.ts";
import { TREES } from "../../party/protocols/score-trees/params.ts";
import { treeRows } from "../../party/protocols/score-trees/tree-rows.ts";
import { leafGroups } from "../../proto/model/leaf-groups.ts";
import { parsePartnerView } from "../../proto/model/partner-view.ts";
import { leafColumn } from "../../proto/model/tree.ts";
import { fullTree } from "./model-trees.ts";

export interface ScoreLoad {
  readonly packing: Packing;
  readonly maxRows: number;
  readonly weights: readonly Int32Array[];
  /** Of one partition. What it makes beforehand is not measured; `treeRows` and `columnRows` are. */
  prepare(partition: number, count: number): () => PartnerRows;
  scores(partition: number, count: number): Int32Array;
}

/** Linear congruential, for one column of one partition. */
function stateOf(partition: number, column: number): () => number {
  let state = 1 + partition * 1000 + column;
  return () => {
    state = Math.imul(state, 1_664_525) + 1_013_904_223;
    return state;
  };
}

/** What an int16 feature with 8 fractional bits usually takes. */
const FEATURE_BITS = 13;

/** One feature in one partition. */
export function columnOf(partition: number, j: number, count: number): Int16Array {
  const next = stateOf(partition, j);
  return Int16Array.from({ length: count }, () => next() >> (32 - FEATURE_BITS));
}

export function linearLoad(features: number): ScoreLoad {
  // Within the headroom for every number of features: sum |W| * 2^12 stays below 2^31.
  const weights = Array.from({ length: features }, (_, j) =>
    Int32Array.of((j % 2 === 0 ? 1 : -1) * Math.floor(2 ** 18 / (features + j))),
  );
  return {
    packing: LINEAR,
    maxRows: MAX_SCORE_ROWS,
    weights,
    prepare(partition, count) {
      const columns = weights.map((_, j) => columnOf(partition, j, count));
      return () => columnRows(columns, count);
    },
    scores(partition, count) {
      const sums = new Int32Array(count);
      for (const [j, [weight = 0]] of weights.entries()) {
        const column = columnOf(partition, j, count);
        for (let i = 0; i < count; i++) sums[i] = (sums[i] as number) + weight * (column[i] as number);
      }
      return sums;
    },
  };
}

const TREE_DEPTH = 4;
const TREE_COLUMNS = 20;

/** Full trees of 16 leaves over 20 columns of doubles. */
export function treesLoad(count: number): ScoreLoad {
  const trees = Array.from({ length: count }, (_, t) => fullTree(TREE_DEPTH, TREE_COLUMNS, t));
  const leafValues = trees.map(({ leaves }) =>
    Float64Array.from(leaves, (leaf) => Math.round((leaf * 2 ** 31) / count)),
  );
  const comparison = "float32-below";
  const columns = Array.from({ length: TREE_COLUMNS }, (_, j) => `c${j}`);
  const shapes = trees.map(({ leaves: _, ...shape }) => shape);
  const view = parsePartnerView({
    format: "entente-model-view/1",
    commitment: "00".repeat(32),
    ...{ kind: "trees", comparison, columns, trees: shapes },
  });
  if (view.kind !== "trees") throw new Error("a view of trees");
  const columnsOf = (partition: number, rows: number) =>
    columns.map((_, j) => {
      const next = stateOf(partition, j);
      return Float64Array.from({ length: rows }, () => next() / 2 ** 31);
    });
  return {
    packing: TREES,
    maxRows: MAX_TREE_ROWS,
    weights: leafGroups(leafValues),
    prepare(partition, rows) {
      const values = columnsOf(partition, rows);
      return () => treeRows(view, values, rows);
    },
    scores(partition, rows) {
      const values = columnsOf(partition, rows).map((column) => column.map(Math.fround));
      const sums = new Int32Array(rows);
      const leaves = new Uint16Array(rows);
      for (const [t, tree] of trees.entries()) {
        leafColumn(tree, values, comparison, leaves);
        const of = leafValues[t] as Float64Array;
        for (let i = 0; i < rows; i++) sums[i] = (sums[i] as number) + (of[leaves[i] as number] as number);
      }
      return sums;
    },
  };
}
