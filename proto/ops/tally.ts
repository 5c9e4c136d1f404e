/** Counts by labels, for metrics to read. */
import type { Sample } from "./metrics.ts";

export class Tally {
  readonly #counts = new Map<string, { readonly labels: Sample["labels"]; value: number }>();

  /** Labels of the same names every time, and of few values. */
  add(labels: Sample["labels"]): void {
    const key = JSON.stringify(labels);
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { labels, value: 1 });
    else known.value++;
  }

  samples(): Sample[] {
    return [...this.#counts.values()].map(({ labels, value }) => ({ labels, value }));
  }
}
