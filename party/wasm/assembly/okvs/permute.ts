/** Uniform permutations: Fisher-Yates (Knuth, TAOCP vol. 2, algorithm 3.4.2 P) over unbiased draws. */

/** order[i] = i. */
export function identity(order: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i++) store<u32>(order + 4 * i, i);
}

/**
 * Swaps the elements from `last` down with a drawn one at or below, as long as there are random `words`; returns the
 * element that is next, 0 at the end. A draw below n is the high half of word * n, less the words that would favour some
 * (Lemire, "Fast Random Integer Generation in an Interval", 2019).
 */
export function permute(order: usize, last: u32, words: usize, wordCount: u32): u32 {
  const end = words + 4 * wordCount;
  let i = last;
  for (; i > 0 && words < end; words += 4) {
    const bound = i + 1;
    const product = <u64>load<u32>(words) * bound;
    const low = <u32>product;
    if (low < bound && low < (0 - bound) % bound) continue;
    const at = order + 4 * i;
    const other = order + 4 * <usize>(product >> 32);
    const moved = load<u32>(at);
    store<u32>(at, load<u32>(other));
    store<u32>(other, moved);
    i--;
  }
  return i;
}
