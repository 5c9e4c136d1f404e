/** One stream that a carrier goes over: relayed or direct. Frames in and out, and one word when it is over. */
import type { Duplex } from "node:stream";
import {
  type CarrierFrame,
  CarrierReader,
  carrierDataHeader,
  encodeCarrierFrame,
} from "../../proto/codec/carrier-frame.ts";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import type { Timers } from "../../proto/ports/ports.ts";

/** For the other end to close, too. */
const CLOSE_MS = 2_000;
/** Answers to a peer that sends pings and reads nothing are not gathered beyond this. */
const MAX_UNSENT_PONG_BYTES = 65_536;

export interface CarrierStreamListener {
  onFrame(frame: CarrierFrame): void;
  /** Once: the stream broke, ended, or carried what is no frame. Not after `close`. */
  onOver(error: EntenteError): void;
}

export class CarrierStream {
  /** Since when nothing has come, in intervals of its owner. */
  quietIntervals = 0;
  readonly #raw: Duplex;
  readonly #timers: Timers;
  readonly #listener: CarrierStreamListener;
  #isOver = false;

  constructor(raw: Duplex, timers: Timers, listener: CarrierStreamListener) {
    this.#raw = raw;
    this.#timers = timers;
    this.#listener = listener;
    const reader = new CarrierReader();
    raw.on("data", (chunk: Buffer) => {
      this.quietIntervals = 0;
      try {
        for (const frame of reader.push(chunk)) {
          if (this.#isOver) return;
          listener.onFrame(frame);
        }
      } catch (error) {
        this.#over(toEntenteError(error));
      }
    });
    raw.on("error", (cause) =>
      this.#over(cause instanceof EntenteError ? cause : new EntenteError("PEER_GONE", { cause })),
    );
    raw.on("end", () => this.#over(new EntenteError("PEER_GONE")));
    raw.on("close", () => this.#over(new EntenteError("PEER_GONE")));
  }

  /** Bytes that wait for the network. */
  get unsentBytes(): number {
    return this.#raw.writableLength;
  }

  send(frame: Exclude<CarrierFrame, { kind: "data" }>): void {
    if (this.#isOver || (frame.kind === "pong" && this.unsentBytes > MAX_UNSENT_PONG_BYTES)) return;
    this.#raw.write(encodeCarrierFrame(frame));
  }

  sendData(number: number, parts: readonly Buffer[], length: number): void {
    if (this.#isOver) return;
    this.#raw.cork();
    this.#raw.write(carrierDataHeader(number, length));
    for (const part of parts) this.#raw.write(part);
    this.#raw.uncork();
  }

  /** What was sent still goes out. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#raw.end();
    // To see the other end's.
    this.#raw.resume();
    this.#timers.after(CLOSE_MS, () => this.#raw.destroy());
  }

  #over(error: EntenteError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#raw.destroy();
    this.#listener.onOver(error);
  }
}
