import "../simulation/memo.ts";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Logbook } from "../../party/evidence/logbook.ts";
import type { Store } from "../../party/store/store.ts";
import { type Base, makeBase } from "../simulation/base.ts";
import { MARK, personOf } from "../simulation/data.ts";
import { CALM } from "../simulation/network.ts";
import { planOf, type SeedPlan } from "../simulation/plan.ts";
import { type RunOptions, runSeed } from "../simulation/run.ts";
import { Scheduler, Stalled } from "../simulation/scheduler.ts";
import { simulate } from "../simulation/simulate.ts";

let base: Base;

beforeAll(async () => {
  base = await makeBase(false);
});

afterEach(() => vi.restoreAllMocks());

const people = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => personOf(from + i));

/** Nothing goes wrong, and six people are on both lists. */
function calmPlan(seed: number): SeedPlan {
  const none = new Map();
  return {
    ...planOf(seed, { tls: false }),
    lists: { bank: people(0, 10), bureau: people(4, 12) },
    disk: { bank: none, bureau: none, coordinator: none },
    ...{ jobs: 1, kills: [], cuts: [], clockJumps: [], revocation: undefined, network: CALM },
  };
}

async function problemsWith(plan: SeedPlan, spoil?: RunOptions["spoil"]): Promise<string> {
  return (await runSeed(plan, { base, ...(spoil && { spoil }) })).problems.join("\n");
}

/** A store whose method does what `instead` says. */
function withMethod<K extends keyof Store>(store: Store, name: K, instead: Store[K]): Store {
  return new Proxy(store, { get: (target, key) => (key === name ? instead : Reflect.get(target, key)) });
}

describe("a seed decides its run", () => {
  test("here, again, and in another thread", async () => {
    for (const seed of [3, 7]) {
      const first = await runSeed(planOf(seed, { tls: false }), { base });
      const again = await runSeed(planOf(seed, { tls: false }), { base });
      expect(again.trace).toBe(first.trace);
      expect(again.events).toBe(first.events);
    }
    const traceIn = async (threads: number) => {
      const traces: string[] = [];
      await simulate({ from: 7, seeds: 1, tls: false, threads }, ({ trace }) => void traces.push(trace));
      return traces;
    };
    expect(await traceIn(2)).toEqual([(await runSeed(planOf(7, { tls: false }), { base })).trace]);
  });

  test("and seeds differ in what goes wrong", () => {
    const plans = Array.from({ length: 50 }, (_, seed) => planOf(seed, { tls: false }));
    expect(new Set(plans.map((plan) => JSON.stringify([plan.lists, plan.kills, plan.network]))).size).toBe(50);
    expect(plans.some(({ disk }) => disk.bank.size > 0)).toBe(true);
    expect(plans.some(({ kills }) => kills.length > 0)).toBe(true);
  });
});

describe("a simulation sees", () => {
  test("nothing wrong where nothing goes wrong", async () => {
    const { problems, outcomes } = await runSeed(calmPlan(1), { base });
    expect(problems).toEqual([]);
    expect(outcomes).toEqual(["done"]);
  });

  test("a store that loses what it has acknowledged", async () => {
    const problems = await problemsWith(calmPlan(1), (machinery, { name }) => {
      if (name !== "bank") return machinery;
      const openStore: typeof machinery.openStore = async (...args) =>
        withMethod((await machinery.openStore?.(...args)) as Store, "putTags", async () => true);
      return { ...machinery, openStore };
    });
    expect(problems).toContain("0 tags where 6 people are on both lists");
  });

  test("a key that is released before its entry is in the log", async () => {
    const { record } = Logbook.prototype;
    vi.spyOn(Logbook.prototype, "record").mockImplementation(async function (this: Logbook, ...args) {
      if (args[1] !== "gate-key-released") await record.apply(this, args);
    });
    expect(await problemsWith(calmPlan(1))).toContain("bureau is done without its release");
  });

  test("a person who is on both lists and gets no tag", async () => {
    const problems = await problemsWith(calmPlan(1), (machinery, { name }) => {
      const { startWorker } = machinery;
      if (name !== "bank" || startWorker === undefined) return machinery;
      const losing = () => {
        const worker = startWorker();
        const run: typeof worker.run = async (task, io) => {
          const output = await worker.run(task, io);
          return task.kind === "open" && "rows" in output ? { ...output, rows: output.rows.slice(1) } : output;
        };
        return { run, close: () => worker.close() };
      };
      return { ...machinery, startWorker: losing };
    });
    expect(problems).toContain("5 tags where 6 people are on both lists");
  });

  test("an id in a log line, and a rejection that nobody handles", async () => {
    const problems = await problemsWith(calmPlan(1), (machinery, { name, ports }) => {
      if (name !== "bank") return machinery;
      const openStore: typeof machinery.openStore = async (...args) => {
        const store = (await machinery.openStore?.(...args)) as Store;
        return withMethod(store, "putTags", async () => {
          ports.timers.after(0, () => void Promise.reject(new Error("nobody's")));
          throw Object.assign(new Error(), { code: `${MARK}0001` });
        });
      };
      return { ...machinery, openStore };
    });
    expect(problems).toContain("an id is logged");
    expect(problems).toContain("unhandled rejection: Error: nobody's");
  });
});

test("what never ends is a failure of its own", async () => {
  const scheduler = new Scheduler({ turns: 1, startMs: 0 });
  await expect(scheduler.run(() => false, 1_000)).rejects.toThrow(Stalled);
  const tick = () => void scheduler.after(10, "tick", tick);
  tick();
  await expect(scheduler.run(() => false, 1_000)).rejects.toThrow("not over at 1 s");
});
