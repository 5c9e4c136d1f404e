/** score-trees end to end in memory: every score against the integer reference and the libraries' predictions. */
import { DuckDBInstance } from "@duckdb/node-api";
import { describe, expect, test } from "vitest";
import * as bank from "../../party/protocols/score-linear/bank.ts";
import { encryptModel, openBundle } from "../../party/protocols/score-linear/bundle.ts";
import * as partner from "../../party/protocols/score-linear/partner.ts";
import { outputOf } from "../../proto/model/header.ts";
import { partScore, type Row, realScore, scoreInteger } from "../../proto/model/score.ts";
import { buildTree, type Tree } from "../../proto/model/tree.ts";
import { BUREAU_FILE } from "../support/credit.ts";
import { documentColumns, readScored } from "../support/model-fixture.ts";
import { fullTree } from "../support/model-trees.ts";
import { runScoreWith, scorePlatform, scoresOf, sequence } from "../support/score-run.ts";
import {
  columnsOf,
  modelOfTrees,
  partnerRows,
  partnerScores,
  type TreeCase,
  treeCase,
  treesContext,
} from "../support/tree-run.ts";

async function scores(of: TreeCase, rows: readonly Row[], senderCapacity: number): Promise<number[]> {
  using model = await encryptModel(scorePlatform, of.polynomials);
  const run = runScoreWith(treesContext(of, { senderCapacity }), { model, rows: partnerRows(of, rows) });
  expect(run.partnerFrames.length).toBe(1 + Math.ceil(senderCapacity / 512));
  return scoresOf(run);
}

describe.each([
  ["xgboost-logistic", 1e-6],
  ["xgboost-1-logistic", 1e-6],
  ["xgboost-2-logistic", 1e-6],
  ["xgboost-squarederror", 1e-6],
  ["xgboost-forest", 1e-6],
  ["xgboost-dart", 1e-6],
  ["lightgbm-binary", 1e-8],
  ["lightgbm-dart", 1e-8],
  ["lightgbm-forest", 1e-8],
  ["lightgbm-no-missing", 1e-8],
  ["lightgbm-zero-missing", 1e-8],
  ["lightgbm-regression", 1e-8],
] as const)("%s", (name, tolerance) => {
  test("scores as the integers do in every row, and as the library predicts", async () => {
    const { model, rows, predictions } = readScored(`trees/${name}`, documentColumns(`trees/${name}`));
    const of = treeCase(model);
    const { quantised } = of;
    const parts = await scores(of, rows, 200);
    const whole = parts.map((part, i) => quantised.base + partScore(quantised.own, (rows[i] as Row).own) + part);
    expect(whole.length).toBe(130);
    expect(whole).toEqual(rows.map((row) => scoreInteger(quantised, row)));
    const off = whole.map((score, i) => outputOf(model, realScore(quantised, score)) - (predictions[i] as number));
    expect(Math.max(...off.map(Math.abs))).toBeLessThan(tolerance);
  });
});

test("the demo's whole bureau, at the partner", async () => {
  const { model } = readScored("trees/xgboost-logistic", documentColumns("trees/xgboost-logistic"));
  const of = treeCase(model);
  const db = await (await DuckDBInstance.create(":memory:")).connect();
  const names = of.view.columns.map((column) => `"${column}"::DOUBLE`).join(", ");
  const read = await db.runAndReadAll(`SELECT ${names} FROM read_parquet('${BUREAU_FILE}')`);
  const rows = read.getRows().map((values) => ({ own: [], partner: values as (number | null)[] }));
  db.closeSync();
  expect(rows.length).toBe(24_144);
  const found = await scores(of, rows, 25_268);
  expect(found).toEqual(partnerScores(of, rows));
  expect(new Set(found).size).toBeGreaterThan(10);
});

describe("numbers of rows", () => {
  const { model, rows } = readScored("trees/xgboost-logistic", documentColumns("trees/xgboost-logistic"));
  const of = treeCase(model);

  test.each([
    [0, 1024],
    [0, 1],
    [1, 1],
    [511, 512],
    [512, 512],
    [513, 513],
    [513, 1025],
  ])("%i in %i slots", async (count, senderCapacity) => {
    const many = Array.from({ length: count }, (_, i) => rows[i % rows.length] as Row);
    expect(await scores(of, many, senderCapacity)).toEqual(partnerScores(of, many));
  });
});

describe("leaves", () => {
  const stump = (feature: number, leaves: readonly [number, number]): Tree => ({
    ...{ feature: [feature], threshold: [0], left: [-1], right: [-2], missing: ["left"] },
    leaves,
  });
  /** A tree with a leaf at each depth. */
  const stick = (leaves: number, seed: number): Tree =>
    buildTree("tree", 1, (at: number) => {
      if (at < 0 || at === leaves) return { leaf: Math.sin(at + seed) };
      return { feature: at % 3, threshold: at / leaves - 0.5, missing: "left", left: -at, right: at + 1 };
    });
  const next = sequence(9);
  const rows: Row[] = Array.from({ length: 700 }, () => ({
    own: [],
    partner: Array.from({ length: 12 }, () => (next() < 0.1 ? null : next() * 4 - 2)),
  }));

  test.each([
    ["small trees that share a group", [stump(0, [1, -1]), stick(7, 1), stick(9, 2), stump(1, [0.5, 0.25])]],
    ["trees across groups", [stick(15, 1), stick(17, 2), fullTree(6, 4, 3), stick(33, 4)]],
    ["the largest tree", [fullTree(10, 4, 1), stump(2, [3, 4])]],
    ["constant and zero leaves", [stump(0, [0, 0]), stump(1, [5, 5])]],
    ["leaves at the ends of the number range", [stump(0, [2 ** 30, -(2 ** 30)]), stump(1, [2 ** 30 - 1, 1 - 2 ** 30])]],
  ])("%s", async (_, trees) => {
    const of = treeCase(modelOfTrees(trees));
    const used = rows.map(({ partner: values }) => ({ own: [], partner: values.slice(0, of.view.columns.length) }));
    const expected = partnerScores(of, used);
    expect(await scores(of, used, 700)).toEqual(expected);
  });

  test("the same columns for each call: blocks leave them as they were", async () => {
    const of = treeCase(modelOfTrees([stump(0, [1, 2])]));
    const used = rows.map(({ partner: values }) => ({ own: [], partner: values.slice(0, 1) }));
    const before = columnsOf(of, used);
    using model = await encryptModel(scorePlatform, of.polynomials);
    const context = treesContext(of, { partition: 0, senderCapacity: 700 });
    using opened = openBundle(scorePlatform.he, model.bundle, context.features);
    const input = partnerRows(of, used);
    for (const partition of [0, 1]) {
      const at = { ...context, partition };
      const answered = partner.start(scorePlatform, at, { rows: input, model: opened });
      let asked = bank.start(scorePlatform, at, { model, announce: false });
      if (answered.kind !== "done") throw new Error("another order of steps");
      for (const frame of answered.send)
        if (asked.kind === "continue") asked = bank.next(scorePlatform, asked.state, frame);
      if (asked.kind !== "done") throw new Error("the bank still waits");
      expect(scoresOf({ labels: answered.output.labels, masked: asked.output.masked })).toEqual(
        partnerScores(of, used),
      );
    }
    expect(columnsOf(of, used)).toEqual(before);
  });
});
