/** What a carrier has sent and its peer has not consumed yet: kept to be sent again, and what may be sent beside it. */
import { MAX_CARRIER_DATA_BYTES, MAX_CARRIER_NUMBER } from "../../proto/codec/carrier-frame.ts";
import { EntenteError } from "../../proto/errors.ts";

/** What may be under way in one direction: throughput is this much in a round trip. */
export const WINDOW_BYTES = 4 * 1_048_576;
/** What a frame costs beside its bytes, so that a flood of small ones is bounded, too. */
const FRAME_COST_BYTES = 512;

export function costOf(bytes: number): number {
  return bytes + FRAME_COST_BYTES;
}

export interface SentFrame {
  readonly number: number;
  /** None: the end of the direction. */
  readonly parts: readonly Buffer[];
  readonly bytes: number;
}

export class SentFrames {
  /** In order of their numbers: first those that were sent, then those that wait for the peer to consume. */
  #frames: SentFrame[] = [];
  #sent = 0;
  #sentCost = 0;
  #heldBytes = 0;
  #last = 0;

  /** Bytes that are kept. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  get hasUnsent(): boolean {
    return this.#sent < this.#frames.length;
  }

  /** `parts` are kept as they are, not copied. */
  add(parts: readonly Buffer[]): void {
    let frame: Buffer[] = [];
    let bytes = 0;
    const cut = () => {
      this.#push(frame, bytes);
      frame = [];
      bytes = 0;
    };
    for (let part of parts) {
      while (bytes + part.length > MAX_CARRIER_DATA_BYTES) {
        const room = MAX_CARRIER_DATA_BYTES - bytes;
        if (room > 0) frame.push(part.subarray(0, room));
        bytes = MAX_CARRIER_DATA_BYTES;
        part = part.subarray(room);
        cut();
      }
      if (part.length === 0) continue;
      frame.push(part);
      bytes += part.length;
    }
    if (bytes > 0) cut();
  }

  addEnd(): void {
    this.#push([], 0);
  }

  /** The next frame that the window has room for. */
  next(): SentFrame | undefined {
    const frame = this.#frames[this.#sent];
    if (frame === undefined || this.#sentCost + costOf(frame.bytes) > WINDOW_BYTES) return undefined;
    this.#sent++;
    this.#sentCost += costOf(frame.bytes);
    return frame;
  }

  /** The peer has consumed up to this number; false when it was consumed before. Throws WIRE_UNEXPECTED when it was never sent. */
  acknowledge(number: number): boolean {
    this.#requireSent(number);
    let done = 0;
    for (const frame of this.#frames) {
      if (frame.number > number) break;
      done++;
      this.#sentCost -= costOf(frame.bytes);
      this.#heldBytes -= frame.bytes;
    }
    this.#frames = this.#frames.slice(done);
    this.#sent -= done;
    return done > 0;
  }

  /** Sent frames that the peer has not got: over a new stream they go first. Throws WIRE_UNEXPECTED when it says that it got
   * what was never sent, or lost what it has consumed. */
  since(received: number): readonly SentFrame[] {
    this.#requireSent(received);
    const consumed = (this.#frames[0]?.number ?? this.#last + 1) - 1;
    if (received < consumed)
      throw new EntenteError("WIRE_UNEXPECTED", { detail: "carrier resumes before what it consumed" });
    return this.#frames.slice(0, this.#sent).filter(({ number }) => number > received);
  }

  #requireSent(number: number): void {
    const last = this.hasUnsent ? (this.#frames[this.#sent] as SentFrame).number - 1 : this.#last;
    if (number > last) throw new EntenteError("WIRE_UNEXPECTED", { detail: "carrier number that was never sent" });
  }

  #push(parts: readonly Buffer[], bytes: number): void {
    if (this.#last === MAX_CARRIER_NUMBER) throw new EntenteError("WIRE_TOO_LARGE", { detail: "carrier" });
    this.#frames.push({ number: ++this.#last, parts, bytes });
    this.#heldBytes += bytes;
  }
}
