import type { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { withDeadline } from "../../party/session/carriers.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Timers } from "../../proto/ports/ports.ts";
import { streamPair } from "../support/pair.ts";

/** A timer that only the test lets run out. */
function heldTimers(): Timers & { readonly set: number[]; readonly cancelled: number[]; expire(): void } {
  const set: number[] = [];
  const cancelled: number[] = [];
  let expire = () => {};
  return {
    set,
    cancelled,
    expire: () => expire(),
    after(delayMs, run) {
      set.push(delayMs);
      expire = run;
      return () => void cancelled.push(delayMs);
    },
  };
}

test("a relay at which nobody is paired is a time-out, and a stream that comes too late is destroyed", async () => {
  const timers = heldTimers();
  let pair: (stream: Duplex) => void = () => {};
  const meeting = withDeadline(new Promise((resolve) => (pair = resolve)), timers);
  expect(timers.set).toEqual([90_000]);
  timers.expire();
  await expect(meeting).rejects.toMatchObject({ code: "PEER_TIMEOUT" });
  const [late] = streamPair();
  pair(late);
  await expect.poll(() => late.destroyed).toBe(true);
});

test("one that comes in time is handed on, and the deadline is over", async () => {
  const timers = heldTimers();
  const [stream] = streamPair();
  expect(await withDeadline(Promise.resolve(stream), timers)).toBe(stream);
  expect(timers.cancelled).toEqual([90_000]);
  expect(stream.destroyed).toBe(false);
});

test("what the relay says itself comes first", async () => {
  const timers = heldTimers();
  const refused = Promise.reject(new EntenteError("NOT_FOUND"));
  await expect(withDeadline(refused, timers)).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(timers.cancelled).toEqual([90_000]);
});
