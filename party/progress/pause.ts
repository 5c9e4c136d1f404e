/** Waits that end early, for those who tell progress. */
import type { Timers } from "../../proto/ports/ports.ts";

/** Between two events to one reader: what a person can see. */
export const PAUSE_MS = 200;

/** Ends early when `signal` is aborted. */
export async function pause(timers: Timers, delayMs: number, signal: AbortSignal): Promise<void> {
  const never = (either: AbortSignal) =>
    new Promise<void>((done) => {
      if (either.aborted) done();
      else either.addEventListener("abort", () => done());
    });
  await within(timers, delayMs, signal, never);
}

/** Runs `work` with a signal that also ends it after `delayMs`; false when that happened. */
export async function within(
  timers: Timers,
  delayMs: number,
  signal: AbortSignal,
  work: (either: AbortSignal) => Promise<unknown>,
): Promise<boolean> {
  const late = new AbortController();
  const cancel = timers.after(delayMs, () => late.abort());
  try {
    await work(AbortSignal.any([signal, late.signal]));
    return !late.signal.aborted;
  } finally {
    cancel();
  }
}
