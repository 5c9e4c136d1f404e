/**
 * Direct connections between two nodes, beside the relay: a session that began at the relay goes on over one when the
 * operators of both ends have allowed it, and goes back to the relay when it breaks. What is connected is a stream for a
 * carrier: the TLS inside is the session's, and a stranger gets no further than a greeting that it cannot make.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Endpoint } from "../../proto/codec/endpoint.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import { cannotListen } from "../../proto/ops/cannot-listen.ts";
import type { Timers } from "../../proto/ports/ports.ts";

/** What a connection begins with: which session it is for. */
export const DIRECT_TAG_BYTES = 32;
const TAG_MS = 5_000;
const DIAL_MS = 5_000;
/** Connections that have not said what they are for; one more closes the oldest. */
const MAX_STRANGERS = 32;
const MAX_CONNECTIONS = 512;
/** Of one session: the one that it goes over, and one that follows it. */
const MAX_PER_SESSION = 2;

export interface DirectOptions {
  readonly timers: Timers;
  /** Where this node listens; without it only dials. Port 0: a free one. */
  readonly listen?: Endpoint | undefined;
  /** What peers are told to dial; what `listen` says without it. */
  readonly address?: Endpoint | undefined;
  /** Parties whose addresses this node dials. A peer says its address: to any other it could make this node knock. */
  readonly dial: readonly string[];
}

interface Expected {
  readonly take: (stream: Duplex) => void;
  open: number;
}

export class Direct {
  readonly #options: DirectOptions;
  readonly #expected = new Map<string, Expected>();
  readonly #strangers = new Set<Socket>();
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #address: Endpoint | undefined;
  #taken = 0;
  #refused = 0;

  private constructor(options: DirectOptions) {
    this.#options = options;
  }

  /** Throws BAD_REQUEST when the port is taken. */
  static async open(options: DirectOptions): Promise<Direct> {
    const direct = new Direct(options);
    if (options.listen !== undefined) await direct.#listen(options.listen);
    return direct;
  }

  /** What peers are told. */
  get address(): Endpoint | undefined {
    return this.#address;
  }

  /** Connections that were for a session here, those that were closed for they were not, and those that are open. */
  counters(): { readonly taken: number; readonly refused: number; readonly open: number } {
    return { taken: this.#taken, refused: this.#refused, open: this.#sockets.size };
  }

  mayDial(party: string): boolean {
    return this.#options.dial.includes(party);
  }

  /** Connections that begin with these bytes are handed on until the returned function is called. */
  expect(tag: Uint8Array, take: (stream: Duplex) => void): () => void {
    const key = toHex(tag);
    this.#expected.set(key, { take, open: 0 });
    return () => this.#expected.delete(key);
  }

  /** Throws PEER_GONE, PEER_TIMEOUT. */
  dial({ host, port }: Endpoint, tag: Uint8Array): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, noDelay: true, keepAlive: true });
      const cancel = this.#options.timers.after(DIAL_MS, () => {
        socket.destroy();
        reject(new EntenteError("PEER_TIMEOUT", { detail: "direct address" }));
      });
      socket.on("error", (cause) => {
        cancel();
        reject(new EntenteError("PEER_GONE", { detail: "direct address", cause }));
      });
      socket.once("connect", () => {
        cancel();
        socket.write(tag);
        resolve(this.#keep(socket));
      });
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const server = this.#server;
    if (server !== undefined) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #listen({ host, port }: Endpoint): Promise<void> {
    const server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.#meet(socket));
    server.maxConnections = MAX_CONNECTIONS;
    this.#server = server;
    return new Promise((resolve, reject) => {
      server.once("error", (cause) => reject(cannotListen("direct.listen", { host, port }, cause)));
      server.listen(port, host, () => {
        const bound = server.address();
        const { address } = this.#options;
        this.#address = address ?? { host, port: typeof bound === "object" && bound !== null ? bound.port : port };
        resolve();
      });
    });
  }

  /** Nothing is said to a stranger, and only what is read of it is the tag. */
  #meet(socket: Socket): void {
    this.#keep(socket).on("error", () => socket.destroy());
    const [oldest] = this.#strangers;
    if (oldest !== undefined && this.#strangers.size >= MAX_STRANGERS) oldest.destroy();
    this.#strangers.add(socket);
    const cancel = this.#options.timers.after(TAG_MS, () => socket.destroy());
    const onReadable = () => {
      const tag: Buffer | null = socket.read(DIRECT_TAG_BYTES);
      if (tag === null) return;
      socket.off("readable", onReadable);
      this.#strangers.delete(socket);
      cancel();
      this.#take(socket, this.#expected.get(tag.toString("hex")));
    };
    socket.on("readable", onReadable);
    socket.once("close", () => {
      cancel();
      if (this.#strangers.delete(socket)) this.#refused++;
    });
  }

  #take(socket: Socket, expected: Expected | undefined): void {
    if (expected === undefined || expected.open >= MAX_PER_SESSION) {
      this.#refused++;
      socket.destroy();
      return;
    }
    this.#taken++;
    expected.open++;
    socket.once("close", () => expected.open--);
    expected.take(socket);
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket);
    return socket.once("close", () => this.#sockets.delete(socket));
  }
}
