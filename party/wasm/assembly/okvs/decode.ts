/** Decoding in the bins of the key-value store, and the OPRF's linear part of both sides (README of the protocol). */
import { multiply } from "./gf128";
import { RECORD_BYTES } from "./row-hash";

/** Eight tables of 256 sums of dense slots. */
const TABLE_BYTES: usize = 256 * 16;

/** Sums of the 64 dense slots at `dense` by the bytes of a row's mask: 8 tables of 256 times 16 bytes. */
export function denseTables(dense: usize, tables: usize): void {
  for (let t: usize = 0; t < 8; t++) {
    const table = tables + t * TABLE_BYTES;
    v128.store(table, i64x2.splat(0));
    for (let bit: usize = 0; bit < 8; bit++) {
      const value = v128.load(dense + 16 * (8 * t + bit));
      const half: usize = (<usize>1 << bit) * 16;
      for (let at: usize = 0; at < half; at += 16)
        v128.store(table + half + at, v128.xor(v128.load(table + at), value));
    }
  }
}

@inline
function denseSum(tables: usize, mask: u64): v128 {
  const low = <u32>mask;
  const high = <u32>(mask >> 32);
  const a = v128.xor(
    v128.load(tables + ((low & 0xff) << 4)),
    v128.load(tables + (((low >>> 8) & 0xff) << 4), 1 * TABLE_BYTES),
  );
  const b = v128.xor(
    v128.load(tables + (((low >>> 16) & 0xff) << 4), 2 * TABLE_BYTES),
    v128.load(tables + ((low >>> 24) << 4), 3 * TABLE_BYTES),
  );
  const c = v128.xor(
    v128.load(tables + ((high & 0xff) << 4), 4 * TABLE_BYTES),
    v128.load(tables + (((high >>> 8) & 0xff) << 4), 5 * TABLE_BYTES),
  );
  const d = v128.xor(
    v128.load(tables + (((high >>> 16) & 0xff) << 4), 6 * TABLE_BYTES),
    v128.load(tables + ((high >>> 24) << 4), 7 * TABLE_BYTES),
  );
  return v128.xor(v128.xor(a, b), v128.xor(c, d));
}

@inline
function decode(record: usize, p: usize, tables: usize): v128 {
  const w = load<u64>(record + 24);
  const sum = v128.xor(
    v128.load(p + ((<usize>w & 0xffff) << 4)),
    v128.xor(v128.load(p + ((<usize>(w >> 16) & 0xffff) << 4)), v128.load(p + (<usize>((w >> 32) & 0xffff) << 4))),
  );
  return v128.xor(sum, denseSum(tables, load<u64>(record + 16)));
}

/** out[i] = Decode(p, record i), 16 bytes each. */
export function decodeBin(records: usize, count: u32, p: usize, tables: usize, out: usize): void {
  for (const end = out + 16 * count; out < end; out += 16, records += RECORD_BYTES)
    v128.store(out, decode(records, p, tables));
}

/**
 * out[i] = Decode(b, record i) + Delta (Decode(d, record i) + value i): by linearity the same as decoding b + Delta d
 * and adding Delta times the value, with one multiplication instead of one per slot and one per row. `delta`: tables of
 * `multiply`.
 */
export function evaluateBin(
  records: usize,
  count: u32,
  b: usize,
  tablesB: usize,
  d: usize,
  tablesD: usize,
  delta: usize,
  out: usize,
): void {
  for (const end = out + 16 * count; out < end; out += 16, records += RECORD_BYTES) {
    const factor = v128.xor(decode(records, d, tablesD), v128.load(records));
    v128.store(out, v128.xor(decode(records, b, tablesB), multiply(delta, factor)));
  }
}

/** out = a + p, slot by slot, each cut to `width` bytes; writes 16 at a time, so `out` has 16 bytes to spare. */
export function maskSlots(a: usize, p: usize, slots: u32, width: u32, out: usize): void {
  for (const end = a + 16 * slots; a < end; a += 16, p += 16, out += width)
    v128.store(out, v128.xor(v128.load(a), v128.load(p)));
}

/** Slots of `width` bytes back to 16, under the mask; reads 16 at a time, so `packed` has 16 bytes to spare. */
export function unpackSlots(packed: usize, slots: u32, width: u32, mask: usize, out: usize): void {
  const kept = v128.load(mask);
  for (const end = out + 16 * slots; out < end; out += 16, packed += width)
    v128.store(out, v128.and(v128.load(packed), kept));
}
