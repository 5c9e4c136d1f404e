/** Timers whose waits end when a test says so: deadlines and pauses without the waiting. */
import { nodePorts } from "../../proto/ports/node.ts";
import type { Timers } from "../../proto/ports/ports.ts";

/** What is longer waits for somebody else, and never ends by itself. */
const DEADLINE_FROM_MS = 9_000;

export class HeldTimers implements Timers {
  readonly #deadlines = new Set<() => void>();
  readonly #pauses = new Set<() => void>();

  after(delayMs: number, run: () => void): () => void {
    const isDeadline = delayMs >= DEADLINE_FROM_MS;
    const held = isDeadline ? this.#deadlines : this.#pauses;
    const end = () => {
      stop();
      run();
    };
    const cancel = isDeadline ? () => undefined : nodePorts.timers.after(delayMs, end);
    const stop = () => {
      cancel();
      held.delete(end);
    };
    held.add(end);
    return stop;
  }

  /** All pauses that run now are over. */
  hurry(): void {
    for (const end of [...this.#pauses]) end();
  }

  /** All deadlines that run now have passed. */
  fire(): void {
    for (const end of [...this.#deadlines]) end();
  }
}
