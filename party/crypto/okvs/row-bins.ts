/**
 * A padded list of rows, hashed and sorted into the bins of a key-value store. Kernel memory holds a batch at a time;
 * the bins are kept in JavaScript memory.
 */
import { EntenteError } from "../../../proto/errors.ts";
import { discard } from "./discard.ts";
import type { OkvsKernels } from "./kernels.ts";
import type { OkvsPlan } from "./params.ts";

const ID_BYTES = 16;
export const RECORD_BYTES = 32;
/** Records of a batch, 2 MiB: they stay in the cache until they are copied out. */
const BATCH_ROWS = 2 ** 16;
const HASH_SCRATCH_BYTES = 24 * 16;
const DUMMY_PREFIX_BYTES = 12;

export interface RowsInput {
  /** n * 16 bytes, n <= capacity. */
  readonly ids: Uint8Array;
  readonly capacity: number;
  /** 1 to 255, another at each side: hashed with padding rows, so that none equals a row that is there, or the peer's. */
  readonly dummyKind: number;
  /** 12 fresh bytes: what padding rows hold beside their number. */
  readonly dummyPrefix: Uint8Array;
  /** From `keyedState`. */
  readonly state: Uint8Array;
  /** 16 bytes that values are ANDed with. */
  readonly valueMask: Uint8Array;
}

export interface RowBins {
  readonly plan: OkvsPlan;
  /** Records of bin b: `loads[b]` times 32 bytes. */
  records(bin: number): Uint8Array;
  /** Row numbers of bin b; from n on they are padding. */
  rows(bin: number): Uint32Array;
  /** Overwrites everything and gives the memory back; nothing is left to read. */
  wipe(): void;
}

/** Fills `batch` with the ids of rows from `from` on: the list's, then padding. */
function fillBatch(batch: Uint8Array, from: number, { ids, dummyPrefix }: RowsInput): void {
  const there = Math.min(Math.max(0, ids.length / ID_BYTES - from), batch.length / ID_BYTES);
  batch.set(ids.subarray(from * ID_BYTES, (from + there) * ID_BYTES));
  const view = new DataView(batch.buffer, batch.byteOffset, batch.length);
  for (let at = there; at < batch.length / ID_BYTES; at++) {
    batch.set(dummyPrefix, at * ID_BYTES);
    view.setUint32(at * ID_BYTES + DUMMY_PREFIX_BYTES, from + at, true);
  }
}

/** Throws INTERNAL when a bin overflows, which ends the attempt: params.ts bounds the odds. */
export function binRows(kernels: OkvsKernels, plan: OkvsPlan, input: RowsInput): RowBins {
  const { bins, binCapacity, sparse } = plan;
  const { ids, capacity, dummyKind } = input;
  const count = ids.length / ID_BYTES;
  if (!Number.isInteger(count) || count > capacity || input.dummyPrefix.length !== DUMMY_PREFIX_BYTES)
    throw new RangeError("rows of a key-value store");
  const records = new Uint8Array(bins * binCapacity * RECORD_BYTES);
  const rows = new Uint32Array(bins * binCapacity);
  const loads = new Uint32Array(bins);

  kernels.scoped(() => {
    const batchRows = Math.min(BATCH_ROWS, Math.ceil(capacity / 4) * 4);
    // Room for twice the mean load; a full bin only ends the batch early.
    const room = Math.min(batchRows, Math.ceil((2 * batchRows) / bins) + 64);
    const batch = kernels.allocate(batchRows * ID_BYTES);
    const heldRecords = kernels.allocate(bins * room * RECORD_BYTES);
    const heldRows = kernels.allocate(bins * room * 4);
    const heldLoads = kernels.allocate(bins * 4);
    const state = kernels.place(input.state);
    const mask = kernels.place(input.valueMask);
    const scratch = kernels.allocate(HASH_SCRATCH_BYTES);

    const drain = (): void => {
      const [newRecords, newRows, newLoads] = [heldRecords.bytes(), heldRows.words(), heldLoads.words()];
      for (let bin = 0; bin < bins; bin++) {
        const load = loads[bin]!;
        const more = newLoads[bin]!;
        if (load + more > binCapacity) throw new EntenteError("INTERNAL", { detail: "a bin overflowed: run again" });
        const to = bin * binCapacity + load;
        const from = bin * room;
        records.set(newRecords.subarray(from * RECORD_BYTES, (from + more) * RECORD_BYTES), to * RECORD_BYTES);
        rows.set(newRows.subarray(from, from + more), to);
        loads[bin] = load + more;
      }
    };
    for (let from = 0; from < capacity; ) {
      const to = Math.min(capacity, from + batchRows);
      fillBatch(batch.bytes().subarray(0, (to - from) * ID_BYTES), from, input);
      heldLoads.words().fill(0);
      from = kernels.call.hashRows(
        ...[batch.at, from, to, count, dummyKind, state.at, mask.at],
        ...[bins, room, sparse, heldRecords.at, heldRows.at, heldLoads.at, scratch.at],
      );
      drain();
    }
  });
  return {
    plan,
    records: (bin) =>
      records.subarray(bin * binCapacity * RECORD_BYTES, (bin * binCapacity + loads[bin]!) * RECORD_BYTES),
    rows: (bin) => rows.subarray(bin * binCapacity, bin * binCapacity + loads[bin]!),
    wipe() {
      for (const secret of [records, rows, loads]) discard(secret);
    },
  };
}
