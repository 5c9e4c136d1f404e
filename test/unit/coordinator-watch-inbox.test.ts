import { expect, test } from "vitest";
import type { InboxListener } from "../../party/coordinator-link/link.ts";
import { watchInbox } from "../../party/coordinator-link/watch-inbox.ts";
import type { InboxPosition, Wake } from "../../proto/codec/coordinator.ts";
import { EntenteError } from "../../proto/errors.ts";
import { partyId, type RelayId } from "../../proto/ids.ts";

const FIRST_RUN = "00000000000000a1";
/** For an inbox to open. */
const OPENING_MS = 10_000;

/** A link whose inbox opens as told, and timers that run when told. */
function makeWorld() {
  const listeners: InboxListener[] = [];
  const pauses: number[] = [];
  const outcomes: (EntenteError | undefined)[] = [];
  const states: string[] = [];
  const woken: string[] = [];
  const positions: (InboxPosition | undefined)[] = [];
  /** Of the coordinator's processes, one for each opening. */
  const runs: string[] = [];
  let isStuck = false;
  let run: (() => void) | undefined;
  let opening: (() => void) | undefined;
  let closed = 0;
  const stop = watchInbox(
    {
      async openInbox(listener, position) {
        positions.push(position);
        const error = outcomes.shift();
        if (error !== undefined) throw error;
        listeners.push(listener);
        if (isStuck) await new Promise(() => undefined);
        return { run: runs.shift() ?? FIRST_RUN, close: () => closed++ };
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
          if (delayMs === OPENING_MS) {
            opening = work;
            return () => {
              opening = undefined;
            };
          }
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
  return {
    ...{ listeners, pauses, outcomes, states, woken, positions, runs, stop, settle, pass, closed: () => closed },
    stick: () => {
      isStuck = true;
    },
    expire: () => opening?.(),
  };
}

const wake = (relayId: string, number = 1): Wake => ({
  number,
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
  expect(world.pauses).toEqual([250, 500, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000]);
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

test("it says what has come, and in which run of the coordinator", async () => {
  const world = makeWorld();
  await world.settle();
  const unreachable = new EntenteError("COORDINATOR_UNREACHABLE");
  world.listeners[0]?.onWake(wake("a", 7));
  world.listeners[0]?.onEnd(unreachable);
  world.runs.push("00000000000000b2");
  await world.pass();
  world.listeners[1]?.onEnd(unreachable);
  await world.pass();
  expect(world.positions).toEqual([
    undefined,
    { run: FIRST_RUN, after: 7 },
    // Another process: it numbers anew.
    { run: "00000000000000b2", after: 0 },
  ]);
});

test("an opening that the coordinator does not answer is given up and tried again; what it says then is too late", async () => {
  const world = makeWorld();
  world.stick();
  world.listeners[0]?.onEnd(new EntenteError("COORDINATOR_UNREACHABLE"));
  await world.settle();
  await world.pass();
  world.expire();
  expect(world.states.at(-1)).toBe("lost COORDINATOR_UNREACHABLE");
  await world.pass();
  world.listeners[1]?.onWake(wake("late"));
  world.listeners[1]?.onEnd(new EntenteError("CERTIFICATE_REFUSED"));
  expect(world.woken).toEqual([]);
  expect(world.states.at(-1)).toBe("lost COORDINATOR_UNREACHABLE");
  expect(world.listeners).toHaveLength(3);
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
