/**
 * The time by which agreements expire and budgets come back: the wall clock, but never earlier than it has been before,
 * in this process or an earlier one. Setting a machine's clock back revives nothing. A clock that was set far ahead by
 * mistake stays ahead here until the real time has caught up: that errs on the side of refusing.
 */
import type { Clock } from "../../proto/ports/ports.ts";
import type { Store } from "../store/store.ts";

const SETTING = "steady-clock-ms";
/** How much of the past a stop may forget. */
const KEEP_EVERY_MS = 60_000;

export class SteadyClock {
  readonly #clock: Clock;
  readonly #store: Store;
  #latestMs: number;
  #latestAtMs: number;
  #keptMs: number;

  private constructor(clock: Clock, store: Store, keptMs: number) {
    this.#clock = clock;
    this.#store = store;
    this.#latestMs = keptMs;
    this.#latestAtMs = clock.monotonicMs();
    this.#keptMs = keptMs;
  }

  static async open(clock: Clock, store: Store): Promise<SteadyClock> {
    const kept = Number((await store.setting(SETTING)) ?? 0);
    return new SteadyClock(clock, store, Number.isSafeInteger(kept) ? kept : 0);
  }

  /** Milliseconds since 1970. Advances at least as the monotonic clock does. */
  nowMs(): number {
    const at = this.#clock.monotonicMs();
    this.#latestMs = Math.max(this.#clock.nowMs(), Math.floor(this.#latestMs + at - this.#latestAtMs));
    this.#latestAtMs = at;
    return this.#latestMs;
  }

  now(): string {
    return new Date(this.nowMs()).toISOString();
  }

  /** Before something is decided by the time: what is told here holds after a restart, to the minute. */
  async keep(): Promise<number> {
    const nowMs = this.nowMs();
    if (nowMs >= this.#keptMs + KEEP_EVERY_MS) {
      await this.#store.putSetting(SETTING, String(nowMs));
      this.#keptMs = nowMs;
    }
    return nowMs;
  }
}
