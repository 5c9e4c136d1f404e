/** The room of a disk, of which some is kept for what has begun: below that nothing new begins, and it passes by itself. */
import type { EntenteError } from "../errors.ts";
import type { Clock, Files } from "../ports/ports.ts";

/** The system is asked as often at most. */
const FRESH_MS = 500;

export interface DiskRoomOptions {
  readonly files: Pick<Files, "freeBytes">;
  /** On that disk. */
  readonly folder: string;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly keptBytes: number;
  readonly refusal: () => EntenteError;
}

export class DiskRoom {
  readonly #options: DiskRoomOptions;
  #last: { readonly atMs: number; readonly freeBytes: number } | undefined;

  constructor(options: DiskRoomOptions) {
    this.#options = options;
  }

  /** What an ordinary user may still write, as of less than a second ago. Infinite where the system does not say. */
  async freeBytes(): Promise<number> {
    const { files, folder, clock } = this.#options;
    const atMs = clock.monotonicMs();
    if (this.#last === undefined || atMs - this.#last.atMs >= FRESH_MS) {
      const freeBytes = await files.freeBytes(folder).catch(() => Number.POSITIVE_INFINITY);
      this.#last = { atMs, freeBytes };
    }
    return this.#last.freeBytes;
  }

  /** Why nothing new may begin; undefined when it may. */
  async trouble(): Promise<EntenteError | undefined> {
    const { keptBytes, refusal } = this.#options;
    return (await this.freeBytes()) < keptBytes ? refusal() : undefined;
  }

  /** Before new work. Throws DISK_FULL. */
  async require(): Promise<void> {
    const trouble = await this.trouble();
    if (trouble !== undefined) throw trouble;
  }
}
