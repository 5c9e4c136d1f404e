import { describe, expect, test } from "vitest";
import { outputOf } from "../../proto/model/header.ts";
import { parseLightGbm } from "../../proto/model/lightgbm.ts";
import { modelDigest, parseModel } from "../../proto/model/model.ts";
import { quantise, scoreErrorBound } from "../../proto/model/quantise.ts";
import { partScore, partScores, realScore, scoreFloat, scoreInteger } from "../../proto/model/score.ts";
import { leafIndex } from "../../proto/model/tree.ts";
import { parseXgboost } from "../../proto/model/xgboost.ts";
import { modelErrorOf } from "../support/model-error.ts";
import { documentColumns, type ModelFixture, readModelFile, readScored } from "../support/model-fixture.ts";

/** XGBoost adds in float32, so that its predictions are off by some 2^-24; LightGBM adds in doubles as we do. */
const FIXTURES: readonly (readonly [string, number])[] = [
  ["xgboost-logistic", 1e-7],
  ["xgboost-1-logistic", 1e-7],
  ["xgboost-2-logistic", 1e-7],
  ["xgboost-squarederror", 1e-7],
  ["xgboost-forest", 1e-7],
  ["xgboost-dart", 1e-7],
  ["lightgbm-binary", 1e-15],
  ["lightgbm-dart", 1e-15],
  ["lightgbm-forest", 1e-15],
  ["lightgbm-no-missing", 1e-15],
  ["lightgbm-zero-missing", 1e-15],
  ["lightgbm-regression", 1e-15],
];

describe.each(FIXTURES)("%s", (name, tolerance) => {
  const { model, rows, predictions } = readScored(`trees/${name}`, documentColumns(`trees/${name}`));
  const quantised = quantise(model);

  test("predicts what the library predicts, on thresholds and with missing values too", () => {
    const wrong = rows.filter((row, i) => {
      return !(Math.abs(outputOf(model, scoreFloat(model, row)) - (predictions[i] as number)) <= tolerance);
    });
    expect(rows.length).toBe(130);
    expect(wrong).toEqual([]);
  });

  test("in integers within the bound, which is below a millionth", () => {
    expect(scoreErrorBound(quantised)).toBeLessThan(1e-6);
    for (const row of rows) {
      const score = scoreInteger(quantised, row);
      expect(Number.isSafeInteger(score)).toBe(true);
      expect(Math.abs(realScore(quantised, score) - scoreFloat(model, row))).toBeLessThanOrEqual(
        scoreErrorBound(quantised) + 1e-12,
      );
    }
  });

  test("both parties have trees, and columns score as rows do", () => {
    for (const side of ["own", "partner"] as const) {
      const part = quantised[side];
      expect(part.columns.length).toBeGreaterThan(0);
      const columns = part.columns.map((_, j) =>
        Float64Array.from(rows, (row) => (row[side][j] ?? Number.NaN) as number),
      );
      expect([...partScores(part, columns, rows.length)]).toEqual(rows.map((row) => partScore(part, row[side])));
    }
  });
});

describe("LightGBM's two forms", () => {
  test("text and dump of one model are one model", () => {
    const { document } = readModelFile<ModelFixture>("trees/lightgbm-binary");
    const dump = readModelFile("trees/lightgbm-binary-dump");
    expect(modelDigest(parseModel({ ...document, model: dump }))).toBe(modelDigest(parseModel(document)));
  });
});

interface Leaves {
  readonly dart: { readonly model: string; readonly rows: number[][]; readonly predictions: number[] };
  readonly forest: Leaves["dart"];
  readonly fragments: Record<string, string>;
  readonly dumps: Record<string, { tree_info: object[] }>;
}

describe("published models", () => {
  const leaves = readModelFile<Leaves>("trees/lightgbm-leaves");

  function predict(source: unknown, rows: readonly number[][], options = {}): number[] {
    const { link, base, trees, comparison } = parseLightGbm(source, options);
    return rows.map((row) => {
      const score = trees.reduce((sum, tree) => sum + (tree.leaves[leafIndex(tree, row, comparison)] as number), base);
      return outputOf({ link }, score);
    });
  }

  test("LightGBM DART, breast cancer", () => {
    const predicted = predict(leaves.dart.model, leaves.dart.rows);
    expect(predicted.length).toBe(57);
    for (const [i, p] of predicted.entries()) expect(p).toBeCloseTo(leaves.dart.predictions[i] as number, 14);
  });

  test("LightGBM random forest of v2, iris: its leaves are probabilities, which the model does not say", () => {
    const { model, rows, predictions } = leaves.forest;
    for (const [i, p] of predict(model, rows, { link: "identity" }).entries())
      expect(p).toBeCloseTo(predictions[i] as number, 14);
    expect(modelErrorOf(() => parseLightGbm(model))).toBe(
      "MODEL_UNSUPPORTED average_output of version v2 without a link",
    );
    expect(modelErrorOf(() => parseLightGbm(leaves.dart.model, { link: "logit" }))).toMatch(/^MODEL_INVALID link:/);
  });

  test("the dump of v2 needs its objective, and has the text's trees", () => {
    const dump = leaves.dumps.lg_dart_breast_cancer;
    expect(modelErrorOf(() => parseLightGbm(dump))).toBe("MODEL_INVALID objective: missing");
    const text = parseLightGbm(leaves.dart.model);
    const json = parseLightGbm(dump, { objective: "binary sigmoid:1" });
    expect(json.trees.length).toBe(3);
    for (const [t, tree] of json.trees.entries()) {
      const { threshold, leaves: values, ...rest } = text.trees[t] as typeof tree;
      expect(tree).toMatchObject(rest);
      for (const [i, value] of values.entries()) expect(tree.leaves[i]).toBeCloseTo(value, 14);
      for (const [i, value] of threshold.entries()) expect(tree.threshold[i]).toBeCloseTo(value, 12);
    }
    expect(modelErrorOf(() => parseLightGbm(leaves.dart.model, { objective: "regression" }))).toMatch(/^MODEL_INVALID/);
  });

  test("a single leaf is a constant; a categorical tree is refused, a fragment too", () => {
    const { lg_1tree: categorical, lg_1tree_1leaf: single } = leaves.dumps;
    expect(predict(single, [[1], [2]], { objective: "regression" })).toEqual([0.42, 0.42]);
    expect(modelErrorOf(() => parseLightGbm(categorical, { objective: "regression" }))).toBe(
      "MODEL_UNSUPPORTED tree 0: categorical split",
    );
    for (const text of Object.values(leaves.fragments))
      expect(modelErrorOf(() => parseLightGbm(text))).toMatch(/^MODEL_INVALID model: the first line/);
  });
});

describe("refused by name", () => {
  test.each([
    ["categorical", "tree 0: categorical split"],
    ["linear", "tree 0: linear leaves"],
    ["multiclass", "num_class 3"],
    ["poisson", "objective poisson"],
  ])("LightGBM %s, as text and as dump", (name, detail) => {
    const model = readModelFile<Record<string, { text: string; dump: unknown }>>("trees/lightgbm-refused")[name];
    expect(modelErrorOf(() => parseLightGbm(model?.text))).toBe(`MODEL_UNSUPPORTED ${detail}`);
    expect(modelErrorOf(() => parseLightGbm(model?.dump))).toBe(`MODEL_UNSUPPORTED ${detail}`);
  });

  test.each([
    ["categorical", "tree 0: categorical split"],
    ["softprob", "objective multi:softprob"],
    ["poisson", "objective count:poisson"],
    ["gblinear", "booster gblinear"],
    ["two-targets", "num_target 2"],
    ["best-iteration", "best_iteration before the last round: save booster[: best_iteration + 1]"],
  ])("XGBoost %s", (name, detail) => {
    const model = readModelFile<Record<string, unknown>>("trees/xgboost-refused")[name];
    expect(modelErrorOf(() => parseXgboost(model))).toBe(`MODEL_UNSUPPORTED ${detail}`);
  });

  test("a tree of both parties' features, with its number and the features", () => {
    const { document } = readModelFile<ModelFixture>("trees/lightgbm-binary");
    const { mixed } = readModelFile<Record<string, { text: string }>>("trees/lightgbm-refused");
    expect(modelErrorOf(() => parseModel({ ...document, model: mixed?.text }))).toMatch(
      /^MODEL_UNSUPPORTED tree 0 mixes features: own (Column_[0-3] ?)+, partner Column_[4-6]( Column_[4-6])*$/,
    );
    const { document: xgboost } = readModelFile<ModelFixture>("trees/xgboost-squarederror");
    const other = readModelFile<Record<string, unknown>>("trees/xgboost-refused").mixed;
    expect(modelErrorOf(() => parseModel({ ...xgboost, model: other }))).toMatch(
      /^MODEL_UNSUPPORTED tree 0 mixes features: own f.*, partner f/,
    );
  });
});

test("LightGBM's threshold inf divides the missing from all others", () => {
  const text = readModelFile<ModelFixture>("trees/lightgbm-binary").document.model as string;
  const infinite = text.replace(/threshold=\S+/, "threshold=inf").replace(/decision_type=\d+/, "decision_type=8");
  const [tree] = parseLightGbm(infinite).trees;
  if (tree === undefined) throw new Error("a tree");
  const sideOf = (value: number) =>
    leafIndex(
      { ...tree, left: tree.left.with(0, -1), right: tree.right.with(0, -2) },
      Array(7).fill(value),
      "float64-at-most",
    );
  expect([-Number.MAX_VALUE, 0, Number.MAX_VALUE, Number.NaN].map(sideOf)).toEqual([0, 0, 0, 1]);
});

describe("a damaged model", () => {
  const { document } = readModelFile<ModelFixture>("trees/xgboost-dart");
  // biome-ignore lint/suspicious/noExplicitAny: a document that is bent at will
  type Bent = any;
  const bent = (change: (model: Bent) => void) => {
    const model = structuredClone(document.model) as Bent;
    change(model);
    return modelErrorOf(() => parseXgboost(model));
  };
  const tree = (model: Bent) => model.learner.gradient_booster.gbtree.model.trees[0];
  const head = (model: Bent) => model.learner.learner_model_param;

  test.each<[string, (model: Bent) => void]>([
    ["MODEL_INVALID learner", (model) => delete model.learner],
    ["MODEL_INVALID learner.gradient_booster.weight_drop", (model) => model.learner.gradient_booster.weight_drop.pop()],
    ["MODEL_INVALID tree 0: its lists differ", (model) => tree(model).split_conditions.pop()],
    [
      "MODEL_INVALID tree 0: a node has two parents",
      (model) => (tree(model).left_children[0] = tree(model).right_children[0]),
    ],
    ["MODEL_INVALID tree 0: a node has two parents", (model) => (tree(model).left_children[1] = 0)],
    ["MODEL_INVALID tree 0: a node that is not there", (model) => (tree(model).left_children[0] = 99)],
    ["MODEL_INVALID tree 0: a feature that is not there", (model) => (tree(model).split_indices[0] = 7)],
    [
      "MODEL_INVALID learner.gradient_booster.gbtree.model.trees.0.split_conditions.0",
      (model) => (tree(model).split_conditions[0] = null),
    ],
    ["MODEL_INVALID learner.learner_model_param.base_score", (model) => (head(model).base_score = "[1E-1,2E-1]")],
    ["MODEL_INVALID learner.learner_model_param.base_score", (model) => (head(model).base_score = "1E0")],
    ["MODEL_INVALID learner.feature_names", (model) => (model.learner.feature_names = ["a"])],
    ["MODEL_UNSUPPORTED tree 0: vector leaves", (model) => (tree(model).tree_param.size_leaf_vector = "2")],
    ["MODEL_UNSUPPORTED XGBoost version 4", (model) => (model.version = [4, 0, 0])],
  ])("%s", (message, change) => {
    expect(bent(change)).toContain(message);
  });

  const text = readModelFile<ModelFixture>("trees/lightgbm-binary").document.model as string;
  test.each<[string, (text: string) => string]>([
    ["MODEL_INVALID tree_sizes", (whole) => whole.slice(0, whole.indexOf("Tree=3"))],
    ["MODEL_INVALID version: missing", (whole) => whole.replace("version=v4\n", "")],
    ["MODEL_UNSUPPORTED LightGBM version v5", (whole) => whole.replace("version=v4", "version=v5")],
    ["MODEL_UNSUPPORTED objective regression sqrt", (whole) => whole.replace("binary sigmoid:0.7", "regression sqrt")],
    ["MODEL_INVALID num_class: twice", (whole) => whole.replace("num_class=1", "num_class=1\nnum_class=1")],
    ["MODEL_INVALID tree 0: threshold", (whole) => whole.replace(/threshold=\S+/, "threshold=nan")],
    ["MODEL_INVALID tree 0: leaf_value", (whole) => whole.replace(/leaf_value=\S+ /, "leaf_value=")],
    ["MODEL_UNSUPPORTED tree 0: decision_type 16", (whole) => whole.replace(/decision_type=\d+/, "decision_type=16")],
    ["MODEL_UNSUPPORTED tree 0: categorical split", (whole) => whole.replace(/decision_type=\d+/, "decision_type=1")],
    ["MODEL_INVALID split_feature", (whole) => whole.replace(/split_feature=\d+/, "split_feature=7")],
    ["MODEL_INVALID tree 0: a node has two parents", (whole) => whole.replace(/left_child=\d+/, "left_child=0")],
  ])("%s", (message, change) => {
    expect(text).toContain("version=v4");
    expect(modelErrorOf(() => parseLightGbm(change(text)))).toContain(message);
  });

  test.each<[string, object]>([
    ["features.0.name: not a feature", { features: [{ name: "f9", party: "own" }] }],
    ["features.1.name: twice", { features: [document.features[0], document.features[0]] }],
    ["features: f", { features: [{ name: "f0", party: "own" }] }],
    ["objective: an XGBoost model has its own", { objective: "regression" }],
    ["tiers.0.minScore: not with a link of kind logit", { tiers: [{ tier: "A", minScore: 1 }, { tier: "B" }] }],
    ["document: Unrecognized", { weights: [] }],
  ])("of which the wrapper says %s", (message, changes) => {
    expect(modelErrorOf(() => parseModel({ ...document, ...changes }))).toContain(`MODEL_INVALID ${message}`);
  });
});
