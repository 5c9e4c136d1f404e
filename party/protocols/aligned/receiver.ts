/** The receiver of aligned. Steps by number in README.md: start -> [await-sealed] -> one per chunk ... -> done. */
import type { Frame } from "../../../proto/codec/frame.ts";
import { uintBe } from "../../../proto/encoding/bytes.ts";
import { EntenteError } from "../../../proto/errors.ts";
import type { Platform } from "../../crypto/platform.ts";
import { sealedHeader } from "../../crypto/seal.ts";
import { randomPermutation } from "../../crypto/shuffle.ts";
import { chunkCount, chunkRange } from "../sealed-rows.ts";
import { ID_BYTES, type PartitionContext, type PsiReceiverInput, type SealedPartition, type Step } from "../step.ts";
import { read, write } from "./messages.ts";
import { type AlignedParams, alignedParams, frameHeader } from "./params.ts";

/** Waits for sealed chunk `chunk`. */
export interface AwaitSealed {
  readonly round: "await-sealed";
  readonly context: PartitionContext;
  readonly params: AlignedParams;
  readonly chunk: number;
  /** The own row at each position of the list. */
  readonly rowAt: Uint32Array;
  readonly sealed: SealedPartition["sealed"];
}

type ReceiverStep = Step<AwaitSealed, Frame, SealedPartition>;

/** Steps 1-2: the whole list, in an order of its own. */
export function start(
  platform: Platform,
  context: PartitionContext,
  { ids }: PsiReceiverInput,
  params = alignedParams(context),
): ReceiverStep {
  const count = ids.length / ID_BYTES;
  if (!Number.isInteger(count) || count > context.receiverCapacity)
    throw new EntenteError("INTERNAL", { detail: "aligned: the list does not fit its partition" });
  const rowAt = randomPermutation(platform, count);
  const state: AwaitSealed = { round: "await-sealed", context, params, chunk: 0, rowAt, sealed: [] };
  return { kind: "continue", state, send: list(state, ids) };
}

function* list({ context, params, rowAt }: AwaitSealed, ids: Uint8Array): Generator<Frame> {
  const { receiverCapacity } = context;
  yield write(context, "count", 0, uintBe(rowAt.length, 4));
  for (let chunk = 0; chunk < chunkCount(params, receiverCapacity); chunk++) {
    const { from, to } = chunkRange(params, receiverCapacity, chunk);
    const hashes = new Uint8Array((to - from) * ID_BYTES);
    for (const [i, row] of rowAt.subarray(from, to).entries())
      hashes.set(ids.subarray(row * ID_BYTES, (row + 1) * ID_BYTES), i * ID_BYTES);
    yield write(context, "listed", chunk, hashes);
  }
}

/** Step 6: keep a sealed chunk as it came; nothing of it can be read before the gate key is released. Errors:
 * WIRE_UNEXPECTED, WIRE_INVALID. */
export function next(state: AwaitSealed, frame: Frame): ReceiverStep {
  const { context, params, chunk, rowAt } = state;
  const body = read(state, "sealedLabels", frame);
  const { frameSession, partition } = context;
  const header = sealedHeader({ header: frameHeader(partition, "sealedLabels", chunk), frameSession }, body.length);
  const sealed = [...state.sealed, { header, body }];
  if (chunk + 1 < chunkCount(params, context.receiverCapacity))
    return { kind: "continue", state: { ...state, chunk: chunk + 1, sealed }, send: [] };
  const outputs = new Uint8Array(rowAt.buffer, rowAt.byteOffset, rowAt.byteLength);
  return { kind: "done", output: { outputs, sealed }, send: [] };
}
