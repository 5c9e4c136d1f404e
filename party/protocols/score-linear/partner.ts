/** The partner's rounds: it evaluates the encrypted model over all its rows. Steps as in README.md. */
import type { Frame } from "../../../proto/codec/frame.ts";
import { equalBytes } from "../../../proto/encoding/bytes.ts";
import { EntenteError } from "../../../proto/errors.ts";
import { AES_KEY_BYTES } from "../../crypto/bulk.ts";
import { randomPermutation } from "../../crypto/shuffle.ts";
import type { EncryptedModel } from "../../he/he.ts";
import { CIPHERTEXT_BYTES } from "../../he/params.ts";
import type { Step } from "../step.ts";
import { bundleBytes, openBundle } from "./bundle.ts";
import { ANNOUNCEMENT_BYTES, HELD, NEEDED, read, readAnnouncement, write, writeLabel } from "./messages.ts";
import {
  blockCount,
  blockSlots,
  checkContext,
  LABEL_BYTES,
  releasedOf,
  type ScoreContext,
  type ScorePlatform,
} from "./params.ts";

/** The partner's rows as the encrypted weights meet them. */
export interface PartnerRows {
  /** n, at most senderCapacity. */
  readonly count: number;
  /** Polynomials that each block has. */
  readonly weights: number;
  /**
   * For each block of slots in turn, one polynomial of BLOCK_ROWS coefficients for each weight, valid until the next block.
   * `rowOfSlotSecret`: of all slots; from `count` on it is padding, whose coefficients may be anything in range.
   */
  blocks(rowOfSlotSecret: Uint32Array): Iterable<readonly Int16Array[]>;
}

export interface PartnerInput {
  readonly rows: PartnerRows;
  /** From an earlier partition of this session; absent: the bank announces it first. */
  readonly model?: EncryptedModel;
  /** A bundle kept from an earlier job with this model version. */
  readonly held?: Uint8Array;
}

export interface PartnerOutput {
  /** n * 8 bytes in the order of the rows: each row's label in the PSI. Complete before the answers are sent. */
  readonly labels: Uint8Array;
  /** For the session's next partition. The caller disposes it when the session ends, however it ends. */
  readonly model: EncryptedModel;
  /** The bundle, when it came over the wire: to be kept for the next job with this model version. */
  readonly received?: Uint8Array;
}

export interface AwaitAnnouncement {
  readonly round: "await-announcement";
  readonly context: ScoreContext;
  readonly input: PartnerInput;
}

export interface AwaitCiphertext {
  readonly round: "await-ciphertext";
  readonly context: ScoreContext;
  readonly input: PartnerInput;
  readonly bundleDigest: Uint8Array;
  /** Grows by one ciphertext with each frame, and so does `bundle`. */
  readonly model: EncryptedModel;
  readonly bundle: Uint8Array;
  readonly received: number;
}

export type PartnerState = AwaitAnnouncement | AwaitCiphertext;
export type PartnerStep = Step<PartnerState, Frame, PartnerOutput>;

/** Throws BAD_REQUEST when the context, the rows or the model held do not fit. */
export function start(platform: ScorePlatform, context: ScoreContext, input: PartnerInput): PartnerStep {
  checkContext(context);
  const { rows, model } = input;
  if (!Number.isInteger(rows.count) || rows.count < 0 || rows.count > context.senderCapacity)
    throw new EntenteError("BAD_REQUEST", { detail: "rows exceed the partition's capacity" });
  if (rows.weights !== context.features) throw new EntenteError("BAD_REQUEST", { detail: "one polynomial a weight" });
  if (model === undefined)
    return { kind: "continue", state: { round: "await-announcement", context, input }, send: [] };
  if (model.features !== context.features || !model.complete)
    throw new EntenteError("BAD_REQUEST", { detail: "another model than this job's" });
  return evaluate(platform, context, input, { model }, []);
}

/** Steps 2 and 3. Throws WIRE_UNEXPECTED, WIRE_INVALID, SESSION_MISMATCH, MODEL_MISMATCH or CIPHERTEXT_INVALID. */
export function next(platform: ScorePlatform, state: PartnerState, frame: Frame): PartnerStep {
  switch (state.round) {
    case "await-announcement":
      return onAnnouncement(platform, state, frame);
    case "await-ciphertext":
      return onCiphertext(platform, state, frame);
  }
}

/** Frees what a state that will not be used again holds; a model that came with the input is the caller's. */
export function abandon(state: PartnerState): void {
  if (state.round === "await-ciphertext") state.model[Symbol.dispose]();
}

function onAnnouncement(platform: ScorePlatform, { context, input }: AwaitAnnouncement, frame: Frame): PartnerStep {
  const due = { kind: "announcement", chunk: 0, bytes: ANNOUNCEMENT_BYTES } as const;
  const { parameterDigest, modelCommitment, bundleDigest } = readAnnouncement(read(context, frame, due));
  if (!equalBytes(parameterDigest, context.packing.parameterDigest))
    throw new EntenteError("SESSION_MISMATCH", { detail: "score parameters" });
  if (!equalBytes(modelCommitment, context.modelCommitment))
    throw new EntenteError("MODEL_MISMATCH", { detail: "commitment to the model version" });
  const reply = (held: number) => [write(context, "reply", 0, Uint8Array.of(held))];
  const { features } = context;
  const { held } = input;
  if (held !== undefined && equalBytes(platform.sha256(held), bundleDigest))
    return evaluate(platform, context, input, { model: openBundle(platform.he, held, features) }, reply(HELD));
  const model = platform.he.createEncryptedModel(features);
  const bundle = new Uint8Array(bundleBytes(features));
  const state: AwaitCiphertext = {
    round: "await-ciphertext",
    context,
    input,
    bundleDigest,
    model,
    bundle,
    received: 0,
  };
  return { kind: "continue", state, send: reply(NEEDED) };
}

function onCiphertext(platform: ScorePlatform, state: AwaitCiphertext, frame: Frame): PartnerStep {
  const { context, input, model, bundle, bundleDigest, received } = state;
  const ciphertext = read(context, frame, { kind: "ciphertext", chunk: received, bytes: CIPHERTEXT_BYTES });
  model.add(ciphertext);
  bundle.set(ciphertext, received * CIPHERTEXT_BYTES);
  if (!model.complete) return { kind: "continue", state: { ...state, received: received + 1 }, send: [] };
  if (!equalBytes(platform.sha256(bundle), bundleDigest))
    throw new EntenteError("MODEL_MISMATCH", { detail: "ciphertexts are not those announced" });
  return evaluate(platform, context, input, { model, received: bundle }, []);
}

/** Step 3: permutation, masks and labels at once; step 4: the answers one by one, as they are sent. */
function evaluate(
  platform: ScorePlatform,
  context: ScoreContext,
  { rows }: PartnerInput,
  made: Omit<PartnerOutput, "labels">,
  first: readonly Frame[],
): PartnerStep {
  // Over the padded rows: a slot tells neither a row's position nor whether there is one.
  const rowOfSlotSecret = randomPermutation(platform, context.senderCapacity);
  // A mask is drawn twice from its seed, for the labels and for its answer: 16 bytes a block are kept, not 160 KiB.
  const maskSeeds = Array.from({ length: blockCount(context) }, () => platform.random(AES_KEY_BYTES));
  const labels = new Uint8Array(rows.count * LABEL_BYTES);
  const view = new DataView(labels.buffer);
  const slots = blockSlots(context.packing);
  for (const [block, seed] of maskSeeds.entries()) {
    const shares = platform.he.shares(platform.bulkAes.ctrStream(seed), releasedOf(context, block));
    const from = block * slots;
    const end = Math.min(from + slots, rowOfSlotSecret.length);
    for (let slot = from; slot < end; slot++) {
      const row = rowOfSlotSecret[slot] as number;
      if (row < rows.count) writeLabel(view, row, slot, shares[slot - from] as number);
    }
    shares.fill(0);
  }
  const answers = answerFrames(platform, context, rows, made.model, { rowOfSlotSecret, maskSeeds });
  return { kind: "done", output: { labels, ...made }, send: chain(first, answers) };
}

function* chain(first: readonly Frame[], rest: Iterable<Frame>): Generator<Frame> {
  yield* first;
  yield* rest;
}

interface EvaluationSecrets {
  readonly rowOfSlotSecret: Uint32Array;
  readonly maskSeeds: readonly Uint8Array[];
}

function* answerFrames(
  platform: ScorePlatform,
  context: ScoreContext,
  rows: PartnerRows,
  model: EncryptedModel,
  { rowOfSlotSecret, maskSeeds }: EvaluationSecrets,
): Generator<Frame> {
  let block = 0;
  for (const polynomials of rows.blocks(rowOfSlotSecret)) {
    const seed = maskSeeds[block] as Uint8Array;
    const zeroSeed = platform.random(AES_KEY_BYTES);
    const randomness = { mask: platform.bulkAes.ctrStream(seed), zero: platform.bulkAes.ctrStream(zeroSeed) };
    const answer = model.answer(polynomials, randomness, releasedOf(context, block));
    seed.fill(0);
    zeroSeed.fill(0);
    yield write(context, "answer", block++, answer);
  }
  rowOfSlotSecret.fill(0);
}
