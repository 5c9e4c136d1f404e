import { pino } from "pino";
import { beforeEach, describe, expect, test } from "vitest";
import { type Denial, Denials } from "../../party/access/denials.ts";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import type { DenialRecord, Store } from "../../party/store/store.ts";

const START_MS = Date.parse("2026-05-01T10:00:20.500Z");
const MINUTE = "2026-05-01T10:00:00.000Z";
const stranger: Denial = { tokenId: null, person: null, route: null, code: "TOKEN_MISSING" };
const analyst: Denial = { tokenId: "01".repeat(8), person: "Wang Li", route: "signAgreement", code: "NOT_ALLOWED" };

let store: Store;
let writes: (readonly DenialRecord[])[];
let nowMs: number;
let timers: { delayMs: number; run: () => void }[];
let log: string[];
let denials: Denials;

beforeEach(() => {
  store = openSqliteStore(":memory:");
  writes = [];
  const addDenials = store.addDenials.bind(store);
  store.addDenials = (records, maxRecords) => {
    writes.push(records);
    return addDenials(records, maxRecords);
  };
  nowMs = START_MS;
  timers = [];
  const after = (delayMs: number, run: () => void) => {
    const timer = { delayMs, run };
    timers.push(timer);
    return () => {
      timers = timers.filter((pending) => pending !== timer);
    };
  };
  log = [];
  const logger = pino({}, { write: (line: string) => void log.push(line) });
  denials = new Denials({ store, timers: { after }, nowMs: () => nowMs, logger });
});

test("the first of a minute is on disk at once; the rest is counted, and written with the next", async () => {
  for (let i = 0; i < 1000; i++) await denials.record(stranger);
  expect(await store.denials()).toEqual([{ ...stranger, at: MINUTE, count: 1 }]);
  await denials.record(analyst);
  nowMs += 60_000;
  await denials.record(stranger);
  expect(writes).toHaveLength(3);
  expect(await store.denials()).toEqual([
    { ...stranger, at: "2026-05-01T10:01:00.000Z", count: 1 },
    { ...analyst, at: MINUTE, count: 1 },
    { ...stranger, at: MINUTE, count: 1000 },
  ]);
});

test("a flood costs the disk two writes a minute, however long", async () => {
  for (let minute = 0; minute < 10; minute++) {
    for (let i = 0; i < 200; i++) await denials.record(stranger);
    for (const { run } of timers.splice(0)) run();
    nowMs += 60_000;
  }
  expect(writes.length).toBe(20);
  expect((await denials.list()).map(({ count }) => count)).toEqual(Array(10).fill(200));
});

test("when no other comes, a timer writes the count within a minute", async () => {
  for (let i = 0; i < 3; i++) await denials.record(analyst);
  const [first] = timers;
  expect([timers.length, first?.delayMs]).toEqual([1, 60_000]);
  first?.run();
  expect((await store.denials()).map(({ count }) => count)).toEqual([3]);
  await denials.record(analyst);
  expect(timers).toHaveLength(1);
  expect(timers[0]).not.toBe(first);
});

test("list and close write what is counted, once", async () => {
  for (let i = 0; i < 3; i++) await denials.record(analyst);
  expect(await denials.list()).toEqual([{ ...analyst, at: MINUTE, count: 3 }]);
  await denials.record(analyst);
  await denials.close();
  await denials.close();
  expect(timers).toEqual([]);
  expect((await store.denials()).map(({ count }) => count)).toEqual([4]);
});

describe("what differs stands apart", () => {
  test.each<[string, Partial<Denial>]>([
    ["token", { tokenId: "02".repeat(8) }],
    ["route", { route: "startJob" }],
    ["code", { code: "TOKEN_EXPIRED" }],
  ])("%s", async (_, changes) => {
    for (const denial of [analyst, { ...analyst, ...changes }, analyst]) await denials.record(denial);
    expect((await denials.list()).map(({ count }) => count)).toEqual([1, 2]);
  });
});

test("a clock that is set back makes no second record of a minute", async () => {
  for (nowMs of [START_MS, START_MS + 60_000, START_MS]) await denials.record(analyst);
  expect((await denials.list()).map(({ at, count }) => [at, count])).toEqual([
    ["2026-05-01T10:01:00.000Z", 1],
    [MINUTE, 2],
  ]);
});

test("the last 10,000 records are kept", async () => {
  const old = Array.from({ length: 10_000 }, (_, i) => ({ ...stranger, at: `${i}`, count: 1 }));
  await store.addDenials(old, 20_000);
  await denials.record(analyst);
  const kept = await denials.list();
  expect([kept.length, kept[0]?.person, kept.at(-1)?.at]).toEqual([10_000, "Wang Li", "1"]);
});

test("a store that fails is logged, and throws at nobody", async () => {
  store.addDenials = async () => {
    throw new Error("disk full of Wang Li");
  };
  await denials.record(analyst);
  expect(log.map((line) => JSON.parse(line))).toMatchObject([{ level: 50, msg: "denials could not be recorded" }]);
  expect(log.join("")).not.toContain("Wang Li");
});
