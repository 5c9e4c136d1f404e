import { expect, test } from "vitest";
import { pauseMs } from "../../party/jobs/back-off.ts";

test("pauses double up to a minute, and no two nodes are in step", () => {
  expect([1, 2, 3, 7, 8, 10_000].map((tries) => pauseMs(tries, 127.5))).toEqual([1e3, 2e3, 4e3, 6e4, 6e4, 6e4]);
  expect([pauseMs(1, 0), pauseMs(1, 255)]).toEqual([750, 1250]);
  expect(pauseMs(20, 255)).toBe(75_000);
});
