/** The bank's rounds: it sends an encrypted model, and gets every slot's score under a mask. Steps as in README.md. */
import type { Frame } from "../../../proto/codec/frame.ts";
import { decodeAnswer, encodePublicKey, encodeWeight } from "../../../proto/codec/score-linear.ts";
import { EntenteError } from "../../../proto/errors.ts";
import type { HeKeys } from "../../he/he.ts";
import { BLOCK_ROWS } from "../../he/params.ts";
import type { Step } from "../step.ts";
import { ANSWER_ROUND, MODEL_ROUND, position } from "./messages.ts";
import { blockCount, checkContext, PARAMETER_DIGEST, type ScoreContext, type ScorePlatform } from "./params.ts";

export interface BankInput {
  /** Of this model version, made by `he.createKeys`; disposed by the caller. */
  readonly keys: HeKeys;
  /** Integer weights of the partner's columns, one each. */
  readonly weights: Int32Array;
  /** True for the first partition of a session; false when the partner still holds the model from an earlier one. */
  readonly sendModel: boolean;
}

export interface BankOutput {
  /** senderCapacity words, by slot: score + mask modulo 2^32. Says nothing without the labels' shares. */
  readonly masked: Uint32Array;
}

export interface AwaitAnswer {
  readonly round: "await-answer";
  readonly context: ScoreContext;
  readonly keys: HeKeys;
  /** Filled as answers come. */
  readonly masked: Uint32Array;
  readonly block: number;
}

export type BankStep = Step<AwaitAnswer, Frame, BankOutput>;

/** Step 1. Throws BAD_REQUEST when the context or the number of weights does not fit. */
export function start(_platform: ScorePlatform, context: ScoreContext, input: BankInput): BankStep {
  checkContext(context);
  const { keys, weights, sendModel } = input;
  if (weights.length !== context.features)
    throw new EntenteError("BAD_REQUEST", { detail: "one weight for each feature" });
  const masked = new Uint32Array(context.senderCapacity);
  const send = sendModel ? modelFrames(context, keys, weights) : [];
  return { kind: "continue", state: { round: "await-answer", context, keys, masked, block: 0 }, send };
}

function* modelFrames(context: ScoreContext, keys: HeKeys, weights: Int32Array): Generator<Frame> {
  const key = { parameterDigest: PARAMETER_DIGEST, residues: keys.publicKey() };
  yield encodePublicKey(position(context, MODEL_ROUND, 0), key);
  for (const [j, weight] of weights.entries())
    yield encodeWeight(position(context, MODEL_ROUND, j + 1), keys.encryptWeight(weight));
}

/** Step 4. Throws WIRE_UNEXPECTED, WIRE_INVALID or CIPHERTEXT_INVALID on any frame but the next answer. */
export function next(_platform: ScorePlatform, state: AwaitAnswer, frame: Frame): BankStep {
  const { context, keys, masked, block } = state;
  const answer = keys.decrypt(decodeAnswer(frame, position(context, ANSWER_ROUND, block)));
  const first = block * BLOCK_ROWS;
  // The last block's coefficients beyond the capacity are random and belong to no slot.
  masked.set(answer.subarray(0, masked.length - first), first);
  if (block + 1 < blockCount(context)) return { kind: "continue", state: { ...state, block: block + 1 }, send: [] };
  return { kind: "done", output: { masked }, send: [] };
}

/**
 * Step 5, for one matched row and its label: the partner's part of the score, exact. Throws WIRE_INVALID when the slot is
 * not one of this partition.
 */
export function combine(masked: Uint32Array, slot: number, share: number): number {
  const value = masked[slot];
  if (value === undefined) throw new EntenteError("WIRE_INVALID", { detail: "slot of a label" });
  return (value + share) | 0;
}
