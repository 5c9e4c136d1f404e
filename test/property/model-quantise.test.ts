import fc from "fast-check";
import { expect, test } from "vitest";
import { quantiseFeature } from "../../proto/model/feature.ts";
import { type Model, parseModel } from "../../proto/model/model.ts";
import { quantise, scoreErrorBound } from "../../proto/model/quantise.ts";
import { partScore, partScores, realScore, scoreFloat, scoreInteger } from "../../proto/model/score.ts";

const finite = (limit: number) => fc.double({ min: -limit, max: limit, noNaN: true });

const feature = fc
  .record({
    party: fc.constantFrom("own", "partner"),
    weight: finite(20),
    mean: finite(1e6),
    sd: fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
    least: fc.double({ min: -16, max: -1, noNaN: true }),
    greatest: fc.double({ min: 1, max: 16, noNaN: true }),
    value: fc.option(finite(1e7)),
  })
  .map(({ party, weight, mean, sd, least, greatest, value }) => {
    return { spec: { party, weight, standardise: { mean, sd }, clip: [least, greatest], missing: mean }, value };
  });

const scored = fc.record({ intercept: finite(50), features: fc.array(feature, { minLength: 1, maxLength: 6 }) });

function build({ intercept, features }: { intercept: number; features: readonly { spec: object }[] }): Model {
  return parseModel({
    format: "entente-linear/1",
    name: "any",
    version: "1",
    kind: "logistic-regression",
    link: "logit",
    intercept,
    features: features.map(({ spec }, i) => ({ ...spec, column: `c${i}` })),
    tagKey: "risk",
  });
}

test("the integer score is within the documented bound of the real one, and the partner's part is an int32", () => {
  fc.assert(
    fc.property(scored, (input) => {
      const document = build(input);
      const model = quantise(document);
      const valuesOf = (party: string) =>
        input.features.filter(({ spec }) => spec.party === party).map(({ value }) => value);
      const row = { own: valuesOf("own"), partner: valuesOf("partner") };
      const partner = partScore(model.partner, row.partner);
      const score = scoreInteger(model, row);
      expect(partner).toBe(partner | 0);
      expect(Number.isSafeInteger(score)).toBe(true);
      // 1e-9: the reference's own rounding in doubles.
      expect(Math.abs(realScore(model, score) - scoreFloat(document, row))).toBeLessThanOrEqual(
        scoreErrorBound(model) + 1e-9,
      );
      const columns = row.own.map((value) => Float64Array.of(value ?? Number.NaN));
      expect(partScores(model.own, columns, 1)[0]).toBe(partScore(model.own, row.own));
    }),
    { numRuns: 500 },
  );
});

test("the bound is not idle: half a unit off in weight and feature comes within a tenth of it", () => {
  const model = quantise(
    build({
      intercept: 0,
      features: [{ spec: { party: "partner", weight: 8 - 2 ** -18, clip: [-1, 1], missing: 0 } }],
    }),
  );
  const value = 0.5 + 2 ** -9;
  const error = realScore(model, partScore(model.partner, [value])) - (8 - 2 ** -18) * value;
  expect(error).toBeGreaterThan(0.9 * scoreErrorBound(model));
  expect(error).toBeLessThanOrEqual(scoreErrorBound(model));
});

test("a feature is monotone in its value and stays within its clip", () => {
  const spec = { column: "c", clip: [-3, 5] as const, missing: 0, standardise: { mean: 10, sd: 4 } };
  fc.assert(
    fc.property(finite(1e3), finite(1e3), (a, b) => {
      const [low, high] = [quantiseFeature(spec, Math.min(a, b)), quantiseFeature(spec, Math.max(a, b))];
      expect(low).toBeLessThanOrEqual(high);
      expect(low).toBeGreaterThanOrEqual(-3 * 256);
      expect(high).toBeLessThanOrEqual(5 * 256);
    }),
  );
});
