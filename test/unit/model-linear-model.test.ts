import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type FeatureSpec, maxQuantised, quantiseFeature } from "../../proto/model/feature.ts";
import { outputOf, tierOf } from "../../proto/model/header.ts";
import { columnsOf, modelDigest, parseModel } from "../../proto/model/model.ts";
import { parsePartnerView, partnerView, partnerViewDigest } from "../../proto/model/partner-view.ts";
import { quantise, scoreErrorBound } from "../../proto/model/quantise.ts";
import { partScore, realScore, scoreInteger } from "../../proto/model/score.ts";
import { modelErrorOf } from "../support/model-error.ts";

function quantiseColumn(spec: FeatureSpec, values: readonly (number | null)[]): number[] {
  return values.map((value) => quantiseFeature(spec, value));
}

function feature(changes: Record<string, unknown> = {}) {
  return { party: "partner", column: "late", weight: 0.5, clip: [-8, 8], missing: 0, ...changes };
}

function document(changes: Record<string, unknown> = {}) {
  return {
    format: "entente-linear/1",
    name: "risk",
    version: "1",
    kind: "logistic-regression",
    link: "logit",
    intercept: -1.5,
    features: [feature({ party: "own", column: "limit", standardise: { mean: 1e5, sd: 2e4 } }), feature()],
    tiers: [
      { tier: "A", maxProbability: 0.1 },
      { tier: "B", maxProbability: 1 },
    ],
    tagKey: "risk:default",
    ...changes,
  };
}

describe("parseModel", () => {
  test("takes the published form, without tiers too", () => {
    const { format: _, kind: __, features, ...rest } = document();
    const inside = { ...rest, kind: "linear", link: { kind: "logit", slope: 1 } };
    const numbers = features.map((item) => ({ kind: "number", ...item }));
    expect(parseModel(document())).toEqual({ ...inside, features: numbers });
    expect(parseModel(document({ tiers: undefined }))).toEqual({ ...inside, tiers: undefined, features: numbers });
  });

  const refused: readonly [string, Record<string, unknown>][] = [
    ["format", { format: "entente-linear/2" }],
    ["name", { name: "Risk" }],
    ["version", { version: "" }],
    ["kind", { kind: "tree" }],
    ["link", { link: "identity" }],
    ["link", { kind: "linear-regression" }],
    ["link", { link: "probit" }],
    ["intercept", { intercept: Number.NaN }],
    ["intercept", { intercept: "1" }],
    ["tagKey", { tagKey: "Risk" }],
    ["document", { colour: "red" }],
    ["features.0.kind", { features: [feature({ kind: "polynomial" })] }],
    ["features", { features: [] }],
    ["features", { features: Array.from({ length: 257 }, (_, i) => feature({ column: `c${i}` })) }],
    ["features.0.party", { features: [feature({ party: "bank" })] }],
    ["features.0.weight", { features: [feature({ weight: Number.POSITIVE_INFINITY })] }],
    ["features.0.missing", { features: [feature({ missing: null })] }],
    ["features.0.clip.0", { features: [feature({ clip: [-129, 0] })] }],
    ["features.0.clip.1", { features: [feature({ clip: [0, 128] })] }],
    ["features.0.clip", { features: [feature({ clip: [1, 1] })] }],
    ["features.0.clip", { features: [feature({ clip: [1] })] }],
    ["features.0.standardise.sd", { features: [feature({ standardise: { mean: 0, sd: 0 } })] }],
    ["features.0.standardise.mean", { features: [feature({ standardise: { mean: Number.NaN, sd: 1 } })] }],
    ["features.0", { features: [feature({ scale: 2 })] }],
    ["features.1.column", { features: [feature(), feature()] }],
    ["tiers", { tiers: [] }],
    ["tiers", { tiers: [{ tier: "A", maxProbability: 0.5 }] }],
    [
      "tiers.1.maxProbability",
      {
        tiers: [
          { tier: "A", maxProbability: 1 },
          { tier: "B", maxProbability: 1 },
        ],
      },
    ],
    [
      "tiers.1.tier",
      {
        tiers: [
          { tier: "A", maxProbability: 0.5 },
          { tier: "A", maxProbability: 1 },
        ],
      },
    ],
    ["tiers.0.maxProbability", { tiers: [{ tier: "A", maxProbability: 1.5 }] }],
    ["tiers.0.minScore", { tiers: [{ tier: "A", minScore: 2 }, { tier: "B" }] }],
    [
      "tiers.1.minScore",
      {
        tiers: [
          { tier: "A", maxProbability: 0.5 },
          { tier: "B", minScore: 1, maxProbability: 1 },
        ],
      },
    ],
  ];
  test.each(refused)("names %s", (field, changes) => {
    const message = modelErrorOf(() => parseModel(document(changes)));
    expect(message).toMatch(new RegExp(`^MODEL_INVALID ${field.replaceAll(".", "\\.")}:`));
  });

  test("refuses what is no object", () => {
    for (const value of [null, 1, "x", []])
      expect(modelErrorOf(() => parseModel(value))).toMatch(/^MODEL_INVALID document:/);
  });

  test("lets both parties have a column of one name", () => {
    expect(modelErrorOf(() => parseModel(document({ features: [feature(), feature({ party: "own" })] })))).toBe("none");
  });

  test("the digest is of the content, not of the order of members", () => {
    const reordered = Object.fromEntries(Object.entries(document()).reverse());
    expect(modelDigest(parseModel(reordered))).toBe(modelDigest(parseModel(document())));
    expect(modelDigest(parseModel(document({ intercept: -1.5000001 })))).not.toBe(modelDigest(parseModel(document())));
  });

  test("a tier takes its upper bound", () => {
    const model = parseModel(document());
    expect([0, 0.1, 0.1000001, 1].map((p) => tierOf(model, p))).toEqual(["A", "A", "B", "B"]);
    expect(tierOf(parseModel(document({ tiers: undefined })), 0.5)).toBeUndefined();
  });
});

describe("features", () => {
  const spec = { column: "late", clip: [-8, 8] as const, missing: 2 };

  test("round half up in units of 1/256, clipped, with the value for null", () => {
    expect([...quantiseColumn(spec, [0, 1, -1, 0.001953125, -0.001953125, 9, -9, null])]).toEqual([
      0, 256, -256, 1, 0, 2048, -2048, 512,
    ]);
  });

  test("standardise before clipping, so that amounts of any size fit", () => {
    const amount = { column: "amount", clip: [-8, 8] as const, missing: 1e6, standardise: { mean: 1e6, sd: 5e5 } };
    expect([...quantiseColumn(amount, [1e6, 2e6, 0, 1e300, -1.7e308, null])]).toEqual([0, 512, -512, 2048, -2048, 0]);
  });

  test("the whole of int16 is used and no more", () => {
    const wide = { column: "wide", clip: [-128, 32767 / 256] as const, missing: 0 };
    expect([...quantiseColumn(wide, [-1e9, 1e9])]).toEqual([-32768, 32767]);
    expect(maxQuantised(wide)).toBe(32768);
    expect(maxQuantised(spec)).toBe(2048);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "%d is refused, naming the column",
    (value) => {
      expect(modelErrorOf(() => quantiseFeature(spec, value))).toBe(
        "DATASET_COLUMN_TYPE late: a value is not a finite number",
      );
    },
  );
});

describe("quantise", () => {
  /** One partner feature of clip 8: |W| * 2048 < 2^31 up to |W| = 1,048,575. */
  const bits = (weight: number) => quantise(parseModel(document({ features: [feature({ weight })] }))).fractionBits - 8;

  test("takes the largest scale that leaves room in int32", () => {
    expect(bits(0)).toBe(17);
    expect(bits(7.99999)).toBe(17);
    expect(bits(8)).toBe(16);
    expect(bits(-8)).toBe(16);
    expect(bits(1023.999)).toBe(10);
    expect(modelErrorOf(() => bits(1024))).toBe("MODEL_HEADROOM the partner's features");
    expect(modelErrorOf(() => bits(1e300))).toBe("MODEL_HEADROOM the partner's features");
  });

  test("refuses a bank's part that is not exact", () => {
    const huge = document({ intercept: 1e12 });
    expect(modelErrorOf(() => quantise(parseModel(huge)))).toBe(
      "MODEL_HEADROOM the bank's own features or the intercept",
    );
    const heavy = document({ features: [feature({ party: "own", weight: 1e6 }), feature()] });
    expect(modelErrorOf(() => quantise(parseModel(heavy)))).toBe(
      "MODEL_HEADROOM the bank's own features or the intercept",
    );
  });

  test("a row by hand", () => {
    const model = quantise(parseModel(document()));
    expect(model.partner).toMatchObject({ weights: Int32Array.of(65_536) });
    expect(partScore(model.partner, [3])).toBe(65_536 * 768);
    expect(partScore(model.partner, [null])).toBe(0);
    expect([model.base, partScore(model.own, [120_000])]).toEqual([-1.5 * 2 ** 25, 65_536 * 256]);
    const score = scoreInteger(model, { own: [120_000], partner: [3] });
    expect(realScore(model, score)).toBe(0.5);
    expect(outputOf(parseModel(document()), 0.5)).toBeCloseTo(1 / (1 + Math.exp(-0.5)), 15);
    expect(modelErrorOf(() => partScore(model.partner, []))).toMatch(/^INTERNAL/);
  });
});

describe("the partner's view", () => {
  const model = parseModel(document());
  const salt = new Uint8Array(32).fill(7);

  test("holds columns, clips, standardisation and a commitment, and nothing else", () => {
    const view = partnerView(model, salt);
    expect(view).toEqual({
      format: "entente-model-view/1",
      kind: "linear",
      commitment: expect.stringMatching(/^[0-9a-f]{64}$/),
      columns: [{ kind: "number", column: "late", clip: [-8, 8], missing: 0 }],
    });
    expect(parsePartnerView(JSON.parse(JSON.stringify(view)))).toEqual(view);
    expect(partnerViewDigest(view)).toMatch(/^[0-9a-f]{64}$/);
  });

  test("the commitment moves with the version and with the salt", () => {
    const views = [
      partnerView(model, salt),
      partnerView(parseModel(document({ intercept: 0 })), salt),
      partnerView(model, new Uint8Array(32).fill(8)),
    ];
    expect(new Set(views.map((view) => view.commitment)).size).toBe(3);
    expect(new Set(views.map(partnerViewDigest)).size).toBe(3);
  });

  test("refusals", () => {
    const view = partnerView(model, salt);
    const bankOnly = parseModel(document({ features: [feature({ party: "own" })] }));
    expect(modelErrorOf(() => partnerView(bankOnly, salt))).toBe("MODEL_INVALID features: none is the partner's");
    if (view.kind !== "linear") throw new Error("a linear view");
    const { columns } = view;
    const refusal = (changes: object) => modelErrorOf(() => parsePartnerView({ ...view, ...changes }));
    expect(refusal({ weights: [1] })).toMatch(/^MODEL_INVALID document:/);
    expect(refusal({ kind: "other" })).toMatch(/^MODEL_INVALID kind:/);
    expect(refusal({ columns: [] })).toMatch(/^MODEL_INVALID columns:/);
    expect(refusal({ columns: [...columns, ...columns] })).toBe("MODEL_INVALID columns: one twice");
    expect(refusal({ columns: [{ ...columns[0], weight: 1 }] })).toMatch(/^MODEL_INVALID columns\.0:/);
    expect(refusal({ columns: [{ ...columns[0], clip: [1, 1] }] })).toBe("MODEL_INVALID columns.0.clip: not ascending");
    const edges = Array.from({ length: 63 }, (_, i) => i);
    const wide = (count: number) =>
      Array.from({ length: count }, (_, i) => ({ kind: "intervals", column: `c${i}`, edges }));
    expect(refusal({ columns: wide(3) })).toBe("none");
    expect(refusal({ columns: wide(4) })).toBe("MODEL_INVALID columns: more than 256 with bins");
  });
});

describe("the committed models", () => {
  const read = (name: string) =>
    parseModel(JSON.parse(readFileSync(new URL(`../data/models/${name}.json`, import.meta.url), "utf8")));

  test("the joint one has six columns of the partner, full scale and a small error", () => {
    const model = read("default-risk");
    expect(columnsOf(model, "partner")).toEqual(["PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6"]);
    const quantised = quantise(model);
    expect(quantised.fractionBits).toBe(17 + 8);
    expect(scoreErrorBound(quantised)).toBeLessThan(0.01);
  });

  test("the other one has the same columns of the bank and none of the partner", () => {
    const columns = (name: string) => columnsOf(read(name), "own");
    expect(columns("default-risk-bank-only")).toEqual(columns("default-risk"));
    expect(columnsOf(read("default-risk-bank-only"), "partner")).toEqual([]);
  });
});
