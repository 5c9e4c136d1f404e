import { expect, test } from "vitest";
import { Feed } from "../../party/progress/feed.ts";

const never = new AbortController().signal;

test("a slow reader misses steps' middles, never a step or the order, and costs nothing", () => {
  const feed = new Feed<number>();
  for (let i = 0; i < 100_000; i++) feed.push(`step ${Math.floor(i / 25_000)}`, i);
  expect(feed.since(0)).toEqual([
    { number: 25_000, value: 24_999, key: "step 0" },
    { number: 50_000, value: 49_999, key: "step 1" },
    { number: 75_000, value: 74_999, key: "step 2" },
    { number: 100_000, value: 99_999, key: "step 3" },
  ]);
  expect(feed.since(50_000).map(({ value }) => value)).toEqual([74_999, 99_999]);
  expect(feed.since(feed.last)).toEqual([]);
});

test("so many steps are kept, not more", () => {
  const feed = new Feed<number>();
  for (let i = 0; i < 1_000; i++) feed.push(String(i), i);
  expect(feed.since(0)).toHaveLength(32);
  expect(feed.since(0)[0]?.value).toBe(968);
});

test("readers wait for news, for the end, or until they go", async () => {
  const feed = new Feed<string>();
  const woken: string[] = [];
  const wait = (name: string, signal: AbortSignal = never) =>
    feed.newerThan(feed.last, signal).then(() => woken.push(name));
  const [first, second] = [wait("first"), wait("second")];
  await Promise.resolve();
  expect(woken).toEqual([]);
  feed.push("a", "1");
  await Promise.all([first, second]);
  const gone = new AbortController();
  const third = wait("third", gone.signal);
  gone.abort();
  await third;
  await wait("fourth", gone.signal);
  const last = wait("last");
  feed.close();
  await last;
  await wait("after the end");
  feed.push("b", "2");
  expect(feed.since(0).map(({ value }) => value)).toEqual(["1"]);
  expect(woken).toEqual(["first", "second", "third", "fourth", "last", "after the end"]);
  await feed.newerThan(0, never);
});

test("ids are those of this feed, of entries that there are", () => {
  const feed = new Feed<string>("k3x");
  feed.push("a", "1");
  feed.push("b", "2");
  expect(feed.idOf(2)).toBe("k3x-2");
  expect(
    ["k3x-2", "k3x-0", "k3x-3", "k3y-1", "k3x-", "k3x-1\n", "1", "", undefined].map((id) => feed.numberOf(id)),
  ).toEqual([2, 0, undefined, undefined, undefined, undefined, undefined, undefined, undefined]);
});
