/** Rows of score-linear: a column of quantised values for each weight, a row in each coefficient. */
import { EntenteError } from "../../../proto/errors.ts";
import { BLOCK_ROWS } from "../../he/params.ts";
import type { PartnerRows } from "./partner.ts";

/** Blocks whose coefficients are gathered at once: a column is then read once for all of them, not for each. */
const GATHERED_BLOCKS = 8;

/** `columns`: of each feature of the partner view, in its order, all `count` values. Throws BAD_REQUEST otherwise. */
export function columnRows(columns: readonly Int16Array[], count: number): PartnerRows {
  if (columns.some((column) => column.length !== count))
    throw new EntenteError("BAD_REQUEST", { detail: "one value of each feature for each row" });
  return { count, weights: columns.length, blocks: (rowOfSlotSecret) => gathered(columns, rowOfSlotSecret) };
}

function* gathered(columns: readonly Int16Array[], rowOfSlotSecret: Uint32Array): Generator<readonly Int16Array[]> {
  const values = columns.map(() => new Int16Array(GATHERED_BLOCKS * BLOCK_ROWS));
  for (let from = 0; from < rowOfSlotSecret.length; from += BLOCK_ROWS) {
    const at = from % (GATHERED_BLOCKS * BLOCK_ROWS);
    if (at === 0) {
      const rows = rowOfSlotSecret.subarray(from, from + GATHERED_BLOCKS * BLOCK_ROWS);
      for (const [j, column] of columns.entries()) gather(column, rows, values[j] as Int16Array);
    }
    yield values.map((of) => of.subarray(at, at + BLOCK_ROWS));
  }
  for (const of of values) of.fill(0);
}

/** Padding rows are zeros: under the mask their slots are as random as the others. */
function gather(column: Int16Array, rows: Uint32Array, out: Int16Array): void {
  const count = column.length;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    out[i] = row < count ? (column[row] as number) : 0;
  }
  out.fill(0, rows.length);
}
