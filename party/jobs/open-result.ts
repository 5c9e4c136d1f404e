/** What matched, and the tags that follow from it: pure computation at the receiver, after the gate. */

import type { JobSpec } from "../../proto/agreement/job-spec.ts";
import { type LabelColumn, labelsBytes } from "../../proto/agreement/label-columns.ts";
import { type LabelValue, labelReader } from "../../proto/codec/labels.ts";
import { outputOf } from "../../proto/model/header.ts";
import type { Model } from "../../proto/model/model.ts";
import { type Released, releasedOf } from "../../proto/model/output.ts";
import type { QuantisedModel } from "../../proto/model/quantise.ts";
import { partScores, realScore } from "../../proto/model/score.ts";
import { tagsOf } from "../../proto/tags/evaluate-rule.ts";
import { type PackedText, textAt } from "../data/packed-text.ts";
import { splitLabels } from "../protocols/label-parts.ts";
import { combine } from "../protocols/score-linear/bank.ts";
import { readLabel } from "../protocols/score-linear/messages.ts";
import { LABEL_BYTES } from "../protocols/score-linear/params.ts";
import type { PsiMatches } from "../protocols/step.ts";
import type { Tag } from "../tags/tag.ts";
import { cellReader, type Issued, ownColumns } from "./issued-tags.ts";
import type { ResultRow } from "./results.ts";
import { labelWidths } from "./shape.ts";

export interface OpenedPartition {
  readonly partition: number;
  /** Positions among the own rows of the partition, ascending. */
  readonly rows: Uint32Array;
  /** Of a score: slot and share of each of them; empty otherwise. */
  readonly shares: Uint8Array;
  /** Label columns of each of them, as `proto/codec/labels` has them, from the peer as they are; empty without. */
  readonly labels: Uint8Array;
  /** Values among them whose bytes are those of no value. */
  readonly labelsUnreadable: number;
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
  return opened.reduce((sum, { rows }) => sum + rows.length, 0);
}

/** Takes the labels of what matched apart. A label column's bytes that are those of no value end nothing: the provider can choose
 * whose they are, and would learn from the job's end whether that person matched. */
export function openedPartition(
  spec: Pick<JobSpec, "model" | "labels">,
  opened: Pick<OpenedPartition, "partition" | "masked"> & { readonly matches: PsiMatches },
): OpenedPartition {
  const { partition, masked, matches } = opened;
  const { rows } = matches;
  const [shares, labels] = splitLabels(matches.labels, labelWidths(spec), rows.length) as [Uint8Array, Uint8Array];
  let labelsUnreadable = 0;
  const labelsAt = labelsIn({ labels }, spec.labels ?? [], () => labelsUnreadable++);
  for (let match = 0; match < rows.length; match++) labelsAt(match);
  return { partition, rows, shares, labels, labelsUnreadable, masked };
}

/** The values of a match's label columns, in their order; bytes of no value are missing. */
export function labelsIn(
  { labels }: Pick<OpenedPartition, "labels">,
  columns: readonly LabelColumn[],
  onUnreadable: () => void = () => undefined,
): (match: number) => readonly LabelValue[] {
  const width = labelsBytes(columns);
  const read = labelReader(columns, onUnreadable);
  return (match) => read(labels.subarray(match * width, (match + 1) * width));
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
  const { rules, tag, labels } = issued;
  const shownOf = outcomesOf({ part, columns }, issued, loaded);
  const labelsAt = labelsIn(part, labels);
  const placeOf = new Map(labels.map(({ name }, j) => [name, j]));
  const cellsOf = cellReader(ownColumns({ loaded, issued }), columns);
  for (const [match, row] of part.rows.entries()) {
    const shown = shownOf(match);
    const given = labelsAt(match);
    const labelOf = (name: string) => given[placeOf.get(name) ?? -1] ?? null;
    const values = new Map(tagsOf(rules, { ...shown, cellOf: cellsOf(row), labelOf }));
    if (tag !== undefined && !values.has(tag.key)) values.set(tag.key, shown.tier ?? tag.value);
    if (values.size === 0) continue;
    const subject = textAt(subjects, row);
    for (const [key, value] of values) yield { subject, key, value, score: shown.score, ...order };
  }
}

/** A partition's matched people with their labels. */
export function* resultRows(
  { part, subjects, columns }: OpenedRows,
  issued: Issued,
  loaded: LoadedModel | undefined,
): Generator<ResultRow> {
  const shownOf = outcomesOf({ part, columns }, issued, loaded);
  const labelsAt = labelsIn(part, issued.labels);
  for (const [match, row] of part.rows.entries())
    yield { subject: textAt(subjects, row), ...shownOf(match), labels: labelsAt(match) };
}

/** What the job's output shows of a match's score, if there is one. */
function outcomesOf(
  { part, columns }: Pick<OpenedRows, "part" | "columns">,
  { kept }: Pick<Issued, "kept">,
  loaded: LoadedModel | undefined,
): (match: number) => Released {
  if (loaded === undefined) return () => UNSCORED;
  const scores = scoresOf(loaded, columns, part);
  return (match) => releasedOf(kept, loaded.model.tiers, scores[match] as number);
}

/** What the model puts out for each matched row: own part and the provider's, added as exact integers. */
function scoresOf(
  { model, quantised }: LoadedModel,
  columns: readonly Float64Array[],
  { rows, shares, masked }: OpenedPartition,
): Float64Array {
  const ofModel = columns.slice(0, quantised.own.columns.length);
  const own = ofModel.map((column) => Float64Array.from(rows, (row) => column[row] as number));
  return partScores(quantised.own, own, rows.length).map((ownScore, match) => {
    const { slot, share } = readLabel(shares.subarray(match * LABEL_BYTES, (match + 1) * LABEL_BYTES));
    const score = quantised.base + ownScore + combine(masked ?? new Uint32Array(0), slot, share);
    return outputOf(model, realScore(quantised, score));
  });
}
