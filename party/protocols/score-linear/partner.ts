/** The partner's rounds: it evaluates the encrypted model over all its rows. Steps as in README.md. */
import type { Frame } from "../../../proto/codec/frame.ts";
import { decodePublicKey, decodeWeight, encodeAnswer } from "../../../proto/codec/score-linear.ts";
import { equalBytes } from "../../../proto/encoding/bytes.ts";
import { EntenteError } from "../../../proto/errors.ts";
import { randomPermutation } from "../../crypto/shuffle.ts";
import type { EncryptedModel } from "../../he/he.ts";
import { roundingShares, uniformMask } from "../../he/mask.ts";
import { BLOCK_ROWS } from "../../he/params.ts";
import type { Step } from "../step.ts";
import { ANSWER_ROUND, MODEL_ROUND, position, writeLabel } from "./messages.ts";
import {
  blockCount,
  checkContext,
  LABEL_BYTES,
  PARAMETER_DIGEST,
  type ScoreContext,
  type ScorePlatform,
} from "./params.ts";

export interface PartnerInput {
  /** For each feature of the partner view, in its order, the quantised value of every row. */
  readonly columns: readonly Int16Array[];
  /** n, at most senderCapacity. */
  readonly rows: number;
  /** From an earlier partition of this session; absent: the bank sends it first. */
  readonly model?: EncryptedModel;
}

export interface PartnerOutput {
  /** n * 8 bytes in the order of the rows: each row's label in the PSI. Complete before the answers are sent. */
  readonly labels: Uint8Array;
  /** For the session's next partition. The caller disposes it when the session ends, however it ends. */
  readonly model: EncryptedModel;
}

export interface AwaitPublicKey {
  readonly round: "await-public-key";
  readonly context: ScoreContext;
  readonly input: PartnerInput;
}

export interface AwaitWeight {
  readonly round: "await-weight";
  readonly context: ScoreContext;
  readonly input: PartnerInput;
  /** Grows by one weight with each frame. */
  readonly model: EncryptedModel;
}

export type PartnerState = AwaitPublicKey | AwaitWeight;
export type PartnerStep = Step<PartnerState, Frame, PartnerOutput>;

/** Throws BAD_REQUEST when the context, the columns or the model held do not fit. */
export function start(platform: ScorePlatform, context: ScoreContext, input: PartnerInput): PartnerStep {
  checkContext(context);
  const { columns, rows, model } = input;
  if (!Number.isInteger(rows) || rows < 0 || rows > context.senderCapacity)
    throw new EntenteError("BAD_REQUEST", { detail: "rows exceed the partition's capacity" });
  if (columns.length !== context.features || columns.some((column) => column.length !== rows))
    throw new EntenteError("BAD_REQUEST", { detail: "one value of each feature for each row" });
  if (model === undefined) return { kind: "continue", state: { round: "await-public-key", context, input }, send: [] };
  if (model.features !== context.features)
    throw new EntenteError("BAD_REQUEST", { detail: "another model than this job's" });
  return evaluate(platform, context, input, model);
}

/** Step 2. Throws WIRE_UNEXPECTED, WIRE_INVALID, SESSION_MISMATCH or CIPHERTEXT_INVALID. */
export function next(platform: ScorePlatform, state: PartnerState, frame: Frame): PartnerStep {
  switch (state.round) {
    case "await-public-key":
      return onPublicKey(platform, state, frame);
    case "await-weight":
      return onWeight(platform, state, frame);
  }
}

/** Frees what a state that will not be used again holds; a model that came with the input is the caller's. */
export function abandon(state: PartnerState): void {
  if (state.round === "await-weight") state.model[Symbol.dispose]();
}

function onPublicKey(platform: ScorePlatform, { context, input }: AwaitPublicKey, frame: Frame): PartnerStep {
  const { parameterDigest, residues } = decodePublicKey(frame, position(context, MODEL_ROUND, 0));
  if (!equalBytes(parameterDigest, PARAMETER_DIGEST))
    throw new EntenteError("SESSION_MISMATCH", { detail: "score-linear parameters" });
  const model = platform.he.createEncryptedModel(residues);
  return { kind: "continue", state: { round: "await-weight", context, input, model }, send: [] };
}

function onWeight(platform: ScorePlatform, state: AwaitWeight, frame: Frame): PartnerStep {
  const { context, input, model } = state;
  model.addWeight(decodeWeight(frame, position(context, MODEL_ROUND, model.features + 1)));
  if (model.features < context.features) return { kind: "continue", state, send: [] };
  return evaluate(platform, context, input, model);
}

/** Step 3: permutation, masks and labels at once; the answers one by one, as they are sent. */
function evaluate(
  platform: ScorePlatform,
  context: ScoreContext,
  { columns, rows }: PartnerInput,
  model: EncryptedModel,
): PartnerStep {
  // Over the padded rows: a slot tells neither a row's position nor whether there is one.
  const rowOfSlotSecret = randomPermutation(platform, context.senderCapacity);
  const maskSecrets = Array.from({ length: blockCount(context) }, () => uniformMask((n) => platform.random(n)));
  const labels = new Uint8Array(rows * LABEL_BYTES);
  const view = new DataView(labels.buffer);
  for (const [block, maskSecret] of maskSecrets.entries()) {
    const shares = roundingShares(maskSecret);
    const first = block * BLOCK_ROWS;
    for (const [i, row] of rowOfSlotSecret.subarray(first, first + BLOCK_ROWS).entries())
      if (row < rows) writeLabel(view, row, first + i, shares[i] as number);
    shares.fill(0);
  }
  const send = answerFrames(context, columns, model, { rowOfSlotSecret, maskSecrets });
  return { kind: "done", output: { labels, model }, send };
}

interface EvaluationSecrets {
  readonly rowOfSlotSecret: Uint32Array;
  readonly maskSecrets: readonly Uint32Array[];
}

function* answerFrames(
  context: ScoreContext,
  columns: readonly Int16Array[],
  model: EncryptedModel,
  { rowOfSlotSecret, maskSecrets }: EvaluationSecrets,
): Generator<Frame> {
  for (const [block, maskSecret] of maskSecrets.entries()) {
    const rows = rowOfSlotSecret.subarray(block * BLOCK_ROWS, (block + 1) * BLOCK_ROWS);
    const answer = model.answer(
      columns.map((column) => gather(column, rows)),
      maskSecret,
    );
    maskSecret.fill(0);
    yield encodeAnswer(position(context, ANSWER_ROUND, block), answer);
  }
  rowOfSlotSecret.fill(0);
}

/** A block's coefficients. Padding rows are zeros: under the mask their slots are as random as the others. */
function gather(column: Int16Array, rows: Uint32Array): Int16Array {
  const coefficients = new Int16Array(BLOCK_ROWS);
  for (const [i, row] of rows.entries()) if (row < column.length) coefficients[i] = column[row] as number;
  return coefficients;
}
