/** Uniform numbers out of random words, without bias. */
import type { Platform } from "../platform.ts";

/** `count` numbers in [0, bound), bound <= 2^16: a word beyond the largest multiple of the bound is drawn again. */
export function uniformBelow(platform: Platform, bound: number, count: number): Uint32Array {
  const limit = 2 ** 32 - (2 ** 32 % bound);
  const out = new Uint32Array(count);
  for (let filled = 0; filled < count; ) {
    const pool = platform.random((count - filled) * 4);
    const view = new DataView(pool.buffer, pool.byteOffset, pool.byteLength);
    for (let at = 0; at < pool.length; at += 4) {
      const word = view.getUint32(at, true);
      if (word < limit) out[filled++] = word % bound;
    }
    pool.fill(0);
  }
  return out;
}
