/** Positions of id hashes by their value. The hashes are uniform and keyed, so any of their words will do as a slot. */
const ID_WORDS = 4;
const EMPTY_SLOT = 0;

export class IdSlots {
  readonly #slots: Uint32Array;
  readonly #idWords: Uint32Array;

  /** `ids`: where they are to stand, `capacity` of them, on a boundary of 4. */
  constructor({ buffer, byteOffset }: Uint8Array, capacity: number) {
    this.#idWords = new Uint32Array(buffer, byteOffset, capacity * ID_WORDS);
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(2, capacity * 1.5))));
  }

  /** Puts the `index`th id of `words` (four each) at position `count`, unless an equal one is there already: then false. */
  add(words: Uint32Array, index: number, count: number): boolean {
    const slot = this.#slotOf(words, index);
    if (this.#slots[slot] !== EMPTY_SLOT) return false;
    this.#slots[slot] = count + 1;
    for (let w = 0; w < ID_WORDS; w++) this.#idWords[count * ID_WORDS + w] = words[index * ID_WORDS + w] as number;
    return true;
  }

  /** Position of the equal one. */
  find(words: Uint32Array, index: number): number | undefined {
    const held = this.#slots[this.#slotOf(words, index)] as number;
    return held === EMPTY_SLOT ? undefined : held - 1;
  }

  /** The slot that holds an equal id, or the empty one where it belongs. */
  #slotOf(words: Uint32Array, index: number): number {
    const held = this.#idWords;
    const mask = this.#slots.length - 1;
    const from = index * ID_WORDS;
    // Not the first word: its leading bits chose the partition.
    let slot = (words[from + 1] as number) & mask;
    for (let at = this.#slots[slot] as number; at !== EMPTY_SLOT; at = this.#slots[slot] as number) {
      const other = (at - 1) * ID_WORDS;
      let same = 0;
      while (same < ID_WORDS && held[other + same] === words[from + same]) same++;
      if (same === ID_WORDS) return slot;
      slot = (slot + 1) & mask;
    }
    return slot;
  }
}
