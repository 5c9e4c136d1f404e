/** Between four rows of 16 bytes and four vectors of one word each. */

/** Transposes the 4 x 4 words of a, b, c, d into `out` (4 vectors, or 4 rows: the map is its own inverse). */
@inline
export function transpose(a: v128, b: v128, c: v128, d: v128, out: usize): void {
  const ab0 = v128.shuffle<u32>(a, b, 0, 4, 1, 5);
  const ab1 = v128.shuffle<u32>(a, b, 2, 6, 3, 7);
  const cd0 = v128.shuffle<u32>(c, d, 0, 4, 1, 5);
  const cd1 = v128.shuffle<u32>(c, d, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<u64>(ab0, cd0, 0, 2));
  v128.store(out + 16, v128.shuffle<u64>(ab0, cd0, 1, 3));
  v128.store(out + 32, v128.shuffle<u64>(ab1, cd1, 0, 2));
  v128.store(out + 48, v128.shuffle<u64>(ab1, cd1, 1, 3));
}

/** Four rows at `rows`, `stride` apart, as the four vectors at `out`. */
@inline
export function loadRows(rows: usize, stride: usize, out: usize): void {
  transpose(
    v128.load(rows),
    v128.load(rows + stride),
    v128.load(rows + 2 * stride),
    v128.load(rows + 3 * stride),
    out,
  );
}

/** Transposes the four vectors at `at` in place, into rows. */
@inline
export function toRows(at: usize): void {
  transpose(v128.load(at), v128.load(at + 16), v128.load(at + 32), v128.load(at + 48), at);
}
