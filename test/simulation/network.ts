/**
 * The network between parties and coordinator: gRPC's calls, made of messages that take their time. A call's messages keep
 * their order, as on a connection; a connection may break at any of them. What a coordinator could do to a relayed session
 * or to an inbox beside that (drop, double, swap messages) is done here, too.
 */
import type { handleUnaryCall, StatusObject, UntypedHandleCall } from "@grpc/grpc-js";
import type { Registrar } from "../../coordinator/services.ts";
import type { RpcChannel } from "../../party/coordinator-link/calls.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { sha256 } from "../../proto/encoding/sha256.ts";
import {
  ClientCall,
  type ConnectionEnds,
  failure,
  LOST,
  type PeerCertificate,
  type Pipe,
  ServerCall,
  TOO_LATE,
} from "./calls.ts";
import type { Chance } from "./chance.ts";
import type { Process } from "./process.ts";
import type { Scheduler } from "./scheduler.ts";

/** Probabilities, of each message or call, while the simulation disturbs the network. */
export interface NetworkFaults {
  readonly loseRequest: number;
  readonly loseAnswer: number;
  readonly doubleCall: number;
  readonly breakStream: number;
  /** Of streams: a message is dropped, doubled, or changes places with the next. */
  readonly tamper: number;
  /** A message that takes seconds. */
  readonly delay: number;
}

export const CALM: NetworkFaults = {
  loseRequest: 0,
  loseAnswer: 0,
  doubleCall: 0,
  breakStream: 0,
  tamper: 0,
  delay: 0,
};

const MAX_UNDER_WAY = 16;
const MAX_DELAY_MS = 20_000;

interface Ends {
  first(run: () => void): void;
  last(run: () => void): void;
}

export interface NetworkOptions {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  /** Whether bytes are part of the trace: not those that OpenSSL's randomness is in. */
  readonly traceBytes: boolean;
}

interface Stream {
  readonly client: Process;
  readonly server: Process;
  readonly breakOff: () => void;
}

export class Network {
  faults: NetworkFaults = CALM;
  readonly #options: NetworkOptions;
  readonly #streams = new Set<Stream>();
  #listening: { readonly process: Process; readonly handlers: ReadonlyMap<string, UntypedHandleCall> } | undefined;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** The coordinator serves. `register` gives what it serves. */
  listen(process: Process, register: (registrar: Registrar) => void): void {
    const handlers = new Map<string, UntypedHandleCall>();
    const addService = (_definition: unknown, methods: Readonly<Record<string, UntypedHandleCall>>) => {
      for (const [path, handler] of Object.entries(methods)) handlers.set(path, handler);
    };
    register({ addService } as Registrar);
    this.#listening = { process, handlers };
  }

  /** A process is no more: its connections break. */
  cut(process: Process): void {
    for (const stream of [...this.#streams])
      if (stream.client === process || stream.server === process) stream.breakOff();
  }

  /** Every connection that is open. */
  cutAll(): void {
    for (const stream of [...this.#streams]) stream.breakOff();
  }

  /** What a party dials. */
  channel(client: Process, certificate: PeerCertificate): RpcChannel {
    const streams = new Set<ClientCall>();
    const open = (path: string, request: Buffer, isDuplex: boolean, deadlineMs?: number) => {
      const call = this.#open(client, certificate, path, request, isDuplex);
      streams.add(call);
      if (deadlineMs !== undefined) client.timer(deadlineMs, () => call.over(TOO_LATE()));
      return call.asGrpc();
    };
    return {
      unary: (path, request, deadlineMs) => this.#call(client, certificate, path, request, deadlineMs),
      serverStream: (path, request, deadlineMs) => open(path, request, false, deadlineMs),
      bidi: (path) => open(path, Buffer.alloc(0), true),
      close: () => {
        for (const call of streams) call.cancel();
      },
    };
  }

  #latencyMs(): number {
    const { chance } = this.#options;
    return chance.happens(this.faults.delay) ? chance.between(100, MAX_DELAY_MS) : chance.between(0.2, 5);
  }

  #traced(label: string, bytes: Uint8Array): string {
    if (!this.#options.traceBytes) return label;
    return `${label} ${bytes.length} ${toHex(sha256(bytes).subarray(0, 8))}`;
  }

  #call(
    client: Process,
    certificate: PeerCertificate,
    path: string,
    request: Buffer,
    deadlineMs: number,
  ): Promise<Buffer> {
    const { scheduler, chance } = this.#options;
    const name = `${client.name} ${path.slice(path.lastIndexOf("/") + 1)}`;
    return new Promise((resolve, reject) => {
      if (!client.isAlive) return;
      let isSettled = false;
      const settle = (finish: () => void) => {
        if (isSettled || !client.isAlive) return;
        isSettled = true;
        cancel();
        finish();
      };
      const cancel = client.timer(deadlineMs, () => settle(() => reject(TOO_LATE())));
      const arrive = () => {
        const server = this.#listening;
        if (server?.process.isAlive !== true) return settle(() => reject(LOST()));
        const handler = server.handlers.get(path) as handleUnaryCall<Buffer, Buffer> | undefined;
        if (handler === undefined) return settle(() => reject(failure(12, "no such method")));
        const isLost = chance.happens(this.faults.loseAnswer);
        const answer = (error: unknown, response?: Buffer | null) => {
          if (!server.process.isAlive || isLost) return;
          scheduler.after(this.#latencyMs(), this.#traced(`answer to ${name}`, response ?? Buffer.alloc(0)), () =>
            settle(() => {
              if (error) reject(Object.assign(new Error("status"), error));
              else resolve(response ?? Buffer.alloc(0));
            }),
          );
        };
        const call = { request, cancelled: false, getAuthContext: () => ({ sslPeerCertificate: certificate }) };
        handler(call as never, answer as never);
      };
      if (chance.happens(this.faults.loseRequest)) {
        // Told at once, as by a refused connection, or only by the deadline.
        if (chance.happens(0.5)) scheduler.after(this.#latencyMs(), `lost ${name}`, () => settle(() => reject(LOST())));
        return;
      }
      const times = chance.happens(this.faults.doubleCall) ? 2 : 1;
      for (let i = 0; i < times; i++) scheduler.after(this.#latencyMs(), this.#traced(`call ${name}`, request), arrive);
    });
  }

  #open(client: Process, certificate: PeerCertificate, path: string, request: Buffer, isDuplex: boolean): ClientCall {
    const { scheduler } = this.#options;
    const name = `${client.name} ${path.slice(path.lastIndexOf("/") + 1)}`;
    let serverCall: ServerCall | undefined;
    let isBroken = false;
    const forget = () => this.#streams.delete(stream);
    const breakOff = () => {
      if (isBroken) return;
      isBroken = true;
      forget();
      if (client.isAlive) scheduler.after(1, `broken ${name}`, () => client.isAlive && clientCall.over(LOST()));
      const { process } = stream.server === client ? { process: undefined } : { process: stream.server };
      if (process?.isAlive) scheduler.after(1, `broken at server ${name}`, () => process.isAlive && serverCall?.gone());
    };
    const up = this.#pipe(
      `${name} up`,
      () => !isBroken,
      breakOff,
      (message) => serverCall?.deliver(message),
    );
    const down = this.#pipe(
      `${name} down`,
      () => !isBroken && client.isAlive,
      breakOff,
      (message) => clientCall.deliver(message),
    );
    const ends: ConnectionEnds = {
      onClientHalfClose: () => up.last(() => serverCall?.deliver(null)),
      onClientCancel: () =>
        up.last(() => {
          forget();
          serverCall?.gone();
        }),
      onServerStatus: (said: StatusObject | undefined) =>
        down.last(() => {
          forget();
          clientCall.over(said === undefined ? undefined : failure(said.code, said.details, said.metadata));
        }),
    };
    const clientCall = new ClientCall(up, ends);
    const server = this.#listening;
    const stream: Stream = { client, server: server?.process ?? client, breakOff };
    if (server === undefined || !server.process.isAlive || !client.isAlive) {
      breakOff();
      return clientCall;
    }
    this.#streams.add(stream);
    if (!isDuplex) clientCall.end();
    up.first(() => {
      if (!server.process.isAlive) return breakOff();
      serverCall = new ServerCall(down, ends, { request, certificate });
      const handler = server.handlers.get(path) as ((call: ServerCall) => void) | undefined;
      if (handler === undefined) clientCall.over(failure(12, "no such method"));
      else handler(serverCall);
    });
    return clientCall;
  }

  #pipe(name: string, isOpen: () => boolean, breakOff: () => void, deliver: (message: Buffer) => void) {
    const { scheduler, chance } = this.#options;
    let underWay = 0;
    let lastMs = 0;
    let swapped: Buffer | undefined;
    /** In order: nothing overtakes what was sent before. */
    const later = (label: string, run: () => void) => {
      lastMs = Math.max(lastMs, scheduler.nowMs + this.#latencyMs());
      scheduler.after(lastMs - scheduler.nowMs, label, () => isOpen() && run());
    };
    const pass = (message: Buffer) => {
      underWay++;
      later(this.#traced(name, message), () => {
        underWay--;
        deliver(message);
        if (underWay === MAX_UNDER_WAY - 1) pipe.onRoom();
      });
    };
    const pipe: Pipe & Ends = {
      onRoom: () => undefined,
      first: (run: () => void) => later(`${name} begins`, run),
      last: (run: () => void) => {
        if (swapped !== undefined) pass(swapped);
        swapped = undefined;
        later(`${name} ends`, run);
      },
      send: (message: Buffer): boolean => {
        if (chance.happens(this.faults.breakStream)) breakOff();
        const tampered = chance.happens(this.faults.tamper)
          ? chance.pick(["drop", "double", "swap"] as const)
          : undefined;
        if (tampered !== undefined) scheduler.note(`${tampered} ${name}`);
        if (tampered === "swap" && swapped === undefined) {
          swapped = message;
          return true;
        }
        if (tampered !== "drop") pass(message);
        if (tampered === "double") pass(message);
        if (swapped !== undefined) pass(swapped);
        swapped = undefined;
        return underWay < MAX_UNDER_WAY;
      },
    };
    return pipe;
  }
}
