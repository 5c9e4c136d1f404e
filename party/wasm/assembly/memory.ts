/** Compiled into every area: where the loader may begin to hand out memory. */

/** First address after the module's own constants, a multiple of 16. */
export function heapBase(): usize {
  return (__heap_base + 15) & ~15;
}
