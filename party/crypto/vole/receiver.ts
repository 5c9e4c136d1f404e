/**
 * The VOLE receiver: it gets A and C. Steps by number in README.md:
 *   start -> [await-choices] -> [await-correction] -> one per chunk ... -> done.
 * Of each chunk it knows A before the sender answers, and works it out while it waits.
 */
import type { VoleMessage } from "../../../proto/codec/vole.ts";
import type { Step } from "../../protocols/step.ts";
import { type BaseOtSender, baseOtSeeds, startBaseOtSender } from "./base-ot.ts";
import { wordsOf, xorMasked } from "./bits.ts";
import type { VoleScope } from "./derive.ts";
import { encode, loadCode } from "./exconv.ts";
import { type Due, dueMessage, makeMessage, requireDue } from "./messages.ts";
import { noisyReceiver } from "./noisy-vole.ts";
import { type ExtensionReceiver, extendChoices, extensionReceiver } from "./ot-extension.ts";
import {
  chunkRange,
  ELEMENT_BYTES,
  EXTENSION_BASE_OTS,
  NOISE_WEIGHT,
  SEED_BYTES,
  type VoleOptions,
  type VoleShape,
  voleShape,
  WINDOW_CHUNKS,
} from "./params.ts";
import type { VolePlatform } from "./platform.ts";
import { punctureTrees, treeChoices } from "./pprf.ts";
import { uniformBelow } from "./uniform.ts";

/** With the sender's Delta and B: C = A * Delta + B, row by row. */
export interface VoleReceiverOutput {
  /** outputs * 16 bytes each; in `planes` only the first `valueBytes` of a's elements are not zero. */
  readonly a: Uint8Array;
  readonly c: Uint8Array;
}

/** Where a chunk's noise is, and the pads of its OTs. */
interface ChunkPoints {
  readonly pointsSecret: Uint32Array;
  /** The choices of its OTs, bits. */
  readonly choicesSecret: Uint8Array;
  readonly padsSecret: Uint8Array;
}

/** The base VOLE of a chunk: c = y * Delta + b. */
interface BaseShare {
  readonly valuesSecret: Uint8Array;
  readonly shareSecret: Uint8Array;
}

interface AwaitChoices {
  readonly round: "await-choices";
  readonly scope: VoleScope;
  readonly shape: VoleShape;
  readonly baseOt: BaseOtSender;
}

/** Waits for the correction of chunk `chunk`. */
interface AwaitCorrection {
  readonly round: "await-correction";
  readonly scope: VoleScope;
  readonly shape: VoleShape;
  readonly chunk: number;
  readonly extension: ExtensionReceiver;
  /** By chunk: this one and those that run ahead. */
  readonly points: Map<number, ChunkPoints>;
  readonly base: BaseShare;
  /** y of the next chunk, once A of this one is known; the same array from the state's making, filled then. */
  readonly nextValuesSecret: Uint8Array;
  readonly output: VoleReceiverOutput;
}

export type VoleReceiverState = AwaitChoices | AwaitCorrection;
export type VoleReceiverStep = Step<VoleReceiverState, VoleMessage, VoleReceiverOutput>;

/** Step 1: the key of the base OTs. Throws BAD_REQUEST on options out of range. */
export function start(platform: VolePlatform, scope: VoleScope, options: VoleOptions): VoleReceiverStep {
  const state: AwaitChoices = {
    round: "await-choices",
    scope: { sessionId: scope.sessionId, partition: scope.partition },
    shape: voleShape(options),
    baseOt: startBaseOtSender(platform),
  };
  return { kind: "continue", state, send: [makeMessage(scope, "baseKey", 0, state.baseOt.s)] };
}

/** The message that this state waits for. */
export function due(state: VoleReceiverState): Due {
  return state.round === "await-choices"
    ? dueMessage(state.scope, state.shape, "baseChoices", 0)
    : dueMessage(state.scope, state.shape, "correction", state.chunk);
}

/** Errors: WIRE_UNEXPECTED, WIRE_INVALID, POINT_INVALID. */
export function next(platform: VolePlatform, state: VoleReceiverState, message: VoleMessage): VoleReceiverStep {
  requireDue(message, due(state));
  return state.round === "await-choices" ? onChoices(platform, state, message) : onCorrection(platform, state, message);
}

/** Uniform values of the profile, zero among them. */
function noiseValues(platform: VolePlatform, { valueBytes }: VoleShape): Uint8Array {
  const values = platform.random(NOISE_WEIGHT * ELEMENT_BYTES);
  for (let at = 0; at < values.length; at += ELEMENT_BYTES) values.fill(0, at + valueBytes, at + ELEMENT_BYTES);
  return values;
}

/** Step 3: the base VOLE on fresh noise values, then the first extensions. */
function onChoices(platform: VolePlatform, state: AwaitChoices, message: VoleMessage): VoleReceiverStep {
  const { scope, shape, baseOt } = state;
  const seeds = baseOtSeeds(platform, scope, baseOt, message.bytes);
  baseOt.scalarSecret.fill(0);
  const split = EXTENSION_BASE_OTS * 2 * SEED_BYTES;
  const extension = extensionReceiver(platform, seeds.subarray(0, split));
  const valuesSecret = noiseValues(platform, shape);
  const { message: noisy, shareSecret } = noisyReceiver(platform, seeds.subarray(split), valuesSecret);
  seeds.fill(0);
  const bytes = shape.outputs * ELEMENT_BYTES;
  const waiting: AwaitCorrection = {
    round: "await-correction",
    scope,
    shape,
    chunk: 0,
    extension,
    points: new Map(),
    base: { valuesSecret, shareSecret },
    nextValuesSecret: new Uint8Array(valuesSecret.length),
    output: { a: new Uint8Array(bytes), c: new Uint8Array(bytes) },
  };
  return { kind: "continue", state: waiting, send: sendFirst(platform, waiting, noisy) };
}

function* sendFirst(platform: VolePlatform, state: AwaitCorrection, noisy: Uint8Array): Generator<VoleMessage> {
  yield makeMessage(state.scope, "noisy", 0, noisy);
  yield* extendChunks(platform, state, 0, WINDOW_CHUNKS);
  encodeValues(platform, state);
}

/** Step 4: fresh points of each chunk in from .. to-1 that exists, as the choices of its OTs. */
function* extendChunks(
  platform: VolePlatform,
  { scope, shape, extension, points }: AwaitCorrection,
  from: number,
  to: number,
): Generator<VoleMessage> {
  for (let chunk = from; chunk < Math.min(to, shape.chunks); chunk++) {
    const pointsSecret = uniformBelow(platform, shape.domain, NOISE_WEIGHT);
    const choicesSecret = treeChoices(shape, pointsSecret);
    const { message, padsSecret } = extendChoices(platform, scope, extension, choicesSecret, chunk);
    points.set(chunk, { pointsSecret, choicesSecret, padsSecret });
    yield makeMessage(scope, "extension", chunk, message);
  }
}

function wipePoints({ pointsSecret, choicesSecret, padsSecret }: ChunkPoints): void {
  pointsSecret.fill(0);
  choicesSecret.fill(0);
  padsSecret.fill(0);
}

function pointsOf(state: AwaitCorrection): ChunkPoints {
  return state.points.get(state.chunk) as ChunkPoints;
}

/** Step 6, A: the code applied to the noise itself; its last rows are the next chunk's noise values. */
function encodeValues(platform: VolePlatform, state: AwaitCorrection): void {
  const { shape, chunk, base, output, nextValuesSecret } = state;
  const { vole } = platform.kernels;
  const code = loadCode(platform, shape);
  vole.scoped(() => {
    const vector = vole.allocate(shape.noise * ELEMENT_BYTES);
    const bytes = vector.bytes().fill(0);
    pointsOf(state).pointsSecret.forEach((point, tree) => {
      const value = base.valuesSecret.subarray(tree * ELEMENT_BYTES, (tree + 1) * ELEMENT_BYTES);
      bytes.set(value, (tree * shape.domain + point) * ELEMENT_BYTES);
    });
    encode(platform, code, vector, shape.profile);
    const { from, count } = chunkRange(shape, chunk);
    output.a.set(vector.bytes().subarray(0, count * ELEMENT_BYTES), from * ELEMENT_BYTES);
    nextValuesSecret.set(
      vector.bytes().subarray((shape.rows - NOISE_WEIGHT) * ELEMENT_BYTES, shape.rows * ELEMENT_BYTES),
    );
  });
}

/** The sum that each OT gave: the chosen one of two masked blocks, less its pad; in place of the pads. */
function openSums({ choicesSecret, padsSecret }: ChunkPoints, correction: Uint8Array): Uint8Array {
  const offered = wordsOf(correction);
  const opened = wordsOf(padsSecret);
  for (let ot = 0, from = 0, to = 0; to < opened.length; ot++, from += 8) {
    const chosen = -(((choicesSecret[ot >> 3] as number) >> (ot & 7)) & 1);
    for (const end = to + 4; to < end; to++) {
      const zero = offered[from + (to & 3)] as number;
      const one = offered[from + 4 + (to & 3)] as number;
      opened[to] = (opened[to] as number) ^ zero ^ (chosen & (zero ^ one));
    }
  }
  return padsSecret;
}

/** Steps 6 and 7, C: the punctured trees, the value at each point, the code. */
function onCorrection(platform: VolePlatform, state: AwaitCorrection, message: VoleMessage): VoleReceiverStep {
  const { scope, shape, chunk, base, output } = state;
  const { vole } = platform.kernels;
  const code = loadCode(platform, shape);
  const points = pointsOf(state);
  const { pointsSecret } = points;
  const offeredSecret = openSums(points, message.bytes);
  const shareSecret = vole.scoped(() => {
    const leaves = vole.allocate(shape.noise * ELEMENT_BYTES);
    const atPoints = punctureTrees(platform, { scope, chunk, shape }, { pointsSecret, offeredSecret, leaves });
    xorMasked(atPoints, base.shareSecret, -1);
    xorMasked(atPoints, message.bytes.subarray(shape.ots * 2 * SEED_BYTES), -1);
    const bytes = leaves.bytes();
    pointsSecret.forEach((point, tree) => {
      const value = atPoints.subarray(tree * ELEMENT_BYTES, (tree + 1) * ELEMENT_BYTES);
      bytes.set(value, (tree * shape.domain + point) * ELEMENT_BYTES);
    });
    encode(platform, code, leaves, shape.profile);
    const { from, count } = chunkRange(shape, chunk);
    output.c.set(leaves.bytes().subarray(0, count * ELEMENT_BYTES), from * ELEMENT_BYTES);
    return leaves.bytes().slice((shape.rows - NOISE_WEIGHT) * ELEMENT_BYTES, shape.rows * ELEMENT_BYTES);
  });
  wipePoints(points);
  base.valuesSecret.fill(0);
  base.shareSecret.fill(0);
  state.points.delete(chunk);
  if (chunk + 1 === shape.chunks) {
    shareSecret.fill(0);
    state.nextValuesSecret.fill(0);
    return { kind: "done", output, send: [] };
  }
  const waiting: AwaitCorrection = {
    ...state,
    chunk: chunk + 1,
    base: { valuesSecret: state.nextValuesSecret, shareSecret },
    nextValuesSecret: new Uint8Array(state.nextValuesSecret.length),
  };
  return { kind: "continue", state: waiting, send: sendNext(platform, waiting) };
}

function* sendNext(platform: VolePlatform, state: AwaitCorrection): Generator<VoleMessage> {
  const ahead = state.chunk + WINDOW_CHUNKS - 1;
  yield* extendChunks(platform, state, ahead, ahead + 1);
  encodeValues(platform, state);
}

/** Overwrites the secrets of a state that will not be used again. */
export function wipe(state: VoleReceiverState): void {
  if (state.round === "await-choices") {
    state.baseOt.scalarSecret.fill(0);
    return;
  }
  for (const points of state.points.values()) wipePoints(points);
  state.points.clear();
  for (const secret of [state.base.valuesSecret, state.base.shareSecret, state.nextValuesSecret]) secret.fill(0);
  state.output.a.fill(0);
  state.output.c.fill(0);
}
