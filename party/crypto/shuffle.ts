/** Uniform permutations: Fisher-Yates (Knuth, TAOCP vol. 2, algorithm 3.4.2 P) over unbiased draws. */
import type { Platform } from "./platform.ts";

const POOL_WORDS = 4096;
const WORD_RANGE = 2 ** 32;

interface UniformSource {
  /** Uniform in [0, bound), 1 <= bound <= 2^32. */
  below(bound: number): number;
  wipe(): void;
}

/** Draws in bulk; a word beyond the largest multiple of the bound is thrown away, so no residue is favoured. */
function uniformSource(platform: Platform, draws: number): UniformSource {
  // Half of the words are rejected at worst, so a pool of twice the draws seldom needs a second one.
  const poolBytes = 4 * Math.max(1, Math.min(POOL_WORDS, 2 * draws));
  let pool: Uint8Array = new Uint8Array(0);
  let view = new DataView(pool.buffer);
  let at = 0;
  const word = (): number => {
    if (at === pool.length) {
      pool.fill(0);
      pool = platform.random(poolBytes);
      view = new DataView(pool.buffer, pool.byteOffset);
      at = 0;
    }
    const value = view.getUint32(at, true);
    at += 4;
    return value;
  };
  return {
    below(bound) {
      const limit = WORD_RANGE - (WORD_RANGE % bound);
      for (;;) {
        const value = word();
        if (value < limit) return value % bound;
      }
    },
    wipe() {
      pool.fill(0);
    },
  };
}

/** A uniform permutation of 0 .. count-1. */
export function randomPermutation(platform: Platform, count: number): Uint32Array {
  const permutation = Uint32Array.from({ length: count }, (_, i) => i);
  const source = uniformSource(platform, count);
  for (let i = count - 1; i > 0; i--) {
    const j = source.below(i + 1);
    const moved = permutation[i] as number;
    permutation[i] = permutation[j] as number;
    permutation[j] = moved;
  }
  source.wipe();
  return permutation;
}
