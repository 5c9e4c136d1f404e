/** What matched, and the tags that follow from it: pure computation at the receiver, after the gate. */
import { outputOf } from "../../proto/model/header.ts";
import type { Model } from "../../proto/model/model.ts";
import { type Released, releasedOf } from "../../proto/model/output.ts";
import type { QuantisedModel } from "../../proto/model/quantise.ts";
import { partScores, realScore } from "../../proto/model/score.ts";
import { tagsOf } from "../../proto/tags/evaluate-rule.ts";
import { type PackedText, textAt } from "../data/packed-text.ts";
import { combine } from "../protocols/score-linear/bank.ts";
import { readLabel } from "../protocols/score-linear/messages.ts";
import { LABEL_BYTES } from "../protocols/score-linear/params.ts";
import type { PsiMatches } from "../protocols/step.ts";
import type { Tag } from "../tags/tag.ts";
import { cellReader, type Issued, ownColumns } from "./issued-tags.ts";

export interface OpenedPartition {
  readonly partition: number;
  readonly matches: PsiMatches;
  /** Score only: the decrypted, masked answers by slot. */
  readonly masked: Uint32Array | undefined;
}

/** What all tags of a job have in common. */
export type TagOrder = Pick<Tag, "jobId" | "agreement" | "model" | "scoredAt" | "issuedAt" | "expiresAt">;

export interface LoadedModel {
  readonly model: Model;
  readonly quantised: QuantisedModel;
  /** The partner's, as the protocol encrypts them. */
  readonly weights: readonly Int32Array[];
}

/** People who matched, in all partitions. */
export function countMatches(opened: readonly OpenedPartition[]): number {
  return opened.reduce((sum, { matches }) => sum + matches.rows.length, 0);
}

export interface OpenedRows {
  readonly part: OpenedPartition;
  /** Of the partition, and so are the columns: those of `ownColumns`, NaN where missing. */
  readonly subjects: PackedText;
  readonly columns: readonly Float64Array[];
}

const UNSCORED: Released = { score: null, tier: null };

/** The tags of a partition's matched people: of each those that rules issue, then the job's own. Of a score nothing is in
 * them but what the output shows, and rules see no more. */
export function* issueTags(
  { part, subjects, columns }: OpenedRows,
  order: TagOrder,
  issued: Issued,
  loaded: LoadedModel | undefined,
): Generator<Tag> {
  const { rules, tag, kept } = issued;
  const scores = loaded && scoresOf(loaded, columns, part);
  const cellsOf = cellReader(ownColumns({ loaded, issued }), columns);
  for (const [match, row] of part.matches.rows.entries()) {
    const shown = scores && loaded ? releasedOf(kept, loaded.model.tiers, scores[match] as number) : UNSCORED;
    const values = new Map(tagsOf(rules, { ...shown, cellOf: cellsOf(row) }));
    if (tag !== undefined && !values.has(tag.key)) values.set(tag.key, shown.tier ?? tag.value);
    if (values.size === 0) continue;
    const subject = textAt(subjects, row);
    for (const [key, value] of values) yield { subject, key, value, score: shown.score, ...order };
  }
}

/** What the model puts out for each matched row: own part and the provider's, added as exact integers. */
function scoresOf(
  { model, quantised }: LoadedModel,
  columns: readonly Float64Array[],
  { matches, masked }: OpenedPartition,
): Float64Array {
  const count = matches.rows.length;
  const ofModel = columns.slice(0, quantised.own.columns.length);
  const own = ofModel.map((column) => Float64Array.from(matches.rows, (row) => column[row] as number));
  return partScores(quantised.own, own, count).map((ownScore, match) => {
    const { slot, share } = readLabel(matches.labels.subarray(match * LABEL_BYTES, (match + 1) * LABEL_BYTES));
    const score = quantised.base + ownScore + combine(masked ?? new Uint32Array(0), slot, share);
    return outputOf(model, realScore(quantised, score));
  });
}
