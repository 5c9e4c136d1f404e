/** score-trees in memory: a model of trees and rows of both parties, to scores. */
import type { ScoreContext } from "../../party/protocols/score-linear/params.ts";
import type { PartnerRows } from "../../party/protocols/score-linear/partner.ts";
import { TREES } from "../../party/protocols/score-trees/params.ts";
import { treeRows } from "../../party/protocols/score-trees/tree-rows.ts";
import type { PartySide } from "../../proto/model/linear-model.ts";
import type { Model } from "../../proto/model/model.ts";
import { encryptedWeights, partnerView, type TreesView } from "../../proto/model/partner-view.ts";
import { encryptedPolynomials, type QuantisedModel, quantise } from "../../proto/model/quantise.ts";
import { partScore, type Row } from "../../proto/model/score.ts";
import type { Tree } from "../../proto/model/tree.ts";
import { separateTrees } from "../../proto/model/tree-model.ts";
import { scoreContext } from "./score-run.ts";

/** A model of these trees; features are named a, b, c, ... and of the partner unless they are in `own`. */
export function modelOfTrees(trees: readonly Tree[], own: readonly string[] = []): Model {
  const features = [..."abcdefghijkl"];
  const sideOf = (name: string): PartySide => (own.includes(name) ? "own" : "partner");
  const owners = new Map(features.map((name) => [name, { party: sideOf(name), column: name }]));
  const link = { kind: "identity" } as const;
  const ensemble = { comparison: "float32-below", link, base: 0, features, trees } as const;
  return { kind: "trees", name: "any", version: "1", tagKey: "risk", link, ...separateTrees(ensemble, owners) };
}

export interface TreeCase {
  readonly quantised: QuantisedModel;
  readonly view: TreesView;
  readonly polynomials: readonly Int32Array[];
}

export function treeCase(model: Model): TreeCase {
  const quantised = quantise(model);
  const view = partnerView(model, new Uint8Array(32).fill(3));
  if (view.kind !== "trees") throw new Error("a model of trees");
  return { quantised, view, polynomials: encryptedPolynomials(quantised.partner) };
}

export function treesContext({ view }: TreeCase, overrides: Partial<ScoreContext> = {}): ScoreContext {
  return scoreContext({ packing: TREES, features: encryptedWeights(view), ...overrides });
}

/** The partner's columns, NaN where null. */
export function columnsOf({ view }: TreeCase, rows: readonly Row[]): Float64Array[] {
  return view.columns.map((_, j) => Float64Array.from(rows, ({ partner }) => (partner[j] ?? Number.NaN) as number));
}

export function partnerRows(of: TreeCase, rows: readonly Row[]): PartnerRows {
  return treeRows(of.view, columnsOf(of, rows), rows.length);
}

/** The partner's part of each row's score, by the integer reference. */
export function partnerScores({ quantised }: TreeCase, rows: readonly Row[]): number[] {
  return rows.map(({ partner }) => partScore(quantised.partner, partner));
}
