/** The bank's rounds: it announces an encrypted model, and gets every slot's score under a mask. Steps as in README.md. */
import type { Frame } from "../../../proto/codec/frame.ts";
import { EntenteError } from "../../../proto/errors.ts";
import type { HeKeys } from "../../he/he.ts";
import { answerBytes } from "../../he/released.ts";
import type { Step } from "../step.ts";
import { type BankModel, bundleBytes, ciphertextAt } from "./bundle.ts";
import { announcementBytes, HELD, NEEDED, read, write } from "./messages.ts";
import { blockCount, blockSlots, checkContext, releasedOf, type ScoreContext, type ScorePlatform } from "./params.ts";

export interface BankInput {
  /** Of this model version; disposed by the caller. */
  readonly model: BankModel;
  /** True for the first partition of a session; false when the partner already has the model open. */
  readonly announce: boolean;
}

export interface BankOutput {
  /** senderCapacity words, by slot: score + mask modulo 2^32. Says nothing without the labels' shares. */
  readonly masked: Uint32Array;
}

export interface AwaitReply {
  readonly round: "await-reply";
  readonly context: ScoreContext;
  readonly model: BankModel;
}

export interface AwaitAnswer {
  readonly round: "await-answer";
  readonly context: ScoreContext;
  readonly keys: HeKeys;
  /** Filled as answers come. */
  readonly masked: Uint32Array;
  readonly block: number;
}

export type BankState = AwaitReply | AwaitAnswer;
export type BankStep = Step<BankState, Frame, BankOutput>;

/** Step 1. Throws BAD_REQUEST when the context or the number of weights does not fit. */
export function start(_platform: ScorePlatform, context: ScoreContext, { model, announce }: BankInput): BankStep {
  checkContext(context);
  if (model.bundle.length !== bundleBytes(context.features))
    throw new EntenteError("BAD_REQUEST", { detail: "another number of weights" });
  if (!announce) return awaitAnswers(context, model, []);
  const { modelCommitment, packing } = context;
  const { bundleDigest } = model;
  const bytes = announcementBytes({ parameterDigest: packing.parameterDigest, modelCommitment, bundleDigest });
  const send = [write(context, "announcement", 0, bytes)];
  return { kind: "continue", state: { round: "await-reply", context, model }, send };
}

/** Steps 2 and 5. Throws WIRE_UNEXPECTED, WIRE_INVALID or CIPHERTEXT_INVALID on any frame but the next one due. */
export function next(_platform: ScorePlatform, state: BankState, frame: Frame): BankStep {
  switch (state.round) {
    case "await-reply":
      return onReply(state, frame);
    case "await-answer":
      return onAnswer(state, frame);
  }
}

function awaitAnswers(context: ScoreContext, { keys }: BankModel, send: Iterable<Frame>): BankStep {
  const masked = new Uint32Array(context.senderCapacity);
  return { kind: "continue", state: { round: "await-answer", context, keys, masked, block: 0 }, send };
}

function onReply({ context, model }: AwaitReply, frame: Frame): BankStep {
  const [reply] = read(context, frame, { kind: "reply", chunk: 0, bytes: 1 });
  if (reply !== HELD && reply !== NEEDED) throw new EntenteError("WIRE_INVALID", { detail: "score reply" });
  return awaitAnswers(context, model, reply === HELD ? [] : bundleFrames(context, model));
}

function* bundleFrames(context: ScoreContext, { bundle }: BankModel): Generator<Frame> {
  for (let j = 0; j <= context.features; j++) yield write(context, "ciphertext", j, ciphertextAt(bundle, j));
}

function onAnswer(state: AwaitAnswer, frame: Frame): BankStep {
  const { context, keys, masked, block } = state;
  const released = releasedOf(context, block);
  const bytes = read(context, frame, { kind: "answer", chunk: block, bytes: answerBytes(released) });
  const first = block * blockSlots(context.packing);
  // A last coefficient or seven beyond the capacity are random and belong to no slot.
  masked.set(keys.decrypt(bytes, released).subarray(0, masked.length - first), first);
  if (block + 1 < blockCount(context)) return { kind: "continue", state: { ...state, block: block + 1 }, send: [] };
  return { kind: "done", output: { masked }, send: [] };
}

/**
 * Step 6, for one matched row and its label: the partner's part of the score, exact. A slot that is not one of this partition
 * counts as an answer of 0: the score is wrong, as it is by any other label or answer that the partner made up. To end here
 * would tell the partner, who can spoil one person's label, whether that person matched.
 */
export function combine(masked: Uint32Array, slot: number, share: number): number {
  return ((masked[slot] ?? 0) + share) | 0;
}
