/** Both roles of score-linear in memory, over their frames. */
import { createHe } from "../../party/he/he.ts";
import * as bank from "../../party/protocols/score-linear/bank.ts";
import { type BankModel, encryptModel } from "../../party/protocols/score-linear/bundle.ts";
import { columnRows } from "../../party/protocols/score-linear/columns.ts";
import { readLabel } from "../../party/protocols/score-linear/messages.ts";
import { LINEAR, type ScoreContext, type ScorePlatform } from "../../party/protocols/score-linear/params.ts";
import * as partner from "../../party/protocols/score-linear/partner.ts";
import { bulkAes } from "../../party/session/bulk-aes.ts";
import { createPlatform } from "../../party/session/platform.ts";
import { wasmModule } from "../../party/wasm/modules.ts";
import type { Frame } from "../../proto/codec/frame.ts";

export const scorePlatform: ScorePlatform = {
  ...(await createPlatform()),
  bulkAes,
  he: createHe(wasmModule("score")),
};

export function scoreContext(overrides: Partial<ScoreContext> = {}): ScoreContext {
  return {
    sessionId: new Uint8Array(32).fill(0x51),
    frameSession: new Uint8Array(8).fill(0x52),
    partition: 3,
    partitions: 4,
    receiverCapacity: 1024,
    senderCapacity: 1024,
    labelBytes: 8,
    packing: LINEAR,
    features: 2,
    maxMatchedRows: 1024,
    modelCommitment: new Uint8Array(32).fill(0x53),
    ...overrides,
  };
}

export function encryptWeights(weights: Int32Array): Promise<BankModel> {
  return encryptModel(
    scorePlatform,
    Array.from(weights, (weight) => Int32Array.of(weight)),
  );
}

/** One Int16Array for each weight, all of one length. */
export function rowsOf(columns: readonly Int16Array[]): partner.PartnerRows {
  return columnRows(columns, columns[0]?.length ?? 0);
}

export interface ScoreRun {
  /** Announcement, and ciphertexts unless the partner held them. */
  readonly bankFrames: readonly Frame[];
  /** Reply and answers. */
  readonly partnerFrames: readonly Frame[];
  readonly labels: Uint8Array;
  readonly masked: Uint32Array;
  /** What the partner keeps for the next job. */
  readonly received: Uint8Array | undefined;
}

export interface ScoreRunInput {
  readonly model: BankModel;
  readonly rows: partner.PartnerRows;
  readonly held?: Uint8Array;
}

/** To the end of both roles. */
export function runScoreWith(context: ScoreContext, { model, rows, held }: ScoreRunInput): ScoreRun {
  let bankStep = bank.start(scorePlatform, context, { model, announce: true });
  let partnerStep = partner.start(scorePlatform, context, {
    rows,
    ...(held === undefined ? {} : { held }),
  });
  const [bankFrames, partnerFrames]: [Frame[], Frame[]] = [[...bankStep.send], [...partnerStep.send]];
  for (let toPartner = 0, toBank = 0; toPartner < bankFrames.length || toBank < partnerFrames.length; ) {
    if (toPartner < bankFrames.length) {
      if (partnerStep.kind === "done") throw new Error("the partner was done before the bank's last frame");
      partnerStep = partner.next(scorePlatform, partnerStep.state, bankFrames[toPartner++] as Frame);
      partnerFrames.push(...partnerStep.send);
    } else {
      if (bankStep.kind === "done") throw new Error("the bank was done before the partner's last frame");
      bankStep = bank.next(scorePlatform, bankStep.state, partnerFrames[toBank++] as Frame);
      bankFrames.push(...bankStep.send);
    }
  }
  if (partnerStep.kind !== "done") throw new Error("the partner still waits");
  using _model = partnerStep.output.model;
  if (bankStep.kind !== "done") throw new Error("the bank still waits");
  const { labels, received } = partnerStep.output;
  return { bankFrames, partnerFrames, labels, masked: bankStep.output.masked, received };
}

/** One role alone, fed with frames in order. */
export interface Fed {
  partner(frames: readonly Frame[], at?: ScoreContext, held?: Uint8Array): void;
  /** It has announced its model. */
  bank(frames: readonly Frame[]): bank.BankStep;
}

/** Errors as the roles', and of a frame after a role's last one. */
export function feeding(context: ScoreContext, { model, rows }: Pick<ScoreRunInput, "model" | "rows">): Fed {
  return {
    partner(frames, at = context, held) {
      let step = partner.start(scorePlatform, at, { rows, ...(held === undefined ? {} : { held }) });
      try {
        for (const frame of frames) {
          if (step.kind === "done") throw new Error("a frame too many");
          step = partner.next(scorePlatform, step.state, frame);
        }
      } finally {
        if (step.kind === "continue") partner.abandon(step.state);
        else step.output.model[Symbol.dispose]();
      }
    },
    bank(frames) {
      let step = bank.start(scorePlatform, context, { model, announce: true });
      for (const frame of frames) {
        if (step.kind === "done") throw new Error("a frame too many");
        step = bank.next(scorePlatform, step.state, frame);
      }
      return step;
    },
  };
}

/** The frame with its body changed in place. */
export function changed(frame: Frame, change: (body: Uint8Array) => void): Frame {
  const body = frame.body.slice();
  change(body);
  return { ...frame, body };
}

/** As `runScoreWith`, with a model encrypted for this run. `columns`: one Int16Array for each weight. */
export async function runScore(
  context: ScoreContext,
  weights: Int32Array,
  columns: readonly Int16Array[],
): Promise<ScoreRun> {
  using model = await encryptWeights(weights);
  return runScoreWith(context, { model, rows: rowsOf(columns) });
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
