/** Both ends of a gRPC call as the product's code sees them, joined by a simulated connection. */
import { Duplex } from "node:stream";
import type { ClientDuplexStream, StatusObject } from "@grpc/grpc-js";
import { Metadata, status } from "@grpc/grpc-js";

type Done = (error?: Error | null) => void;

/** One direction. Delivered in order, each message once, unless the simulation does otherwise. */
export interface Pipe {
  /** False when so much is under way that the sender shall wait: `onRoom` follows. */
  send(message: Buffer): boolean;
  onRoom: () => void;
}

/** What a failed call is to gRPC's caller. */
export function failure(code: number, details: string, metadata = new Metadata()): Error & StatusObject {
  return Object.assign(new Error(details), { code, details, metadata });
}

export const LOST = () => failure(status.UNAVAILABLE, "the connection was lost");
export const TOO_LATE = () => failure(status.DEADLINE_EXCEEDED, "no answer in time");

/** Messages come out of `push`, as fast as they are read. */
abstract class CallEnd extends Duplex {
  protected readonly line: Pipe;
  readonly #unread: (Buffer | null)[] = [];
  #mayPush = true;

  constructor(line: Pipe) {
    super({
      objectMode: true,
      autoDestroy: false,
      emitClose: false,
      readableHighWaterMark: 4,
      writableHighWaterMark: 4,
    });
    this.line = line;
    this.on("error", () => undefined);
  }

  deliver(message: Buffer | null): void {
    this.#unread.push(message);
    this.#pump();
  }

  override _read(): void {
    this.#mayPush = true;
    this.#pump();
  }

  #pump(): void {
    while (this.#mayPush) {
      const next = this.#unread.shift();
      if (next === undefined) return;
      this.#mayPush = this.push(next);
    }
  }

  override _write(message: Buffer, _encoding: string, done: Done): void {
    if (this.line.send(message)) done();
    else
      this.line.onRoom = () => {
        this.line.onRoom = () => undefined;
        done();
      };
  }
}

export interface ConnectionEnds {
  /** The end says that it is through: well (undefined) or with a status. */
  onClientHalfClose(): void;
  onClientCancel(): void;
  onServerStatus(status: StatusObject | undefined): void;
}

/** gRPC's `ClientReadableStream` and `ClientDuplexStream`. */
export class ClientCall extends CallEnd {
  readonly #ends: ConnectionEnds;
  #isOver = false;

  constructor(line: Pipe, ends: ConnectionEnds) {
    super(line);
    this.#ends = ends;
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#ends.onClientCancel();
    this.over(failure(status.CANCELLED, "cancelled"));
  }

  /** The call's status has come. */
  over(error?: Error & StatusObject): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.deliver(null);
    // After what was delivered before it has been read.
    process.nextTick(() => {
      if (error !== undefined) this.emit("error", error);
      this.emit("status", error ?? { code: status.OK, details: "", metadata: new Metadata() });
    });
  }

  override _final(done: Done): void {
    this.#ends.onClientHalfClose();
    done();
  }

  asGrpc(): ClientDuplexStream<Buffer, Buffer> {
    return this as unknown as ClientDuplexStream<Buffer, Buffer>;
  }
}

/** gRPC's `ServerWritableStream` and `ServerDuplexStream`, with the certificate that the caller showed. */
export class ServerCall extends CallEnd {
  readonly request: Buffer;
  readonly metadata = new Metadata();
  cancelled = false;
  readonly #certificate: PeerCertificate;
  readonly #ends: ConnectionEnds;
  #isOver = false;

  constructor(
    line: Pipe,
    ends: ConnectionEnds,
    call: { readonly request: Buffer; readonly certificate: PeerCertificate },
  ) {
    super(line);
    this.#ends = ends;
    this.#certificate = call.certificate;
    this.request = call.request;
    this.on("error", (thrown: Error & StatusObject) => this.#say(thrown));
  }

  getAuthContext(): { sslPeerCertificate: PeerCertificate } {
    return { sslPeerCertificate: this.#certificate };
  }

  getPeer(): string {
    return this.#certificate.subjectaltname;
  }

  sendMetadata(): void {}

  /** The caller or its connection has gone. */
  gone(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.cancelled = true;
    this.deliver(null);
    this.emit("cancelled", "cancelled");
  }

  override _final(done: Done): void {
    this.#say(undefined);
    done();
  }

  #say(said: StatusObject | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ends.onServerStatus(said);
  }
}

/** Of the party that calls, as TLS shows it. */
export interface PeerCertificate {
  readonly raw: Buffer;
  readonly subjectaltname: string;
}
