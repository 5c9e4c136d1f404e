/** Cuts a byte stream into frames. Holds at most one frame that is not complete. */
import { decodeHeader, type Frame, type FrameHeader, HEADER_BYTES } from "../../proto/codec/frame.ts";

export class FrameReader {
  readonly #session: Uint8Array;
  #parts: Uint8Array[] = [];
  #have = 0;
  #header: FrameHeader | undefined;
  #bodyLength = 0;

  /** `session`: the 8 bytes that every header must carry. */
  constructor(session: Uint8Array) {
    this.#session = session;
  }

  /** The frames that `chunk` completes. Throws the errors of `decodeHeader`. */
  *push(chunk: Uint8Array): Generator<Frame> {
    this.#parts.push(chunk);
    this.#have += chunk.length;
    for (;;) {
      if (this.#header === undefined) {
        if (this.#have < HEADER_BYTES) return;
        const { header, bodyLength } = decodeHeader(this.#take(HEADER_BYTES), this.#session);
        this.#header = header;
        this.#bodyLength = bodyLength;
      }
      if (this.#have < this.#bodyLength) return;
      const frame = { ...this.#header, body: new Uint8Array(this.#take(this.#bodyLength)) };
      this.#header = undefined;
      yield frame;
    }
  }

  #take(length: number): Uint8Array {
    const all = this.#parts.length === 1 ? (this.#parts[0] as Uint8Array) : Buffer.concat(this.#parts);
    const rest = all.subarray(length);
    this.#parts = rest.length > 0 ? [rest] : [];
    this.#have = rest.length;
    return all.subarray(0, length);
  }
}
