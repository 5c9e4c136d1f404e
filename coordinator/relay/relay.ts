/**
 * The relay: pairs the streams of the two parties of a meeting and copies data frames between them, as they came and
 * no faster than the slower side reads. The bytes are TLS records of the parties' own session.
 */
import type { RelayFrame } from "../../proto/codec/relay-frame.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { RelayId } from "../../proto/ids.ts";
import type { Clock, Timers } from "../../proto/ports/ports.ts";
import type { Meeting } from "./meetings.ts";

/** One party's stream, as the relay needs it. Nothing is read before `resume`. */
export interface RelayStream {
  /** Frames' bytes that wait for the network. */
  readonly unsentBytes: number;
  /** False when the buffer is full: `onDrain` follows. */
  write(frame: RelayFrame): boolean;
  pause(): void;
  resume(): void;
  /** Ends the stream well, or with an error; nothing happens the second time. */
  end(error?: EntenteError): void;
  /** Set by the relay before `resume`. */
  listener: RelayListener | undefined;
}

export interface RelayListener {
  onFrame(frame: RelayFrame): void;
  onDrain(): void;
  /** The party's stream broke off: cancelled, or it sent something that is no frame. */
  onGone(error: EntenteError): void;
}

export interface RelayOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly idleMs: number;
  /** The meeting is over, after so many bytes. */
  onEnd(meeting: Meeting, bytes: number, error: EntenteError | undefined): void;
}

export class Relay {
  readonly #options: RelayOptions;
  readonly #paired = new Set<RelayStream>();
  readonly #waiting = new Map<RelayId, { readonly stream: RelayStream; readonly cancelTimeout: () => void }>();
  #bytes = 0;
  #sessions = 0;
  #open = 0;

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /** Data bytes forwarded and sessions paired since the start, and bytes that wait for parties that read slowly. */
  counters(): { readonly bytes: number; readonly sessions: number; readonly unsentBytes: number } {
    const unsentBytes = [...this.#paired].reduce((sum, stream) => sum + stream.unsentBytes, 0);
    return { bytes: this.#bytes, sessions: this.#sessions, unsentBytes };
  }

  /** Sessions that run now. */
  get open(): number {
    return this.#open;
  }

  /** A party took its seat: waits for the other one, or begins to copy. */
  seat(meeting: Meeting, stream: RelayStream): void {
    const other = this.#waiting.get(meeting.relayId);
    if (other === undefined) {
      this.#wait(meeting, stream);
    } else {
      other.cancelTimeout();
      this.#waiting.delete(meeting.relayId);
      this.#pair(meeting, other.stream, stream);
    }
  }

  #wait(meeting: Meeting, stream: RelayStream): void {
    const leave = (error: EntenteError) => {
      cancelTimeout();
      this.#waiting.delete(meeting.relayId);
      stream.end(error);
      this.#options.onEnd(meeting, 0, error);
    };
    const waitMs = meeting.expiresMs - this.#options.clock.monotonicMs();
    const cancelTimeout = this.#options.timers.after(Math.max(0, waitMs), () =>
      leave(new EntenteError("PEER_TIMEOUT")),
    );
    stream.listener = {
      onFrame: () => leave(new EntenteError("WIRE_UNEXPECTED", { detail: "relay data before paired" })),
      onDrain: () => undefined,
      onGone: leave,
    };
    this.#waiting.set(meeting.relayId, { stream, cancelTimeout });
  }

  #pair(meeting: Meeting, a: RelayStream, b: RelayStream): void {
    this.#sessions++;
    this.#open++;
    let bytes = 0;
    let halvesOpen = 2;
    let isOver = false;
    let movedMs = this.#options.clock.monotonicMs();
    let cancelIdle: () => void = () => undefined;

    const finish = (failed: RelayStream | undefined, error?: EntenteError) => {
      if (isOver) return;
      isOver = true;
      this.#open--;
      cancelIdle();
      for (const stream of [a, b]) this.#paired.delete(stream);
      for (const stream of [a, b])
        stream.end(failed !== undefined && stream !== failed ? new EntenteError("PEER_GONE") : error);
      this.#options.onEnd(meeting, bytes, error);
    };
    // One timer that looks back, rather than one set anew for every frame.
    const watchIdle = (delayMs: number) => {
      cancelIdle = this.#options.timers.after(delayMs, () => {
        const idleMs = this.#options.clock.monotonicMs() - movedMs;
        if (idleMs >= this.#options.idleMs) finish(undefined, new EntenteError("PEER_TIMEOUT"));
        else watchIdle(this.#options.idleMs - idleMs);
      });
    };
    const copy = (from: RelayStream, to: RelayStream) => {
      let isEnded = false;
      const onFrame = (frame: RelayFrame) => {
        if (isOver) return;
        if (isEnded || (frame.kind !== "data" && frame.kind !== "end"))
          return finish(from, new EntenteError("WIRE_UNEXPECTED", { detail: "relay frame" }));
        movedMs = this.#options.clock.monotonicMs();
        if (frame.kind === "data") {
          bytes += frame.data.length;
          this.#bytes += frame.data.length;
        }
        if (!to.write(frame)) from.pause();
        if (frame.kind === "data") return;
        isEnded = true;
        if (--halvesOpen === 0) finish(undefined);
      };
      return { onFrame, onGone: (error: EntenteError) => finish(from, error) };
    };
    a.listener = { ...copy(a, b), onDrain: () => b.resume() };
    b.listener = { ...copy(b, a), onDrain: () => a.resume() };
    for (const stream of [a, b]) this.#paired.add(stream);
    watchIdle(this.#options.idleMs);
    for (const stream of [a, b]) stream.write({ kind: "paired" });
    for (const stream of [a, b]) stream.resume();
  }
}
