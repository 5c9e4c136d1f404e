import fc from "fast-check";
import { expect, test } from "vitest";
import { Turns } from "../../party/turns.ts";
import { EntenteError } from "../../proto/errors.ts";

const pause = (ms: number) => new Promise((go) => setTimeout(go, ms));

test("work for one key never overlaps and keeps its order; other keys do not wait for it", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ key: fc.constantFrom("a", "b"), pauses: fc.nat(2), fails: fc.boolean() }), {
        maxLength: 12,
      }),
      async (jobs) => {
        const turns = new Turns<string>();
        const running = new Map<string, number>();
        const order: string[] = [];
        const outcomes = await Promise.allSettled(
          jobs.map(({ key, pauses, fails }, i) =>
            turns.take(key, async () => {
              expect(running.get(key) ?? 0).toBe(0);
              running.set(key, 1);
              for (let n = 0; n < pauses; n++) await null;
              running.set(key, 0);
              order.push(`${key}${i}`);
              if (fails) throw new Error(`${i}`);
              return i;
            }),
          ),
        );
        for (const key of ["a", "b"]) {
          const asked = jobs.flatMap((job, i) => (job.key === key ? [`${key}${i}`] : []));
          expect(order.filter((name) => name.startsWith(key))).toEqual(asked);
        }
        expect(outcomes.map(({ status }) => status === "rejected")).toEqual(jobs.map(({ fails }) => fails));
      },
    ),
    { numRuns: 50 },
  );
});

test("one key's long work holds up nobody else", async () => {
  const turns = new Turns<string>();
  let finish = () => {};
  const long = turns.take("a", () => new Promise<void>((go) => (finish = go)));
  expect(await turns.take("b", async () => "done")).toBe("done");
  let isSecond = false;
  const second = turns.take("a", async () => {
    isSecond = true;
  });
  await pause(5);
  expect(isSecond).toBe(false);
  finish();
  await Promise.all([long, second]);
  expect(isSecond).toBe(true);
});

test("more than may wait under a key are turned away and not run, and others come when one has gone", async () => {
  const turns = new Turns<string>({ max: 2, refusal: () => new EntenteError("OVERLOADED") });
  const first = Promise.withResolvers<number>();
  const ran = [turns.take("a", () => first.promise), turns.take("a", async () => 2)];
  await expect(turns.take("a", () => expect.unreachable())).rejects.toMatchObject({ code: "OVERLOADED" });
  expect(await turns.take("b", async () => 3)).toBe(3);
  first.resolve(1);
  expect(await Promise.all(ran)).toEqual([1, 2]);
  expect(await turns.take("a", async () => 4)).toBe(4);
  expect(turns.isFree("a")).toBe(true);
});
