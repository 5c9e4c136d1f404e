/**
 * BLAKE2s (RFC 7693) of four messages side by side: each vector holds one 32-bit word of all four. Only the last block
 * of a keyed hash is computed here; the state after the key block is the caller's, the same in all lanes.
 */

/** Message word of each step, times 16 (RFC 7693 section 2.7). */
const SIGMA = memory.data<u8>([
  0, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240,
  224, 160, 64, 128, 144, 240, 208, 96, 16, 192, 0, 32, 176, 112, 80, 48,
  176, 128, 192, 0, 80, 32, 240, 208, 160, 224, 48, 96, 112, 16, 144, 64,
  112, 144, 48, 16, 208, 192, 176, 224, 32, 96, 80, 160, 64, 0, 240, 128,
  144, 0, 80, 112, 32, 64, 160, 240, 224, 16, 176, 192, 96, 128, 48, 208,
  32, 192, 96, 160, 0, 176, 128, 48, 64, 208, 112, 80, 240, 224, 16, 144,
  192, 80, 16, 240, 224, 208, 64, 160, 0, 112, 96, 48, 144, 32, 128, 176,
  208, 176, 112, 224, 192, 16, 48, 144, 80, 0, 240, 64, 128, 96, 32, 160,
  96, 240, 224, 144, 176, 48, 0, 128, 192, 32, 208, 112, 16, 64, 160, 80,
  160, 32, 128, 64, 112, 96, 16, 80, 240, 176, 144, 224, 48, 192, 208, 0,
]);

/** rot16 and rot8 as byte shuffles; the other two have no shorter form. */
@inline function rot16(x: v128): v128 { return v128.shuffle<u8>(x, x, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13); }
@inline function rot12(x: v128): v128 { return v128.or(i32x4.shr_u(x, 12), i32x4.shl(x, 20)); }
@inline function rot8(x: v128): v128 { return v128.shuffle<u8>(x, x, 1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12); }
@inline function rot7(x: v128): v128 { return v128.or(i32x4.shr_u(x, 7), i32x4.shl(x, 25)); }
@inline function word(m: usize, s: usize, k: usize): v128 { return v128.load(m + <usize>load<u8>(s + k)); }
@inline function add3(a: v128, b: v128, c: v128): v128 { return i32x4.add(i32x4.add(a, c), b); }

/**
 * out = F(h, m, t, last): `h` 8 words that all lanes share, `m` 16 vectors, `t` bytes hashed in each lane with this
 * block (below 2^32), `last` all ones in lanes whose last block this is; `out` 8 vectors.
 */
export function compressFrom(h: usize, m: usize, t: v128, last: v128, out: usize): void {
  const h0 = v128.load32_splat(h + 0);
  const h1 = v128.load32_splat(h + 4);
  const h2 = v128.load32_splat(h + 8);
  const h3 = v128.load32_splat(h + 12);
  const h4 = v128.load32_splat(h + 16);
  const h5 = v128.load32_splat(h + 20);
  const h6 = v128.load32_splat(h + 24);
  const h7 = v128.load32_splat(h + 28);
  rounds(h0, h1, h2, h3, h4, h5, h6, h7, m, t, last, out);
}

/** The same with a state of its own in every lane: `h` 8 vectors; `out` may be `h`. */
export function compress(h: usize, m: usize, t: v128, last: v128, out: usize): void {
  const h0 = v128.load(h + 0);
  const h1 = v128.load(h + 16);
  const h2 = v128.load(h + 32);
  const h3 = v128.load(h + 48);
  const h4 = v128.load(h + 64);
  const h5 = v128.load(h + 80);
  const h6 = v128.load(h + 96);
  const h7 = v128.load(h + 112);
  rounds(h0, h1, h2, h3, h4, h5, h6, h7, m, t, last, out);
}

function rounds(h0: v128, h1: v128, h2: v128, h3: v128, h4: v128, h5: v128, h6: v128, h7: v128, m: usize, t: v128, last: v128, out: usize): void {
  let v0 = h0;
  let v1 = h1;
  let v2 = h2;
  let v3 = h3;
  let v4 = h4;
  let v5 = h5;
  let v6 = h6;
  let v7 = h7;
  let v8 = i32x4.splat(0x6a09e667);
  let v9 = i32x4.splat(0xbb67ae85);
  let v10 = i32x4.splat(0x3c6ef372);
  let v11 = i32x4.splat(0xa54ff53a);
  let v12 = v128.xor(i32x4.splat(0x510e527f), t);
  let v13 = i32x4.splat(0x9b05688c);
  let v14 = v128.xor(i32x4.splat(0x1f83d9ab), last);
  let v15 = i32x4.splat(0x5be0cd19);
  for (let s = SIGMA, end = SIGMA + 160; s < end; s += 16) {
    v0 = add3(v0, v4, word(m, s, 0));
    v1 = add3(v1, v5, word(m, s, 2));
    v2 = add3(v2, v6, word(m, s, 4));
    v3 = add3(v3, v7, word(m, s, 6));
    v12 = rot16(v128.xor(v12, v0));
    v13 = rot16(v128.xor(v13, v1));
    v14 = rot16(v128.xor(v14, v2));
    v15 = rot16(v128.xor(v15, v3));
    v8 = i32x4.add(v8, v12);
    v9 = i32x4.add(v9, v13);
    v10 = i32x4.add(v10, v14);
    v11 = i32x4.add(v11, v15);
    v4 = rot12(v128.xor(v4, v8));
    v5 = rot12(v128.xor(v5, v9));
    v6 = rot12(v128.xor(v6, v10));
    v7 = rot12(v128.xor(v7, v11));
    v0 = add3(v0, v4, word(m, s, 1));
    v1 = add3(v1, v5, word(m, s, 3));
    v2 = add3(v2, v6, word(m, s, 5));
    v3 = add3(v3, v7, word(m, s, 7));
    v12 = rot8(v128.xor(v12, v0));
    v13 = rot8(v128.xor(v13, v1));
    v14 = rot8(v128.xor(v14, v2));
    v15 = rot8(v128.xor(v15, v3));
    v8 = i32x4.add(v8, v12);
    v9 = i32x4.add(v9, v13);
    v10 = i32x4.add(v10, v14);
    v11 = i32x4.add(v11, v15);
    v4 = rot7(v128.xor(v4, v8));
    v5 = rot7(v128.xor(v5, v9));
    v6 = rot7(v128.xor(v6, v10));
    v7 = rot7(v128.xor(v7, v11));
    v0 = add3(v0, v5, word(m, s, 8));
    v1 = add3(v1, v6, word(m, s, 10));
    v2 = add3(v2, v7, word(m, s, 12));
    v3 = add3(v3, v4, word(m, s, 14));
    v15 = rot16(v128.xor(v15, v0));
    v12 = rot16(v128.xor(v12, v1));
    v13 = rot16(v128.xor(v13, v2));
    v14 = rot16(v128.xor(v14, v3));
    v10 = i32x4.add(v10, v15);
    v11 = i32x4.add(v11, v12);
    v8 = i32x4.add(v8, v13);
    v9 = i32x4.add(v9, v14);
    v5 = rot12(v128.xor(v5, v10));
    v6 = rot12(v128.xor(v6, v11));
    v7 = rot12(v128.xor(v7, v8));
    v4 = rot12(v128.xor(v4, v9));
    v0 = add3(v0, v5, word(m, s, 9));
    v1 = add3(v1, v6, word(m, s, 11));
    v2 = add3(v2, v7, word(m, s, 13));
    v3 = add3(v3, v4, word(m, s, 15));
    v15 = rot8(v128.xor(v15, v0));
    v12 = rot8(v128.xor(v12, v1));
    v13 = rot8(v128.xor(v13, v2));
    v14 = rot8(v128.xor(v14, v3));
    v10 = i32x4.add(v10, v15);
    v11 = i32x4.add(v11, v12);
    v8 = i32x4.add(v8, v13);
    v9 = i32x4.add(v9, v14);
    v5 = rot7(v128.xor(v5, v10));
    v6 = rot7(v128.xor(v6, v11));
    v7 = rot7(v128.xor(v7, v8));
    v4 = rot7(v128.xor(v4, v9));
  }
  v128.store(out + 0, v128.xor(h0, v128.xor(v0, v8)));
  v128.store(out + 16, v128.xor(h1, v128.xor(v1, v9)));
  v128.store(out + 32, v128.xor(h2, v128.xor(v2, v10)));
  v128.store(out + 48, v128.xor(h3, v128.xor(v3, v11)));
  v128.store(out + 64, v128.xor(h4, v128.xor(v4, v12)));
  v128.store(out + 80, v128.xor(h5, v128.xor(v5, v13)));
  v128.store(out + 96, v128.xor(h6, v128.xor(v6, v14)));
  v128.store(out + 112, v128.xor(h7, v128.xor(v7, v15)));
}
