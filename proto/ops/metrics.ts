/**
 * Metrics in the Prometheus text format, in a registry of the process's own. No label ever holds an id, a person or a path: what has a
 * digest for a name is told by its first eight characters.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from "prom-client";

export const PREFIX = "entente_";
const NAMED_CHARACTERS = 8;

/** As much of a digest or a collaboration's id as a label may hold. */
export function shortName(digest: string): string {
  return digest.slice(0, NAMED_CHARACTERS);
}

/** One value of a gauge. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export class Metrics {
  readonly #registry = new Registry();

  /** With what every process tells of itself: build, CPU, memory, event-loop lag. */
  constructor(version: string) {
    collectDefaultMetrics({ register: this.#registry });
    this.gauge("build_info", "Version of entente", ["version"], async () => [{ labels: { version }, value: 1 }]);
  }

  /** Asked at every scrape. What cannot be found out is left out, and the others are told. */
  gauge(name: string, help: string, labelNames: readonly string[], find: () => Promise<readonly Sample[]>): void {
    new Gauge({
      name: `${PREFIX}${name}`,
      help,
      labelNames,
      registers: [this.#registry],
      async collect() {
        this.reset();
        for (const { labels, value } of await find().catch(() => [])) this.set(labels, value);
      },
    });
  }

  counter(name: string, help: string, labelNames: readonly string[]): (labels: Sample["labels"]) => void {
    const counter = new Counter({ name: `${PREFIX}${name}`, help, labelNames, registers: [this.#registry] });
    return (labels) => counter.inc(labels);
  }

  /** Counted elsewhere, and read at every scrape. */
  total(name: string, help: string, labelNames: readonly string[], read: () => readonly Sample[]): void {
    new Counter({
      name: `${PREFIX}${name}`,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const { labels, value } of read()) this.inc(labels, value);
      },
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }
}
