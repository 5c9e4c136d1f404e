/**
 * Virtual time. Whatever happens in a simulation is an event here; between two of them everything that can run without
 * waiting has run. Events of one moment go in the order in which they were made, so a run is decided by its seed alone.
 */
import { createHash, type Hash } from "node:crypto";

const MAX_UNHASHED = 65_536;

interface Event {
  readonly atMs: number;
  readonly number: number;
  readonly label: string;
  run: (() => void) | undefined;
}

/** Turns of the real event loop that an event's consequences get; more than one only where TLS streams take part. */
export interface SchedulerOptions {
  /** With TLS: its stream wrapper hands bytes on in several turns. */
  readonly turns: number;
  /** What time it is at the beginning. */
  readonly startMs: number;
}

/** The world has had its time, or has nothing left to do, and what was waited for did not come. */
export class Stalled extends Error {}

const REAL_WAIT_MS = 10;
const MAX_REAL_WAITS = 500;

export class Scheduler {
  /** Milliseconds since the simulations' epoch. */
  nowMs: number;
  events = 0;
  readonly #turns: number;
  readonly #heap: Event[] = [];
  readonly #trace: Hash = createHash("sha256");
  /** Hashed many lines at a time. */
  #unhashed = "";
  #lines: string[] | undefined;
  #number = 0;

  constructor({ turns, startMs }: SchedulerOptions) {
    this.#turns = turns;
    this.nowMs = startMs;
  }

  /** Keeps what `note` is told, for a person. */
  record(): void {
    this.#lines = [];
  }

  get lines(): readonly string[] {
    return this.#lines ?? [];
  }

  /** Part of the trace. */
  note(what: string): void {
    const line = `${this.nowMs} ${what}\n`;
    this.#unhashed += line;
    if (this.#unhashed.length > MAX_UNHASHED) this.#hash();
    this.#lines?.push(line);
  }

  /** Hex; of everything that happened until now, in its order. */
  traceHash(): string {
    this.#hash();
    return this.#trace.copy().digest("hex");
  }

  #hash(): void {
    this.#trace.update(this.#unhashed);
    this.#unhashed = "";
  }

  /** Runs `run` after `delayMs`; the returned function cancels it. */
  after(delayMs: number, label: string, run: () => void): () => void {
    const event: Event = { atMs: this.nowMs + Math.max(0, delayMs), number: this.#number++, label, run };
    this.#push(event);
    return () => {
      event.run = undefined;
    };
  }

  /** Until `isOver` says so between two events. Throws `Stalled` when virtual time passes `untilMs`, or nothing is left. */
  async run(isOver: () => boolean, untilMs: number): Promise<void> {
    await this.#settle();
    while (!isOver()) {
      const event = this.#pop() ?? (await this.#afterRealWork());
      if (event === undefined) throw new Stalled("nothing is left to happen");
      if (event.run === undefined) continue;
      if (event.atMs > untilMs) throw new Stalled(`not over at ${(untilMs / 1000).toFixed(0)} s`);
      this.nowMs = event.atMs;
      this.events++;
      this.note(event.label);
      event.run();
      await this.#settle();
    }
  }

  /** With TLS: certificates are made on other threads, and a busy machine takes its time for them. */
  async #afterRealWork(): Promise<Event | undefined> {
    for (let waits = 0; this.#turns > 1 && waits < MAX_REAL_WAITS; waits++) {
      await new Promise<void>((resume) => setTimeout(resume, REAL_WAIT_MS));
      const event = this.#pop();
      if (event !== undefined) return event;
    }
    return undefined;
  }

  /** `setImmediate` comes after all microtasks and ticks, so nothing that an event has set off is still to run. */
  async #settle(): Promise<void> {
    for (let turn = 0; turn < this.#turns; turn++) await new Promise<void>((resume) => setImmediate(resume));
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, heap[parent] as Event)) break;
      heap[at] = heap[parent] as Event;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): Event | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++;
      if (!isBefore(heap[child] as Event, last)) break;
      heap[at] = heap[child] as Event;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.number < b.number);
}
