/**
 * The keyed start of BLAKE2s (RFC 7693): the eight state words after the key block, from which the kernels hash. The key
 * block is the same for every row, so it is compressed once, here.
 */

const KEY_BYTES = 32;
const BLOCK_BYTES = 64;
/** Section 2.6. */
const IV = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19] as const;
/** Section 2.7. */
const SIGMA = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
] as const;

const rotate = (x: number, by: number): number => (x >>> by) | (x << (32 - by));

/** G of section 3.1, on the working words. */
function mix(v: Uint32Array, [a, b, c, d]: readonly [number, number, number, number], x: number, y: number): void {
  v[a] = v[a]! + v[b]! + x;
  v[d] = rotate(v[d]! ^ v[a]!, 16);
  v[c] = v[c]! + v[d]!;
  v[b] = rotate(v[b]! ^ v[c]!, 12);
  v[a] = v[a]! + v[b]! + y;
  v[d] = rotate(v[d]! ^ v[a]!, 8);
  v[c] = v[c]! + v[d]!;
  v[b] = rotate(v[b]! ^ v[c]!, 7);
}

const STEPS = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

/** F of section 3.2; `hashed`: bytes with this block, below 2^32. Returns the new state. */
export function compressBlock(h: Uint32Array, block: Uint8Array, hashed: number, last: boolean): Uint32Array {
  const view = new DataView(block.buffer, block.byteOffset, BLOCK_BYTES);
  const m = Uint32Array.from({ length: 16 }, (_, i) => view.getUint32(4 * i, true));
  const v = Uint32Array.of(...h, ...IV);
  v[12]! ^= hashed;
  if (last) v[14]! ^= 0xffffffff;
  for (const order of SIGMA) {
    STEPS.forEach((step, i) => {
      mix(v, step, m[order[2 * i]!]!, m[order[2 * i + 1]!]!);
    });
  }
  return h.map((word, i) => word ^ v[i]! ^ v[i + 8]!);
}

/** Little-endian words of the state after the key block, 32 bytes. `key`: 32 bytes; `digestBytes`: 1 to 32. */
export function keyedState(key: Uint8Array, digestBytes: number): Uint8Array {
  if (key.length !== KEY_BYTES || digestBytes < 1 || digestBytes > 32) throw new RangeError("BLAKE2s key or length");
  const h = Uint32Array.from(IV);
  // Parameter block of section 2.5: digest and key length, fanout 1, depth 1.
  h[0]! ^= 0x01010000 | (KEY_BYTES << 8) | digestBytes;
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(key);
  const state = compressBlock(h, block, BLOCK_BYTES, false);
  block.fill(0);
  const out = new Uint8Array(32);
  const view = new DataView(out.buffer);
  state.forEach((word, i) => {
    view.setUint32(4 * i, word, true);
  });
  state.fill(0);
  return out;
}
