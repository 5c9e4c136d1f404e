/** After the gate: which of the receiver's outputs have their tag among the sender's rows, and the labels of those. */
import { EntenteError } from "../../../proto/errors.ts";
import { OUTPUT_BYTES, PAD_BLOCK_BYTES } from "./bin.ts";
import type { OkvsKernels } from "./kernels.ts";

const ENTRY_BYTES = 20;
const MASK_BYTES = 16;
const SPARE_BYTES = 16;
/** Sender tags of a part on average, at most; its table stays in a core's first cache. */
const PART_TAGS = 1024;
/** Four times the mean: pseudorandom tags exceed it with probability below 2^-1000. */
const MAX_PART_TAGS = 4 * PART_TAGS;
const TABLE_PLACES = 2 * MAX_PART_TAGS;
/** Parts of a pass: entries of some million rows at a time are in memory, whatever the lists' lengths. */
const PASS_PARTS = 1024;
/** Rows copied into kernel memory at a time. */
const BATCH_ROWS = 2 ** 16;
const HASH_SCRATCH_BYTES = 24 * 16;

export interface TagLists {
  /** The sender's rows: a tag of `tagBytes` (8 to 16), then a label, `rowBytes` in all. */
  readonly rows: Uint8Array;
  readonly rowBytes: number;
  readonly tagBytes: number;
  /** The receiver's outputs, 32 bytes each, whose first `tagBytes` are the tag. */
  readonly outputs: Uint8Array;
}

interface Side {
  readonly bytes: Uint8Array;
  readonly stride: number;
}

const invalid = (what: string) => new EntenteError("WIRE_INVALID", { detail: `psi-vole: ${what}` });

/** Calls `work` with the address, number and first row of each batch in kernel memory. */
function eachBatch(
  kernels: OkvsKernels,
  { bytes, stride }: Side,
  work: (at: number, count: number, first: number) => void,
): void {
  const rows = bytes.length / stride;
  kernels.scoped(() => {
    const batch = kernels.allocate(Math.min(rows, BATCH_ROWS) * stride + SPARE_BYTES);
    for (let first = 0; first < rows; first += BATCH_ROWS) {
      const count = Math.min(BATCH_ROWS, rows - first);
      batch.bytes().set(bytes.subarray(first * stride, (first + count) * stride));
      work(batch.at, count, first);
    }
  });
}

/** First entry of each part, and the number of all at the end. */
function partStarts(kernels: OkvsKernels, side: Side, parts: number): Uint32Array {
  return kernels.scoped(() => {
    const counts = kernels.allocate(4 * parts);
    counts.words().fill(0);
    eachBatch(kernels, side, (at, count) => kernels.call.countTags(at, side.stride, count, parts - 1, counts.at));
    const starts = new Uint32Array(parts + 1);
    counts.words().forEach((count, part) => {
      starts[part + 1] = starts[part]! + count;
    });
    return starts;
  });
}

/**
 * For each of the receiver's outputs, 1 + the position of the sender's row with its tag, or 0. Throws WIRE_INVALID when
 * a tag of the sender occurs twice or the tags are not spread as the protocol's are.
 */
export function matchTags(kernels: OkvsKernels, lists: TagLists): Uint32Array {
  const { rows, rowBytes, tagBytes, outputs } = lists;
  const held: Side = { bytes: rows, stride: rowBytes };
  const sought: Side = { bytes: outputs, stride: OUTPUT_BYTES };
  const heldRows = rows.length / rowBytes;
  let parts = 1;
  while (heldRows / parts > PART_TAGS) parts *= 2;
  const heldStarts = partStarts(kernels, held, parts);
  const soughtStarts = partStarts(kernels, sought, parts);

  const matches = new Uint32Array(outputs.length / OUTPUT_BYTES);
  kernels.scoped(() => {
    const mask = kernels.place(new Uint8Array(MASK_BYTES).fill(0xff, 0, tagBytes));
    const table = kernels.allocate(4 * TABLE_PLACES);
    const found = kernels.allocate(4 * matches.length);
    found.words().fill(0);
    const step = Math.min(parts, PASS_PARTS);
    for (let from = 0; from < parts; from += step) {
      kernels.scoped(() => {
        /** Entries of the parts of this pass; the address that entry 0 of all parts would have. */
        const scatter = (side: Side, starts: Uint32Array): number => {
          const before = starts[from]!;
          const entries = kernels.allocate((starts[from + step]! - before) * ENTRY_BYTES);
          const cursors = kernels.allocate(4 * parts);
          cursors.words().set(starts.subarray(0, parts).map((start) => start - before));
          eachBatch(kernels, side, (at, count, first) =>
            kernels.call.scatterTags(
              ...[at, side.stride, count, first, parts - 1],
              ...[from, from + step, mask.at, cursors.at, entries.at],
            ),
          );
          return entries.at - before * ENTRY_BYTES;
        };
        const heldAt = scatter(held, heldStarts);
        const soughtAt = scatter(sought, soughtStarts);
        for (let part = from; part < from + step; part++) {
          const count = heldStarts[part + 1]! - heldStarts[part]!;
          if (count > MAX_PART_TAGS) throw invalid("tags are not spread");
          let places = 64;
          while (places < 2 * count) places *= 2;
          const wrong = kernels.call.matchPart(
            ...[heldAt + heldStarts[part]! * ENTRY_BYTES, count],
            ...[soughtAt + soughtStarts[part]! * ENTRY_BYTES, soughtStarts[part + 1]! - soughtStarts[part]!],
            ...[table.at, places - 1, found.at],
          );
          if (wrong !== 0) throw invalid("a tag occurs twice");
        }
      });
    }
    matches.set(found.words());
  });
  return matches;
}

/** The pads of these outputs' labels, `labelBytes` each. `state`: of the label pads, from `keyedState`. */
export function labelPads(
  kernels: OkvsKernels,
  outputs: Uint8Array,
  state: Uint8Array,
  labelBytes: number,
): Uint8Array {
  const count = outputs.length / OUTPUT_BYTES;
  const pads = new Uint8Array(count * labelBytes);
  for (let first = 0; first < count; first += BATCH_ROWS) {
    const rows = Math.min(BATCH_ROWS, count - first);
    kernels.scoped(() => {
      const batch = kernels.allocate((rows + 3) * OUTPUT_BYTES);
      batch.bytes().set(outputs.subarray(first * OUTPUT_BYTES, (first + rows) * OUTPUT_BYTES));
      const block = kernels.allocate((rows + 3) * PAD_BLOCK_BYTES);
      const at = kernels.place(state).at;
      const scratch = kernels.allocate(HASH_SCRATCH_BYTES).at;
      for (let from = 0; from < labelBytes; from += PAD_BLOCK_BYTES) {
        kernels.call.labelPads(batch.at, rows, at, from / PAD_BLOCK_BYTES, block.at, scratch);
        const made = block.bytes();
        const length = Math.min(PAD_BLOCK_BYTES, labelBytes - from);
        for (let row = 0; row < rows; row++) {
          const to = (first + row) * labelBytes + from;
          for (let b = 0; b < length; b++) pads[to + b] = made[row * PAD_BLOCK_BYTES + b]!;
        }
      }
    });
  }
  return pads;
}
