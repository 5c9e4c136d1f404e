/**
 * The sender of psi-dh. Steps by number in README.md: start -> [await-blinded] -> one per chunk ... -> done.
 * It sends nothing before the receiver does, and seals its own rows while the receiver is busy.
 */
import type { PsiDhMessage } from "../../../proto/codec/psi-dh.ts";
import { EntenteError } from "../../../proto/errors.ts";
import { type Derivation, labelPad, matchTag, OPRF_OUTPUT_BYTES } from "../../crypto/kdf.ts";
import { blindEvaluate, ELEMENT_BYTES, evaluate } from "../../crypto/oprf.ts";
import type { Platform } from "../../crypto/platform.ts";
import { type RowIndex, rowIndex } from "../../crypto/row-index.ts";
import { GATE_KEY_BYTES, seal, sealKey } from "../../crypto/seal.ts";
import { randomPermutation } from "../../crypto/shuffle.ts";
import { chunkCount, chunkRange } from "../sealed-rows.ts";
import { ID_BYTES, type PartitionContext, type PsiSenderInput, type Step } from "../step.ts";
import { type PaddedInputs, paddedInputs } from "./inputs.ts";
import { type Due, dueMessage, elementAt, makeMessage, requireDue } from "./messages.ts";
import { frameHeader, type PsiDhParams, psiDhParams } from "./params.ts";

/** The sender's padded rows on their way to the seal. */
interface OwnRows {
  readonly inputs: PaddedInputs;
  readonly labels: Uint8Array;
  readonly tagOf: Derivation;
  readonly padOf: Derivation;
  /** Row of the padded list at each position of the sealed chunks: one uniform permutation of the whole partition. */
  readonly rowsSecret: Uint32Array;
  readonly sealKeySecret: Uint8Array;
  /** Sealed chunks that were made while the receiver was busy; sent in round 3. */
  readonly ready: PsiDhMessage[];
}

/** Waits for blinded chunk `chunk`. */
interface AwaitBlinded {
  readonly round: "await-blinded";
  readonly context: PartitionContext;
  readonly params: PsiDhParams;
  readonly chunk: number;
  /** The OPRF key k, of this attempt and partition alone. */
  readonly keySecret: Uint8Array;
  readonly own: OwnRows;
  readonly seen: RowIndex;
}

export type SenderState = AwaitBlinded;
type SenderStep = Step<SenderState, PsiDhMessage, undefined>;

/** Step 1: draw the OPRF key and the order of the rows. */
export function start(
  platform: Platform,
  context: PartitionContext,
  input: PsiSenderInput,
  params = psiDhParams(context),
): SenderStep {
  const count = input.ids.length / ID_BYTES;
  if (
    !Number.isInteger(count) ||
    count > context.senderCapacity ||
    input.labels.length !== count * context.labelBytes ||
    input.gateKey.length !== GATE_KEY_BYTES
  )
    throw new EntenteError("INTERNAL", { detail: "psi-dh: the rows do not fit their partition" });
  const own: OwnRows = {
    inputs: paddedInputs(platform, context, input.ids),
    labels: input.labels,
    tagOf: matchTag(platform, context, params.tagBytes),
    padOf: labelPad(platform, context, context.labelBytes),
    rowsSecret: randomPermutation(platform, context.senderCapacity),
    sealKeySecret: sealKey(platform, input.gateKey, context),
    ready: [],
  };
  const state: AwaitBlinded = {
    round: "await-blinded",
    context,
    params,
    chunk: 0,
    keySecret: platform.ristretto255.randomScalar(),
    own,
    seen: rowIndex(platform, ELEMENT_BYTES, context.receiverCapacity),
  };
  return { kind: "continue", state, send: [] };
}

/** The message that this state waits for. */
export function due(state: SenderState): Due {
  return dueMessage(state.context, state.params, "blinded", state.chunk);
}

/** `message`: decoded against `due(state)`. Errors: WIRE_UNEXPECTED, POINT_INVALID. */
export function next(platform: Platform, state: SenderState, message: PsiDhMessage): SenderStep {
  requireDue(message, due(state));
  return onBlinded(platform, state, message);
}

/** Step 3: evaluate a blinded chunk; with the last one, step 5 too. */
function onBlinded(platform: Platform, state: AwaitBlinded, message: PsiDhMessage): SenderStep {
  const { context, params, chunk, keySecret, seen } = state;
  const elements = new Uint8Array(message.bytes.length);
  for (let i = 0; i < elements.length / ELEMENT_BYTES; i++) {
    const blinded = elementAt(message.bytes, i);
    if (!seen.add(blinded)) throw new EntenteError("POINT_INVALID");
    elements.set(blindEvaluate(platform, keySecret, blinded), i * ELEMENT_BYTES);
  }
  const answer = makeMessage(context, "evaluated", chunk, elements);
  const chunks = chunkCount(params, context.receiverCapacity);
  if (chunk + 1 === chunks) return { kind: "done", output: undefined, send: answerThenSend(platform, state, answer) };
  const share = Math.floor((chunkCount(params, context.senderCapacity) * (chunk + 1)) / chunks);
  const send = answerThenSeal(platform, state, answer, share);
  return { kind: "continue", state: { ...state, chunk: chunk + 1 }, send };
}

/** The answer first; then, while the receiver works on it, the own chunks up to `share`. */
function* answerThenSeal(
  platform: Platform,
  state: AwaitBlinded,
  answer: PsiDhMessage,
  share: number,
): Generator<PsiDhMessage> {
  yield answer;
  const { ready } = state.own;
  while (ready.length < share) ready.push(sealChunk(platform, state, ready.length));
}

/** Step 5: the last answer, then all sealed chunks; after them nothing secret is left. */
function* answerThenSend(platform: Platform, state: AwaitBlinded, answer: PsiDhMessage): Generator<PsiDhMessage> {
  const { ready } = state.own;
  try {
    yield answer;
    yield* ready;
    const chunks = chunkCount(state.params, state.context.senderCapacity);
    for (let chunk = ready.length; chunk < chunks; chunk++) yield sealChunk(platform, state, chunk);
  } finally {
    wipe(state);
  }
}

/** Step 5: tags and padded labels of the rows that the permutation puts in this chunk, sealed. */
function sealChunk(platform: Platform, state: AwaitBlinded, chunk: number): PsiDhMessage {
  const { context, params, keySecret, own } = state;
  const { labelBytes } = context;
  const { from, to } = chunkRange(params, context.senderCapacity, chunk);
  const rows = own.rowsSecret.subarray(from, to);
  const plaintext = new Uint8Array(rows.length * params.rowBytes);
  // Drawn for every row, as the dummies are: no cost shows how many rows are there.
  const dummyLabels = platform.random(rows.length * labelBytes);
  own.inputs.at(rows).forEach((input, i) => {
    const labelAt = (rows[i] as number) * labelBytes;
    const label = labelAt < own.labels.length ? own.labels.subarray(labelAt) : dummyLabels.subarray(i * labelBytes);
    const output = evaluate(platform, keySecret, input).subarray(0, OPRF_OUTPUT_BYTES);
    const pad = own.padOf(output);
    const at = i * params.rowBytes;
    plaintext.set(own.tagOf(output), at);
    for (let b = 0; b < labelBytes; b++)
      plaintext[at + params.tagBytes + b] = (pad[b] as number) ^ (label[b] as number);
    output.fill(0);
    pad.fill(0);
  });
  const header = frameHeader(context.partition, "sealedTags", chunk);
  const ciphertext = seal(platform, { key: own.sealKeySecret, header, frameSession: context.frameSession }, plaintext);
  plaintext.fill(0);
  return makeMessage(context, "sealedTags", chunk, ciphertext);
}

/** Overwrites the OPRF key, the order and the seal's key; ids, labels and gate key are the caller's. */
export function wipe({ keySecret, own }: SenderState): void {
  keySecret.fill(0);
  own.sealKeySecret.fill(0);
  own.rowsSecret.fill(0);
}
