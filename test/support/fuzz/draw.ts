/** What a fuzz case draws: reproducible from its seed alone, and fast. Never where anything must be secret. */

export interface Draw {
  /** From 0 to below `bound`, which is at least 1. */
  below(bound: number): number;
  /** True in one of `n` cases. */
  oneIn(n: number): boolean;
  pick<T>(items: readonly T[]): T;
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

/** FNV-1a, 32 bits. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Marsaglia's xorshift128 (Xorshift RNGs, 2003), its state filled from the text: equal texts, equal draws. */
export function drawsOf(text: string): Draw {
  let [x, y, z, w] = [hashText(`${text}/0`), hashText(`${text}/1`), hashText(`${text}/2`), hashText(`${text}/3`) | 1];
  const next = () => {
    const t = x ^ (x << 11);
    [x, y, z] = [y, z, w];
    w = (w ^ (w >>> 19) ^ t ^ (t >>> 8)) >>> 0;
    return w;
  };
  // The first draws still show how the texts differ.
  for (let i = 0; i < 8; i++) next();
  const below = (bound: number) => next() % bound;
  return {
    below,
    oneIn: (n) => below(n) === 0,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
    bytes: (length) => Uint8Array.from({ length }, () => next() & 0xff),
  };
}
