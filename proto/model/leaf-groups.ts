/**
 * Leaves as polynomials of Z[X] / (X^n + 1), 16 to a ciphertext. All leaves of the partner's trees stand in one row, cut
 * into groups of 16, so that a tree of 16 leaves has a group of its own and small trees share one. A group's weight
 * polynomial holds its leaves' values reversed, v_k at X^(15-k); row i's indicators stand at X^(16i) to X^(16i+15). Then
 * coefficient 16i+15 of their product is row i's inner product with the group: a term of another row i' would need
 * k' - k = 16 (i - i') with both below 16. Nothing wraps into those places, since no product exceeds degree n + 14.
 */
import { EntenteError } from "../errors.ts";
import { leafCount, type TreeShape } from "./tree.ts";

export const LEAVES_PER_GROUP = 16;

export interface LeafLayout {
  /** For each tree, where its first leaf stands in the row of all leaves. */
  readonly offsets: Uint32Array;
  readonly groups: number;
}

export function leafLayout(trees: readonly TreeShape[]): LeafLayout {
  const offsets = new Uint32Array(trees.length);
  let at = 0;
  for (const [t, tree] of trees.entries()) {
    offsets[t] = at;
    at += leafCount(tree);
  }
  return { offsets, groups: Math.ceil(at / LEAVES_PER_GROUP) };
}

/** The bank's: for each group coefficients 0 to 15 of its weight polynomial. `leafValues`: of `QuantisedTrees`, int32. */
export function leafGroups(leafValues: readonly Float64Array[]): Int32Array[] {
  const all = leafValues.flatMap((values) => [...values]);
  return Array.from({ length: Math.ceil(all.length / LEAVES_PER_GROUP) }, (_, g) =>
    Int32Array.from({ length: LEAVES_PER_GROUP }, (_, i) => {
      const value = all[g * LEAVES_PER_GROUP + LEAVES_PER_GROUP - 1 - i] ?? 0;
      if (value !== (value | 0)) throw new EntenteError("MODEL_HEADROOM", { detail: "a leaf" });
      return value;
    }),
  );
}

/**
 * The partner's: indicators of rows `firstRow` to `firstRow + rowCount` for all groups. `leaves`: of each tree, by row.
 * `out`: a polynomial of `degree` int16 coefficients for each group, all of them written; degree >= 16 * rowCount.
 */
export function fillIndicators(
  { offsets, groups }: LeafLayout,
  leaves: readonly Uint16Array[],
  block: { readonly firstRow: number; readonly rowCount: number; readonly degree: number },
  out: Int16Array,
): void {
  const { firstRow, rowCount, degree } = block;
  if (out.length !== groups * degree || rowCount * LEAVES_PER_GROUP > degree)
    throw new EntenteError("INTERNAL", { detail: "size of indicators" });
  out.fill(0);
  for (const [t, ofTree] of leaves.entries()) {
    const offset = offsets[t] as number;
    for (let i = 0; i < rowCount; i++) {
      const leaf = offset + (ofTree[firstRow + i] as number);
      const group = leaf >>> 4;
      out[group * degree + LEAVES_PER_GROUP * i + (leaf & (LEAVES_PER_GROUP - 1))] = 1;
    }
  }
}
