/** Rate and time left of a long piece of work. Says nothing rather than something wrong. */
import { type Progress, type ProgressUnit, type ProgressWhere, stepKey } from "../../proto/http/progress.ts";
import type { Clock } from "../../proto/ports/ports.ts";

/** Where the work stands, as it knows itself. Another step, partition or file than before begins anew. */
export interface ProgressReport extends ProgressWhere {
  readonly done: number;
  readonly total: number | null;
  readonly unit: ProgressUnit;
}

/** Of a step that only waits: nobody knows how long. */
export const WAITING = { done: 0, total: null, unit: "steps" } as const;

/** Nothing is said of rate and time left before a step has run so long and moved. */
const MIN_DATA_MS = 2_000;
/** What lies so far back counts 1/e of what is now: long enough to be steady, short enough to follow a change. */
const MEMORY_MS = 8_000;
/** Work that has not moved for so long may never again: no time left is said then. */
const STALL_MS = 30_000;
/** Reading it costs a system call. */
const RSS_EVERY_MS = 250;

interface Step extends ProgressReport {
  readonly startedAt: string;
  readonly startedMs: number;
  /** Of the first report: done before the step was looked at, by an earlier attempt for instance. */
  readonly doneBefore: number;
  movedMs: number;
  /** Sums of units and of milliseconds, both fading with MEMORY_MS: their quotient is the rate. */
  units: number;
  elapsedMs: number;
  summedMs: number;
}

export class Meter {
  readonly #clock: Clock;
  readonly #rssBytes: () => number;
  #step: Step | undefined;
  #rss = 0;
  #rssReadMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, rssBytes: () => number = process.memoryUsage.rss) {
    this.#clock = clock;
    this.#rssBytes = rssBytes;
  }

  report(report: ProgressReport): void {
    const nowMs = this.#clock.monotonicMs();
    const step = this.#step;
    if (step === undefined || stepKey(step) !== stepKey(report) || report.done < step.done) {
      this.#step = {
        ...report,
        startedAt: new Date(this.#clock.nowMs()).toISOString(),
        startedMs: nowMs,
        doneBefore: report.done,
        movedMs: nowMs,
        units: 0,
        elapsedMs: 0,
        summedMs: nowMs,
      };
      return;
    }
    const moved = report.done - step.done;
    const faded = fade(step, nowMs);
    this.#step = {
      ...step,
      ...report,
      units: faded.units + moved,
      elapsedMs: faded.elapsedMs,
      summedMs: nowMs,
      movedMs: moved > 0 ? nowMs : step.movedMs,
    };
  }

  /** As of now; undefined before the first report. */
  read(): Progress | undefined {
    const step = this.#step;
    if (step === undefined) return undefined;
    const nowMs = this.#clock.monotonicMs();
    const { done, total, unit, startedAt, partition, file } = step;
    const rate = this.#rate(step, nowMs);
    return {
      ...{ step: step.step, ...(partition && { partition }), ...(file !== undefined && { file }) },
      ...{ done, total, unit, startedAt, rate },
      secondsLeft: secondsLeft(step, rate, nowMs),
      rssMB: this.#rssMb(nowMs),
    };
  }

  #rate(step: Step, nowMs: number): number | null {
    if (nowMs - step.startedMs < MIN_DATA_MS || step.done === step.doneBefore) return null;
    const { units, elapsedMs } = fade(step, nowMs);
    return (units / elapsedMs) * 1000;
  }

  #rssMb(nowMs: number): number {
    if (nowMs - this.#rssReadMs >= RSS_EVERY_MS) {
      this.#rss = Math.round(this.#rssBytes() / 1e6);
      this.#rssReadMs = nowMs;
    }
    return this.#rss;
  }
}

/** Exponentially weighted, by time and not by report: reports come in bursts. Units and time fade alike, so that the quotient is
 * right from the first second on. */
function fade({ units, elapsedMs, summedMs }: Step, nowMs: number): { units: number; elapsedMs: number } {
  const passedMs = nowMs - summedMs;
  const kept = Math.exp(-passedMs / MEMORY_MS);
  // The integral of the fading weight over what has passed since.
  return { units: units * kept, elapsedMs: elapsedMs * kept + MEMORY_MS * (1 - kept) };
}

function secondsLeft({ done, total, movedMs }: Step, rate: number | null, nowMs: number): number | null {
  if (total === null) return null;
  if (done >= total) return 0;
  if (rate === null || rate <= 0 || nowMs - movedMs >= STALL_MS) return null;
  return (total - done) / rate;
}

/** Tells what a meter makes of each report. */
export function metered(clock: Clock, tell: (progress: Progress) => void): (report: ProgressReport) => void {
  const meter = new Meter(clock);
  return (report) => {
    meter.report(report);
    tell(meter.read() as Progress);
  };
}
