/** The open job sessions of this node, of both roles: what must stop is stopped here. */
import type { EntenteError } from "../../proto/errors.ts";
import type { Timers } from "../../proto/ports/ports.ts";
import type { Channel } from "../session/channel.ts";

export class JobChannels {
  readonly #open = new Map<string, Channel>();
  readonly #waiting = new Set<() => void>();

  begin(jobId: string, channel: Channel): void {
    this.#open.set(jobId, channel);
  }

  /** Of that very session: a newer one of the job stays. */
  end(jobId: string, channel: Channel): void {
    if (this.#open.get(jobId) === channel) this.#open.delete(jobId);
    if (this.#open.size === 0) for (const go of [...this.#waiting]) go();
  }

  jobOf(channel: Channel): string | undefined {
    for (const [jobId, open] of this.#open) if (open === channel) return jobId;
    return undefined;
  }

  /** Resolves when there is none, or after so long. */
  untilNone(timeoutMs: number, timers: Timers): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = timers.after(timeoutMs, () => go());
      const go = () => {
        cancel();
        this.#waiting.delete(go);
        resolve();
      };
      this.#waiting.add(go);
    });
  }

  failAll(error: EntenteError): void {
    for (const jobId of [...this.#open.keys()]) this.fail(jobId, error);
  }

  /** Tells the peer the code and closes the session, if there is one. */
  fail(jobId: string, error: EntenteError): void {
    void this.#open.get(jobId)?.fail(error);
  }
}
