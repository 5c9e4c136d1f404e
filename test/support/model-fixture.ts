/** Fixtures of test/data/models: a model's document, rows, and what the library that made it predicts for them. */
import { readFileSync } from "node:fs";
import type { Value } from "../../proto/model/bins.ts";
import { columnsOf, type Model, parseModel } from "../../proto/model/model.ts";
import type { Row } from "../../proto/model/score.ts";

export interface ModelFixture {
  readonly document: { readonly features: readonly unknown[]; readonly [member: string]: unknown };
  readonly features: readonly string[];
  readonly rows: readonly (readonly Value[])[];
  readonly predictions: readonly number[];
}

/** `path` below test/data/models, without its ending. */
export function readModelFile<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(`../data/models/${path}.json`, import.meta.url), "utf8")) as T;
}

export interface ScoredModel {
  readonly model: Model;
  readonly rows: readonly Row[];
  readonly predictions: readonly number[];
}

/** The fixture's rows divided between the parties. `columnOf` a feature: as its document says. */
export function readScored(path: string, columnOf: ReadonlyMap<string, string> = new Map()): ScoredModel {
  const { document, features, rows, predictions } = readModelFile<ModelFixture>(path);
  const model = parseModel(document);
  const columns = features.map((feature) => columnOf.get(feature) ?? feature);
  const pick = (row: readonly Value[], side: "own" | "partner") =>
    columnsOf(model, side).map((column) => row[columns.indexOf(column)] as Value);
  return {
    model,
    rows: rows.map((row) => ({ own: pick(row, "own"), partner: pick(row, "partner") })),
    predictions,
  };
}

/** For fixtures whose library knows numbered features: names of their columns, out of the document. */
export function documentColumns(path: string): ReadonlyMap<string, string> {
  const { features } = readModelFile<ModelFixture>(path).document;
  return new Map((features as { name: string; column: string }[]).map(({ name, column }) => [name, column]));
}
