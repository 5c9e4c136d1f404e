/** How much is in use at once, in all and for each of those who ask: who wants more than there is, is refused; who is in stays. */
import type { EntenteError } from "../errors.ts";

export interface GateBound {
  readonly max: number;
  readonly refusal: () => EntenteError;
}

export interface GateOptions {
  readonly all?: GateBound;
  readonly each?: GateBound;
}

/** What somebody has; left by disposing, once or often. */
export interface Place extends Disposable {
  /** Takes more. Throws the refusal, and then has what it had. */
  grow(amount: number): void;
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

  /** Throws the refusal of the bound that is reached, the own one first. */
  enter(key: Key, amount = 1): Place {
    this.#require(key, amount);
    return this.join(key, amount);
  }

  /** Undefined instead of the refusal. */
  tryEnter(key: Key): Place | undefined {
    try {
      return this.enter(key);
    } catch {
      return undefined;
    }
  }

  /** Counted, and never refused: for what is under way already. */
  join(key: Key, amount = 1): Place {
    let held = amount;
    this.#change(key, amount);
    return {
      grow: (more) => {
        this.#require(key, more);
        this.#change(key, more);
        held += more;
      },
      [Symbol.dispose]: () => {
        this.#change(key, -held);
        held = 0;
      },
    };
  }

  #require(key: Key, amount: number): void {
    const { all, each } = this.#options;
    if (each !== undefined && this.usedBy(key) + amount > each.max) throw each.refusal();
    if (all !== undefined && this.#all + amount > all.max) throw all.refusal();
  }

  #change(key: Key, by: number): void {
    this.#all += by;
    const left = this.usedBy(key) + by;
    if (left > 0) this.#inside.set(key, left);
    else this.#inside.delete(key);
  }
}
