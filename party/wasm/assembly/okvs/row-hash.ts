/**
 * The keyed hash of a partition's rows, straight into the bins of the key-value store: BLAKE2s-256 of (id, kind) gives
 * the value (first half), the bin and the three positions (next 8 bytes), and the dense columns (last 8 bytes).
 */
import { compressFrom } from "./blake2s";
import { loadRows, toRows } from "./lanes";

/** A row in its bin: value 16 bytes, dense columns 8 bytes, three positions of 2 bytes, 2 bytes of nothing. */
export const RECORD_BYTES: usize = 32;
const ID_BYTES: usize = 16;
/** Key block, id and kind. */
const HASHED_BYTES: i32 = 64 + 16 + 1;

/** The next draw below `bound`: the integer part of fraction * bound; what is left of the fraction is the state. */
let fraction: u64 = 0;
@inline
function draw(bound: u32): u32 {
  const low = (fraction & 0xffffffff) * <u64>bound;
  const high = (fraction >> 32) * <u64>bound + (low >> 32);
  fraction = (high << 32) | (low & 0xffffffff);
  return <u32>(high >> 32);
}

/**
 * Hashes rows from .. to-1 and appends each to its bin. `ids`: the 16 bytes of row `from`, and so on, readable up to a
 * multiple of four rows. Rows below `real` are hashed with kind 0, the others with `kind`. `state`: BLAKE2s after the
 * key block, 8 words. `mask`: 16 bytes that the value is ANDed with. `records`, `indexes`: binCapacity places per bin;
 * `loads`: rows of each bin so far. `scratch`: 24 vectors. Returns the first row that was not taken because its bin is
 * full, or `to`.
 */
export function hashRows(
  ids: usize,
  from: u32,
  to: u32,
  real: u32,
  kind: u32,
  state: usize,
  mask: usize,
  bins: u32,
  binCapacity: u32,
  sparse: u32,
  records: usize,
  indexes: usize,
  loads: usize,
  scratch: usize,
): u32 {
  const digest = scratch + 256;
  const ones = i32x4.splat(-1);
  const valueMask = v128.load(mask);
  memory.fill(scratch, 0, 256);
  for (let row = from; row < to; row += 4, ids += 4 * ID_BYTES) {
    loadRows(ids, ID_BYTES, scratch);
    for (let lane: u32 = 0; lane < 4; lane++) store<u32>(scratch + 64 + 4 * lane, row + lane < real ? 0 : kind);
    compressFrom(state, scratch, i32x4.splat(HASHED_BYTES), ones, digest);
    toRows(digest);
    toRows(digest + 64);
    const lanes = min<u32>(4, to - row);
    for (let lane: u32 = 0; lane < lanes; lane++) {
      const first = digest + 16 * lane;
      fraction = load<u64>(first + 64);
      const bin = draw(bins);
      const p0 = draw(sparse);
      let p1 = draw(sparse - 1);
      let p2 = draw(sparse - 2);
      // Distinct: each of the later draws skips the positions that are taken.
      p1 += u32(p1 >= p0);
      p2 += u32(p2 >= min(p0, p1));
      p2 += u32(p2 >= max(p0, p1));
      const place = load<u32>(loads + 4 * bin);
      if (place == binCapacity) return row + lane;
      store<u32>(loads + 4 * bin, place + 1);
      const slot = bin * binCapacity + place;
      const record = records + RECORD_BYTES * slot;
      v128.store(record, v128.and(v128.load(first), valueMask));
      store<u64>(record + 16, load<u64>(first + 72));
      store<u64>(record + 24, <u64>p0 | (<u64>p1 << 16) | (<u64>p2 << 32));
      store<u32>(indexes + 4 * slot, row + lane);
    }
  }
  return to;
}
