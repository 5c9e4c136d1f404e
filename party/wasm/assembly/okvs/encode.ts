/**
 * One bin of the oblivious key-value store (RR22 section 2, figure 1): peel the sparse columns, set aside the rows of
 * the gap, substitute back, and solve the gap over the 64 dense columns.
 */
import { RECORD_BYTES } from "./row-hash";

const DENSE: u32 = 64;
/** Number of rows in the high half of a slot, the XOR of their numbers in the low half. */
const ONE: u32 = 0x10000;

@inline function position0(w: u64): usize { return <usize>(w & 0xffff); }
@inline function position1(w: u64): usize { return <usize>((w >> 16) & 0xffff); }
@inline function position2(w: u64): usize { return <usize>((w >> 32) & 0xffff); }
@inline function positions(records: usize, row: u32): u64 { return load<u64>(records + RECORD_BYTES * row + 24); }

let slots: usize = 0;
/** Slots that came down to one row and are not yet looked at. */
let stack: usize = 0;
let top: usize = 0;

@inline
function leave(slot: usize, row: u32): void {
  const at = slots + 4 * slot;
  const left = (load<u32>(at) - ONE) ^ row;
  store<u32>(at, left);
  if (left >>> 16 == 1) {
    store<u32>(top, <u32>slot);
    top += 4;
  }
}

@inline
function remove(records: usize, row: u32): void {
  const w = positions(records, row);
  leave(position0(w), row);
  leave(position1(w), row);
  leave(position2(w), row);
}

/** Peels what can be peeled; order holds (row, slot) pairs, `peeled` of them. Returns the new number. */
function peel(records: usize, order: usize, peeled: u32): u32 {
  while (top > stack) {
    top -= 4;
    const slot = load<u32>(top);
    const held = load<u32>(slots + 4 * slot);
    if (held >>> 16 != 1) continue;
    const row = held & 0xffff;
    store<u32>(order + 4 * peeled, (row << 16) | slot);
    peeled++;
    remove(records, row);
  }
  return peeled;
}

/**
 * Nothing peels: all rows but one of the lightest column go into the gap (figure 1, step 2). `alive`: a byte per row,
 * free for use. Returns the new size of the gap, which is over 64 when it does not fit.
 */
function openGap(
  records: usize,
  count: u32,
  sparse: u32,
  order: usize,
  peeled: u32,
  gap: usize,
  gapSize: u32,
  alive: usize,
): u32 {
  memory.fill(alive, 1, count);
  for (let k: u32 = 0; k < peeled; k++) store<u8>(alive + (load<u32>(order + 4 * k) >>> 16), 0);
  for (let k: u32 = 0; k < gapSize; k++) store<u8>(alive + load<u32>(gap + 4 * k), 0);
  let lightest: usize = 0;
  let weight: u32 = 0xffff;
  for (let slot: u32 = 0; slot < sparse; slot++) {
    const rows = load<u32>(slots + 4 * slot) >>> 16;
    if (rows != 0 && rows < weight) {
      weight = rows;
      lightest = slot;
    }
  }
  let left = weight - 1;
  for (let row: u32 = 0; row < count && left > 0; row++) {
    if (!load<u8>(alive + row)) continue;
    const w = positions(records, row);
    if (position0(w) != lightest && position1(w) != lightest && position2(w) != lightest) continue;
    if (gapSize == DENSE) return DENSE + 1;
    store<u32>(gap + 4 * gapSize, row);
    gapSize++;
    remove(records, row);
    left--;
  }
  return gapSize;
}

/** Values at dense = 0: P[slot] of each peeled row, in reverse order of peeling. `p` is zero before. */
function substitute(records: usize, order: usize, peeled: u32, p: usize): void {
  for (let k = <i32>peeled - 1; k >= 0; k--) {
    const entry = load<u32>(order + 4 * k);
    const record = records + RECORD_BYTES * (entry >>> 16);
    const w = load<u64>(record + 24);
    const others = v128.xor(
      v128.xor(v128.load(p + 16 * position0(w)), v128.load(p + 16 * position1(w))),
      v128.load(p + 16 * position2(w)),
    );
    v128.store(p + 16 * (entry & 0xffff), v128.xor(v128.load(record), others));
  }
}

/** The dense columns that each slot depends on, as a mask; the same walk as `substitute`. */
function substituteMasks(records: usize, order: usize, peeled: u32, masks: usize): void {
  for (let k = <i32>peeled - 1; k >= 0; k--) {
    const entry = load<u32>(order + 4 * k);
    const record = records + RECORD_BYTES * (entry >>> 16);
    const w = load<u64>(record + 24);
    const others =
      load<u64>(masks + 8 * position0(w)) ^ load<u64>(masks + 8 * position1(w)) ^ load<u64>(masks + 8 * position2(w));
    store<u64>(masks + 8 * (entry & 0xffff), load<u64>(record + 16) ^ others);
  }
}

/**
 * Gauss-Jordan over the gap's equations (mask, value) at `rows` (24 bytes each); writes the 64 dense values. Returns
 * false when the masks are dependent.
 */
function solveDense(rows: usize, gapSize: u32, dense: usize): bool {
  memory.fill(dense, 0, 16 * DENSE);
  for (let i: u32 = 0; i < gapSize; i++) {
    const pivotRow = rows + 24 * i;
    const mask = load<u64>(pivotRow);
    if (mask == 0) return false;
    const pivot = ctz(mask);
    for (let j: u32 = 0; j < gapSize; j++) {
      const row = rows + 24 * j;
      if (j == i || ((load<u64>(row) >> pivot) & 1) == 0) continue;
      store<u64>(row, load<u64>(row) ^ mask);
      v128.store(row + 8, v128.xor(v128.load(row + 8), v128.load(pivotRow + 8)));
    }
  }
  // Each pivot is in one equation only; the columns without one are zero.
  for (let i: u32 = 0; i < gapSize; i++) {
    const row = rows + 24 * i;
    v128.store(dense + 16 * <usize>ctz(load<u64>(row)), v128.load(row + 8));
  }
  return true;
}

/**
 * Encodes `count` records into `p`: `sparse` slots of 16 bytes, then 64 dense ones. `scratch`: 20 bytes per slot, 5 per
 * row and 2 KiB. Returns the size of the gap, or -1 when there is no encoding: the attempt then ends.
 */
export function encodeBin(records: usize, count: u32, sparse: u32, p: usize, scratch: usize): i32 {
  const dense = p + 16 * sparse;
  slots = scratch;
  stack = slots + 4 * sparse;
  top = stack;
  const masks = (stack + 4 * sparse + 7) & ~7;
  const order = masks + 8 * sparse;
  const alive = order + 4 * count;
  const gap = (alive + count + 7) & ~7;
  const equations = gap + 4 * (DENSE + 1);
  memory.fill(slots, 0, 4 * sparse);
  memory.fill(p, 0, 16 * (sparse + DENSE));
  for (let row: u32 = 0; row < count; row++) {
    const w = positions(records, row);
    const at0 = slots + 4 * position0(w);
    const at1 = slots + 4 * position1(w);
    const at2 = slots + 4 * position2(w);
    store<u32>(at0, (load<u32>(at0) + ONE) ^ row);
    store<u32>(at1, (load<u32>(at1) + ONE) ^ row);
    store<u32>(at2, (load<u32>(at2) + ONE) ^ row);
  }
  for (let slot: u32 = 0; slot < sparse; slot++) {
    if (load<u32>(slots + 4 * slot) >>> 16 == 1) {
      store<u32>(top, slot);
      top += 4;
    }
  }
  let gapSize: u32 = 0;
  let peeled = peel(records, order, 0);
  while (peeled + gapSize < count) {
    gapSize = openGap(records, count, sparse, order, peeled, gap, gapSize, alive);
    if (gapSize > DENSE) return -1;
    peeled = peel(records, order, peeled);
  }
  substitute(records, order, peeled, p);
  if (gapSize == 0) return 0;

  memory.fill(masks, 0, 8 * sparse);
  substituteMasks(records, order, peeled, masks);
  for (let k: u32 = 0; k < gapSize; k++) {
    const record = records + RECORD_BYTES * load<u32>(gap + 4 * k);
    const w = load<u64>(record + 24);
    const row = equations + 24 * k;
    store<u64>(
      row,
      load<u64>(record + 16) ^
        load<u64>(masks + 8 * position0(w)) ^
        load<u64>(masks + 8 * position1(w)) ^
        load<u64>(masks + 8 * position2(w)),
    );
    const others = v128.xor(
      v128.xor(v128.load(p + 16 * position0(w)), v128.load(p + 16 * position1(w))),
      v128.load(p + 16 * position2(w)),
    );
    v128.store(row + 8, v128.xor(v128.load(record), others));
  }
  if (!solveDense(equations, gapSize, dense)) return -1;
  for (let slot: u32 = 0; slot < sparse; slot++) {
    let value = v128.load(p + 16 * slot);
    for (let mask = load<u64>(masks + 8 * slot); mask != 0; mask &= mask - 1)
      value = v128.xor(value, v128.load(dense + 16 * <usize>ctz(mask)));
    v128.store(p + 16 * slot, value);
  }
  return <i32>gapSize;
}
