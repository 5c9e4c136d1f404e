/** Two carriers over streams in memory that a test breaks, and timers that run when told. */
import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { Carrier } from "../../party/session/carrier.ts";
import { type CarrierFrame, CarrierReader } from "../../proto/codec/carrier-frame.ts";
import type { Timers } from "../../proto/ports/ports.ts";
import { streamPair } from "./pair.ts";

export class TestTimers implements Timers {
  readonly #due: { at: number; run: () => void }[] = [];
  #now = 0;

  after(delayMs: number, run: () => void): () => void {
    const entry = { at: this.#now + delayMs, run };
    this.#due.push(entry);
    return () => {
      const at = this.#due.indexOf(entry);
      if (at >= 0) this.#due.splice(at, 1);
    };
  }

  /** Moves on, and runs what is due on the way in order. */
  pass(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const [next] = this.#due.toSorted((a, b) => a.at - b.at);
      if (next === undefined || next.at > until) break;
      this.#due.splice(this.#due.indexOf(next), 1);
      this.#now = next.at;
      next.run();
    }
    this.#now = until;
  }
}

/** Lets everything that streams do by themselves happen. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((go) => setImmediate(go));
}

export class CarrierPair {
  readonly timers = new TestTimers();
  readonly broken: string[] = [];
  readonly opener = this.#make("opener");
  readonly answerer = this.#make("answerer");
  /** Of the stream that is attached: the opener's end, the answerer's. */
  streams: readonly [Duplex, Duplex] = streamPair();

  #make(side: "opener" | "answerer"): Carrier {
    return new Carrier({ side, timers: this.timers, onBroken: () => this.broken.push(side) });
  }

  /** Over a stream, with a secret that both have as after TLS. */
  static async start(): Promise<CarrierPair> {
    const pair = new CarrierPair();
    await pair.attach(pair.streams);
    const secret = new Uint8Array(randomBytes(32));
    for (const carrier of [pair.opener, pair.answerer]) carrier.allowResume(secret);
    return pair;
  }

  async attach(streams: readonly [Duplex, Duplex] = streamPair()): Promise<void> {
    this.streams = streams;
    await Promise.all([this.answerer.attach(streams[1]), this.opener.attach(streams[0])]);
  }

  async break(): Promise<void> {
    this.streams[0].destroy();
    await settled();
  }
}

/** A party that speaks frames by hand. */
export class RawCarrier {
  readonly frames: CarrierFrame[] = [];
  readonly stream: Duplex;

  constructor(stream: Duplex) {
    this.stream = stream;
    const reader = new CarrierReader();
    stream.on("error", () => undefined);
    stream.on("data", (chunk: Buffer) => this.frames.push(...reader.push(chunk)));
  }
}

/** What comes until the end, or until the stream breaks. */
export function collecting(stream: Duplex): { readonly bytes: () => Buffer } {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return { bytes: () => Buffer.concat(chunks) };
}
