/** After the gate: what matched, and the tags that follow from it. Runs at the receiver only. */

import { type LinearModel, tierOf } from "../../proto/model/linear-model.ts";
import { partScore, probability, type QuantisedModel } from "../../proto/model/quantise.ts";
import { textAt } from "../data/packed-text.ts";
import type { PreparedInput } from "../data/prepare.ts";
import { combine } from "../protocols/score-linear/bank.ts";
import { readLabel } from "../protocols/score-linear/messages.ts";
import type { PsiMatches } from "../protocols/step.ts";
import type { Tag } from "../tags/tag.ts";

export interface OpenedPartition {
  readonly partition: number;
  readonly matches: PsiMatches;
  readonly masked: Uint32Array | undefined;
}

export interface TagOrder {
  readonly jobId: string;
  readonly agreement: string;
  readonly key: string;
  readonly value: string;
  readonly issuedAt: string;
  readonly expiresAt: string;
}

export interface LoadedModel {
  readonly model: LinearModel;
  readonly quantised: QuantisedModel;
}

const LABEL_BYTES = 8;

/** Rows that matched, in all partitions. */
export function countMatches(opened: readonly OpenedPartition[]): number {
  return opened.reduce((sum, { matches }) => sum + matches.rows.length, 0);
}

/** One tag for each matched person: the order's value, or the tier of the exact score. */
export function* tagsOf(
  prepared: PreparedInput,
  opened: readonly OpenedPartition[],
  order: TagOrder,
  loaded: LoadedModel | undefined,
): Generator<Tag> {
  for (const part of opened) {
    const rows = prepared.partitions[part.partition];
    if (rows === undefined) continue;
    for (const [i, row] of part.matches.rows.entries()) {
      const score =
        loaded && probability(loaded.quantised, scoreOfMatch(loaded.quantised, rows.features, row, part, i));
      const value =
        score === undefined || loaded === undefined ? order.value : (tierOf(loaded.model, score) ?? order.value);
      const { key, jobId, agreement, issuedAt, expiresAt } = order;
      const subject = textAt(prepared.subjects, rows.rowIndex[row] as number);
      yield { subject, key, value, score: score ?? null, jobId, agreement, issuedAt, expiresAt };
    }
  }
}

/** The whole score of a matched row as an exact integer in the model's units: own part and the provider's. */
function scoreOfMatch(
  model: QuantisedModel,
  features: readonly Float64Array[],
  row: number,
  part: OpenedPartition,
  match: number,
): number {
  const label = part.matches.labels.subarray(match * LABEL_BYTES, (match + 1) * LABEL_BYTES);
  const { slot, share } = readLabel(label);
  const partner = combine(part.masked ?? new Uint32Array(0), slot, share);
  const own = features.map((column) => {
    const value = column[row] as number;
    return Number.isNaN(value) ? null : value;
  });
  return model.intercept + partScore(model.own, own) + partner;
}
