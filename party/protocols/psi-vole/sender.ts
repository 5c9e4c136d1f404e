/**
 * The sender of psi-vole. Steps by number in README.md:
 *   start -> [vole] -> one per message of the VOLE ... -> [await-masked] -> one per bin ... -> done.
 */
import { EntenteError } from "../../../proto/errors.ts";
import { senderRows } from "../../crypto/okvs/bin.ts";
import { discard } from "../../crypto/okvs/discard.ts";
import { powersOf } from "../../crypto/okvs/gf128.ts";
import { SLOT_BYTES } from "../../crypto/okvs/params.ts";
import { permuteRows, uniformOrder } from "../../crypto/okvs/permute.ts";
import { GATE_KEY_BYTES, seal, sealKey } from "../../crypto/seal.ts";
import { chunkCount, chunkRange } from "../sealed-rows.ts";
import type { PartitionContext, PsiSenderInput, Step } from "../step.ts";
import { type Due, dueMessage, type Message, makeMessage, requireDue, requireVole } from "./messages.ts";
import { frameHeader, type PsiVoleParams } from "./params.ts";
import type { PsiVolePlatform } from "./platform.ts";
import { hashState, type OwnRows, ownRows, valueMask } from "./rows.ts";
import type { Vole } from "./vole.ts";

interface Common {
  readonly context: PartitionContext;
  readonly params: PsiVoleParams;
  readonly own: OwnRows;
  /** n * labelBytes, in the order of the ids. */
  readonly labels: Uint8Array;
  readonly sealKeySecret: Uint8Array;
}

/** The VOLE is under way. */
interface InVole<S> extends Common {
  readonly round: "vole";
  readonly vole: S;
}

/** Waits for masked bin `chunk`. */
interface AwaitMasked extends Common {
  readonly round: "await-masked";
  readonly chunk: number;
  readonly shareSecret: Uint8Array;
  /** Delta * x^j. */
  readonly deltaPowersSecret: Uint8Array;
  /** Tag and padded label of each row of the padded list, bin after bin, up to `filled`. */
  readonly rowsSecret: Uint8Array;
  readonly filled: number;
}

export type SenderState<S> = InVole<S> | AwaitMasked;
type SenderStep<S> = Step<SenderState<S>, Message, undefined>;

export interface Sender<S> {
  start(
    platform: PsiVolePlatform,
    context: PartitionContext,
    input: PsiSenderInput,
    params: PsiVoleParams,
  ): SenderStep<S>;
  /** The message that this state waits for. */
  due(state: SenderState<S>): Due;
  /** `message`: decoded against `due(state)`. Errors: WIRE_UNEXPECTED, WIRE_INVALID, POINT_INVALID, INTERNAL. */
  next(platform: PsiVolePlatform, state: SenderState<S>, message: Message): SenderStep<S>;
  /** Overwrites rows, shares and the seal's key; ids, labels and gate key are the caller's. */
  wipe(state: SenderState<S>): void;
}

/** Labels of a bin's rows, in its order. A padding row's is zeros: nobody can take its pad off. */
function labelsOf({ labels, context, own }: Common, rows: Uint32Array): Uint8Array {
  const { labelBytes } = context;
  const out = new Uint8Array(rows.length * labelBytes);
  if (labelBytes === 0) return out;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] as number;
    if (row >= own.count) continue;
    for (let b = 0; b < labelBytes; b++) out[i * labelBytes + b] = labels[row * labelBytes + b] as number;
  }
  return out;
}

/** Step 5: tags and padded labels of one bin's rows; with the last bin, what is sealed. */
function onMasked<S>(platform: PsiVolePlatform, state: AwaitMasked, message: Message): SenderStep<S> {
  const { context, params, own, chunk, filled, rowsSecret } = state;
  const { bytes: masked } = requireDue(message, dueMessage(context, params, "masked", chunk));
  const { bins, binSlots } = params.okvs;
  const rows = own.bins();
  const made = senderRows(platform.kernels.okvs, rows, chunk, {
    shareB: state.shareSecret.subarray(chunk * binSlots * SLOT_BYTES, (chunk + 1) * binSlots * SLOT_BYTES),
    masked,
    width: params.valueBytes,
    valueMask: valueMask(params),
    deltaPowersSecret: state.deltaPowersSecret,
    outputState: hashState(platform, context, "output"),
    padState: hashState(platform, context, "labelPad"),
    tagBytes: params.tagBytes,
    labelBytes: context.labelBytes,
    labels: labelsOf(state, rows.rows(chunk)),
  });
  rowsSecret.set(made, filled);
  const next: AwaitMasked = { ...state, chunk: chunk + 1, filled: filled + made.length };
  made.fill(0);
  if (chunk + 1 < bins) return { kind: "continue", state: next, send: [] };
  return { kind: "done", output: undefined, send: sealRows(platform, next) };
}

/** Step 5: all rows in one fresh uniform order, sealed frame by frame; after that nothing secret is left. */
function* sealRows(platform: PsiVolePlatform, state: AwaitMasked): Generator<Message> {
  const { context, params, rowsSecret, sealKeySecret } = state;
  const { senderCapacity, frameSession, partition } = context;
  try {
    const orderSecret = uniformOrder(platform, platform.kernels.okvs, senderCapacity);
    const shuffledSecret = permuteRows(platform.kernels.okvs, rowsSecret, params.rowBytes, orderSecret);
    discard(orderSecret);
    discard(rowsSecret);
    for (let chunk = 0; chunk < chunkCount(params, senderCapacity); chunk++) {
      const { from, to } = chunkRange(params, senderCapacity, chunk);
      const header = frameHeader(partition, "sealedTags", chunk);
      const plaintext = shuffledSecret.subarray(from * params.rowBytes, to * params.rowBytes);
      const ciphertext = seal(platform, { key: sealKeySecret, header, frameSession }, plaintext);
      yield makeMessage(context, "sealedTags", chunk, ciphertext);
    }
    discard(shuffledSecret);
  } finally {
    wipeMasked(state);
  }
}

function wipeMasked(state: AwaitMasked): void {
  state.own.wipe();
  for (const secret of [state.sealKeySecret, state.shareSecret, state.deltaPowersSecret, state.rowsSecret])
    discard(secret);
}

export function senderOver<R, S>({ sender: vole }: Vole<R, S>): Sender<S> {
  /** The VOLE goes on, or step 5 begins. */
  function follow(common: Common, step: ReturnType<typeof vole.next>): SenderStep<S> {
    const { context, params, own, labels, sealKeySecret } = common;
    if (step.kind === "continue") {
      const state: InVole<S> = { round: "vole", context, params, own, labels, sealKeySecret, vole: step.state };
      return { kind: "continue", state, send: step.send };
    }
    const { delta, b } = step.output;
    const state: AwaitMasked = {
      round: "await-masked",
      context,
      params,
      own,
      labels,
      sealKeySecret,
      chunk: 0,
      shareSecret: b,
      deltaPowersSecret: powersOf(delta),
      rowsSecret: new Uint8Array(context.senderCapacity * params.rowBytes),
      filled: 0,
    };
    delta.fill(0);
    return { kind: "continue", state, send: step.send };
  }

  return {
    start(platform, context, input, params) {
      const own = ownRows(platform, context, params, "sender", input.ids);
      if (input.labels.length !== own.count * context.labelBytes || input.gateKey.length !== GATE_KEY_BYTES)
        throw new EntenteError("INTERNAL", { detail: "psi-vole: labels or gate key" });
      const sealKeySecret = sealKey(platform, input.gateKey, context);
      const request = { outputs: params.okvs.slots, profile: params.profile, valueBytes: params.valueBytes };
      const common = { context, params, own, labels: input.labels, sealKeySecret };
      const first = follow(common, vole.start(platform, context, request));
      const send = function* (): Generator<Message> {
        yield* first.send;
        own.bins();
      };
      return { ...first, send: send() };
    },
    due(state) {
      if (state.round === "vole") return { part: "vole", due: vole.due(state.vole) };
      return { part: "psi", due: dueMessage(state.context, state.params, "masked", state.chunk) };
    },
    next(platform, state, message) {
      if (state.round === "await-masked") return onMasked(platform, state, message);
      return follow(state, vole.next(platform, state.vole, requireVole(message)));
    },
    wipe(state) {
      if (state.round === "await-masked") return wipeMasked(state);
      state.own.wipe();
      state.sealKeySecret.fill(0);
      vole.wipe(state.vole);
    },
  };
}
