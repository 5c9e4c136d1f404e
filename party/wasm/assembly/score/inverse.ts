/** The inverse transform (Longa and Naehrig, eprint 2016/504, algorithm 2), without the factor 1/n; words in [0, 2p). */
import { below, timesUnsigned, transposed0, transposed1, transposed2, transposed3 } from "./modular";
import { INVERSE, LAST_STAGES, P, POLYNOMIAL_BYTES, TWICE_P, VECTORS } from "./table";

@inline
function sum(a: v128, b: v128, twice: v128): v128 {
  return below(i32x4.add(a, b), twice);
}

@inline
function difference(a: v128, b: v128, twice: v128, w: v128, ws: v128, p: v128): v128 {
  return timesUnsigned(i32x4.add(i32x4.sub(a, b), twice), w, ws, p);
}

/** The stage that joins neighbours. */
@inline
function oneStage(at: usize, table: usize): void {
  const p = v128.load(table, P);
  const twice = v128.load(table, TWICE_P);
  let factor = table + INVERSE + 32 * 1024;
  for (const end = at + POLYNOMIAL_BYTES; at < end; at += 32, factor += 32) {
    const a = v128.load(at);
    const b = v128.load(at, 16);
    v128.store(at, sum(a, b, twice));
    v128.store(at, difference(a, b, twice, v128.load(factor), v128.load(factor, 16), p), 16);
  }
}

/** Two stages in place: four times `blocks` blocks become `blocks`. */
@inline
function twoStages(at: usize, blocks: usize, table: usize): void {
  const p = v128.load(table, P);
  const twice = v128.load(table, TWICE_P);
  const factors = table + INVERSE;
  const quarter = POLYNOMIAL_BYTES / (4 * blocks);
  for (let i: usize = 0; i < blocks; i++, at += 3 * quarter) {
    const first = factors + 32 * (blocks + i);
    const second = factors + 64 * (blocks + i);
    const w1 = v128.load(first);
    const w1s = v128.load(first, 16);
    const w2 = v128.load(second);
    const w2s = v128.load(second, 16);
    const w3 = v128.load(second, 32);
    const w3s = v128.load(second, 48);
    for (const end = at + quarter; at < end; at += 16) {
      const x0 = v128.load(at);
      const x1 = v128.load(at + quarter);
      const x2 = v128.load(at + 2 * quarter);
      const x3 = v128.load(at + 3 * quarter);
      const y0 = sum(x0, x1, twice);
      const y1 = difference(x0, x1, twice, w2, w2s, p);
      const y2 = sum(x2, x3, twice);
      const y3 = difference(x2, x3, twice, w3, w3s, p);
      v128.store(at, sum(y0, y2, twice));
      v128.store(at + quarter, sum(y1, y3, twice));
      v128.store(at + 2 * quarter, difference(y0, y2, twice, w1, w1s, p));
      v128.store(at + 3 * quarter, difference(y1, y3, twice, w1, w1s, p));
    }
  }
}

/** Of a polynomial in [0, 2p), whose scratch is destroyed: 8,192 residues in [0, p) in order. */
export function inverse(scratch: usize, table: usize, out: usize): void {
  oneStage(scratch, table);
  for (let blocks: usize = 256; blocks > 0; blocks >>= 2) twoStages(scratch, blocks, table);
  const p = v128.load(table, P);
  const twice = v128.load(table, TWICE_P);
  const w1 = v128.load(table, LAST_STAGES);
  const w1s = v128.load(table, LAST_STAGES + 16);
  const w2 = v128.load(table, LAST_STAGES + 32);
  const w2s = v128.load(table, LAST_STAGES + 48);
  const w3 = v128.load(table, LAST_STAGES + 64);
  const w3s = v128.load(table, LAST_STAGES + 80);
  const quarter: usize = VECTORS * 4;
  for (const end = scratch + POLYNOMIAL_BYTES; scratch < end; scratch += 64, out += 16) {
    const a = v128.load(scratch);
    const b = v128.load(scratch, 16);
    const c = v128.load(scratch, 32);
    const d = v128.load(scratch, 48);
    const x0 = transposed0(a, b, c, d);
    const x1 = transposed1(a, b, c, d);
    const x2 = transposed2(a, b, c, d);
    const x3 = transposed3(a, b, c, d);
    const y0 = sum(x0, x1, twice);
    const y1 = difference(x0, x1, twice, w2, w2s, p);
    const y2 = sum(x2, x3, twice);
    const y3 = difference(x2, x3, twice, w3, w3s, p);
    v128.store(out, below(sum(y0, y2, twice), p));
    v128.store(out + quarter, below(sum(y1, y3, twice), p));
    v128.store(out + 2 * quarter, below(difference(y0, y2, twice, w1, w1s, p), p));
    v128.store(out + 3 * quarter, below(difference(y1, y3, twice, w1, w1s, p), p));
  }
}
