/**
 * The VOLE sender: it gets Delta and B. Steps by number in README.md:
 *   start -> [await-key] -> [await-noisy] -> [await-extension] -> one per chunk ... -> done.
 */
import type { VoleMessage } from "../../../proto/codec/vole.ts";
import type { Step } from "../../protocols/step.ts";
import { chooseBaseOts } from "./base-ot.ts";
import { unpackBits, xorMasked } from "./bits.ts";
import type { VoleScope } from "./derive.ts";
import { encode, loadCode } from "./exconv.ts";
import { type Due, dueMessage, makeMessage, requireDue } from "./messages.ts";
import { noisySender } from "./noisy-vole.ts";
import { type ExtensionSender, extendedPads, extensionSender } from "./ot-extension.ts";
import {
  chunkRange,
  ELEMENT_BYTES,
  EXTENSION_BASE_OTS,
  messageBytes,
  NOISE_WEIGHT,
  SEED_BYTES,
  type VoleOptions,
  type VoleShape,
  voleShape,
} from "./params.ts";
import type { VolePlatform } from "./platform.ts";
import { expandTrees } from "./pprf.ts";

/** With the receiver's A and C: C = A * Delta + B, row by row. */
export interface VoleSenderOutput {
  /** 16 bytes, uniform. */
  readonly delta: Uint8Array;
  /** outputs * 16 bytes. */
  readonly b: Uint8Array;
}

interface Common {
  readonly scope: VoleScope;
  readonly shape: VoleShape;
  readonly deltaSecret: Uint8Array;
}

interface AwaitKey extends Common {
  readonly round: "await-key";
  /** s of the OT extension, 16 bytes. */
  readonly extensionSecret: Uint8Array;
}

interface AwaitNoisy extends Common {
  readonly round: "await-noisy";
  readonly extension: ExtensionSender;
  /** The seeds that Delta's bits chose. */
  readonly noisySeedsSecret: Uint8Array;
}

/** Waits for the extension of chunk `chunk`. */
interface AwaitExtension extends Common {
  readonly round: "await-extension";
  readonly chunk: number;
  readonly extension: ExtensionSender;
  /** b of this chunk's base VOLE. */
  readonly baseSecret: Uint8Array;
  /** Filled chunk by chunk. */
  readonly output: VoleSenderOutput;
}

export type VoleSenderState = AwaitKey | AwaitNoisy | AwaitExtension;
export type VoleSenderStep = Step<VoleSenderState, VoleMessage, VoleSenderOutput>;

/** Draws Delta; sends nothing. Throws BAD_REQUEST on options out of range. */
export function start(platform: VolePlatform, scope: VoleScope, options: VoleOptions): VoleSenderStep {
  const state: AwaitKey = {
    round: "await-key",
    scope: { sessionId: scope.sessionId, partition: scope.partition },
    shape: voleShape(options),
    deltaSecret: platform.random(ELEMENT_BYTES),
    extensionSecret: platform.random(SEED_BYTES),
  };
  return { kind: "continue", state, send: [] };
}

/** The message that this state waits for. */
export function due(state: VoleSenderState): Due {
  switch (state.round) {
    case "await-key":
      return dueMessage(state.scope, state.shape, "baseKey", 0);
    case "await-noisy":
      return dueMessage(state.scope, state.shape, "noisy", 0);
    case "await-extension":
      return dueMessage(state.scope, state.shape, "extension", state.chunk);
  }
}

/** Errors: WIRE_UNEXPECTED, WIRE_INVALID, POINT_INVALID. */
export function next(platform: VolePlatform, state: VoleSenderState, message: VoleMessage): VoleSenderStep {
  requireDue(message, due(state));
  switch (state.round) {
    case "await-key":
      return onKey(platform, state, message);
    case "await-noisy":
      return onNoisy(platform, state, message);
    case "await-extension":
      return onExtension(platform, state, message);
  }
}

/** Step 2: the base OTs, with the bits of s and of Delta as choices. */
function onKey(platform: VolePlatform, state: AwaitKey, message: VoleMessage): VoleSenderStep {
  const { scope, shape, deltaSecret, extensionSecret } = state;
  const choices = new Uint8Array([...unpackBits(extensionSecret), ...unpackBits(deltaSecret)]);
  const chosen = chooseBaseOts(platform, scope, message.bytes, choices);
  choices.fill(0);
  const seeds = chosen.seedsSecret;
  const extensionSeeds = seeds.subarray(0, EXTENSION_BASE_OTS * SEED_BYTES);
  const extension = extensionSender(platform, extensionSecret, extensionSeeds);
  extensionSeeds.fill(0);
  const noisySeedsSecret = seeds.subarray(EXTENSION_BASE_OTS * SEED_BYTES);
  return {
    kind: "continue",
    state: { round: "await-noisy", scope, shape, deltaSecret, extension, noisySeedsSecret },
    send: [makeMessage(scope, "baseChoices", 0, chosen.message)],
  };
}

/** Step 3: the base VOLE of the first chunk. */
function onNoisy(platform: VolePlatform, state: AwaitNoisy, message: VoleMessage): VoleSenderStep {
  const { scope, shape, deltaSecret, extension, noisySeedsSecret } = state;
  const baseSecret = noisySender(platform, noisySeedsSecret, deltaSecret, message.bytes);
  noisySeedsSecret.fill(0);
  const output = { delta: deltaSecret, b: new Uint8Array(shape.outputs * ELEMENT_BYTES) };
  const waiting: AwaitExtension = {
    round: "await-extension",
    scope,
    shape,
    deltaSecret,
    chunk: 0,
    extension,
    baseSecret,
    output,
  };
  return { kind: "continue", state: waiting, send: [] };
}

/** Steps 5 and 7: trees, the correction that lets the receiver have all leaves but one, and the chunk's outputs. */
function onExtension(platform: VolePlatform, state: AwaitExtension, message: VoleMessage): VoleSenderStep {
  const { scope, shape, chunk, extension, baseSecret, output } = state;
  const { vole } = platform.kernels;
  const code = loadCode(platform, shape);
  const padsSecret = extendedPads(platform, scope, extension, message.bytes, chunk);
  const correction = new Uint8Array(messageBytes(shape).correction);
  const nextBaseSecret = vole.scoped(() => {
    const vector = vole.allocate(shape.noise * ELEMENT_BYTES);
    const { sumsSecret, leafSumsSecret } = expandTrees(platform, { scope, chunk, shape }, vector);
    xorMasked(sumsSecret, padsSecret, -1);
    xorMasked(leafSumsSecret, baseSecret, -1);
    correction.set(sumsSecret);
    correction.set(leafSumsSecret, sumsSecret.length);
    encode(platform, code, vector, shape.profile);
    const { from, count } = chunkRange(shape, chunk);
    output.b.set(vector.bytes().subarray(0, count * ELEMENT_BYTES), from * ELEMENT_BYTES);
    return vector.bytes().slice((shape.rows - NOISE_WEIGHT) * ELEMENT_BYTES, shape.rows * ELEMENT_BYTES);
  });
  padsSecret.fill(0);
  baseSecret.fill(0);
  const send = [makeMessage(scope, "correction", chunk, correction)];
  if (chunk + 1 === shape.chunks) {
    nextBaseSecret.fill(0);
    extension.choicesSecret.fill(0);
    return { kind: "done", output, send };
  }
  return { kind: "continue", state: { ...state, chunk: chunk + 1, baseSecret: nextBaseSecret }, send };
}

/** Overwrites the secrets of a state that will not be used again. */
export function wipe(state: VoleSenderState): void {
  state.deltaSecret.fill(0);
  switch (state.round) {
    case "await-key":
      state.extensionSecret.fill(0);
      break;
    case "await-noisy":
      state.extension.choicesSecret.fill(0);
      state.noisySeedsSecret.fill(0);
      break;
    case "await-extension":
      state.extension.choicesSecret.fill(0);
      state.baseSecret.fill(0);
      state.output.b.fill(0);
      break;
  }
}
