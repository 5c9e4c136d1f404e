/** Two in-memory byte streams joined end to end, for sessions without a network. */
import { Duplex } from "node:stream";

class Half extends Duplex {
  peer: Half | undefined;
  #pending: (() => void) | undefined;

  override _read(): void {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const peer = this.peer;
    if (peer === undefined || peer.destroyed) {
      done();
      return;
    }
    setImmediate(() => {
      if (peer.push(chunk)) done();
      else peer.#pending = done;
    });
  }

  override _final(done: () => void): void {
    setImmediate(() => {
      if (this.peer !== undefined && !this.peer.destroyed) this.peer.push(null);
      done();
    });
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const peer = this.peer;
    setImmediate(() => {
      if (peer !== undefined && !peer.destroyed && !peer.readableEnded) peer.push(null);
    });
    done(error);
  }
}

export function streamPair(): [Duplex, Duplex] {
  const a = new Half();
  const b = new Half();
  a.peer = b;
  b.peer = a;
  return [a, b];
}
