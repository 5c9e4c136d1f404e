/** How much goes on at once, in all and for each of those who ask: who comes when it is full is refused, who is in stays. */
import type { EntenteError } from "../errors.ts";

export interface GateBound {
  readonly max: number;
  readonly refusal: () => EntenteError;
}

export interface GateOptions {
  readonly all?: GateBound;
  readonly each?: GateBound;
}

export class Gate<Key = string> {
  readonly #options: GateOptions;
  readonly #inside = new Map<Key, number>();
  #all = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  get used(): number {
    return this.#all;
  }

  usedBy(key: Key): number {
    return this.#inside.get(key) ?? 0;
  }

  /** By the one who has most. */
  get usedByOne(): number {
    return Math.max(0, ...this.#inside.values());
  }

  /** Throws the refusal of the bound that is reached, the own one first. The caller leaves by disposing, once or often. */
  enter(key: Key): Disposable {
    const { all, each } = this.#options;
    if (each !== undefined && this.usedBy(key) >= each.max) throw each.refusal();
    if (all !== undefined && this.#all >= all.max) throw all.refusal();
    return this.join(key);
  }

  /** Counted, and never refused: for what is under way already. */
  join(key: Key): Disposable {
    this.#all++;
    this.#inside.set(key, this.usedBy(key) + 1);
    let isInside = true;
    return {
      [Symbol.dispose]: () => {
        if (!isInside) return;
        isInside = false;
        this.#all--;
        const left = this.usedBy(key) - 1;
        if (left > 0) this.#inside.set(key, left);
        else this.#inside.delete(key);
      },
    };
  }
}
