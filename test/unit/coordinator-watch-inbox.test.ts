import { expect, test } from "vitest";
import type { InboxListener } from "../../party/coordinator-link/link.ts";
import { watchInbox } from "../../party/coordinator-link/watch-inbox.ts";
import type { Wake } from "../../proto/codec/coordinator.ts";
import { EntenteError } from "../../proto/errors.ts";
import { partyId, type RelayId } from "../../proto/ids.ts";

/** A link whose inbox opens as told, and timers that run when told. */
function makeWorld() {
  const listeners: InboxListener[] = [];
  const pauses: number[] = [];
  const outcomes: (EntenteError | undefined)[] = [];
  const states: string[] = [];
  const woken: string[] = [];
  let run: (() => void) | undefined;
  let closed = 0;
  const stop = watchInbox(
    {
      async openInbox(listener) {
        const error = outcomes.shift();
        if (error !== undefined) throw error;
        listeners.push(listener);
        return { close: () => closed++ };
      },
    },
    {
      onWake: (wake) => woken.push(wake.relayId),
      onState: (state, error) => states.push(error === undefined ? state : `${state} ${error.code}`),
    },
    {
      random: { bytes: (length) => new Uint8Array(length) },
      timers: {
        after(delayMs, work) {
          pauses.push(delayMs);
          run = work;
          return () => {
            run = undefined;
          };
        },
      },
    },
  );
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const pass = async () => {
    const work = run;
    run = undefined;
    work?.();
    await settle();
  };
  return { listeners, pauses, outcomes, states, woken, stop, settle, pass, closed: () => closed };
}

const wake = (relayId: string): Wake => ({
  relayId: relayId as RelayId,
  from: partyId("bank"),
  purpose: { kind: "control" },
  expiresInSeconds: 60,
});

test("it opens again after every loss, with growing pauses, and starts anew after success", async () => {
  const world = makeWorld();
  await world.settle();
  const unreachable = new EntenteError("COORDINATOR_UNREACHABLE");
  world.outcomes.push(...Array.from({ length: 8 }, () => unreachable));
  world.listeners[0]?.onEnd(unreachable);
  for (let i = 0; i < 9; i++) await world.pass();
  expect(world.pauses).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  expect(world.states).toEqual(["open", ...Array(9).fill("lost COORDINATOR_UNREACHABLE"), "open"]);
  world.listeners[1]?.onEnd(unreachable);
  expect(world.pauses.at(-1)).toBe(250);
});

test("a wake that comes again is handed on once", async () => {
  const world = makeWorld();
  await world.settle();
  world.listeners[0]?.onWake(wake("a"));
  world.listeners[0]?.onEnd(new EntenteError("COORDINATOR_UNREACHABLE"));
  await world.pass();
  for (const id of ["a", "b", "b"]) world.listeners[1]?.onWake(wake(id));
  expect(world.woken).toEqual(["a", "b"]);
});

test.each(["CERTIFICATE_REFUSED", "ALREADY_EXISTS"] as const)("it stops for good after %s", async (code) => {
  const world = makeWorld();
  await world.settle();
  world.listeners[0]?.onEnd(new EntenteError(code));
  await world.pass();
  expect(world.states).toEqual(["open", `stopped ${code}`]);
  expect(world.pauses).toEqual([]);
});

test("stopping closes the inbox, or the wait for the next one", async () => {
  const open = makeWorld();
  await open.settle();
  open.stop();
  expect(open.closed()).toBe(1);
  const lost = makeWorld();
  await lost.settle();
  lost.listeners[0]?.onEnd(new EntenteError("COORDINATOR_UNREACHABLE"));
  lost.stop();
  await lost.pass();
  expect(lost.listeners).toHaveLength(1);
});
