/** Where blocks of bytes wait, in order, until their partition is asked for: in memory here, on disk in `spill.ts`. */

/** A list of blocks. */
export interface BlockList {
  readonly kind: "rows" | "subjects";
  readonly partition: number;
}

export interface BlockStore {
  /** Adds a block to a list. The bytes are the caller's again when it returns, even before it resolves. */
  append(list: BlockList, block: Uint8Array): Promise<void>;
  /** All has been appended; resolves when it is durable, as far as the store ever is. */
  finish(): Promise<void>;
  /** The blocks of a list as they were appended, on a boundary of 8 bytes, each valid until the next. */
  read(list: BlockList): AsyncIterable<Uint8Array<ArrayBuffer>>;
  /** Forgets everything, wiping what is in memory. May be called at any time, and again. */
  destroy(): Promise<void>;
}

export function listName({ kind, partition }: BlockList): string {
  return `${kind}-${partition}`;
}

export class MemoryBlocks implements BlockStore {
  readonly #lists = new Map<string, Uint8Array<ArrayBuffer>[]>();

  async append(list: BlockList, block: Uint8Array): Promise<void> {
    const name = listName(list);
    const blocks = this.#lists.get(name) ?? [];
    blocks.push(block.slice());
    this.#lists.set(name, blocks);
  }

  async finish(): Promise<void> {}

  async *read(list: BlockList): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    yield* this.#lists.get(listName(list)) ?? [];
  }

  async destroy(): Promise<void> {
    for (const block of [...this.#lists.values()].flat()) block.fill(0);
    this.#lists.clear();
  }
}
