import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { commitTo } from "../../proto/evidence/openings.ts";
import { outputOf, tierOf } from "../../proto/model/header.ts";
import { columnsOf, parseModel } from "../../proto/model/model.ts";
import { keptOf, opensTiers, releasedOf } from "../../proto/model/output.ts";
import { encryptedColumns, partnerView, storedValue } from "../../proto/model/partner-view.ts";
import { quantise, scoreErrorBound } from "../../proto/model/quantise.ts";
import { partScore, partScores, realScore, scoreFloat, scoreInteger } from "../../proto/model/score.ts";
import { modelErrorOf } from "../support/model-error.ts";
import { type ModelFixture, readModelFile, readScored } from "../support/model-fixture.ts";

const SALT = new Uint8Array(32).fill(5);

describe.each([
  ["sklearn-credit", 201],
  ["scorecard-marketing", 117],
])("%s", (name, count) => {
  const { model, rows, predictions } = readScored(`linear/${name}`);
  const quantised = quantise(model);

  test("predicts what scikit-learn predicts", () => {
    expect(rows.length).toBe(count);
    for (const [i, row] of rows.entries())
      expect(outputOf(model, scoreFloat(model, row))).toBeCloseTo(predictions[i] as number, 14);
  });

  test("in integers within the bound", () => {
    expect(scoreErrorBound(quantised)).toBeLessThan(0.01);
    for (const row of rows) {
      const error = realScore(quantised, scoreInteger(quantised, row)) - scoreFloat(model, row);
      expect(Math.abs(error)).toBeLessThanOrEqual(scoreErrorBound(quantised) + 1e-12);
    }
  });

  test("what the partner computes from its view, times the weights, is the partner's part", () => {
    const view = partnerView(model, SALT);
    if (view.kind !== "linear" || quantised.partner.kind !== "linear") throw new Error("a linear view");
    const { weights } = quantised.partner;
    const columns = view.columns.flatMap((column, j) =>
      encryptedColumns(
        column,
        Int16Array.from(rows, (row) => storedValue(column, row.partner[j] as number)),
      ),
    );
    expect(columns.length).toBe(weights.length);
    const products = rows.map((_, i) =>
      columns.reduce((sum, column, j) => sum + (column[i] as number) * (weights[j] as number), 0),
    );
    expect(products).toEqual(rows.map((row) => partScore(quantised.partner, row.partner)));
  });
});

describe("the scorecard", () => {
  const { document } = readModelFile<ModelFixture>("linear/scorecard-marketing");
  const model = parseModel(document);

  test("shows the partner bins, and no point, WOE or coefficient", () => {
    const view = partnerView(model, SALT);
    expect(columnsOf(model, "partner")).toEqual(["campaign", "pdays", "contact", "month", "poutcome"]);
    expect(view).toMatchObject({
      columns: [
        { kind: "intervals", column: "campaign", edges: [2, 3, 5] },
        { kind: "intervals", column: "pdays", edges: [0, 90, 180, 365] },
        { kind: "categories", column: "contact", categories: [["cellular"], ["telephone"]] },
        { column: "month" },
        { column: "poutcome" },
      ],
    });
    expect(JSON.stringify(view)).not.toMatch(/points|values|coefficient|weight|missing|other"?:/);
  });
});

function scorecard(changes: Record<string, unknown> = {}, ...more: readonly object[]) {
  const age = { kind: "intervals", party: "own", column: "age", edges: [30, 50], values: [10, 20, 30], missing: -5 };
  const late = {
    kind: "categories",
    party: "partner",
    column: "late",
    categories: [["never"], ["once", 1]],
    values: [40, 20],
    other: 0,
    missing: 15,
    coefficient: 0.5,
  };
  const tiers = [{ tier: "A", minScore: 640 }, { tier: "B", minScore: 625.5 }, { tier: "C" }];
  const head = { format: "entente-linear/1", name: "card", version: "1", kind: "scorecard", link: "identity" };
  return { ...head, intercept: 600, features: [age, late, ...more], tiers, tagKey: "risk", ...changes };
}

test("the documents of README.md are read", () => {
  const text = readFileSync(new URL("../../proto/model/README.md", import.meta.url), "utf8");
  const documents = [...text.matchAll(/```json\n([^`]*)```/g)].map((match) => JSON.parse(match[1] as string));
  expect(documents.map((document) => modelErrorOf(() => parseModel(document)))).toEqual([
    "none",
    // Its model is left out.
    expect.stringMatching(/^MODEL_INVALID version:/),
  ]);
});

describe("bins", () => {
  const model = parseModel(scorecard());
  const quantised = quantise(model);
  const score = (age: number | string | null, late: number | string | null) => {
    const row = { own: [age], partner: [late] };
    expect(realScore(quantised, scoreInteger(quantised, row))).toBe(scoreFloat(model, row));
    return scoreFloat(model, row) - 600;
  };

  test("are half open, with one for missing and one for other categories; numbers are not texts", () => {
    expect([29.999, 30, 49.999, 50, 1e300, -1e300, null].map((age) => score(age, "x"))).toEqual([
      10, 20, 20, 30, 30, 10, -5,
    ]);
    expect(["never", "once", 1, "1", 7, "", null].map((late) => score(30, late) - 20)).toEqual([
      20, 10, 10, 0, 0, 0, 7.5,
    ]);
  });

  test("columns of numbers score as rows do", () => {
    const ages = [29.999, 30, 50, Number.NaN, -0];
    const scores = partScores(quantised.own, [Float64Array.from(ages)], ages.length);
    expect([...scores]).toEqual(ages.map((age) => partScore(quantised.own, [Number.isNaN(age) ? null : age])));
  });

  test.each<[number | string, string]>([
    [Number.NaN, "age: a value is not a finite number"],
    [Number.NEGATIVE_INFINITY, "age: a value is not a finite number"],
    ["30", "age: not a number"],
  ])("refuse %s", (age, detail) => {
    expect(modelErrorOf(() => scoreFloat(model, { own: [age], partner: [null] }))).toBe(
      `DATASET_COLUMN_TYPE ${detail}`,
    );
    expect(modelErrorOf(() => scoreInteger(quantised, { own: [age], partner: [null] }))).toMatch(
      /^DATASET_COLUMN_TYPE/,
    );
  });

  test("only one bin of a column counts for the headroom", () => {
    // 64 bins of 2^31 / 2^8 / 2^17 each: the sum would need seven bits more.
    const edges = Array.from({ length: 60 }, (_, i) => i);
    const heavy = (value: number) => ({
      ...{ kind: "intervals", party: "partner", column: "heavy", edges, missing: 0 },
      values: edges.map(() => value).concat(value),
    });
    const bits = (value: number) => quantise(parseModel(scorecard({ features: [heavy(value)] }))).fractionBits - 8;
    expect([63.99, 64, 127, 8191.9].map(bits)).toEqual([17, 16, 16, 10]);
    expect(modelErrorOf(() => bits(8192))).toBe("MODEL_HEADROOM the partner's features");
  });

  const [age, late] = scorecard().features;
  test.each<[string, object]>([
    ["features.0.values: not one for each bin", { ...age, values: [1, 2] }],
    ["features.0.values: not one for each bin", { ...late, values: [1] }],
    ["features.0.edges.1: not ascending", { ...age, edges: [30, 30] }],
    ["features.0.edges: ", { ...age, edges: [] }],
    ["features.0.edges.0: ", { ...age, edges: [Number.NaN, 1] }],
    ["features.0.missing: ", { ...age, missing: undefined }],
    ["features.0.other: ", { ...late, other: undefined }],
    ["features.0.categories.1.0: twice", { ...late, categories: [["a"], ["a"]] }],
    ["features.0.categories.0: ", { ...late, categories: [[], ["a"]] }],
    ["features.0: Unrecognized", { ...age, clip: [0, 1] }],
    ["features.0.kind: ", { ...age, kind: "spline" }],
  ])("%s", (message, feature) => {
    expect(modelErrorOf(() => parseModel(scorecard({ features: [feature] })))).toContain(`MODEL_INVALID ${message}`);
  });

  test("count for the number of features", () => {
    const wide = (i: number) => ({
      ...{ kind: "intervals", party: "partner", column: `c${i}`, missing: 0 },
      edges: Array.from({ length: 64 }, (_, j) => j),
      values: Array.from({ length: 65 }, () => 0),
    });
    const with_ = (count: number) => scorecard({}, ...Array.from({ length: count }, (_, i) => wide(i)));
    expect(modelErrorOf(() => parseModel(with_(3)))).toBe("none");
    expect(modelErrorOf(() => parseModel(with_(4)))).toBe("MODEL_INVALID features: more than 256 of one party");
  });
});

describe("scikit-learn's JSON", () => {
  const { document } = readModelFile<ModelFixture>("linear/sklearn-credit");
  const count = document.features.length;
  const ones = Array.from({ length: count }, () => 1);

  test("linear regression, coefficients in one list, no centring", () => {
    const model = parseModel({
      ...document,
      estimator: "Ridge",
      coef: ones,
      intercept: 2,
      mean: null,
      classes: undefined,
    });
    expect(model.link).toEqual({ kind: "identity" });
    const row = { own: [1, null, 3, 4], partner: [0, 0, 0] };
    const scale = document.scale as number[];
    const missing = document.missing as number[];
    const terms = [1, missing[1] as number, 3, 4].map((value, j) => value / (scale[j] as number));
    expect(scoreFloat(model, row)).toBeCloseTo(2 + terms.reduce((a, b) => a + b), 12);
  });

  test.each<[string, object]>([
    ["MODEL_UNSUPPORTED estimator SGDClassifier", { estimator: "SGDClassifier" }],
    ["MODEL_UNSUPPORTED estimator toString", { estimator: "toString" }],
    ["MODEL_UNSUPPORTED more than two classes", { classes: [0, 1, 2] }],
    ["MODEL_UNSUPPORTED coef: more than two classes", { coef: [ones, ones] }],
    ["MODEL_UNSUPPORTED intercept: more than one target", { intercept: [1, 2] }],
    ["MODEL_INVALID coef: not one for each feature", { coef: [[1]] }],
    ["MODEL_INVALID mean: not one for each feature", { mean: [1] }],
    ["MODEL_INVALID missing: not one for each feature", { missing: [1] }],
    ["MODEL_INVALID partner.0: not among the features", { partner: ["x"] }],
    ["MODEL_INVALID clip: needed where nothing scales", { mean: null, scale: null }],
    ["MODEL_INVALID scale.0: ", { scale: [0, ...ones.slice(1)] }],
    ["MODEL_INVALID features.1.column: twice", { features: Array.from({ length: count }, () => "a"), partner: [] }],
    ["MODEL_INVALID format: ", { format: "entente-keras/1" }],
  ])("%s", (message, changes) => {
    expect(modelErrorOf(() => parseModel({ ...document, ...changes }))).toContain(message);
  });
});

describe("tiers and outputs", () => {
  const byScore = parseModel(scorecard());
  const risk = parseModel(scorecard({ tiers: [{ tier: "low", maxScore: 10 }, { tier: "high" }] }));

  test("a tier takes its bound", () => {
    expect([641, 640, 639.9, 625.5, 625.4, -1e9].map((score) => tierOf(byScore, score))).toEqual([
      "A",
      "A",
      "B",
      "B",
      "C",
      "C",
    ]);
    expect([-1e9, 10, 10.1].map((score) => tierOf(risk, score))).toEqual(["low", "low", "high"]);
  });

  test.each<[string, object[]]>([
    ["tiers.1.minScore: not descending", [{ tier: "A", minScore: 1 }, { tier: "B", minScore: 2 }, { tier: "C" }]],
    ["tiers.1.maxScore: not ascending", [{ tier: "A", maxScore: 1 }, { tier: "B", maxScore: 1 }, { tier: "C" }]],
    [
      "tiers.1.minScore: the last takes all",
      [
        { tier: "A", minScore: 2 },
        { tier: "B", minScore: 1 },
      ],
    ],
    ["tiers.0.maxScore: missing", [{ tier: "A" }, { tier: "B" }]],
    [
      "tiers.1.maxScore: not with minScore",
      [
        { tier: "A", minScore: 1 },
        { tier: "B", maxScore: 1 },
      ],
    ],
    ["tiers.0.maxProbability: not with a link of kind identity", [{ tier: "A", maxProbability: 1 }]],
  ])("%s", (message, tiers) => {
    expect(modelErrorOf(() => parseModel(scorecard({ tiers })))).toContain(`MODEL_INVALID ${message}`);
  });

  test("what is released", () => {
    const { tiers } = byScore;
    expect(releasedOf({ kind: "raw" }, tiers, 625.49)).toEqual({ score: 625.49, tier: "C" });
    expect(releasedOf({ kind: "rounded", step: 0.5 }, tiers, 625.49)).toEqual({ score: 625.5, tier: "B" });
    expect(releasedOf({ kind: "rounded", step: 0.1 }, undefined, 0.27)).toEqual({ score: 0.3, tier: null });
    expect(releasedOf({ kind: "tier" }, tiers, 700)).toEqual({ score: null, tier: "A" });
  });

  test("what an output keeps is what the operation allows, and a tier where it allows less", () => {
    const step = { step: 0.05 };
    const exact = { outputs: ["score" as const] };
    const coarse = { outputs: ["rounded-score" as const, "tier" as const], rounding: step };
    expect(keptOf("score", exact)).toEqual({ kind: "raw" });
    expect(keptOf("rounded-score", coarse)).toEqual({ kind: "rounded", step: 0.05 });
    expect(keptOf("rounded-score", { outputs: coarse.outputs })).toEqual({ kind: "tier" });
    expect(keptOf("tier", coarse)).toEqual({ kind: "tier" });
    for (const operation of [coarse, undefined]) expect(keptOf("score", operation)).toEqual({ kind: "tier" });
    expect(keptOf("rounded-score", exact)).toEqual({ kind: "tier" });
  });

  test("the commitment opens to these bounds and this salt only", () => {
    const tiers = byScore.tiers ?? [];
    const commitment = commitTo("tiers", tiers, SALT);
    expect(opensTiers(commitment, SALT, tiers)).toBe(true);
    expect(opensTiers(commitment, new Uint8Array(32), tiers)).toBe(false);
    expect(opensTiers(commitment, SALT, risk.tiers ?? [])).toBe(false);
  });
});
