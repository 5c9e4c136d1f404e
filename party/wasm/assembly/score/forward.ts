/**
 * The negacyclic number-theoretic transform, decimation in time with the 2n-th root merged in (Longa and Naehrig, eprint
 * 2016/504, algorithm 1). The first two stages work on the coefficients in order; then vector v holds coefficient v of
 * each quarter, so that no later stage mixes lanes.
 *
 * Nothing is reduced between stages: a stage adds at most p (1 + |y| / 2^33) in absolute value, so 13 stages reach at
 * most 14.4 p from 16-bit coefficients and 14.9 p from residues in (-p/2, p/2), below 2^31.
 */
import { times, transposed0, transposed1, transposed2, transposed3 } from "./modular";
import { FIRST_STAGES, FORWARD, P, POLYNOMIAL_BYTES, VECTORS } from "./table";

/** Four coefficients at byte offset `at`, of 2 or 4 bytes. */
@inline
function loadFour(at: usize, wide: bool): v128 {
  return wide ? v128.load(at) : v128.load16x4_s(at);
}

@inline
function firstStages(coefficients: usize, wide: bool, table: usize, out: usize): void {
  const p = v128.load(table, P);
  const w1 = v128.load(table, FIRST_STAGES);
  const w1s = v128.load(table, FIRST_STAGES + 16);
  const w2 = v128.load(table, FIRST_STAGES + 32);
  const w2s = v128.load(table, FIRST_STAGES + 48);
  const w3 = v128.load(table, FIRST_STAGES + 64);
  const w3s = v128.load(table, FIRST_STAGES + 80);
  const quarter: usize = wide ? VECTORS * 4 : VECTORS * 2;
  const step: usize = wide ? 16 : 8;
  for (const end = coefficients + quarter; coefficients < end; coefficients += step, out += 64) {
    const x0 = loadFour(coefficients, wide);
    const x1 = loadFour(coefficients + quarter, wide);
    const t2 = times(loadFour(coefficients + 2 * quarter, wide), w1, w1s, p);
    const t3 = times(loadFour(coefficients + 3 * quarter, wide), w1, w1s, p);
    const y0 = i32x4.add(x0, t2);
    const y2 = i32x4.sub(x0, t2);
    const u1 = times(i32x4.add(x1, t3), w2, w2s, p);
    const u3 = times(i32x4.sub(x1, t3), w3, w3s, p);
    const a = i32x4.add(y0, u1);
    const b = i32x4.sub(y0, u1);
    const c = i32x4.add(y2, u3);
    const d = i32x4.sub(y2, u3);
    v128.store(out, transposed0(a, b, c, d));
    v128.store(out, transposed1(a, b, c, d), 16);
    v128.store(out, transposed2(a, b, c, d), 32);
    v128.store(out, transposed3(a, b, c, d), 48);
  }
}

/** Two stages in place: `blocks` blocks become four times as many. */
@inline
function twoStages(at: usize, blocks: usize, table: usize): void {
  const p = v128.load(table, P);
  const factors = table + FORWARD;
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
      const t2 = times(v128.load(at + 2 * quarter), w1, w1s, p);
      const t3 = times(v128.load(at + 3 * quarter), w1, w1s, p);
      const y0 = i32x4.add(x0, t2);
      const y2 = i32x4.sub(x0, t2);
      const u1 = times(i32x4.add(x1, t3), w2, w2s, p);
      const u3 = times(i32x4.sub(x1, t3), w3, w3s, p);
      v128.store(at, i32x4.add(y0, u1));
      v128.store(at + quarter, i32x4.sub(y0, u1));
      v128.store(at + 2 * quarter, i32x4.add(y2, u3));
      v128.store(at + 3 * quarter, i32x4.sub(y2, u3));
    }
  }
}

/** The last three stages: each eight vectors become one tile at `out`, `stride` bytes apart. */
@inline
function lastStages(at: usize, table: usize, out: usize, stride: usize): void {
  const p = v128.load(table, P);
  let first = table + FORWARD + 32 * 256;
  let second = table + FORWARD + 32 * 512;
  let third = table + FORWARD + 32 * 1024;
  for (const end = at + POLYNOMIAL_BYTES; at < end; at += 128, out += stride, first += 32, second += 64, third += 128) {
    let w = v128.load(first);
    let ws = v128.load(first, 16);
    let x0 = v128.load(at);
    let x1 = v128.load(at, 16);
    let x2 = v128.load(at, 32);
    let x3 = v128.load(at, 48);
    let t = times(v128.load(at, 64), w, ws, p);
    let x4 = i32x4.sub(x0, t);
    x0 = i32x4.add(x0, t);
    t = times(v128.load(at, 80), w, ws, p);
    let x5 = i32x4.sub(x1, t);
    x1 = i32x4.add(x1, t);
    t = times(v128.load(at, 96), w, ws, p);
    let x6 = i32x4.sub(x2, t);
    x2 = i32x4.add(x2, t);
    t = times(v128.load(at, 112), w, ws, p);
    let x7 = i32x4.sub(x3, t);
    x3 = i32x4.add(x3, t);

    w = v128.load(second);
    ws = v128.load(second, 16);
    t = times(x2, w, ws, p);
    x2 = i32x4.sub(x0, t);
    x0 = i32x4.add(x0, t);
    t = times(x3, w, ws, p);
    x3 = i32x4.sub(x1, t);
    x1 = i32x4.add(x1, t);
    t = times(x1, v128.load(third), v128.load(third, 16), p);
    v128.store(out, i32x4.add(x0, t));
    v128.store(out, i32x4.sub(x0, t), 16);
    t = times(x3, v128.load(third, 32), v128.load(third, 48), p);
    v128.store(out, i32x4.add(x2, t), 32);
    v128.store(out, i32x4.sub(x2, t), 48);

    w = v128.load(second, 32);
    ws = v128.load(second, 48);
    t = times(x6, w, ws, p);
    x6 = i32x4.sub(x4, t);
    x4 = i32x4.add(x4, t);
    t = times(x7, w, ws, p);
    x7 = i32x4.sub(x5, t);
    x5 = i32x4.add(x5, t);
    t = times(x5, v128.load(third, 64), v128.load(third, 80), p);
    v128.store(out, i32x4.add(x4, t), 64);
    v128.store(out, i32x4.sub(x4, t), 80);
    t = times(x7, v128.load(third, 96), v128.load(third, 112), p);
    v128.store(out, i32x4.add(x6, t), 96);
    v128.store(out, i32x4.sub(x6, t), 112);
  }
}

@inline
function remainingStages(scratch: usize, table: usize, out: usize, stride: usize): void {
  for (let blocks: usize = 1; blocks < 256; blocks <<= 2) twoStages(scratch, blocks, table);
  lastStages(scratch, table, out, stride);
}

/** Transform of 8,192 signed 16-bit coefficients, into tiles; words of at most 14.4 p in absolute value. */
export function forwardColumn(column: usize, table: usize, scratch: usize, out: usize, stride: u32): void {
  firstStages(column, false, table, scratch);
  remainingStages(scratch, table, out, stride);
}

/** Transform of 8,192 residues in (-p/2, p/2), into tiles; words of at most 14.9 p in absolute value. */
export function forwardResidues(residues: usize, table: usize, scratch: usize, out: usize, stride: u32): void {
  firstStages(residues, true, table, scratch);
  remainingStages(scratch, table, out, stride);
}
