/**
 * What a protocol does with one bin of a key-value store. Each call copies the bin into kernel memory and leaves nothing
 * there. Values, slots and linear parts have 16 bytes.
 */
import { EntenteError } from "../../../proto/errors.ts";
import type { Region } from "../../wasm/kernels.ts";
import type { OkvsKernels } from "./kernels.ts";
import { DENSE_SLOTS, type OkvsPlan, SLOT_BYTES } from "./params.ts";
import { RECORD_BYTES, type RowBins } from "./row-bins.ts";

/** F of a row: 16 bytes that its tag is cut from, then its 16-byte label key. */
export const OUTPUT_BYTES = 32;
export const PAD_BLOCK_BYTES = 32;
const DENSE_TABLE_BYTES = 8 * 256 * SLOT_BYTES;
const DELTA_TABLE_BYTES = 32 * 16 * SLOT_BYTES;
const HASH_SCRATCH_BYTES = 24 * 16;
/** Kernels take rows four by four and move 16 bytes at a time. */
const SPARE_ROWS = 3;
const SPARE_BYTES = 16;

function requireSlots(bytes: Uint8Array, { binSlots }: OkvsPlan, width: number): void {
  if (bytes.length !== binSlots * width) throw new RangeError("slots of a bin");
}

function placeRecords(kernels: OkvsKernels, records: Uint8Array): Region {
  const region = kernels.allocate(records.length + SPARE_ROWS * RECORD_BYTES);
  region.bytes().set(records);
  return region;
}

function placeTables(kernels: OkvsKernels, plan: OkvsPlan, slots: Region): Region {
  const tables = kernels.allocate(DENSE_TABLE_BYTES);
  kernels.call.denseTables(slots.at + plan.sparse * SLOT_BYTES, tables.at);
  return tables;
}

/** Bytes of scratch memory that `encodeBin` asks for. */
function encodeScratchBytes(plan: OkvsPlan, count: number): number {
  return 20 * plan.sparse + 5 * count + 2048;
}

/**
 * The store of one bin, plus `mask` slot by slot, each slot cut to `width` bytes: what the receiver sends. Throws INTERNAL
 * when the bin has no encoding, which ends the attempt: params.ts bounds the odds.
 */
export function encodeMasked(
  kernels: OkvsKernels,
  bins: RowBins,
  bin: number,
  mask: Uint8Array,
  width: number,
): Uint8Array {
  const { plan } = bins;
  requireSlots(mask, plan, SLOT_BYTES);
  return kernels.scoped(() => {
    const records = bins.records(bin);
    const count = records.length / RECORD_BYTES;
    const held = placeRecords(kernels, records);
    const slots = kernels.allocate(plan.binSlots * SLOT_BYTES);
    const scratch = kernels.allocate(encodeScratchBytes(plan, count));
    const added = kernels.place(mask);
    const out = kernels.allocate(plan.binSlots * width + SPARE_BYTES);
    const gap = kernels.call.encodeBin(held.at, count, plan.sparse, slots.at, scratch.at);
    if (gap < 0 || gap > DENSE_SLOTS)
      throw new EntenteError("INTERNAL", { detail: "a bin has no encoding: run again" });
    kernels.call.maskSlots(added.at, slots.at, plan.binSlots, width, out.at);
    return out.bytes().slice(0, plan.binSlots * width);
  });
}

/** Linear parts to outputs, in the order of the bin. */
function hashOutputs(kernels: OkvsKernels, linear: Region, records: Region, count: number, state: Uint8Array): Region {
  const out = kernels.allocate((count + SPARE_ROWS) * OUTPUT_BYTES);
  const scratch = kernels.allocate(HASH_SCRATCH_BYTES);
  kernels.call.outputs(linear.at, records.at, count, kernels.place(state).at, out.at, scratch.at);
  return out;
}

/** F of the bin's rows from the receiver's share C of the bin. `state`: of the output hash, from `keyedState`. */
export function receiverOutputs(
  kernels: OkvsKernels,
  bins: RowBins,
  bin: number,
  shareC: Uint8Array,
  state: Uint8Array,
): Uint8Array {
  const { plan } = bins;
  requireSlots(shareC, plan, SLOT_BYTES);
  return kernels.scoped(() => {
    const records = bins.records(bin);
    const count = records.length / RECORD_BYTES;
    const held = placeRecords(kernels, records);
    const slots = kernels.place(shareC);
    const tables = placeTables(kernels, plan, slots);
    const linear = kernels.allocate((count + SPARE_ROWS) * SLOT_BYTES);
    kernels.call.decodeBin(held.at, count, slots.at, tables.at, linear.at);
    return hashOutputs(kernels, linear, held, count, state)
      .bytes()
      .slice(0, count * OUTPUT_BYTES);
  });
}

export interface SenderBinInput {
  /** The sender's share B of the bin. */
  readonly shareB: Uint8Array;
  /** What the receiver sent for it: slots of `width` bytes. */
  readonly masked: Uint8Array;
  readonly width: number;
  readonly valueMask: Uint8Array;
  /** From `powersOf`. */
  readonly deltaPowersSecret: Uint8Array;
  /** Of the output hash and of the label pads, from `keyedState`. */
  readonly outputState: Uint8Array;
  readonly padState: Uint8Array;
  readonly tagBytes: number;
  readonly labelBytes: number;
  /** Labels of the bin's rows, in its order. */
  readonly labels: Uint8Array;
}

/** Rows evaluated at a time: a bin has few more, unless the sender's list is much longer than the receiver's. */
const BATCH_ROWS = 2 ** 15;

/** The sender's rows of one bin, in its order: tag, then label XOR pad. */
export function senderRows(kernels: OkvsKernels, bins: RowBins, bin: number, input: SenderBinInput): Uint8Array {
  const { plan } = bins;
  const { width } = input;
  requireSlots(input.shareB, plan, SLOT_BYTES);
  requireSlots(input.masked, plan, width);
  const { call } = kernels;
  const records = bins.records(bin);
  const count = records.length / RECORD_BYTES;
  const rowBytes = input.tagBytes + input.labelBytes;
  const rows = new Uint8Array(count * rowBytes);
  kernels.scoped(() => {
    const shareB = kernels.place(input.shareB);
    const masked = kernels.allocate(plan.binSlots * width + SPARE_BYTES);
    masked.bytes().set(input.masked);
    const slotsD = kernels.allocate(plan.binSlots * SLOT_BYTES);
    call.unpackSlots(masked.at, plan.binSlots, width, kernels.place(input.valueMask).at, slotsD.at);
    const tablesB = placeTables(kernels, plan, shareB);
    const tablesD = placeTables(kernels, plan, slotsD);
    const delta = kernels.allocate(DELTA_TABLE_BYTES);
    call.multiplyTables(kernels.place(input.deltaPowersSecret).at, delta.at);
    for (let from = 0; from < count; from += BATCH_ROWS) {
      const to = Math.min(count, from + BATCH_ROWS);
      kernels.scoped(() => {
        const held = placeRecords(kernels, records.subarray(from * RECORD_BYTES, to * RECORD_BYTES));
        const linear = kernels.allocate((to - from + SPARE_ROWS) * SLOT_BYTES);
        call.evaluateBin(held.at, to - from, shareB.at, tablesB.at, slotsD.at, tablesD.at, delta.at, linear.at);
        const outputs = hashOutputs(kernels, linear, held, to - from, input.outputState);
        const labels = input.labels.subarray(from * input.labelBytes, to * input.labelBytes);
        rows.set(tagAndLabel(kernels, outputs, to - from, { ...input, labels }), from * rowBytes);
      });
    }
  });
  return rows;
}

/** Rows of outputs: the tag, then the label XOR its pad. */
function tagAndLabel(kernels: OkvsKernels, outputs: Region, count: number, input: SenderBinInput): Uint8Array {
  const { call } = kernels;
  const { tagBytes, labelBytes } = input;
  const rowBytes = tagBytes + labelBytes;
  const rows = kernels.allocate(count * rowBytes + SPARE_BYTES);
  call.placeTags(outputs.at, count, rowBytes, rows.at);
  if (labelBytes > 0) {
    const labels = kernels.place(input.labels);
    const state = kernels.place(input.padState);
    const pads = kernels.allocate((count + SPARE_ROWS) * PAD_BLOCK_BYTES);
    const scratch = kernels.allocate(HASH_SCRATCH_BYTES);
    for (let from = 0; from < labelBytes; from += PAD_BLOCK_BYTES) {
      call.labelPads(outputs.at, count, state.at, from / PAD_BLOCK_BYTES, pads.at, scratch.at);
      const length = Math.min(PAD_BLOCK_BYTES, labelBytes - from);
      call.placeLabels(...[pads.at, count, labels.at, labelBytes, from, length], ...[rowBytes, tagBytes, rows.at]);
    }
  }
  return rows.bytes().subarray(0, count * rowBytes);
}
