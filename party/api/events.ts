/** Server-sent events (WHATWG HTML, section 9.2): a stream at the pace of its reader, with heartbeats, and a last word. */
import type { Response } from "express";
import type * as z from "zod";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import { EVENT_STREAM, type EventName, HEARTBEAT_MS, type Progress, stepKey } from "../../proto/http/progress.ts";
import type { Timers } from "../../proto/ports/ports.ts";
import { Feed } from "../progress/feed.ts";
import { PAUSE_MS, pause } from "../progress/pause.ts";

/** A client that lost its connection comes back after so long. */
const RETRY_MS = 1_000;
/** Who reads nothing for so long is gone, whatever its connection looks like. */
const READER_TIMEOUT_MS = 60_000;

/** An event of a route whose answer are states. */
export interface StateEvent<View> {
  /** What a client that comes back names as the last it has seen. */
  readonly id?: string;
  /** Nothing comes after it. */
  readonly isFinal: boolean;
  readonly value: View;
}

export interface ServerEvent {
  readonly id?: string | undefined;
  readonly name: EventName;
  readonly data: unknown;
}

export interface Sending {
  readonly timers: Timers;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** Aborted when the node stops: the stream ends with NODE_STOPPING. */
  readonly leave: AbortSignal;
  /** Looked at with every heartbeat and before a result: the code that ends a stream whose token has ended. */
  readonly refusal: () => Promise<EntenteError | undefined>;
}

/** States as events. What fails before the first one is thrown. */
export async function sendStates(
  response: Response,
  states: AsyncIterable<StateEvent<unknown>>,
  form: z.ZodType,
  sending: Sending,
): Promise<void> {
  const each = states[Symbol.asyncIterator]();
  const first = await each.next();
  async function* events(): AsyncGenerator<ServerEvent> {
    try {
      for (let next = first; next.done !== true; next = await each.next()) {
        const { id, isFinal, value } = next.value;
        yield { id, name: isFinal ? "result" : "progress", data: form.parse(value) };
      }
    } finally {
      await each.return?.();
    }
  }
  await sendEvents(response, events(), sending);
}

/** Work that tells its progress, then its answer or its error, which is thrown, too, so that it is logged. A client that leaves
 * does not stop the work. */
export async function sendProgress(
  response: Response,
  work: (tell: (progress: Progress) => void) => Promise<unknown>,
  sending: Sending,
): Promise<void> {
  const feed = new Feed<Progress>();
  const answer = work((progress) => feed.push(stepKey(progress), progress));
  const lastWord = answer.then(
    (data): ServerEvent => ({ name: "result", data }),
    (thrown: unknown): ServerEvent => ({ name: "error", data: { error: publicOf(thrown) } }),
  );
  void lastWord.then(() => feed.close());
  async function* events(): AsyncGenerator<ServerEvent> {
    for (let seen = 0; !feed.isClosed && !sending.signal.aborted; ) {
      await feed.newerThan(seen, sending.signal);
      for (const { number, value } of feed.since(seen)) {
        seen = number;
        yield { name: "progress", data: value };
      }
      if (!feed.isClosed) await pause(sending.timers, PAUSE_MS, sending.signal);
    }
    if (!sending.signal.aborted) yield lastWord;
  }
  await sendEvents(response, events(), sending);
  await answer;
}

/** What is thrown by mistake may hold anything. */
function publicOf(thrown: unknown): unknown {
  const error = toEntenteError(thrown);
  return (error.code === "INTERNAL" ? new EntenteError("INTERNAL") : error).toPublic();
}

async function sendEvents(response: Response, events: AsyncIterable<ServerEvent>, sending: Sending): Promise<void> {
  const { timers, signal, leave, refusal } = sending;
  response.status(200).set({ "content-type": `${EVENT_STREAM}; charset=utf-8`, "x-accel-buffering": "no" });
  response.write(`retry: ${RETRY_MS}\n\n`);
  let cancel = () => {};
  const beat = () => {
    cancel = timers.after(HEARTBEAT_MS, () => {
      refusal().then(
        (error) => {
          if (signal.aborted || response.writableEnded) return;
          if (error !== undefined) return refuse(response, error);
          if (!response.writableNeedDrain) response.write(":\n\n");
          beat();
        },
        // Whether the token is still good is not known.
        () => response.destroy(),
      );
    });
  };
  beat();
  const stop = () => {
    if (!response.writableEnded) refuse(response, new EntenteError("NODE_STOPPING"));
  };
  leave.addEventListener("abort", stop);
  if (leave.aborted) stop();
  try {
    for await (const event of events) {
      const refused = event.name === "result" ? await refusal() : undefined;
      if (signal.aborted || response.writableEnded) break;
      if (refused !== undefined) {
        refuse(response, refused);
        break;
      }
      if (!response.write(textOf(event))) await drained(response, timers, signal);
    }
  } finally {
    cancel();
    leave.removeEventListener("abort", stop);
  }
  if (!response.writableEnded) response.end();
}

function refuse(response: Response, error: EntenteError): void {
  response.end(textOf({ name: "error", data: { error: error.toPublic() } }));
}

function textOf({ id, name, data }: ServerEvent): string {
  // JSON has no line end in it.
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Until the client has read; one that does not is cut off. */
function drained(response: Response, timers: Timers, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = timers.after(READER_TIMEOUT_MS, () => response.destroy());
    const done = () => {
      cancel();
      response.off("drain", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    response.on("drain", done);
    signal.addEventListener("abort", done);
  });
}
