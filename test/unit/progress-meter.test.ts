import { describe, expect, test } from "vitest";
import { Meter, metered, type ProgressReport, WAITING } from "../../party/progress/meter.ts";
import type { Progress, ProgressStep } from "../../proto/http/progress.ts";

/** A meter whose time passes when a test says so. */
class Timed {
  nowMs = 5_000;
  rss = 123_400_000;
  rssReads = 0;
  readonly clock = { nowMs: () => Date.parse("2026-11-01T00:00:00.000Z") + this.nowMs, monotonicMs: () => this.nowMs };
  readonly meter = new Meter(this.clock, () => {
    this.rssReads++;
    return this.rss;
  });

  /** `rate` rows a second for `seconds`, reported ten times a second. */
  run(from: number, rate: number, seconds: number, total: number | null = 1_000_000): number {
    let done = from;
    for (let tenth = 0; tenth < seconds * 10; tenth++) {
      this.nowMs += 100;
      done += rate / 10;
      this.report(done, total);
    }
    return done;
  }

  report(done: number, total: number | null = 1_000_000, step: ProgressStep = "reading-rows"): void {
    this.meter.report({ step, done, total, unit: "rows" });
  }

  read(): Progress {
    return this.meter.read() as Progress;
  }
}

describe("rate and time left", () => {
  test("are unknown before two seconds and before anything has moved, however much was done at once", () => {
    const timed = new Timed();
    expect(timed.meter.read()).toBeUndefined();
    timed.report(0);
    timed.run(0, 100_000, 1.9);
    expect(timed.read()).toMatchObject({ done: 190_000, rate: null, secondsLeft: null });
    timed.run(190_000, 100_000, 0.1);
    expect(Math.abs((timed.read().rate as number) - 100_000)).toBeLessThan(1_000);
    const idle = new Timed();
    idle.report(0);
    idle.nowMs += 60_000;
    expect(idle.read()).toMatchObject({ rate: null, secondsLeft: null });
  });

  test("are right at a steady rate, from the first time that they are said", () => {
    const timed = new Timed();
    timed.report(0);
    for (let done = timed.run(0, 10_000, 2); done < 900_000; done = timed.run(done, 10_000, 1)) {
      const { rate, secondsLeft } = timed.read();
      expect(rate).toBeGreaterThan(9_800);
      expect(rate).toBeLessThan(10_200);
      expect(Math.abs((secondsLeft as number) - (1_000_000 - done) / 10_000)).toBeLessThan(2.1);
    }
  });

  test("follow a change within some seconds, and a burst does not make them jump", () => {
    const timed = new Timed();
    timed.report(0);
    let done = timed.run(0, 10_000, 30);
    done = timed.run(done, 50_000, 0.5);
    expect(timed.read().rate).toBeLessThan(14_000);
    done = timed.run(done, 1_000, 40);
    expect(timed.read().rate).toBeLessThan(1_200);
    expect(timed.read().rate).toBeGreaterThan(990);
  });

  test("do not stand still when the work does: the time left grows, and in the end nothing is said", () => {
    const timed = new Timed();
    timed.report(0);
    timed.run(0, 10_000, 10);
    const before = timed.read();
    timed.nowMs += 5_000;
    const stalled = timed.read();
    expect(stalled.rate).toBeLessThan((before.rate as number) * 0.7);
    expect(stalled.secondsLeft).toBeGreaterThan((before.secondsLeft as number) * 1.4);
    timed.nowMs += 25_000;
    expect(timed.read().secondsLeft).toBeNull();
    // A report that brings nothing is no sign of life.
    timed.report(100_000);
    expect(timed.read().secondsLeft).toBeNull();
    timed.run(100_000, 10_000, 1);
    expect(timed.read().secondsLeft).toBeGreaterThan(90);
  });

  test("leave out what was done before the step was looked at", () => {
    const timed = new Timed();
    timed.report(900_000);
    timed.run(900_000, 1_000, 10);
    expect(timed.read().rate).toBeLessThan(1_100);
  });

  test("nothing is left of what is done; nothing is said where the total is unknown or the step only waits", () => {
    const timed = new Timed();
    timed.report(0, 10_000);
    timed.run(0, 1_000, 10, 10_000);
    expect(timed.read()).toMatchObject({ done: 10_000, secondsLeft: 0 });
    timed.run(10_000, 1_000, 10, null);
    expect(timed.read().rate).toBeGreaterThan(900);
    expect(timed.read().secondsLeft).toBeNull();
    timed.meter.report({ step: "waiting-to-retry", ...WAITING });
    timed.nowMs += 10_000;
    expect(timed.read()).toMatchObject({ step: "waiting-to-retry", rate: null, secondsLeft: null, total: null });
  });
});

test("another step begins anew, and so does one that is taken up again from further back", () => {
  const timed = new Timed();
  timed.report(0);
  timed.run(0, 10_000, 10);
  const { startedAt } = timed.read();
  timed.report(0, 50, "opening-result");
  expect(timed.read()).toMatchObject({ step: "opening-result", done: 0, total: 50, rate: null });
  expect(Date.parse(timed.read().startedAt) - Date.parse(startedAt)).toBe(10_000);
  timed.report(40, 50, "opening-result");
  timed.nowMs += 3_000;
  timed.report(10, 50, "opening-result");
  expect(timed.read()).toMatchObject({ done: 10, rate: null });
});

test("memory is the process's, and is not asked for with each report", () => {
  const timed = new Timed();
  const told: Progress[] = [];
  timed.report(0);
  for (let i = 0; i < 100; i++) expect(timed.read().rssMB).toBe(123);
  expect(timed.rssReads).toBe(1);
  timed.rss = 250_000_000;
  timed.nowMs += 1_000;
  expect(timed.read().rssMB).toBe(250);
  const report: ProgressReport = { step: "reading-rows", done: 1, total: 2, unit: "rows" };
  metered(timed.clock, (progress) => told.push(progress))(report);
  expect(told).toMatchObject([report]);
});
