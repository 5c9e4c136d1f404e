/** Requests in hand, so that a node that is stopped answers each of them: in time, or with the reason. */
import type { RequestHandler, Response } from "express";
import { EntenteError } from "../../proto/errors.ts";
import type { Timers } from "../../proto/ports/ports.ts";

export class InFlight {
  readonly #open = new Set<Response>();
  readonly #stopping = new AbortController();
  readonly #overdue = new AbortController();
  #onNone: () => void = () => {};

  /** Aborted when the node is asked to stop: nothing that would never end goes on. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Aborted when the node waits no longer. */
  get overdue(): AbortSignal {
    return this.#overdue.signal;
  }

  /** From the request on until its answer has gone. Throws NODE_STOPPING once the node is being stopped. */
  counted(): RequestHandler {
    return (_request, response, next) => {
      if (this.#stopping.signal.aborted) {
        response.set("connection", "close");
        throw new EntenteError("NODE_STOPPING");
      }
      this.#open.add(response);
      response.on("close", () => {
        this.#open.delete(response);
        if (this.#open.size === 0) this.#onNone();
      });
      next();
    };
  }

  /** Resolves when every request has its answer; those without one after so long get NODE_STOPPING. */
  async stop(deadlineMs: number, timers: Timers): Promise<void> {
    this.#stopping.abort();
    await new Promise<void>((resolve) => {
      const cancel = timers.after(deadlineMs, resolve);
      this.#onNone = () => {
        cancel();
        resolve();
      };
      if (this.#open.size === 0) this.#onNone();
    });
    this.#overdue.abort();
    const error = new EntenteError("NODE_STOPPING").toPublic();
    for (const response of this.#open)
      if (!response.headersSent) response.status(503).set("connection", "close").json({ error });
  }
}
