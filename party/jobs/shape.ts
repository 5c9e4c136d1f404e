/** What both nodes compute alike before an attempt: the job key, the partition plan, and the digests of the handshake. */
import type { JobSpec } from "../../proto/agreement/job-spec.ts";
import { labelsBytes } from "../../proto/agreement/label-columns.ts";
import { fromHex, toHex } from "../../proto/encoding/bytes.ts";
import { canonicalJson } from "../../proto/encoding/canonical-json.ts";
import { domainHash, sha256 } from "../../proto/encoding/sha256.ts";
import { MAX_AUDIENCE_ROWS, type PartitionPlan, type partitionPlan, planDigest } from "../protocols/plan.ts";
import { LABEL_BYTES as SCORE_LABEL_BYTES } from "../protocols/score-linear/params.ts";
import type { PartitionContext } from "../protocols/step.ts";
import { alignmentOf, jobParameters, scorePacking } from "../session/protocols.ts";
import type { FinishedPartition } from "./lifecycle.ts";

/** Half of what a partition may hold: it bounds a node's memory at ten million rows to a gigabyte, and costs 1.6 MB of
 * traffic for each partition more. */
const AUDIENCE_ROWS = MAX_AUDIENCE_ROWS / 2;
/** Labels of a partition, at most: a provider holds them some four times over, and no score has more. */
const MAX_LABELS_BYTES = 2 ** 26;

export interface JobShape {
  readonly plan: PartitionPlan;
  readonly labelBytes: number;
  /** Hex, compared in the handshake. */
  readonly parameters: string;
  readonly planDigest: string;
  /** Bound of the rows that can match, from the padded sizes. */
  readonly maxMatchedRows: number;
}

/** Bytes of a row's label: a score's slot and share, and the label columns. */
export function labelWidths({ model, labels = [] }: Pick<JobSpec, "model" | "labels">): readonly [number, number] {
  return [model === undefined ? 0 : SCORE_LABEL_BYTES, labelsBytes(labels)];
}

function audienceRows(labelBytes: number): number {
  let rows = AUDIENCE_ROWS;
  while (rows * labelBytes > MAX_LABELS_BYTES) rows /= 2;
  return rows;
}

/** `planBy`: the node's. */
export function jobShape(spec: JobSpec, senderSizeClass: number, planBy: typeof partitionPlan): JobShape {
  const kind = spec.model?.kind;
  const [scoreBytes, columnBytes] = labelWidths(spec);
  const labelBytes = scoreBytes + columnBytes;
  const planInput = {
    // Of a shared score only the people found enter, by partitions that the provider's rows fit as well.
    receiverClass: spec.matched?.sizeClass ?? spec.receiverSizeClass,
    senderClass: senderSizeClass,
    maxRows: kind === undefined ? audienceRows(labelBytes) : scorePacking(kind).maxCapacity,
  };
  const plan = planBy(planInput);
  return {
    plan,
    labelBytes,
    parameters: toHex(jobParameters(alignmentOf(spec), { ...plan, labelBytes }, kind)),
    planDigest: toHex(planDigest(planInput, plan)),
    maxMatchedRows: Math.min(plan.receiverCapacity, plan.senderCapacity) * plan.partitions,
  };
}

/** What the handshake of an attempt compares beside the parameters, hex: the plan, the job key (a difference in it would
 * look like lists with nobody in common), and the partitions that are finished already. */
export function attemptPlan(shape: JobShape, jobKey: Uint8Array, finished: readonly FinishedPartition[]): string {
  const done = canonicalJson(finished.map(({ partition, attempt }) => [partition, attempt]));
  return toHex(
    domainHash(
      "entente attempt plan/1",
      fromHex(shape.planDigest),
      domainHash("entente job key check/1", jobKey),
      done,
    ),
  );
}

/** 32 bytes: keys the hashes that ids are spilled and matched by. The same in every attempt; the coordinator has no part of it. */
export function jobKeyOf(jobDigest: string, receiverNonce: Uint8Array, senderNonce: Uint8Array): Uint8Array {
  return domainHash("entente job key/1", fromHex(jobDigest), receiverNonce, senderNonce);
}

export function partitionContext(shape: JobShape, sessionId: Uint8Array, partition: number): PartitionContext {
  const { partitions, receiverCapacity, senderCapacity } = shape.plan;
  return {
    sessionId,
    frameSession: sha256(sessionId).slice(0, 8),
    partition,
    partitions,
    receiverCapacity,
    senderCapacity,
    labelBytes: shape.labelBytes,
  };
}
