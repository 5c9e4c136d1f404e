/**
 * What stands for TLS where a simulation is not about it: plain records with a number each. As in TLS a record that is lost,
 * doubled, out of order or of another session is the end of the session; who is at the other end is not proved.
 */
import { Duplex } from "node:stream";
import type { Secure, SecuringInput } from "../../party/session/tls.ts";
import { concat, uintBe, utf8 } from "../../proto/encoding/bytes.ts";
import { sha256 } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";

const NONCE_BYTES = 16;
/** Length of what follows, number of the record; a record of no bytes is the sender's last. */
const HEADER_BYTES = 8;

type Done = (error?: Error | null) => void;

class RecordStream extends Duplex {
  readonly #inner: Duplex;
  #waiting = Buffer.alloc(0);
  #sent = 0;
  #received = 0;
  #isClosed = false;

  constructor(inner: Duplex) {
    super();
    this.#inner = inner;
    inner.on("data", (chunk: Buffer) => this.#take(chunk));
    inner.on("end", () => this.#over());
    inner.on("close", () => this.#over());
    inner.on("error", (error) => this.destroy(error));
    inner.on("drain", () => this.#goOn?.());
  }

  #goOn: (() => void) | undefined;

  /** A stream that ends without a last record was cut: as TLS without its close alert. */
  #over(): void {
    if (this.#isClosed || this.destroyed) return;
    this.destroy(new Error("cut off"));
  }

  #take(chunk: Buffer): void {
    this.#waiting = Buffer.concat([this.#waiting, chunk]);
    while (this.#waiting.length >= HEADER_BYTES && !this.destroyed && !this.#isClosed) {
      const length = this.#waiting.readUInt32BE(0);
      if (this.#waiting.length < HEADER_BYTES + length) return;
      if (this.#waiting.readUInt32BE(4) !== this.#received++) {
        this.destroy(new Error("bad record"));
        this.#inner.destroy();
        return;
      }
      const body = this.#waiting.subarray(HEADER_BYTES, HEADER_BYTES + length);
      this.#waiting = this.#waiting.subarray(HEADER_BYTES + length);
      if (length > 0) {
        if (!this.push(body)) this.#inner.pause();
        continue;
      }
      this.#isClosed = true;
      this.push(null);
    }
  }

  override _read(): void {
    this.#inner.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: Done): void {
    if (this.#inner.destroyed || this.#inner.writableEnded) {
      done(new Error("closed"));
      return;
    }
    const record = Buffer.concat([uintBe(chunk.length, 4), uintBe(this.#sent++, 4), chunk]);
    if (this.#inner.write(record)) done();
    else
      this.#goOn = () => {
        this.#goOn = undefined;
        done();
      };
  }

  override _final(done: Done): void {
    if (!this.#inner.destroyed && !this.#inner.writableEnded)
      this.#inner.end(Buffer.concat([uintBe(0, 4), uintBe(this.#sent++, 4)]));
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#goOn?.();
    this.#inner.destroy();
    done(error);
  }
}

/** Exchanges nonces, of which the exporter value is made: new for each session, equal at both ends. */
export function plainStreams(random: (length: number) => Uint8Array): Secure {
  return async ({ stream, role, timers, timeoutMs }: SecuringInput) => {
    const own = random(NONCE_BYTES);
    const socket = new RecordStream(stream);
    socket.on("error", () => {});
    socket.write(own);
    try {
      const theirs = await firstBytes(socket, timers, timeoutMs);
      const [server, client] = role === "server" ? [own, theirs] : [theirs, own];
      return {
        socket,
        exporter: sha256(concat(utf8("exporter"), server, client)),
        carrierSecret: sha256(concat(utf8("carrier"), server, client)),
      };
    } catch (error) {
      socket.destroy();
      throw error;
    }
  };
}

function firstBytes(socket: Duplex, timers: SecuringInput["timers"], timeoutMs: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void) => {
      cancel();
      socket.off("readable", onReadable);
      socket.off("close", onClose);
      finish();
    };
    const onReadable = () => {
      const bytes: Buffer | null = socket.read(NONCE_BYTES);
      if (bytes === null) return;
      settle(() => resolve(new Uint8Array(bytes)));
    };
    const onClose = () => settle(() => reject(new EntenteError("PEER_GONE", { detail: "handshake" })));
    const cancel = timers.after(timeoutMs, () =>
      settle(() => reject(new EntenteError("PEER_TIMEOUT", { detail: "handshake" }))),
    );
    socket.on("readable", onReadable);
    socket.on("close", onClose);
    onReadable();
  });
}
