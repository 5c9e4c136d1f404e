/** Timers whose long waits end when a test says so, and whose pauses are short: deadlines without the waiting. */
import { nodePorts } from "../../proto/ports/node.ts";
import type { Timers } from "../../proto/ports/ports.ts";

/** What is longer waits for somebody else, and is held. */
const HELD_FROM_MS = 20_000;
/** Of pauses between tries. */
const LONGEST_PAUSE_MS = 20;

export class HeldTimers implements Timers {
  readonly #held = new Set<() => void>();

  after(delayMs: number, run: () => void): () => void {
    if (delayMs < HELD_FROM_MS) return nodePorts.timers.after(Math.min(delayMs, LONGEST_PAUSE_MS), run);
    const wait = () => run();
    this.#held.add(wait);
    return () => void this.#held.delete(wait);
  }

  /** All that wait now have waited long enough. */
  fire(): void {
    for (const wait of [...this.#held]) {
      this.#held.delete(wait);
      wait();
    }
  }
}
