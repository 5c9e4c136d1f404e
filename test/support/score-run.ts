/** Both roles of score-linear in memory, over their frames. */
import { createHe } from "../../party/he/he.ts";
import * as bank from "../../party/protocols/score-linear/bank.ts";
import { readLabel } from "../../party/protocols/score-linear/messages.ts";
import type { ScoreContext, ScorePlatform } from "../../party/protocols/score-linear/params.ts";
import * as partner from "../../party/protocols/score-linear/partner.ts";
import { createPlatform } from "../../party/session/platform.ts";
import type { Frame } from "../../proto/codec/frame.ts";

export const scorePlatform: ScorePlatform = { ...(await createPlatform()), he: await createHe() };

export function scoreContext(overrides: Partial<ScoreContext> = {}): ScoreContext {
  return {
    sessionId: new Uint8Array(32).fill(0x51),
    frameSession: new Uint8Array(8).fill(0x52),
    partition: 3,
    partitions: 4,
    receiverCapacity: 1024,
    senderCapacity: 1024,
    labelBytes: 8,
    features: 2,
    maxMatchedRows: 1024,
    ...overrides,
  };
}

export interface ScoreRun {
  readonly bankFrames: readonly Frame[];
  readonly partnerFrames: readonly Frame[];
  readonly labels: Uint8Array;
  readonly masked: Uint32Array;
}

/** `columns`: one Int16Array for each weight, all of one length. */
export function runScore(context: ScoreContext, weights: Int32Array, columns: readonly Int16Array[]): ScoreRun {
  using keys = scorePlatform.he.createKeys();
  let bankStep = bank.start(scorePlatform, context, { keys, weights, sendModel: true });
  let partnerStep = partner.start(scorePlatform, context, { columns, rows: columns[0]?.length ?? 0 });
  const bankFrames = [...bankStep.send];
  for (const frame of bankFrames) {
    if (partnerStep.kind === "done") throw new Error("the partner was done before the model's last frame");
    partnerStep = partner.next(scorePlatform, partnerStep.state, frame);
  }
  if (partnerStep.kind !== "done") throw new Error("the partner still waits");
  using _model = partnerStep.output.model;
  const labels = partnerStep.output.labels.slice();
  const partnerFrames = [...partnerStep.send];
  for (const frame of partnerFrames) {
    if (bankStep.kind === "done") throw new Error("the bank was done before the last answer");
    bankStep = bank.next(scorePlatform, bankStep.state, frame);
  }
  if (bankStep.kind !== "done") throw new Error("the bank still waits");
  return { bankFrames, partnerFrames, labels, masked: bankStep.output.masked };
}

/** Every row's score, as the bank computes it for a row that matched. */
export function scoresOf({ labels, masked }: Pick<ScoreRun, "labels" | "masked">): number[] {
  return Array.from({ length: labels.length / 8 }, (_, row) => {
    const { slot, share } = readLabel(labels.subarray(8 * row, 8 * row + 8));
    return bank.combine(masked, slot, share);
  });
}

/** The plain integer sums. */
export function plainScores(weights: Int32Array, columns: readonly Int16Array[]): number[] {
  return Array.from({ length: columns[0]?.length ?? 0 }, (_, row) =>
    columns.reduce((sum, column, j) => sum + (weights[j] as number) * (column[row] as number), 0),
  );
}

/** Reproducible numbers in [0, 1): xorshift32. */
export function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
