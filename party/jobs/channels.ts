/** The open job sessions of this node, of both roles: what must stop is stopped here. */
import type { EntenteError } from "../../proto/errors.ts";
import type { Channel } from "../session/channel.ts";

export class JobChannels {
  readonly #open = new Map<string, Channel>();

  begin(jobId: string, channel: Channel): void {
    this.#open.set(jobId, channel);
  }

  /** Of that very session: a newer one of the job stays. */
  end(jobId: string, channel: Channel): void {
    if (this.#open.get(jobId) === channel) this.#open.delete(jobId);
  }

  /** Tells the peer the code and closes the session, if there is one. */
  fail(jobId: string, error: EntenteError): void {
    void this.#open.get(jobId)?.fail(error);
  }
}
