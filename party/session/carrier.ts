/**
 * The byte stream that a session's TLS runs over: it outlives the stream that carries it. When that breaks, the carrier
 * goes on over another one, through a coordinator that has been restarted or directly, and nothing of the session is lost.
 * What must hold of frames, and what is done when it does not, is in README.md.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { Duplex } from "node:stream";
import type { CarrierFrame } from "../../proto/codec/carrier-frame.ts";
import { uintBe, utf8 } from "../../proto/encoding/bytes.ts";
import { EntenteError, type ErrorCode } from "../../proto/errors.ts";
import type { Timers } from "../../proto/ports/ports.ts";
import { CarrierStream } from "./carrier-stream.ts";
import { costOf, type SentFrame, SentFrames, WINDOW_BYTES } from "./sent-frames.ts";

/** The opener finds a new stream when one breaks. */
export type CarrierSide = "opener" | "answerer";

/** What a stream goes over: the coordinator's relay, or straight from node to node. */
export type CarrierWay = "relay" | "direct";

export interface CarrierOptions {
  readonly side: CarrierSide;
  readonly timers: Timers;
  /** The stream broke and the carrier may go on over another; it is destroyed when none is attached in time. */
  readonly onBroken: () => void;
}

/** Trouble of a stream that the next one may be spared: the coordinator or the peer's inbox is away, a frame was lost. After
 * anything else no other stream is tried. */
export const PASSING: readonly ErrorCode[] = [
  "PEER_GONE",
  "PEER_TIMEOUT",
  "COORDINATOR_UNREACHABLE",
  "OVERLOADED",
  "WIRE_UNEXPECTED",
];
/** How long a carrier waits for another stream. The answerer's is longer: it cannot know how far the opener is. */
const RESUME_MS = { opener: 30_000, answerer: 40_000 } as const;
/** For the peer's first frame on a stream. */
const GREETING_MS = 10_000;
const PING_MS = 15_000;
/** A stream that is silent for so many intervals, pings included, is dead. */
const MAX_QUIET_INTERVALS = 3;
/** Streams in a row over which nothing new came. */
const MAX_FRUITLESS = 8;
/** After both ends have said their last, for the peer to say that it has it. */
const LINGER_MS = 5_000;
/** Consumed and not acknowledged: a quarter of what the peer may send. */
const ACK_BYTES = WINDOW_BYTES / 4;
const BUFFER_BYTES = 262_144;

type Done = (error?: Error | null) => void;

interface Candidate {
  readonly stream: CarrierStream;
  readonly way: CarrierWay;
  /** What the opener has greeted with. */
  readonly epoch: number;
  readonly settle: (error?: EntenteError) => void;
}

export class Carrier extends Duplex {
  readonly side: CarrierSide;
  readonly #timers: Timers;
  readonly #onBroken: () => void;
  readonly #candidates = new Set<Candidate>();
  #stream: CarrierStream | undefined;
  #way: CarrierWay = "relay";
  /** Number of the greeting that the stream was taken with; of the first stream 0. */
  #epoch = -1;
  /** The opener's last greeting, answered or not: the answerer may have taken it, and its answer be lost. */
  #greeted = 0;
  #secret: Uint8Array | undefined;
  #fruitless = 0;
  #cancelWait: () => void = () => undefined;
  #cancelPing: () => void = () => undefined;

  readonly #sent = new SentFrames();
  #blocked: Done | undefined;
  #saidEnd = false;

  /** Arrived and not consumed: they fit into the window, or the peer breaks the rules. */
  readonly #arrived: Buffer[] = [];
  #arrivedCost = 0;
  #received = 0;
  #consumed = 0;
  #unacknowledged = 0;
  #heardEnd = false;
  #isFull = false;

  constructor({ side, timers, onBroken }: CarrierOptions) {
    super({ highWaterMark: BUFFER_BYTES });
    this.side = side;
    this.#timers = timers;
    this.#onBroken = onBroken;
    // A carrier that breaks before TLS listens must not end the process; whoever listens is told all the same.
    this.on("error", () => undefined);
    this.#ping();
  }

  /** Bytes that this end holds: sent and not consumed, arrived and not read. */
  get heldBytes(): number {
    return this.#sent.heldBytes + this.#arrivedCost + this.readableLength + (this.#stream?.unsentBytes ?? 0);
  }

  /** No stream carries it, and another may. */
  get isBroken(): boolean {
    return this.#stream === undefined && this.#secret !== undefined && !this.destroyed;
  }

  /** Undefined while no stream carries it. */
  get way(): CarrierWay | undefined {
    return this.#stream === undefined ? undefined : this.#way;
  }

  /** From now on it may go on over another stream, to an end that has the same 32 secret bytes, from the TLS inside. */
  allowResume(secret: Uint8Array): void {
    this.#secret = secret;
  }

  /**
   * Offers a stream: the first one, or another after that broke. Resolves when the carrier goes over it; the opener
   * decides, so that an answerer may be offered several. Throws PEER_GONE, PEER_TIMEOUT, WIRE_UNEXPECTED.
   */
  attach(raw: Duplex, way: CarrierWay = "relay"): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.destroyed) {
        raw.destroy();
        return reject(new EntenteError("PEER_GONE"));
      }
      const cancel = this.#timers.after(GREETING_MS, () => {
        raw.destroy();
        candidate.settle(new EntenteError("PEER_TIMEOUT", { detail: "carrier" }));
      });
      const stream: CarrierStream = new CarrierStream(raw, this.#timers, {
        onFrame: (frame) => (stream === this.#stream ? this.#onFrame(frame) : this.#greet(candidate, frame)),
        onOver: (error) => (stream === this.#stream ? this.#broken(error) : candidate.settle(error)),
      });
      const isGreeted = this.side === "opener" && this.#epoch >= 0;
      const candidate: Candidate = {
        ...{ stream, way },
        epoch: isGreeted ? ++this.#greeted : 0,
        settle: (error) => {
          cancel();
          if (!this.#candidates.delete(candidate)) return;
          if (error === undefined) return resolve();
          stream.close();
          reject(error);
        },
      };
      this.#candidates.add(candidate);
      if (this.side === "answerer") return;
      if (isGreeted) stream.send(this.#resume(candidate.epoch));
      else {
        stream.send({ kind: "begin" });
        this.#go(candidate, 0);
      }
    });
  }

  #resume(epoch: number): CarrierFrame & { kind: "resume" } {
    return { kind: "resume", received: this.#received, epoch, mac: this.#mac(this.side, epoch, this.#received) };
  }

  /** HMAC-SHA-256 (RFC 2104). */
  #mac(side: CarrierSide, epoch: number, received: number): Uint8Array {
    const mac = createHmac("sha256", this.#secret ?? new Uint8Array(0)).update(utf8(`entente carrier/1 ${side}`));
    return new Uint8Array(mac.update(uintBe(epoch, 4)).update(uintBe(received, 4)).digest());
  }

  /** The first frame of a stream. Whatever is wrong with it costs that stream and nothing else. */
  #greet(candidate: Candidate, frame: CarrierFrame): void {
    if (frame.kind === "begin" && this.side === "answerer" && this.#epoch < 0) {
      this.#go(candidate, 0);
      return;
    }
    if (frame.kind === "reset" && this.side === "opener") {
      candidate.settle(new EntenteError("PEER_GONE"));
      this.destroy(new EntenteError("PEER_GONE", { detail: "the peer has no such session any more" }));
      return;
    }
    if (frame.kind !== "resume" || !this.#isNext(candidate, frame)) {
      candidate.settle(new EntenteError("WIRE_UNEXPECTED", { detail: "carrier greeting" }));
      return;
    }
    if (this.side === "answerer") candidate.stream.send(this.#resume(frame.epoch));
    this.#go(candidate, frame.epoch, frame.received);
  }

  /** Of the peer, which has the secret, and no greeting of a stream before: the answer to the opener's own, or a newer one. */
  #isNext(candidate: Candidate, { epoch, received, mac }: Extract<CarrierFrame, { kind: "resume" }>): boolean {
    if (this.#secret === undefined) return false;
    const isNext = this.side === "opener" ? epoch === candidate.epoch : epoch > this.#epoch;
    return isNext && timingSafeEqual(mac, this.#mac(this.side === "opener" ? "answerer" : "opener", epoch, received));
  }

  /** From now on over this stream: first what the peer has not got. */
  #go(candidate: Candidate, epoch: number, received?: number): void {
    const older = this.#stream;
    this.#stream = candidate.stream;
    this.#way = candidate.way;
    this.#epoch = epoch;
    this.#cancelWait();
    candidate.settle();
    older?.close();
    for (const other of [...this.#candidates])
      other.settle(new EntenteError("PEER_GONE", { detail: "another stream was taken" }));
    if (received !== undefined) {
      this.#acknowledge();
      const again = this.#trying(() => this.#sent.since(received));
      for (const frame of again ?? []) this.#transmit(frame);
    }
    this.#pump();
  }

  #broken(error: EntenteError): void {
    this.#stream = undefined;
    if (this.destroyed) return;
    if (this.#secret === undefined || !PASSING.includes(error.code) || ++this.#fruitless > MAX_FRUITLESS) {
      this.destroy(error);
      return;
    }
    this.#cancelWait = this.#timers.after(RESUME_MS[this.side], () =>
      this.destroy(new EntenteError("PEER_GONE", { detail: "the link broke and did not come back" })),
    );
    this.#onBroken();
  }

  #onFrame(frame: CarrierFrame): void {
    switch (frame.kind) {
      case "data":
      case "end":
        this.#onNumbered(frame);
        return;
      case "ack":
        this.#fruitless = 0;
        this.#trying(() => this.#sent.acknowledge(frame.number));
        this.#pump();
        return;
      case "ping":
        this.#stream?.send({ kind: "pong" });
        return;
      case "pong":
        return;
      case "reset":
        // After what came before it.
        process.nextTick(() => this.destroy(new EntenteError("PEER_GONE")));
        return;
      case "begin":
      case "resume":
        this.destroy(new EntenteError("WIRE_UNEXPECTED", { detail: "carrier greeting" }));
    }
  }

  #onNumbered(frame: Extract<CarrierFrame, { number: number }>): void {
    // Sent again although it had come: dropped.
    if (frame.number <= this.#received) return;
    // One is missing: the stream is not to be trusted, but the peer has it still.
    if (frame.number > this.#received + 1) {
      const stream = this.#stream;
      this.#broken(new EntenteError("WIRE_UNEXPECTED", { detail: "carrier frame lost" }));
      stream?.close();
      return;
    }
    if (this.#heardEnd) {
      this.destroy(new EntenteError("WIRE_UNEXPECTED", { detail: "carrier frame after the end" }));
      return;
    }
    this.#received = frame.number;
    this.#fruitless = 0;
    if (frame.kind === "end") this.#heardEnd = true;
    else if (frame.kind === "data") {
      this.#arrived.push(frame.data);
      this.#arrivedCost += costOf(frame.data.length);
      if (this.#arrivedCost > WINDOW_BYTES) {
        this.destroy(new EntenteError("WIRE_TOO_LARGE", { detail: "carrier window" }));
        return;
      }
    }
    this.#consume();
  }

  /** Hands on what the reader has room for, and tells the peer so. */
  #consume(): void {
    while (!this.#isFull) {
      const data = this.#arrived.shift();
      if (data === undefined) break;
      this.#arrivedCost -= costOf(data.length);
      this.#consumed++;
      this.#unacknowledged += costOf(data.length);
      this.#isFull = !this.push(data);
    }
    const isAll = this.#heardEnd && this.#arrived.length === 0 && this.#consumed < this.#received;
    if (isAll) {
      this.#consumed = this.#received;
      this.push(null);
    }
    if (isAll || this.#unacknowledged >= ACK_BYTES) this.#acknowledge();
    this.#settle();
  }

  #acknowledge(): void {
    this.#unacknowledged = 0;
    this.#stream?.send({ kind: "ack", number: this.#consumed });
  }

  override _read(): void {
    this.#isFull = false;
    this.#consume();
  }

  override _write(chunk: Buffer, _encoding: string, done: Done): void {
    this.#write([chunk], done);
  }

  override _writev(chunks: { readonly chunk: Buffer }[], done: Done): void {
    this.#write(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  #write(chunks: readonly Buffer[], done: Done): void {
    this.#trying(() => this.#sent.add(chunks));
    this.#blocked = done;
    this.#pump();
  }

  override _final(done: Done): void {
    this.#saidEnd = true;
    this.#trying(() => this.#sent.addEnd());
    this.#pump();
    done();
  }

  /** Sends what the window has room for. The writer goes on when all of its bytes were sent. */
  #pump(): void {
    if (this.#stream !== undefined)
      for (let frame = this.#sent.next(); frame !== undefined; frame = this.#sent.next()) this.#transmit(frame);
    if (!this.#sent.hasUnsent) {
      const done = this.#blocked;
      this.#blocked = undefined;
      done?.();
    }
    this.#settle();
  }

  #transmit({ number, parts, bytes }: SentFrame): void {
    if (bytes > 0) this.#stream?.sendData(number, parts, bytes);
    else this.#stream?.send({ kind: "end", number });
  }

  /** Both ends have said their last and have it: the stream is not needed any more. */
  #settle(): void {
    if (!this.#saidEnd || !this.#heardEnd || !this.#sent.isEmpty || this.#consumed < this.#received) return;
    this.#leave();
  }

  #leave(): void {
    this.#cancelWait();
    this.#cancelPing();
    this.#stream?.close();
    this.#stream = undefined;
    for (const candidate of [...this.#candidates]) candidate.settle(new EntenteError("PEER_GONE"));
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#arrived.length = 0;
    this.#cancelWait();
    this.#cancelPing();
    if (error === null && this.#saidEnd && this.#heardEnd && this.#stream !== undefined)
      // The peer has not said yet that it has everything.
      this.#cancelWait = this.#timers.after(LINGER_MS, () => this.#leave());
    else {
      this.#stream?.send({ kind: "reset" });
      this.#leave();
    }
    const blocked = this.#blocked;
    this.#blocked = undefined;
    blocked?.(error);
    done(error);
  }

  #ping(): void {
    this.#cancelPing = this.#timers.after(PING_MS, () => {
      this.#ping();
      const stream = this.#stream;
      if (stream === undefined) return;
      if (++stream.quietIntervals > MAX_QUIET_INTERVALS) {
        stream.close();
        this.#broken(new EntenteError("PEER_TIMEOUT", { detail: "carrier" }));
      } else if (stream.quietIntervals > 1) stream.send({ kind: "ping" });
    });
  }

  /** What the peer may not say ends the session. */
  #trying<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.destroy(error as EntenteError);
      return undefined;
    }
  }
}
