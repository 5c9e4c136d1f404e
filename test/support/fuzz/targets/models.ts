/** Models, what a partner is shown of them, tag rules, segments and labels. */
import type { LabelColumn } from "../../../../proto/agreement/label-columns.ts";
import { labelReader, writeBoolean, writeNumber, writeText } from "../../../../proto/codec/labels.ts";
import { fromUtf8, utf8 } from "../../../../proto/encoding/bytes.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "../../../../proto/encoding/canonical-json.ts";
import { EntenteError } from "../../../../proto/errors.ts";
import { parseLightGbm } from "../../../../proto/model/lightgbm.ts";
import { readLightGbmText } from "../../../../proto/model/lightgbm-text.ts";
import { parseLinear } from "../../../../proto/model/linear-model.ts";
import { modelDigest, parseModel } from "../../../../proto/model/model.ts";
import { encryptedWeights, parsePartnerView, partnerView } from "../../../../proto/model/partner-view.ts";
import { quantise } from "../../../../proto/model/quantise.ts";
import { readField } from "../../../../proto/model/refusal.ts";
import { parseSklearn } from "../../../../proto/model/sklearn.ts";
import { parseTrees } from "../../../../proto/model/tree-model.ts";
import { parseXgboost } from "../../../../proto/model/xgboost.ts";
import { operandsOf, parseSegmentExpression } from "../../../../proto/segments/expression.ts";
import { checkTagRules, type RuleScope, tagsOf } from "../../../../proto/tags/evaluate-rule.ts";
import { parseTagRule, printTagRule } from "../../../../proto/tags/parse-rule.ts";
import { readTagRules } from "../../../../proto/tags/rule.ts";
import { RISK_MODEL } from "../../credit.ts";
import { readModelFile } from "../../model-fixture.ts";
import { GOOD_VIEWS } from "../job-specs.ts";
import { comesBack, type FuzzTarget } from "../target.ts";

type Document = Record<string, unknown>;
const documentOf = (path: string) => readModelFile<{ document: Document }>(path).document;
const json = (value: unknown) => utf8(JSON.stringify(value));
/** As express does before a handler sees it; what is no JSON is refused there. */
function parsed(input: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(input));
  } catch (cause) {
    throw new EntenteError("BAD_REQUEST", { cause });
  }
}

const lightgbm = documentOf("trees/lightgbm-binary");
const xgboost = documentOf("trees/xgboost-logistic");
const dump = { ...lightgbm, model: readModelFile("trees/lightgbm-binary-dump") };
/** Trees of a dump are long; few are as good as many. */
const shortText = (lightgbm.model as string).split("\n\n\nend of trees")[0] as string;

const MODELS: readonly FuzzTarget[] = [
  {
    name: "model",
    form: "json",
    oneIn: 4,
    seeds: [
      RISK_MODEL,
      documentOf("linear/sklearn-credit"),
      documentOf("linear/scorecard-marketing"),
      lightgbm,
      dump,
      xgboost,
    ].map(json),
    covers: [parseModel, parseLinear, parseSklearn, parseTrees, parseLightGbm, parseXgboost, readField],
    run(input) {
      const model = parseModel(parsed(input));
      modelDigest(model);
      partnerView(model, new Uint8Array(32));
      quantise(model);
    },
  },
  {
    name: "LightGBM text",
    form: "text",
    oneIn: 10,
    seeds: [utf8(lightgbm.model as string), utf8(shortText)],
    covers: [readLightGbmText],
    run: (input) => void parseModel({ ...lightgbm, model: fromUtf8(input) }),
  },
  {
    name: "LightGBM dump",
    form: "json",
    oneIn: 10,
    seeds: [json(dump.model)],
    covers: [parseLightGbm],
    run: (input) => void parseModel({ ...dump, model: parsed(input) }),
  },
  {
    name: "XGBoost dump",
    form: "json",
    oneIn: 10,
    seeds: [json(xgboost.model)],
    covers: [parseXgboost],
    run: (input) => void parseModel({ ...xgboost, model: parsed(input) }),
  },
  {
    name: "partner view",
    form: "json",
    seeds: GOOD_VIEWS.map((view) => canonicalJson(view as Json)),
    covers: [parsePartnerView],
    run(input) {
      comesBack(
        (bytes) => parsePartnerView(parseCanonicalJson(bytes)),
        (view) => canonicalJson(view as unknown as Json),
      )(input);
      encryptedWeights(parsePartnerView(parseCanonicalJson(input)));
    },
  },
];

const RULES = [
  "tier = A and balance > 50000 -> risk:review",
  'not (own."the age" in (1, 2, 3) or label.city = "上海") and score >= 0.5 -> marketing = "a b"',
  "has_car -> marketing:car",
];
const ROW = { tier: "A", score: 0.5, cellOf: () => 1, labelOf: () => "x" };
const SCOPE: RuleScope = {
  columns: new Map([
    ["balance", "number"],
    ["the age", "number"],
    ["has_car", "boolean"],
  ]),
  labels: new Map([["city", "string"]]),
  tiers: ["A"],
  hasScore: true,
};

const LANGUAGES: readonly FuzzTarget[] = [
  {
    name: "tag rule text",
    form: "text",
    seeds: RULES.map(utf8),
    covers: [parseTagRule, readTagRules],
    run(input) {
      comesBack(
        (bytes) => parseTagRule(fromUtf8(bytes)),
        (rule) => utf8(printTagRule(rule)),
      )(input);
      const rule = parseTagRule(fromUtf8(input));
      tagsOf([rule], ROW);
      checkTagRules([rule], SCOPE);
    },
  },
  {
    name: "tag rules",
    form: "json",
    seeds: [json(RULES.map((rule) => parseTagRule(rule)))],
    covers: [readTagRules, checkTagRules],
    run(input) {
      const rules = readTagRules(parsed(input));
      tagsOf(rules, ROW);
      for (const rule of rules) parseTagRule(printTagRule(rule));
    },
  },
  {
    name: "segment expression",
    form: "text",
    seeds: ["a and (b or c) minus d", "adults@3 minus (a or b or c)"].map(utf8),
    covers: [parseSegmentExpression],
    run: (input) => void operandsOf(parseSegmentExpression(fromUtf8(input))),
  },
];

const COLUMNS: readonly LabelColumn[] = [
  { name: "income", type: "number" },
  { name: "has_car", type: "boolean" },
  { name: "city", type: "text", maxBytes: 12 },
];

function writeLabel(values: readonly unknown[]): Uint8Array {
  const label = new Uint8Array(8 + 1 + 13);
  const view = new DataView(label.buffer);
  const [income, hasCar, city] = values as [number | null, boolean | null, string | null];
  writeNumber(view, 0, income ?? Number.NaN, "income");
  writeBoolean(view, 8, hasCar === null ? Number.NaN : Number(hasCar), "has_car");
  writeText(label, 9, city === null ? undefined : utf8(city), { name: "city", maxBytes: 12 });
  return label;
}

const LABELS: readonly FuzzTarget[] = [
  {
    name: "label",
    form: "bytes",
    seeds: [writeLabel([12.5, true, "上海"]), writeLabel([null, null, null]), writeLabel([0, false, ""])],
    covers: [labelReader],
    run(input) {
      labelReader(COLUMNS, () => undefined)(input);
      comesBack(labelReader(COLUMNS), writeLabel)(input);
    },
  },
];

export const MODEL_TARGETS: readonly FuzzTarget[] = [...MODELS, ...LANGUAGES, ...LABELS];
