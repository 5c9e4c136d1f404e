/** What matched, and the tags that follow from it: pure computation at the receiver, after the gate. */
import { type LinearModel, tierOf } from "../../proto/model/linear-model.ts";
import { partScore, probability, type QuantisedModel } from "../../proto/model/quantise.ts";
import { type PackedText, textAt } from "../data/packed-text.ts";
import { combine } from "../protocols/score-linear/bank.ts";
import { readLabel } from "../protocols/score-linear/messages.ts";
import { LABEL_BYTES } from "../protocols/score-linear/params.ts";
import type { PsiMatches } from "../protocols/step.ts";
import type { Tag } from "../tags/tag.ts";

export interface OpenedPartition {
  readonly partition: number;
  readonly matches: PsiMatches;
  /** Score only: the decrypted, masked answers by slot. */
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

/** People who matched, in all partitions. */
export function countMatches(opened: readonly OpenedPartition[]): number {
  return opened.reduce((sum, { matches }) => sum + matches.rows.length, 0);
}

/** One tag for each matched person of a partition: the order's value, or the tier of the exact score. `subjects` and
 * `columns` (NaN: missing) are the partition's rows. */
export function* tagsOf(
  subjects: PackedText,
  columns: readonly Float64Array[],
  part: OpenedPartition,
  order: TagOrder,
  loaded: LoadedModel | undefined,
): Generator<Tag> {
  const { key, jobId, agreement, issuedAt, expiresAt } = order;
  for (const [match, row] of part.matches.rows.entries()) {
    const score = loaded && probability(loaded.quantised, scoreOfMatch(loaded.quantised, columns, row, part, match));
    const tier = score === undefined || loaded === undefined ? undefined : tierOf(loaded.model, score);
    const value = tier ?? order.value;
    yield { subject: textAt(subjects, row), key, value, score: score ?? null, jobId, agreement, issuedAt, expiresAt };
  }
}

/** The whole score of a matched row as an exact integer in the model's units: own part and the provider's. */
function scoreOfMatch(
  model: QuantisedModel,
  columns: readonly Float64Array[],
  row: number,
  part: OpenedPartition,
  match: number,
): number {
  const { slot, share } = readLabel(part.matches.labels.subarray(match * LABEL_BYTES, (match + 1) * LABEL_BYTES));
  const partner = combine(part.masked ?? new Uint32Array(0), slot, share);
  const own = columns.map((column) => {
    const value = column[row] as number;
    return Number.isNaN(value) ? null : value;
  });
  return model.intercept + partScore(model.own, own) + partner;
}
