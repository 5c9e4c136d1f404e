/** Pauses between tries: each twice as long as the one before, up to a bound, and each a little different. */
import type { Random } from "../proto/ports/ports.ts";

export interface BackOffOptions {
  readonly random: Random;
  readonly firstMs: number;
  readonly maxMs: number;
}

export class BackOff {
  readonly #options: BackOffOptions;
  #pauseMs: number;

  constructor(options: BackOffOptions) {
    this.#options = options;
    this.#pauseMs = options.firstMs;
  }

  /** Up to a quarter more than the pause that is due, so that all who lost the same thing do not come at once. */
  nextMs(): number {
    const { random, maxMs } = this.#options;
    const spread = 1 + (random.bytes(1)[0] ?? 0) / 1_024;
    const dueMs = this.#pauseMs;
    this.#pauseMs = Math.min(2 * dueMs, maxMs);
    return dueMs * spread;
  }

  /** It worked: the next pause is the first again. */
  reset(): void {
    this.#pauseMs = this.#options.firstMs;
  }
}
