/** Multiplication in GF(2^128) by one fixed element, from its 32 tables of 16 multiples (8 KiB, so in the L1 cache). */

@inline
function byteOf(tables: usize, value: u32): v128 {
  return v128.xor(v128.load(tables + ((value & 15) << 4)), v128.load(tables + ((value & 0xf0) << 0), 256));
}

@inline
function wordOf(tables: usize, value: u32): v128 {
  return v128.xor(
    v128.xor(byteOf(tables, value & 0xff), byteOf(tables + 512, (value >>> 8) & 0xff)),
    v128.xor(byteOf(tables + 1024, (value >>> 16) & 0xff), byteOf(tables + 1536, value >>> 24)),
  );
}

/** The product of `x` and the element that the tables at `tables` were made of. */
@inline
export function multiply(tables: usize, x: v128): v128 {
  return v128.xor(
    v128.xor(wordOf(tables, i32x4.extract_lane(x, 0)), wordOf(tables + 2048, i32x4.extract_lane(x, 1))),
    v128.xor(wordOf(tables + 4096, i32x4.extract_lane(x, 2)), wordOf(tables + 6144, i32x4.extract_lane(x, 3))),
  );
}

/**
 * Tables of an element: `powers` holds element * x^j, j = 0 .. 127; table k, entry v is the sum of element * x^(4k + i)
 * over the bits i of v.
 */
export function multiplyTables(powers: usize, tables: usize): void {
  for (let k: usize = 0; k < 32; k++) {
    const table = tables + 256 * k;
    v128.store(table, i64x2.splat(0));
    for (let bit: usize = 0; bit < 4; bit++) {
      const value = v128.load(powers + 16 * (4 * k + bit));
      const half: usize = (<usize>1 << bit) * 16;
      for (let at: usize = 0; at < half; at += 16)
        v128.store(table + half + at, v128.xor(v128.load(table + at), value));
    }
  }
}

/** out[i] = x[i] * element, `count` elements of 16 bytes; for tests of `multiply`. */
export function multiplyAll(tables: usize, x: usize, count: u32, out: usize): void {
  for (const end = out + 16 * count; out < end; out += 16, x += 16)
    v128.store(out, multiply(tables, v128.load(x)));
}
