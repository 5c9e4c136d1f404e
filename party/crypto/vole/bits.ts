/** Bit vectors, little-endian in each byte, and vectors of 16-byte blocks. */

/** One byte 0 or 1 per bit. */
export function unpackBits(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: bytes.length * 8 }, (_, i) => ((bytes[i >> 3] as number) >> (i & 7)) & 1);
}

/** The same bytes as words; `bytes` must begin at a multiple of 4 (as every array made by this process does). */
export function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
}

/** out ^= a where `mask` is -1, nothing where it is 0; no branch on it. Equal lengths, multiples of 4. */
export function xorMasked(out: Uint8Array, a: Uint8Array, mask: number): void {
  const to = wordsOf(out);
  const from = wordsOf(a);
  for (let i = 0; i < to.length; i++) to[i] = (to[i] as number) ^ ((from[i] as number) & mask);
}
