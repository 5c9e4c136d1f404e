/**
 * The receiver of psi-dh. Steps by number in README.md:
 *   start -> [await-evaluated] -> one per chunk ... -> [await-sealed] -> one per chunk ... -> done.
 */
import type { PsiDhMessage } from "../../../proto/codec/psi-dh.ts";
import { EntenteError } from "../../../proto/errors.ts";
import { OPRF_OUTPUT_BYTES } from "../../crypto/kdf.ts";
import { blind, ELEMENT_BYTES, finalize, SCALAR_BYTES } from "../../crypto/oprf.ts";
import type { Platform } from "../../crypto/platform.ts";
import { type RowIndex, rowIndex } from "../../crypto/row-index.ts";
import { sealedHeader } from "../../crypto/seal.ts";
import { randomPermutation } from "../../crypto/shuffle.ts";
import { chunkCount, chunkRange } from "../sealed-rows.ts";
import { ID_BYTES, type PartitionContext, type PsiReceiverInput, type SealedPartition, type Step } from "../step.ts";
import { type PaddedInputs, paddedInputs } from "./inputs.ts";
import { type Due, dueMessage, elementAt, makeMessage, requireDue } from "./messages.ts";
import { frameHeader, type PsiDhParams, psiDhParams } from "./params.ts";

/** Waits for the evaluation of chunk `chunk`; up to `windowChunks` later ones are under way. */
interface AwaitEvaluated {
  readonly round: "await-evaluated";
  readonly context: PartitionContext;
  readonly params: PsiDhParams;
  readonly chunk: number;
  readonly inputs: PaddedInputs;
  /** Row of the padded list at each position on the wire, so that no order of the list crosses it. */
  readonly rowsSecret: Uint32Array;
  /** Blinds of the chunks under way, by chunk; added to when a chunk is made, removed when it comes back. */
  readonly blindSecrets: Map<number, Uint8Array>;
  readonly seen: RowIndex;
  /** F(x) of the rows that are there, in the list's order; filled as evaluations come back. */
  readonly outputs: Uint8Array;
}

/** Waits for sealed chunk `chunk`. */
interface AwaitSealed {
  readonly round: "await-sealed";
  readonly context: PartitionContext;
  readonly params: PsiDhParams;
  readonly chunk: number;
  readonly outputs: Uint8Array;
  readonly sealed: SealedPartition["sealed"];
}

export type ReceiverState = AwaitEvaluated | AwaitSealed;
type ReceiverStep = Step<ReceiverState, PsiDhMessage, SealedPartition>;

/** Steps 1-2: shuffle the padded list and send the first window of blinded chunks. */
export function start(
  platform: Platform,
  context: PartitionContext,
  input: PsiReceiverInput,
  params = psiDhParams(context),
): ReceiverStep {
  const count = input.ids.length / ID_BYTES;
  if (!Number.isInteger(count) || count > context.receiverCapacity)
    throw new EntenteError("INTERNAL", { detail: "psi-dh: the list does not fit its partition" });
  const state: AwaitEvaluated = {
    round: "await-evaluated",
    context,
    params,
    chunk: 0,
    inputs: paddedInputs(platform, context, input.ids),
    rowsSecret: randomPermutation(platform, context.receiverCapacity),
    blindSecrets: new Map(),
    seen: rowIndex(platform, ELEMENT_BYTES, context.receiverCapacity),
    outputs: new Uint8Array(count * OPRF_OUTPUT_BYTES),
  };
  return { kind: "continue", state, send: blindChunks(platform, state, 0, params.windowChunks) };
}

/** The message that this state waits for. */
export function due(state: ReceiverState): Due {
  const kind = state.round === "await-evaluated" ? "evaluated" : "sealedTags";
  return dueMessage(state.context, state.params, kind, state.chunk);
}

/** `message`: decoded against `due(state)`. Errors: WIRE_UNEXPECTED, POINT_INVALID. */
export function next(platform: Platform, state: ReceiverState, message: PsiDhMessage): ReceiverStep {
  requireDue(message, due(state));
  switch (state.round) {
    case "await-evaluated":
      return onEvaluated(platform, state, message);
    case "await-sealed":
      return onSealed(state, message);
  }
}

/** Step 2: one message per chunk in from .. to-1 that exists. Lazy, so that the peer works on one while the next is made. */
function* blindChunks(platform: Platform, state: AwaitEvaluated, from: number, to: number): Generator<PsiDhMessage> {
  const { context, params, rowsSecret, inputs } = state;
  for (let chunk = from; chunk < Math.min(to, chunkCount(params, context.receiverCapacity)); chunk++) {
    const range = chunkRange(params, context.receiverCapacity, chunk);
    const elements = new Uint8Array((range.to - range.from) * ELEMENT_BYTES);
    const blinds = new Uint8Array((range.to - range.from) * SCALAR_BYTES);
    inputs.at(rowsSecret.subarray(range.from, range.to)).forEach((input, i) => {
      const blindSecret = platform.ristretto255.randomScalar();
      blinds.set(blindSecret, i * SCALAR_BYTES);
      elements.set(blind(platform, input, blindSecret), i * ELEMENT_BYTES);
      blindSecret.fill(0);
    });
    state.blindSecrets.set(chunk, blinds);
    yield makeMessage(context, "blinded", chunk, elements);
  }
}

/** Step 4: check, unblind and hash one evaluated chunk, and send the chunk that enters the window. */
function onEvaluated(platform: Platform, state: AwaitEvaluated, message: PsiDhMessage): ReceiverStep {
  const { context, params, chunk, outputs, rowsSecret, seen } = state;
  const blinds = state.blindSecrets.get(chunk);
  if (blinds === undefined) throw new EntenteError("WIRE_UNEXPECTED", { detail: "psi-dh: answer before its question" });
  const { from, to } = chunkRange(params, context.receiverCapacity, chunk);
  const rows = rowsSecret.subarray(from, to);
  state.inputs.at(rows).forEach((input, i) => {
    const evaluatedElement = elementAt(message.bytes, i);
    if (!seen.add(evaluatedElement)) throw new EntenteError("POINT_INVALID");
    // Of a dummy too: it must be valid, and take the same time.
    const blindSecret = blinds.subarray(i * SCALAR_BYTES, (i + 1) * SCALAR_BYTES);
    const output = finalize(platform, { input, blindSecret, evaluatedElement }).subarray(0, OPRF_OUTPUT_BYTES);
    const at = (rows[i] as number) * OPRF_OUTPUT_BYTES;
    if (at < outputs.length) outputs.set(output, at);
    output.fill(0);
  });
  blinds.fill(0);
  state.blindSecrets.delete(chunk);

  if (chunk + 1 < chunkCount(params, context.receiverCapacity)) {
    const inWindow = chunk + params.windowChunks;
    const send = blindChunks(platform, state, inWindow, inWindow + 1);
    return { kind: "continue", state: { ...state, chunk: chunk + 1 }, send };
  }
  rowsSecret.fill(0);
  const waiting: AwaitSealed = { round: "await-sealed", context, params, chunk: 0, outputs, sealed: [] };
  return { kind: "continue", state: waiting, send: [] };
}

/** Step 6: keep a sealed chunk as it came; nothing of it can be read before the gate key is released. */
function onSealed(state: AwaitSealed, message: PsiDhMessage): ReceiverStep {
  const { context, params, chunk, outputs } = state;
  const header = sealedHeader(
    { header: frameHeader(context.partition, "sealedTags", chunk), frameSession: context.frameSession },
    message.bytes.length,
  );
  const sealed = [...state.sealed, { header, body: message.bytes }];
  if (chunk + 1 < chunkCount(params, context.senderCapacity))
    return { kind: "continue", state: { ...state, chunk: chunk + 1, sealed }, send: [] };
  return { kind: "done", output: { outputs, sealed }, send: [] };
}

/** Overwrites blinds, order and outputs; the ids are the caller's. */
export function wipe(state: ReceiverState): void {
  state.outputs.fill(0);
  if (state.round === "await-sealed") return;
  state.rowsSecret.fill(0);
  for (const blinds of state.blindSecrets.values()) blinds.fill(0);
  state.blindSecrets.clear();
}
