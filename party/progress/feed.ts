/**
 * What happens to a long piece of work, for any number of readers of any speed. A reader asks for what is newer than what it has
 * seen; nothing is queued for it. Of each step the feed keeps the newest entry only, so that a slow reader misses steps'
 * middles and never their order, and costs nothing.
 */

export interface FeedEntry<T> {
  /** Grows by one with each entry of a feed. */
  readonly number: number;
  readonly value: T;
}

/** Steps that a reader who comes late, or comes back, is told of. */
const MAX_KEPT = 32;

interface Kept<T> extends FeedEntry<T> {
  readonly key: string;
}

export class Feed<T> {
  readonly #epoch: string;
  #kept: Kept<T>[] = [];
  #last = 0;
  #isClosed = false;
  readonly #waiting = new Set<() => void>();

  /** `epoch`: tells the ids of this feed from those of another in its place, as after a restart; letters and digits. */
  constructor(epoch = "0") {
    this.#epoch = epoch;
  }

  /** Takes the place of the newest entry when that has the same key. */
  push(key: string, value: T): void {
    if (this.#isClosed) return;
    if (this.#kept.at(-1)?.key === key) this.#kept.pop();
    this.#kept.push({ key, value, number: ++this.#last });
    if (this.#kept.length > MAX_KEPT) this.#kept.shift();
    this.#wake();
  }

  /** Nothing more will come. */
  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Number of the newest entry, 0 before the first. */
  get last(): number {
    return this.#last;
  }

  /** What a reader names an entry by. */
  idOf(number: number): string {
    return `${this.#epoch}-${number}`;
  }

  /** Undefined when it is no id of this feed. */
  numberOf(id: string | undefined): number | undefined {
    const [, epoch, digits] = /^([0-9a-z]{1,16})-(\d{1,15})$/.exec(id ?? "") ?? [];
    const number = Number(digits);
    return epoch === this.#epoch && number <= this.#last ? number : undefined;
  }

  /** Entries after `number`, oldest first. */
  since(number: number): readonly FeedEntry<T>[] {
    return this.#kept.filter((entry) => entry.number > number);
  }

  /** Resolves when there is an entry after `number`, when the feed is closed, or when `signal` is aborted. */
  newerThan(number: number, signal: AbortSignal): Promise<void> {
    if (this.#last > number || this.#isClosed || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener("abort", done);
    });
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }
}
