import type { EntenteError } from "../proto/errors.ts";

/** How many may run and wait under one key. */
export interface TurnsBound {
  readonly max: number;
  readonly refusal: () => EntenteError;
}

/** Work that must not overlap, one queue for each key: what reads, decides and writes takes its turn. */
export class Turns<Key> {
  readonly #last = new Map<Key, Promise<unknown>>();
  readonly #taken = new Map<Key, number>();
  readonly #bound: TurnsBound | undefined;

  /** Without a bound any number may wait. */
  constructor(bound?: TurnsBound) {
    this.#bound = bound;
  }

  /** Nothing runs or waits under this key. */
  isFree(key: Key): boolean {
    return !this.#last.has(key);
  }

  /** Runs `work` after all that was given before it for this key, whether that failed or not. Throws the
   * refusal, and does not run it, when too many wait already. */
  async take<T>(key: Key, work: () => Promise<T>): Promise<T> {
    const taken = this.#taken.get(key) ?? 0;
    if (this.#bound !== undefined && taken >= this.#bound.max) throw this.#bound.refusal();
    this.#taken.set(key, taken + 1);
    const result = (this.#last.get(key) ?? Promise.resolve()).then(work);
    const settled = result.then(
      () => undefined,
      () => undefined,
    );
    this.#last.set(key, settled);
    void settled.then(() => {
      const left = (this.#taken.get(key) ?? 0) - 1;
      if (left > 0) this.#taken.set(key, left);
      else this.#taken.delete(key);
      if (this.#last.get(key) === settled) this.#last.delete(key);
    });
    return result;
  }
}
