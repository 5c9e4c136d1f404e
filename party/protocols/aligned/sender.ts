/**
 * The sender of aligned. Steps by number in README.md: start -> [await-count] -> [await-listed] -> one per chunk ... ->
 * done, with its own row for each of the list. When the score has labels for them, `sealLabels`.
 */
import type { Frame } from "../../../proto/codec/frame.ts";
import { EntenteError } from "../../../proto/errors.ts";
import type { Platform } from "../../crypto/platform.ts";
import { GATE_KEY_BYTES, seal, sealKey } from "../../crypto/seal.ts";
import { IdSlots } from "../id-slots.ts";
import { chunkCount, chunkRange } from "../sealed-rows.ts";
import { ID_BYTES, type PartitionContext, type PsiSenderInput, type Step } from "../step.ts";
import { read, write } from "./messages.ts";
import { type AlignedParams, alignedParams, frameHeader } from "./params.ts";

interface Waiting {
  readonly context: PartitionContext;
  readonly params: AlignedParams;
  readonly own: IdSlots;
  readonly ownRows: number;
  readonly chunk: number;
}

interface AwaitCount extends Waiting {
  readonly round: "await-count";
}

/** Waits for chunk `chunk` of the list. */
interface AwaitListed extends Waiting {
  readonly round: "await-listed";
  /** Of the own rows, 1 for each that was listed. */
  readonly seen: Uint8Array;
  /** The own row for each of the list; filled as it comes. */
  readonly rows: Uint32Array;
}

export type SenderState = AwaitCount | AwaitListed;

export interface Listed {
  /** Own rows, in the list's order. */
  readonly rows: Uint32Array;
}

type SenderStep = Step<SenderState, Frame, Listed>;

/** `ids`: n * 16 bytes, n <= senderCapacity, no duplicates. */
export function start(
  context: PartitionContext,
  { ids }: Pick<PsiSenderInput, "ids">,
  params = alignedParams(context),
): SenderStep {
  const ownRows = ids.length / ID_BYTES;
  if (!Number.isInteger(ownRows) || ownRows > context.senderCapacity)
    throw new EntenteError("INTERNAL", { detail: "aligned: the rows do not fit their partition" });
  const own = new IdSlots(new Uint8Array(ids.length), ownRows);
  const words = wordsOf(ids);
  for (let row = 0; row < ownRows; row++)
    if (!own.add(words, row, row)) throw new EntenteError("INTERNAL", { detail: "aligned: an own row twice" });
  return { kind: "continue", state: { round: "await-count", context, params, own, ownRows, chunk: 0 }, send: [] };
}

/** Errors: WIRE_UNEXPECTED; WIRE_INVALID, also of a row that was listed before; SESSION_MISMATCH on one that is not here. */
export function next(state: SenderState, frame: Frame): SenderStep {
  switch (state.round) {
    case "await-count":
      return onCount(state, frame);
    case "await-listed":
      return onListed(state, frame);
  }
}

function onCount(state: AwaitCount, frame: Frame): SenderStep {
  const { context, params, own, ownRows } = state;
  const bytes = read(state, "count", frame);
  const count = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  if (count > context.receiverCapacity) throw new EntenteError("WIRE_INVALID", { detail: "aligned: rows of the list" });
  // More than there are: some cannot be here. Said before anything is allocated for them.
  if (count > ownRows) throw unknown();
  const found = { seen: new Uint8Array(ownRows), rows: new Uint32Array(count) };
  return {
    kind: "continue",
    state: { round: "await-listed", context, params, own, ownRows, chunk: 0, ...found },
    send: [],
  };
}

/** Step 3: look each up. */
function onListed(state: AwaitListed, frame: Frame): SenderStep {
  const { context, params, own, chunk, seen, rows } = state;
  const { from, to } = chunkRange(params, context.receiverCapacity, chunk);
  const hashes = read(state, "listed", frame);
  const words = wordsOf(hashes);
  const end = Math.min(to, rows.length);
  for (let position = from; position < end; position++) {
    const row = own.find(words, position - from);
    if (row === undefined) throw unknown();
    if (seen[row] === 1) throw new EntenteError("WIRE_INVALID", { detail: "aligned: a row is listed twice" });
    seen[row] = 1;
    rows[position] = row;
  }
  if (hashes.subarray(Math.max(0, end - from) * ID_BYTES).some((byte) => byte !== 0))
    throw new EntenteError("WIRE_INVALID", { detail: "aligned: padding of the list" });
  if (chunk + 1 < chunkCount(params, context.receiverCapacity))
    return { kind: "continue", state: { ...state, chunk: chunk + 1 }, send: [] };
  return { kind: "done", output: { rows }, send: [] };
}

function unknown(): EntenteError {
  return new EntenteError("SESSION_MISMATCH", { detail: "a listed row is not in this dataset" });
}

/** Four words an id; a copy, because what came over the wire begins anywhere. */
function wordsOf(ids: Uint8Array): Uint32Array {
  return new Uint32Array(new Uint8Array(ids).buffer);
}

/** Step 5: labels of the list's rows (at most receiverCapacity, `labelBytes` each), sealed under the gate key; zeros behind
 * them. */
export function* sealLabels(
  platform: Platform,
  context: PartitionContext,
  { labels, gateKey }: Pick<PsiSenderInput, "labels" | "gateKey">,
  params = alignedParams(context),
): Generator<Frame> {
  const { receiverCapacity, partition, frameSession } = context;
  const { rowBytes } = params;
  if (
    gateKey.length !== GATE_KEY_BYTES ||
    labels.length > receiverCapacity * rowBytes ||
    labels.length % rowBytes !== 0
  )
    throw new EntenteError("INTERNAL", { detail: "aligned: the labels do not fit their partition" });
  const key = sealKey(platform, gateKey, context);
  try {
    for (let chunk = 0; chunk < chunkCount(params, receiverCapacity); chunk++) {
      const { from, to } = chunkRange(params, receiverCapacity, chunk);
      const plaintext = new Uint8Array((to - from) * rowBytes);
      plaintext.set(labels.subarray(from * rowBytes, to * rowBytes));
      const header = frameHeader(partition, "sealedLabels", chunk);
      const ciphertext = seal(platform, { key, header, frameSession }, plaintext);
      plaintext.fill(0);
      yield write(context, "sealedLabels", chunk, ciphertext);
    }
  } finally {
    key.fill(0);
  }
}
