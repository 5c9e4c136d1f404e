/**
 * The receiver of psi-vole. Steps by number in README.md:
 *   start -> [vole] -> one per message of the VOLE ... -> [await-sealed] -> one per sealed frame ... -> done.
 */
import { encodeMasked, OUTPUT_BYTES, receiverOutputs } from "../../crypto/okvs/bin.ts";
import { discard } from "../../crypto/okvs/discard.ts";
import { SLOT_BYTES } from "../../crypto/okvs/params.ts";
import { sealedHeader } from "../../crypto/seal.ts";
import type { VoleReceiverOutput } from "../../crypto/vole/index.ts";
import { chunkCount } from "../sealed-rows.ts";
import type { PartitionContext, PsiReceiverInput, SealedPartition, Step } from "../step.ts";
import { type Due, dueMessage, type Message, makeMessage, requireDue, requireVole } from "./messages.ts";
import { frameHeader, type PsiVoleParams } from "./params.ts";
import type { PsiVolePlatform } from "./platform.ts";
import { hashState, type OwnRows, ownRows } from "./rows.ts";
import type { Vole } from "./vole.ts";

/** The VOLE is under way. */
interface InVole<R> {
  readonly round: "vole";
  readonly context: PartitionContext;
  readonly params: PsiVoleParams;
  readonly own: OwnRows;
  readonly vole: R;
}

/** Waits for sealed frame `chunk`. */
interface AwaitSealed {
  readonly round: "await-sealed";
  readonly context: PartitionContext;
  readonly params: PsiVoleParams;
  readonly own: OwnRows;
  /** A and C. */
  readonly shareSecret: VoleReceiverOutput;
  readonly chunk: number;
  /** F(x) of the rows that are there, in the list's order; filled while the masked store is sent. */
  readonly outputs: Uint8Array;
  readonly sealed: SealedPartition["sealed"];
}

export type ReceiverState<R> = InVole<R> | AwaitSealed;
type ReceiverStep<R> = Step<ReceiverState<R>, Message, SealedPartition>;

export interface Receiver<R> {
  start(
    platform: PsiVolePlatform,
    context: PartitionContext,
    input: PsiReceiverInput,
    params: PsiVoleParams,
  ): ReceiverStep<R>;
  /** The message that this state waits for. */
  due(state: ReceiverState<R>): Due;
  /** `message`: decoded against `due(state)`. Errors: WIRE_UNEXPECTED, WIRE_INVALID, POINT_INVALID, INTERNAL. */
  next(platform: PsiVolePlatform, state: ReceiverState<R>, message: Message): ReceiverStep<R>;
  /** Overwrites rows, shares and outputs; the ids are the caller's. */
  wipe(state: ReceiverState<R>): void;
}

/** Step 4: one masked bin a message, and the outputs of its rows while the sender works on it. */
function* maskBins(platform: PsiVolePlatform, state: AwaitSealed): Generator<Message> {
  const { context, params, own, shareSecret, outputs } = state;
  const { okvs } = platform.kernels;
  const { bins, binSlots } = params.okvs;
  const outputState = hashState(platform, context, "output");
  const rows = own.bins();
  for (let bin = 0; bin < bins; bin++) {
    const [from, to] = [bin * binSlots * SLOT_BYTES, (bin + 1) * binSlots * SLOT_BYTES];
    const masked = encodeMasked(okvs, rows, bin, shareSecret.a.subarray(from, to), params.valueBytes);
    yield makeMessage(context, "masked", bin, masked);
    const made = receiverOutputs(okvs, rows, bin, shareSecret.c.subarray(from, to), outputState);
    placeOutputs(made, rows.rows(bin), outputs);
    made.fill(0);
  }
  own.wipe();
  discard(shareSecret.a);
  discard(shareSecret.c);
}

/** Outputs of a bin to their rows' places; those of padding are dropped. */
function placeOutputs(made: Uint8Array, rows: Uint32Array, outputs: Uint8Array): void {
  const from = new Uint32Array(made.buffer, made.byteOffset, made.length / 4);
  const to = new Uint32Array(outputs.buffer, outputs.byteOffset, outputs.length / 4);
  const words = OUTPUT_BYTES / 4;
  for (let i = 0; i < rows.length; i++) {
    const at = (rows[i] as number) * words;
    if (at >= to.length) continue;
    for (let w = 0; w < words; w++) to[at + w] = from[i * words + w] as number;
  }
}

/** Step 6: keep a sealed frame as it came; nothing of it can be read before the gate key is released. */
function onSealed<R>(state: AwaitSealed, message: Message): ReceiverStep<R> {
  const { context, params, chunk, outputs } = state;
  const { bytes } = requireDue(message, dueMessage(context, params, "sealedTags", chunk));
  const header = sealedHeader(
    { header: frameHeader(context.partition, "sealedTags", chunk), frameSession: context.frameSession },
    bytes.length,
  );
  const sealed = [...state.sealed, { header, body: bytes }];
  if (chunk + 1 < chunkCount(params, context.senderCapacity))
    return { kind: "continue", state: { ...state, chunk: chunk + 1, sealed }, send: [] };
  return { kind: "done", output: { outputs, sealed }, send: [] };
}

export function receiverOver<R, S>({ receiver: vole }: Vole<R, S>): Receiver<R> {
  /** The VOLE goes on, or step 4 begins. */
  function follow(
    platform: PsiVolePlatform,
    { context, params, own }: Omit<InVole<R>, "vole">,
    step: ReturnType<typeof vole.next>,
  ): ReceiverStep<R> {
    if (step.kind === "continue") {
      const state: InVole<R> = { round: "vole", context, params, own, vole: step.state };
      return { kind: "continue", state, send: step.send };
    }
    const state: AwaitSealed = {
      round: "await-sealed",
      context,
      params,
      own,
      shareSecret: step.output,
      chunk: 0,
      outputs: new Uint8Array(own.count * OUTPUT_BYTES),
      sealed: [],
    };
    const send = function* (): Generator<Message> {
      yield* step.send;
      yield* maskBins(platform, state);
    };
    return { kind: "continue", state, send: send() };
  }

  return {
    start(platform, context, { ids }, params) {
      const own = ownRows(platform, context, params, "receiver", ids);
      const request = { outputs: params.okvs.slots, profile: params.profile, valueBytes: params.valueBytes };
      const first = follow(platform, { round: "vole", context, params, own }, vole.start(platform, context, request));
      const send = function* (): Generator<Message> {
        yield* first.send;
        own.bins();
      };
      return { ...first, send: send() };
    },
    due(state) {
      if (state.round === "vole") return { part: "vole", due: vole.due(state.vole) };
      return { part: "psi", due: dueMessage(state.context, state.params, "sealedTags", state.chunk) };
    },
    next(platform, state, message) {
      if (state.round === "await-sealed") return onSealed(state, message);
      return follow(platform, state, vole.next(platform, state.vole, requireVole(message)));
    },
    wipe(state) {
      state.own.wipe();
      if (state.round === "vole") return vole.wipe(state.vole);
      state.outputs.fill(0);
      discard(state.shareSecret.a);
      discard(state.shareSecret.c);
    },
  };
}
