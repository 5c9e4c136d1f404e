/** The keyed 128-bit hash of packed byte strings: BLAKE2s (RFC 7693), keyed, with 16 bytes of output. */
import { keyedState } from "./blake2s.ts";
import type { OkvsKernels } from "./kernels.ts";

const HASH_BYTES = 16;
const BATCH_ROWS = 2 ** 14;
const HASH_SCRATCH_BYTES = 24 * 16;
/** The kernel reads up to four strings of a block, whatever their length, and writes rows four by four. */
const SPARE_BYTES = 64;

/** String i is bytes[offsets[i] .. offsets[i + 1]), of at least one byte. */
export interface PackedStrings {
  readonly bytes: Uint8Array;
  /** count + 1 numbers, not decreasing. */
  readonly offsets: Uint32Array;
}

/** 16 bytes per string, in their order. `key`: 32 bytes. Throws RangeError on an empty string or offsets out of order. */
export function hashPacked(
  kernels: OkvsKernels,
  key: Uint8Array,
  { bytes, offsets }: PackedStrings,
): Uint8Array<ArrayBuffer> {
  const count = offsets.length - 1;
  for (let i = 0; i < count; i++)
    if (offsets[i]! >= offsets[i + 1]!) throw new RangeError("an empty string, or offsets out of order");
  if (count > 0 && offsets[count]! > bytes.length) throw new RangeError("offsets past the bytes");
  const hashes = new Uint8Array(count * HASH_BYTES);
  const state = keyedState(key, HASH_BYTES);
  for (let first = 0; first < count; first += BATCH_ROWS) {
    const rows = Math.min(BATCH_ROWS, count - first);
    const base = offsets[first]!;
    kernels.scoped(() => {
      const texts = kernels.allocate(offsets[first + rows]! - base + SPARE_BYTES);
      texts.bytes().set(bytes.subarray(base, offsets[first + rows]!));
      const ends = kernels.allocate(4 * (rows + 1));
      ends.words().set(offsets.subarray(first, first + rows + 1));
      const out = kernels.allocate(rows * HASH_BYTES + SPARE_BYTES);
      const at = kernels.place(state).at;
      kernels.call.hashPacked(texts.at, base, ends.at, rows, at, out.at, kernels.allocate(HASH_SCRATCH_BYTES).at);
      hashes.set(out.bytes().subarray(0, rows * HASH_BYTES), first * HASH_BYTES);
    });
  }
  state.fill(0);
  return hashes;
}
