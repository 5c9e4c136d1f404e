/** Columns times encrypted weights, pointwise, in 64-bit lanes. */
import { below, high, notNegative, times } from "./modular";
import { N_INVERSE, ONE, P, P_INVERSE, POLYNOMIAL_BYTES, TILE_BYTES, TWICE_P, WORD } from "./table";

/** Residues in [0, p) to (-p/2, p/2), in place. */
export function centre(residues: usize, table: usize): void {
  const p = v128.load(table, P);
  const half = i32x4.shr_u(p, 1);
  for (const end = residues + POLYNOMIAL_BYTES; residues < end; residues += 16) {
    const x = v128.load(residues);
    v128.store(residues, i32x4.sub(x, v128.and(i32x4.gt_s(x, half), p)));
  }
}

/** Tiles of any words to (-p/2, p/2), in place. */
export function centreTiles(tiles: usize, stride: u32, table: usize): void {
  const p = v128.load(table, P);
  const half = i32x4.shr_u(p, 1);
  const one = v128.load(table, ONE);
  const oneS = v128.load(table, ONE + 16);
  for (let tile: u32 = 0; tile < 256; tile++, tiles += stride) {
    for (let at: usize = 0; at < TILE_BYTES; at += 16) {
      const x = below(notNegative(times(v128.load(tiles + at), one, oneS, p), p), p);
      v128.store(tiles + at, i32x4.sub(x, v128.and(i32x4.gt_s(x, half), p)));
    }
  }
}

/** Low words of a and b. */
@inline
function lowWords(a: v128, b: v128): v128 {
  return v128.shuffle<u32>(a, b, 0, 2, 4, 6);
}

/** Montgomery's reduction of four signed 64-bit sums below 2^62, then times 2^32: the sums modulo p, as `times`. */
@inline
function reduce(low: v128, upper: v128, table: usize, p: v128): v128 {
  const m = i32x4.mul(lowWords(low, upper), v128.load(table, P_INVERSE));
  const r = i32x4.sub(v128.shuffle<u32>(low, upper, 1, 3, 5, 7), high(m, p));
  return times(r, v128.load(table, WORD), v128.load(table, WORD + 16), p);
}

/** A word in [0, 2p) and one in (-0.14 p, 1.14 p), reduced, is in [0, 2p) again. */
@inline
function addTo(sum: usize, value: v128, table: usize, p: v128): void {
  v128.store(sum, below(notNegative(i32x4.add(v128.load(sum), value), p), v128.load(table, TWICE_P)));
}

/**
 * sums += column_j * weight_j, j < count <= 32: 32 products of 14.4 p and p/2 stay below 2^62. `columns`: tiles of the
 * columns side by side; `weights`: tiles of both polynomials of each weight side by side; `sums`: both polynomials, in
 * [0, 2p) before and after, whatever the number of calls.
 */
export function accumulate(columns: usize, weights: usize, count: u32, table: usize, sums: usize): void {
  const p = v128.load(table, P);
  const columnsBytes = TILE_BYTES * count;
  for (const end = sums + POLYNOMIAL_BYTES; sums < end; columns += columnsBytes, weights += 2 * columnsBytes) {
    for (let v: usize = 0; v < TILE_BYTES; v += 16, sums += 16) {
      let low0 = i64x2.splat(0);
      let high0 = i64x2.splat(0);
      let low1 = i64x2.splat(0);
      let high1 = i64x2.splat(0);
      let weight = weights + v;
      const column = columns + v;
      for (let at = column; at < column + columnsBytes; at += TILE_BYTES, weight += 2 * TILE_BYTES) {
        const x = v128.load(at);
        const w0 = v128.load(weight);
        const w1 = v128.load(weight, TILE_BYTES);
        low0 = i64x2.add(low0, i64x2.extmul_low_i32x4_s(x, w0));
        high0 = i64x2.add(high0, i64x2.extmul_high_i32x4_s(x, w0));
        low1 = i64x2.add(low1, i64x2.extmul_low_i32x4_s(x, w1));
        high1 = i64x2.add(high1, i64x2.extmul_high_i32x4_s(x, w1));
      }
      addTo(sums, reduce(low0, high0, table, p), table, p);
      addTo(sums + POLYNOMIAL_BYTES, reduce(low1, high1, table, p), table, p);
    }
  }
}

/** One polynomial's sums to n^-1 times them in [0, 2p), as the inverse transform takes them; in place. */
export function scale(sums: usize, table: usize): void {
  const p = v128.load(table, P);
  const w = v128.load(table, N_INVERSE);
  const w1 = v128.load(table, N_INVERSE + 16);
  for (const end = sums + POLYNOMIAL_BYTES; sums < end; sums += 16)
    v128.store(sums, notNegative(times(v128.load(sums), w, w1, p), p));
}
