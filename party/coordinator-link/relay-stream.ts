/** A relayed session as a byte stream: frames in and out of a bidirectional call, no faster than the other end reads. */

import { Duplex } from "node:stream";
import type { ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import { CONNECT_RELAY } from "../../proto/codec/coordinator.ts";
import { statusToError } from "../../proto/codec/grpc.ts";
import { MAX_RELAY_DATA_BYTES, type RelayFrame } from "../../proto/codec/relay-frame.ts";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import type { RelayId } from "../../proto/ids.ts";

/** Bytes that either direction may hold before it pauses, beside what gRPC and the network hold. */
const BUFFER_BYTES = 4 * MAX_RELAY_DATA_BYTES;

type Call = ClientDuplexStream<Buffer, Buffer>;
type Done = (error?: Error | null) => void;

class RelayStream extends Duplex {
  readonly #call: Call;
  #receivedEnd = false;
  #sentEnd = false;

  constructor(call: Call) {
    super({ highWaterMark: BUFFER_BYTES });
    this.#call = call;
  }

  /** A frame after `paired`. */
  accept(frame: RelayFrame): void {
    if (this.#receivedEnd || (frame.kind !== "data" && frame.kind !== "end"))
      throw new EntenteError("WIRE_UNEXPECTED", { detail: "relay frame" });
    if (frame.kind === "end") {
      this.#receivedEnd = true;
      this.push(null);
    } else if (!this.push(frame.data)) this.#call.pause();
  }

  /** The call is over: well only when both directions were closed before. */
  finish(error: EntenteError | undefined): void {
    if (error !== undefined && !(this.#receivedEnd && this.#sentEnd)) this.destroy(error);
  }

  override _read(): void {
    this.#call.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: Done): void {
    let mayGoOn = true;
    for (let at = 0; at < chunk.length; at += MAX_RELAY_DATA_BYTES)
      mayGoOn = this.#send({ kind: "data", data: chunk.subarray(at, at + MAX_RELAY_DATA_BYTES) });
    if (mayGoOn) done();
    else this.#call.once("drain", () => done());
  }

  /** Small writes that gathered while the call was busy travel in as few frames as they fit in. */
  override _writev(chunks: { readonly chunk: Buffer }[], done: Done): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), "buffer", done);
  }

  override _final(done: Done): void {
    this.#sentEnd = true;
    this.#send({ kind: "end" });
    this.#call.end();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    // When both directions were closed the coordinator ends the call; cancelling could overtake the last frame.
    if (error !== null || !this.#receivedEnd || !this.#sentEnd) this.#call.cancel();
    done(error);
  }

  #send(frame: RelayFrame): boolean {
    return this.#call.write(CONNECT_RELAY.request.encode(frame));
  }
}

/** Takes this party's seat at a meeting; resolves when the peer has taken its own. Errors: see `CoordinatorLink`. */
export function openRelayStream(call: Call, relayId: RelayId): Promise<Duplex> {
  const stream = new RelayStream(call);
  // A peer that goes before the caller listens must not end the process; whoever listens is told all the same.
  stream.on("error", () => undefined);
  return new Promise((resolve, reject) => {
    let isPaired = false;
    const fail = (error: EntenteError) => {
      if (isPaired) return stream.finish(error);
      call.cancel();
      reject(error);
    };
    call.on("data", (bytes: Buffer) => {
      try {
        const frame = CONNECT_RELAY.response.decode(bytes);
        if (isPaired) return stream.accept(frame);
        if (frame.kind !== "paired") throw new EntenteError("WIRE_UNEXPECTED", { detail: "relay frame" });
        isPaired = true;
        resolve(stream);
      } catch (thrown) {
        fail(toEntenteError(thrown));
      }
    });
    call.on("error", (failure: ServiceError) => fail(statusToError(failure)));
    call.on("end", () => fail(new EntenteError("PEER_GONE")));
    call.write(CONNECT_RELAY.request.encode({ kind: "open", relayId }));
  });
}
