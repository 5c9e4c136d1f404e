/**
 * Arithmetic modulo a prime below 2^27 in 32-bit lanes. Products by constants are Shoup's: with w' about w * 2^32 / p,
 * y * w - high(y * w') * p needs no division (Harvey, "Faster arithmetic for number-theoretic transforms", 2014).
 */

/** The high words of four signed 64-bit products. */
@inline
export function high(a: v128, b: v128): v128 {
  return v128.shuffle<u32>(i64x2.extmul_low_i32x4_s(a, b), i64x2.extmul_high_i32x4_s(a, b), 1, 3, 5, 7);
}

/**
 * y * w modulo p for any signed y; |w| < p/2, w1 = round(w * 2^32 / p). The result is between -p|y|/2^33 and
 * p + p|y|/2^33.
 */
@inline
export function times(y: v128, w: v128, w1: v128, p: v128): v128 {
  return i32x4.sub(i32x4.mul(y, w), i32x4.mul(high(y, w1), p));
}

/** y * w modulo p, in [0, 2p), for any unsigned y; 0 <= w < p, w1 = floor(w * 2^32 / p). */
@inline
export function timesUnsigned(y: v128, w: v128, w1: v128, p: v128): v128 {
  const quotient = v128.shuffle<u32>(
    i64x2.extmul_low_i32x4_u(y, w1),
    i64x2.extmul_high_i32x4_u(y, w1),
    1,
    3,
    5,
    7,
  );
  return i32x4.sub(i32x4.mul(y, w), i32x4.mul(quotient, p));
}

/** x in [0, 2m) to [0, m): the difference wraps to a large number when it is negative. */
@inline
export function below(x: v128, m: v128): v128 {
  return i32x4.min_u(x, i32x4.sub(x, m));
}

/** x in (-p, 2^31) to [0, 2^31): p is added to negative ones. */
@inline
export function notNegative(x: v128, p: v128): v128 {
  return i32x4.min_u(x, i32x4.add(x, p));
}

/** 4 x 4 words. */
@inline
export function transposed0(a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.shuffle<u64>(v128.shuffle<u32>(a, b, 0, 4, 1, 5), v128.shuffle<u32>(c, d, 0, 4, 1, 5), 0, 2);
}
@inline
export function transposed1(a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.shuffle<u64>(v128.shuffle<u32>(a, b, 0, 4, 1, 5), v128.shuffle<u32>(c, d, 0, 4, 1, 5), 1, 3);
}
@inline
export function transposed2(a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.shuffle<u64>(v128.shuffle<u32>(a, b, 2, 6, 3, 7), v128.shuffle<u32>(c, d, 2, 6, 3, 7), 0, 2);
}
@inline
export function transposed3(a: v128, b: v128, c: v128, d: v128): v128 {
  return v128.shuffle<u64>(v128.shuffle<u32>(a, b, 2, 6, 3, 7), v128.shuffle<u32>(c, d, 2, 6, 3, 7), 1, 3);
}
