/**
 * Rows of score-trees: for each group of 16 leaves a polynomial of indicators, 16 coefficients to a row. Leaves are found
 * block by block, so that memory beyond the columns does not grow with rows.
 */
import { EntenteError } from "../../../proto/errors.ts";
import { fillIndicators, LEAVES_PER_GROUP, leafLayout } from "../../../proto/model/leaf-groups.ts";
import { type TreesView, viewLeaves } from "../../../proto/model/partner-view.ts";
import { requireFinite } from "../../../proto/model/tree.ts";
import { BLOCK_ROWS } from "../../he/params.ts";
import type { PartnerRows } from "../score-linear/partner.ts";

const BLOCK_SLOTS = BLOCK_ROWS / LEAVES_PER_GROUP;

/**
 * `columns`: the view's, in its order, as the dataset has them, NaN where missing, all `count` values. Throws BAD_REQUEST
 * otherwise, DATASET_COLUMN_TYPE naming a column with an infinity.
 */
export function treeRows(view: TreesView, columns: readonly Float64Array[], count: number): PartnerRows {
  if (columns.length !== view.columns.length || columns.some((column) => column.length !== count))
    throw new EntenteError("BAD_REQUEST", { detail: "one value of each column for each row" });
  requireFinite(view.columns, columns);
  const layout = leafLayout(view.trees);
  return { count, weights: layout.groups, blocks };

  function* blocks(rowOfSlotSecret: Uint32Array): Generator<readonly Int16Array[]> {
    const values = columns.map(() => new Float64Array(BLOCK_SLOTS));
    const indicators = new Int16Array(layout.groups * BLOCK_ROWS);
    const polynomials = Array.from({ length: layout.groups }, (_, g) =>
      indicators.subarray(g * BLOCK_ROWS, (g + 1) * BLOCK_ROWS),
    );
    for (let from = 0; from < rowOfSlotSecret.length; from += BLOCK_SLOTS) {
      const rows = rowOfSlotSecret.subarray(from, from + BLOCK_SLOTS);
      for (const [j, column] of columns.entries()) gather(column, rows, values[j] as Float64Array);
      const leaves = viewLeaves(view, values, rows.length);
      fillIndicators(layout, leaves, { firstRow: 0, rowCount: rows.length, degree: BLOCK_ROWS }, indicators);
      yield polynomials;
    }
    for (const of of values) of.fill(0);
    indicators.fill(0);
  }
}

/** A padding row has no value, and a leaf as any row without values: under the mask its slot is as random as the others. */
function gather(column: Float64Array, rows: Uint32Array, out: Float64Array): void {
  const count = column.length;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    out[i] = row < count ? (column[row] as number) : Number.NaN;
  }
}
