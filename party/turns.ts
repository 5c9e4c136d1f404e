/** Work that must not overlap, one queue for each key: what reads, decides and writes takes its turn. */
export class Turns<Key> {
  readonly #last = new Map<Key, Promise<unknown>>();

  /** Nothing runs or waits under this key. */
  isFree(key: Key): boolean {
    return !this.#last.has(key);
  }

  /** Runs `work` after all that was given before it for this key, whether that failed or not. */
  take<T>(key: Key, work: () => Promise<T>): Promise<T> {
    const result = (this.#last.get(key) ?? Promise.resolve()).then(work);
    const settled = result.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(key, settled);
    void settled.then(() => {
      if (this.#last.get(key) === settled) this.#last.delete(key);
    });
    return result;
  }
}
