/**
 * GF(2^128) = F_2[x] / (x^128 + x^7 + x^2 + x + 1); a block's bit i (little-endian) is the coefficient of x^i.
 * Look-ups are indexed by the vector, never by the key.
 */

/** v * x. */
@inline
export function timesX(v: v128): v128 {
  const carry = i64x2.shr_u(v, 63);
  const top = i64x2.extract_lane(carry, 1);
  const into = i64x2.replace_lane(i64x2.splat(top * 0x87), 1, i64x2.extract_lane(carry, 0));
  return v128.xor(i64x2.shl(v, 1), into);
}

/** Fills 32 tables of 16 blocks (8 KiB): table[p][n] = n(x) * x^(4p) * key. */
export function gfTable(table: usize, key: usize): void {
  let v = v128.load(key);
  for (let p = 0; p < 32; p++, table += 256) {
    v128.store(table, i64x2.splat(0));
    for (let bit: u32 = 1; bit < 16; bit <<= 1) {
      for (let n: u32 = 0; n < bit; n++)
        v128.store(table + ((bit + n) << 4), v128.xor(v128.load(table + (n << 4)), v));
      v = timesX(v);
    }
  }
}

/** One product by the key of `table`. */
@inline
function product(low: u64, high: u64, table: usize): v128 {
  let sum0 = v128.load(table + <usize>((low << 4) & 0xf0));
  let sum1 = v128.load(table + <usize>((high << 4) & 0xf0), 4096);
  for (let p: u32 = 1; p < 16; p++) {
    const shift = (p << 2) - 4;
    sum0 = v128.xor(sum0, v128.load(table + (p << 8) + <usize>((low >> shift) & 0xf0)));
    sum1 = v128.xor(sum1, v128.load(table + (p << 8) + <usize>((high >> shift) & 0xf0), 4096));
  }
  return v128.xor(sum0, sum1);
}

/** out[i] = in[i] * key, `count` blocks; out may be in. */
export function gfMultiplyBy(out: usize, input: usize, table: usize, count: usize): void {
  for (const end = input + (count << 4); input < end; input += 16, out += 16)
    v128.store(out, product(load<u64>(input), load<u64>(input, 8), table));
}
