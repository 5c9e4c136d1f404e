import { describe, expect, test } from "vitest";
import { fillIndicators, leafGroups, leafLayout } from "../../proto/model/leaf-groups.ts";
import type { PartySide } from "../../proto/model/linear-model.ts";
import { type Model, modelDigest } from "../../proto/model/model.ts";
import { parsePartnerView, partnerView, viewColumns, viewLeaves } from "../../proto/model/partner-view.ts";
import { quantise } from "../../proto/model/quantise.ts";
import { partScore, scoreFloat } from "../../proto/model/score.ts";
import { buildTree, leafColumn, leafIndex, type Tree, treeColumns } from "../../proto/model/tree.ts";
import { separateTrees } from "../../proto/model/tree-model.ts";
import { modelErrorOf } from "../support/model-error.ts";
import { documentColumns, readScored } from "../support/model-fixture.ts";
import { fullTree } from "../support/model-trees.ts";

const SALT = new Uint8Array(32).fill(3);

function modelOf(trees: readonly Tree[], partner: readonly string[] = ["a", "b"]): Model {
  const features = ["a", "b", "c", "d"];
  const sideOf = (name: string): PartySide => (partner.includes(name) ? "partner" : "own");
  const owners = new Map(features.map((name) => [name, { party: sideOf(name), column: name }]));
  const link = { kind: "identity" } as const;
  const ensemble = { comparison: "float32-below", link, base: 0, features, trees } as const;
  return { kind: "trees", name: "any", version: "1", tagKey: "risk", link, ...separateTrees(ensemble, owners) };
}

const stump = (feature: number, leaves: readonly [number, number] = [1, 2]): Tree => ({
  ...{ feature: [feature], threshold: [0], left: [-1], right: [-2], missing: ["left"] },
  leaves,
});

describe("the view of a model from XGBoost", () => {
  const name = "trees/xgboost-logistic";
  const { model, rows } = readScored(name, documentColumns(name));
  const view = partnerView(model, SALT);

  test("has the partner's columns and trees, and no leaf, base or tree of the bank", () => {
    expect([...viewColumns(view)].sort()).toEqual(["PAY_0", "PAY_2", "PAY_3"]);
    expect(Object.keys(view).sort()).toEqual(["columns", "commitment", "comparison", "format", "kind", "trees"]);
    if (view.kind !== "trees" || model.kind !== "trees") throw new Error("trees");
    expect(view.trees.length).toBe(model.partner.trees.length);
    for (const tree of view.trees)
      expect(Object.keys(tree).sort()).toEqual(["feature", "left", "missing", "right", "threshold"]);
    const text = JSON.stringify(view);
    for (const leaf of model.partner.trees.flatMap(({ leaves }) => leaves)) expect(text).not.toContain(String(leaf));
    expect(text).not.toContain("LIMIT_BAL");
  });

  test("leaves from the view, times the encrypted values, are the scores", () => {
    const quantised = quantise(model);
    if (view.kind !== "trees" || quantised.partner.kind !== "trees") throw new Error("trees");
    const columns = view.columns.map((_, j) =>
      Float64Array.from(rows, (row) => (row.partner[j] ?? Number.NaN) as number),
    );
    const leaves = viewLeaves(view, columns, rows.length);
    const groups = leafGroups(quantised.partner.leafValues);
    const layout = leafLayout(view.trees);
    const degree = 16 * rows.length;
    const indicators = new Int16Array(groups.length * degree);
    fillIndicators(layout, leaves, { firstRow: 0, rowCount: rows.length, degree }, indicators);
    for (const [i, row] of rows.entries()) {
      const partner = groups.reduce((sum, group, g) => {
        const hot = indicators.subarray(g * degree + 16 * i, g * degree + 16 * i + 16);
        return sum + hot.reduce((part, bit, k) => part + bit * (group[15 - k] as number), 0);
      }, 0);
      expect(partner).toBe(partScore(quantised.partner, row.partner));
    }
  });

  test("refusals", () => {
    if (view.kind !== "trees") throw new Error("trees");
    const refusal = (changes: object) => modelErrorOf(() => parsePartnerView({ ...view, ...changes }));
    expect(refusal({})).toBe("none");
    const [first] = view.trees;
    expect(refusal({ trees: [] })).toMatch(/^MODEL_INVALID trees:/);
    expect(refusal({ trees: [{ ...first, leaves: [1] }] })).toMatch(/^MODEL_INVALID trees\.0: Unrecognized/);
    expect(refusal({ trees: [{ ...first, left: [0] }] })).toBe("MODEL_INVALID trees.0: not a tree in preorder");
    expect(refusal({ trees: [{ ...first, threshold: [null] }] })).toMatch(/^MODEL_INVALID trees\.0\.threshold\.0:/);
    expect(refusal({ comparison: "float16" })).toMatch(/^MODEL_INVALID comparison:/);
    expect(refusal({ columns: [...view.columns, "SALARY"] })).toBe("MODEL_INVALID columns: not those of the trees");
    expect(refusal({ columns: view.columns.slice(1) })).toBe("MODEL_INVALID columns: not those of the trees");
    expect(refusal({ columns: view.columns.with(0, view.columns[1] as string) })).toBe(
      "MODEL_INVALID columns: one twice",
    );
    const { leaves: _, ...shape } = fullTree(10, 3, 1);
    expect(shape.feature.length).toBe(1023);
    const largest = Array.from({ length: 8 }, () => shape);
    expect(refusal({ trees: largest })).toBe("none");
    // A control session's frame has 1 MiB: even with the longest number for each threshold there is room.
    const longest = largest.map((tree) => ({ ...tree, threshold: tree.threshold.map(() => -Math.PI * 1e-300) }));
    expect(JSON.stringify({ ...view, trees: longest }).length).toBeLessThan(600_000);
    expect(refusal({ trees: Array.from({ length: 9 }, () => shape) })).toMatch(/^MODEL_INVALID trees: more than 8192/);
  });
});

describe("separateTrees", () => {
  test("columns are those that are used, in order of use; constants go to the base", () => {
    const constant: Tree = { feature: [], threshold: [], left: [], right: [], missing: [], leaves: [7] };
    const model = modelOf([stump(3), constant, stump(1), stump(3)]);
    if (model.kind !== "trees") throw new Error("trees");
    expect([model.base, model.own.columns, model.partner.columns]).toEqual([7, ["d"], ["b"]]);
    expect(scoreFloat(model, { own: [1], partner: [null] })).toBe(7 + 2 + 1 + 2);
    expect(modelErrorOf(() => partnerView(modelOf([stump(3)]), SALT))).toBe(
      "MODEL_INVALID features: none is the partner's",
    );
    expect(modelDigest(model)).not.toBe(modelDigest(modelOf([stump(3)])));
  });

  test("too many leaves", () => {
    const trees = Array.from({ length: 9 }, (_, i) => fullTree(10, 2, i));
    expect(modelErrorOf(() => modelOf(trees))).toBe("MODEL_UNSUPPORTED more than 8192 leaves in the partner's trees");
    expect(modelErrorOf(() => modelOf(trees, []))).toBe("none");
    expect(modelErrorOf(() => fullTree(11, 2, 1))).toBe("MODEL_UNSUPPORTED tree: more than 1024 leaves");
  });
});

describe("leaves in integers", () => {
  const bits = (...leaves: (readonly [number, number])[]) =>
    quantise(modelOf(leaves.map((pair) => stump(0, pair)))).fractionBits;

  test("the finest scale at which the largest leaves fit int32 together", () => {
    expect(bits([0, 0])).toBe(30);
    expect(bits([1, -1])).toBe(30);
    expect(bits([1, -1.5], [0, 0.5])).toBe(29);
    expect(bits([-2, 0])).toBe(29);
    expect(bits([2 ** 30, 0], [2 ** 30 - 1, 0])).toBe(0);
    expect(modelErrorOf(() => bits([2 ** 30, 0], [0, 2 ** 30]))).toBe("MODEL_HEADROOM the partner's leaves");
    const heavy = modelOf([stump(0), stump(3, [2 ** 40, 0])]);
    expect(modelErrorOf(() => quantise(heavy))).toBe("MODEL_HEADROOM the bank's own features or the intercept");
  });

  test("sixteen to a group, reversed; small trees share one", () => {
    const row = Float64Array.from({ length: 16 }, (_, i) => i + 1);
    expect(leafGroups([row]).map((group) => [...group])).toEqual([[...row].reverse()]);
    expect(leafGroups([row, Float64Array.of(-5)]).map((group) => group[15])).toEqual([1, -5]);
    expect(leafLayout([stump(0), fullTree(4, 2, 1), stump(1)])).toEqual({
      offsets: Uint32Array.of(0, 2, 18),
      groups: 2,
    });
    expect(leafLayout(Array.from({ length: 100 }, (_, i) => fullTree(4, 2, i))).groups).toBe(100);
    expect(modelErrorOf(() => leafGroups([Float64Array.of(2 ** 31)]))).toBe("MODEL_HEADROOM a leaf");
  });
});

describe("values", () => {
  const tree = stump(0);

  test("one beyond float32 compares as an infinity; an infinity or NaN in a row is refused", () => {
    expect([1e39, -1e39, 3.4e38].map((value) => leafIndex(tree, [value], "float32-below"))).toEqual([1, 0, 1]);
    const model = modelOf([tree]);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, "1"])
      expect(modelErrorOf(() => scoreFloat(model, { own: [], partner: [value] }))).toBe(
        "DATASET_COLUMN_TYPE a: a value is not a finite number",
      );
    const column = Float64Array.of(1, Number.NEGATIVE_INFINITY);
    for (const comparison of ["float32-below", "float64-at-most"] as const)
      expect(modelErrorOf(() => treeColumns(["a"], [column], comparison))).toBe(
        "DATASET_COLUMN_TYPE a: a value is not a finite number",
      );
  });

  test("no rows, and a tree of one leaf", () => {
    const out = new Uint16Array(2).fill(9);
    leafColumn(tree, [Float64Array.of()], "float32-below", out.subarray(2));
    expect([...out]).toEqual([9, 9]);
    const constant = buildTree<number>("tree", 0, () => ({ leaf: 1 }));
    leafColumn(constant, [], "float32-below", out);
    expect([...out, leafIndex(constant, [], "float32-below")]).toEqual([0, 0, 0]);
  });
});
