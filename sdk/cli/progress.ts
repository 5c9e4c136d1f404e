/** Shows how far a long piece of work is: bars on a terminal, plain lines where there is none, or JSON lines for programs. */
import cliProgress from "cli-progress";
import { type Progress, type ProgressUnit, stepKey } from "../../proto/http/progress.ts";
import { stepText } from "../../proto/http/progress-text.ts";
import { type Output, type ProgressStyle, printable } from "./output.ts";

/** On paper nobody wants a line a second. */
const LINE_EVERY_MS = 10_000;
/** A terminal of 80 columns is to have room for what follows. */
const BAR_COLUMNS = 12;
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const COUNT = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const MEGABYTES = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export class ProgressDisplay {
  readonly #style: ProgressStyle;
  readonly #nowMs: () => number;
  #step: string | undefined;
  #bar: cliProgress.SingleBar | undefined;
  #toldMs = 0;

  constructor(style: ProgressStyle, nowMs: () => number = () => performance.now()) {
    this.#style = style;
    this.#nowMs = nowMs;
  }

  /** `context` goes into the JSON line. */
  show(progress: Progress | null, context: Readonly<Record<string, unknown>> = {}): void {
    if (this.#style === "json")
      process.stdout.write(`${JSON.stringify({ event: "progress", ...context, progress })}\n`);
    if (progress === null) return;
    if (this.#style === "bars") this.#showBar(progress);
    if (this.#style === "lines") this.#showLine(progress);
    this.#step = stepKey(progress);
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  #showLine(progress: Progress): void {
    const isNew = stepKey(progress) !== this.#step;
    if (!isNew && this.#nowMs() - this.#toldMs < LINE_EVERY_MS) return;
    this.#toldMs = this.#nowMs();
    process.stderr.write(`${describeProgress(progress)}\n`);
  }

  #showBar(progress: Progress): void {
    const { done, total } = progress;
    if (this.#bar === undefined || stepKey(progress) !== this.#step) this.#begin(progress);
    // Without a total there is no bar in the format, and its length is nothing's.
    this.#bar?.setTotal(Math.max(1, total ?? done));
    this.#bar?.update(total === 0 ? 1 : done, { what: shortOf(progress) });
  }

  #begin(progress: Progress): void {
    this.stop();
    const { total } = progress;
    const format = `${printable(stepText(progress, "en"))}${total === null ? " ..." : " [{bar}] {percentage}%"} {what}`;
    // The terminal's settings stay as they are, so that an interrupt needs no handler: the library's own would swallow it.
    const untouched = { hideCursor: false, linewrap: true, gracefulExit: false };
    this.#bar = new cliProgress.SingleBar(
      { format, stream: process.stderr, barsize: BAR_COLUMNS, ...untouched },
      cliProgress.Presets.legacy,
    );
    this.#bar.start(Math.max(1, total ?? 1), 0, { what: shortOf(progress) });
  }
}

/** Shows what `work` tells of its progress. */
export async function withProgress<T>(
  output: Output,
  work: (show: (progress: Progress) => void) => Promise<T>,
): Promise<T> {
  const display = new ProgressDisplay(output.progressStyle());
  try {
    return await work((progress) => display.show(progress));
  } finally {
    display.stop();
  }
}

/** In one line, for a person. */
export function describeProgress(progress: Progress): string {
  const what = whatOf(progress);
  return `${printable(stepText(progress, "en"))}${what === "" ? "" : `: ${what}`}`;
}

function whatOf({ done, total, unit, rate, secondsLeft, rssMB }: Progress): string {
  if (unit === "steps" && total === null) return "";
  const amount = total === null ? amountOf(done, unit) : `${amountOf(done, unit)} of ${amountOf(total, unit)}`;
  const parts = [`${amount} ${unit === "bytes" ? "MB" : unit}`];
  if (rate !== null) parts.push(`${rate < 10 && unit !== "bytes" ? rate.toFixed(1) : amountOf(rate, unit)}/s`);
  if (secondsLeft !== null && done !== total) parts.push(`${duration(secondsLeft)} left`);
  return [...parts, `${rssMB} MB of memory`].join(", ");
}

/** Beside a bar, what matters most first: a narrow terminal cuts the rest off. */
function shortOf({ done, total, unit, rate, secondsLeft, rssMB }: Progress): string {
  if (unit === "steps" && total === null) return "";
  const left = secondsLeft === null || done === total ? "" : `${duration(secondsLeft)} left `;
  const speed = rate === null ? "" : `${SHORT.format(rate)}/s `;
  const amount = total === null ? SHORT.format(done) : `${SHORT.format(done)}/${SHORT.format(total)}`;
  return `${left}${speed}${amount} ${unit} ${rssMB} MB`;
}

function amountOf(count: number, unit: ProgressUnit): string {
  return unit === "bytes" ? MEGABYTES.format(count / 1e6) : COUNT.format(count);
}

/** As 25 s, 3 min 20 s, 2 h 5 min. */
export function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
