/**
 * A node that was asked to stop: it takes no new work, and ends no job. What runs is finished up to its next partition, or left as
 * it stands; what is persisted of it goes on at the next start.
 */
import { EntenteError } from "../../proto/errors.ts";

export class Stopping {
  #isRequested = false;

  get isRequested(): boolean {
    return this.#isRequested;
  }

  /** For good. */
  request(): void {
    this.#isRequested = true;
  }

  /** Throws NODE_STOPPING. Called before anything begins that a stop would have to wait for. */
  requireRunning(): void {
    if (this.#isRequested) throw new EntenteError("NODE_STOPPING");
  }
}
