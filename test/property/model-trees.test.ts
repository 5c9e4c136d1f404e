import fc from "fast-check";
import { expect, test } from "vitest";
import { fillIndicators, LEAVES_PER_GROUP, leafGroups, leafLayout } from "../../proto/model/leaf-groups.ts";
import type { Model } from "../../proto/model/model.ts";
import { parsePartnerView, partnerView, viewColumns, viewLeaves } from "../../proto/model/partner-view.ts";
import { quantise, scoreErrorBound } from "../../proto/model/quantise.ts";
import { partScore, realScore, scoreFloat, scoreInteger } from "../../proto/model/score.ts";
import { COMPARISONS, type Comparison, isCanonical, leafIndex, type Tree } from "../../proto/model/tree.ts";
import { separateTrees } from "../../proto/model/tree-model.ts";
import { arbitraryTree, POINTS } from "../support/model-trees.ts";

const COLUMNS = 3;
const DEGREE = 64;
const cell = fc.option(fc.constantFrom(...POINTS));
const rows = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: DEGREE / LEAVES_PER_GROUP });
const ensemble = fc.record({
  trees: fc.array(arbitraryTree(COLUMNS), { minLength: 1, maxLength: 6 }),
  comparison: fc.constantFrom(...COMPARISONS),
  rows,
});

/** All trees are the partner's. */
function modelOf(trees: readonly Tree[], comparison: Comparison): Model {
  const features = ["a", "b", "c"];
  const owners = new Map(features.map((name) => [name, { party: "partner" as const, column: name }]));
  const link = { kind: "identity" } as const;
  const separated = separateTrees({ comparison, link, base: 0.25, features, trees }, owners);
  return { kind: "trees", name: "any", version: "1", tagKey: "risk", link, ...separated };
}

/** As XGBoost and LightGBM say it, one node after the other. */
function plainLeaf(tree: Tree, row: readonly (number | null)[], comparison: Comparison): number {
  let at = 0;
  for (;;) {
    const given = row[tree.feature[at] as number] ?? null;
    const threshold = tree.threshold[at] as number;
    const rule = tree.missing[at] as string;
    const value =
      given !== null && comparison === "float64-at-most" && Math.abs(given) <= Math.fround(1e-35) ? 0 : given;
    const single = value === null ? null : Math.fround(value);
    const isZero = (comparison === "float32-below" ? single : value) === 0;
    let left: boolean;
    if (rule.endsWith("left") && (value === null || (rule.startsWith("zero") && isZero))) left = true;
    else if (rule.endsWith("right") && (value === null || (rule.startsWith("zero") && isZero))) left = false;
    else left = comparison === "float32-below" ? (single ?? 0) < threshold : (value ?? 0) <= threshold;
    at = (left ? tree.left[at] : tree.right[at]) as number;
    if (at < 0) return -1 - at;
  }
}

test("the leaf of a row is the rules' leaf, by row and by column, at the bank and from the partner's view", () => {
  fc.assert(
    fc.property(ensemble, ({ trees, comparison, rows }) => {
      const numbers = rows.map((row) => row.map((value) => value ?? Number.NaN));
      const expected = trees.map((tree) => rows.map((row) => plainLeaf(tree, row, comparison)));
      expect(trees.map((tree) => numbers.map((row) => leafIndex(tree, row, comparison)))).toEqual(expected);
      const view = parsePartnerView(
        JSON.parse(JSON.stringify(partnerView(modelOf(trees, comparison), new Uint8Array(32)))),
      );
      if (view.kind !== "trees") throw new Error("a view of trees");
      const columns = viewColumns(view).map((name) =>
        Float64Array.from(numbers, (row) => row["abc".indexOf(name)] as number),
      );
      expect(viewLeaves(view, columns, rows.length).map((leaves) => [...leaves])).toEqual(expected);
    }),
    { numRuns: 300 },
  );
});

/** a * b modulo X^DEGREE + 1. */
function product(a: ArrayLike<number>, b: ArrayLike<number>): number[] {
  const out = Array.from({ length: DEGREE }, () => 0);
  for (let i = 0; i < a.length; i++)
    for (let j = 0; j < b.length; j++) {
      const sign = i + j < DEGREE ? 1 : -1;
      out[(i + j) % DEGREE] = (out[(i + j) % DEGREE] as number) + sign * (a[i] as number) * (b[j] as number);
    }
  return out;
}

test("groups times indicators hold the partner's integer scores at 16 i + 15, for any number of rows", () => {
  fc.assert(
    fc.property(ensemble, ({ trees, comparison, rows }) => {
      const model = modelOf(trees, comparison);
      const quantised = quantise(model);
      if (quantised.partner.kind !== "trees" || model.kind !== "trees") throw new Error("trees");
      const order = quantised.partner.columns;
      const placed = rows.map((row) => order.map((name) => row["abc".indexOf(name)] as number | null));
      const layout = leafLayout(quantised.partner.trees);
      const groups = leafGroups(quantised.partner.leafValues);
      expect(groups.length).toBe(layout.groups);
      const leaves = quantised.partner.trees.map((tree) =>
        Uint16Array.from(placed, (row) =>
          leafIndex(
            tree,
            row.map((value) => value ?? Number.NaN),
            comparison,
          ),
        ),
      );
      const indicators = new Int16Array(groups.length * DEGREE).fill(7);
      fillIndicators(layout, leaves, { firstRow: 0, rowCount: rows.length, degree: DEGREE }, indicators);
      const products = groups.map((group, g) => product(group, indicators.subarray(g * DEGREE, (g + 1) * DEGREE)));
      for (const [i, row] of placed.entries()) {
        const sum = products.reduce((total, of) => total + (of[16 * i + 15] as number), 0);
        expect(sum).toBe(partScore(quantised.partner, row));
        expect(sum).toBe(sum | 0);
        const both = { own: [], partner: row };
        expect(
          Math.abs(realScore(quantised, scoreInteger(quantised, both)) - scoreFloat(model, both)),
        ).toBeLessThanOrEqual(scoreErrorBound(quantised) + 1e-12);
      }
    }),
    { numRuns: 200 },
  );
});

test("a tree's numbering is the only one that is taken", () => {
  fc.assert(
    fc.property(arbitraryTree(COLUMNS), fc.nat(), fc.integer({ min: -9, max: 9 }), (tree, at, other) => {
      expect(isCanonical(tree)).toBe(true);
      for (const side of ["left", "right"] as const) {
        const index = at % tree.feature.length;
        const changed = tree[side].with(index, other);
        expect(isCanonical({ ...tree, [side]: changed })).toBe(changed[index] === tree[side][index]);
      }
      expect(isCanonical({ ...tree, left: tree.right, right: tree.left })).toBe(false);
      expect(isCanonical({ ...tree, threshold: [...tree.threshold, 0] })).toBe(false);
    }),
  );
});
