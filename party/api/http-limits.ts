/**
 * How much of the API one token, one address and all together may take. What is over is refused before its body is read; what
 * is in hand goes on.
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import express, { type Request, type RequestHandler } from "express";
import { ipKeyGenerator, rateLimit, type Store } from "express-rate-limit";
import { EntenteError } from "../../proto/errors.ts";
import { Buckets } from "../../proto/limits/buckets.ts";
import type { Gate } from "../../proto/limits/gate.ts";
import { limitRefusal } from "../../proto/limits/limit.ts";
import type { NodeLimitName } from "../../proto/limits/node-limits.ts";
import type { Clock } from "../../proto/ports/ports.ts";
import { gateOf, type NodeLimits } from "../limits/limits.ts";

const MIB = 1024 * 1024;
/** A longer body is counted, and so is one that does not say how long it is. */
const LARGE_BODY_BYTES = MIB;
const ALL = "all";

export class HttpLimits {
  /** Event streams, by token id. */
  readonly streams: Gate;
  /** Requests, by token id, or address where there is none. */
  readonly requests: Gate;
  readonly #limits: NodeLimits;
  readonly #connections: Gate;
  readonly #largeBodies: Gate;
  readonly #rates: { readonly token: Buckets; readonly address: Buckets; readonly signIn: Buckets };

  constructor(limits: NodeLimits, clock: Pick<Clock, "monotonicMs">) {
    this.#limits = limits;
    this.streams = gateOf(limits, { all: "eventStreams", each: "eventStreamsPerToken" });
    this.requests = gateOf(limits, { all: "requestsAtOnce", each: "requestsPerTokenAtOnce" });
    this.#connections = gateOf(limits, { all: "connections" });
    this.#largeBodies = gateOf(limits, { all: "largeBodiesAtOnce" });
    const buckets = (name: NodeLimitName) =>
      new Buckets({
        clock,
        perMinute: limits.values[name],
        refusal: (seconds) => limitRefusal(limits, name, seconds),
      });
    this.#rates = {
      token: buckets("requestsPerTokenMinute"),
      address: buckets("anonymousRequestsPerMinute"),
      signIn: buckets("signInsPerAddressMinute"),
    };
  }

  /** What is in use now, by limit. */
  used(): Partial<Record<NodeLimitName, number>> {
    return {
      connections: this.#connections.used,
      requestsAtOnce: this.requests.used,
      requestsPerTokenAtOnce: this.requests.usedByOne,
      requestsPerTokenMinute: this.#rates.token.usedByOne,
      anonymousRequestsPerMinute: this.#rates.address.usedByOne,
      signInsPerAddressMinute: this.#rates.signIn.usedByOne,
      largeBodiesAtOnce: this.#largeBodies.used,
      eventStreams: this.streams.used,
      eventStreamsPerToken: this.streams.usedByOne,
    };
  }

  /** Reads a JSON body of at most `routeBytes`, or less when the operator says so. */
  body(routeBytes: number): RequestHandler {
    const ownBytes = this.#limits.values.bodyMib * MIB;
    const parse = express.json({ limit: Math.min(routeBytes, ownBytes), strict: true, type: "application/json" });
    const tooLarge = () =>
      ownBytes < routeBytes
        ? limitRefusal(this.#limits, "bodyMib")
        : new EntenteError("LIMIT_EXCEEDED", { detail: `body: this route takes ${routeBytes / MIB} MiB` });
    return (request, response, next) =>
      parse(request, response, (error?: unknown) => {
        if ((error as { type?: unknown } | undefined)?.type === "entity.too.large") next(tooLarge());
        else next(error);
      });
  }

  /** Behind the look-up of the token: by its id when it is good, else by address. `tokenIdOf`: undefined for no good token. */
  rates(tokenIdOf: (request: Request) => string | undefined): RequestHandler[] {
    const strangerOf = (request: Request) => (tokenIdOf(request) === undefined ? addressOf(request) : undefined);
    return [
      this.#limiter(this.#rates.token, "requestsPerTokenMinute", tokenIdOf),
      this.#limiter(this.#rates.address, "anonymousRequestsPerMinute", strangerOf),
    ];
  }

  /** By address, whatever token comes along: nobody tries more sign-ins for having one. */
  signInRate(): RequestHandler {
    return this.#limiter(this.#rates.signIn, "signInsPerAddressMinute", addressOf);
  }

  #limiter(buckets: Buckets, name: NodeLimitName, keyOf: (request: Request) => string | undefined): RequestHandler {
    return rateLimit({
      store: storeOver(buckets),
      limit: 1,
      standardHeaders: false,
      legacyHeaders: false,
      // They look for a proxy's headers, which nothing here goes by, and write to the console.
      validate: false,
      skip: (request) => keyOf(request) === undefined,
      keyGenerator: (request) => keyOf(request) ?? "",
      handler: (request, _response, next) =>
        next(limitRefusal(this.#limits, name, buckets.waitSeconds(keyOf(request) ?? ""))),
    });
  }

  /** Counts a request until its answer has ended. */
  atOnce(tokenIdOf: (request: Request) => string | undefined): RequestHandler {
    return (request, response, next) => {
      const places = [this.requests.enter(tokenIdOf(request) ?? ALL)];
      try {
        if (isLarge(request)) places.push(this.#largeBodies.enter(ALL));
      } finally {
        response.on("close", () => {
          for (const place of places) place[Symbol.dispose]();
        });
      }
      next();
    };
  }

  /** A connection too many is told so and closed, before anything of it is read. */
  guard(server: Server): void {
    const serve = server.listeners("connection") as ((socket: Socket) => void)[];
    server.removeAllListeners("connection");
    server.on("connection", (socket: Socket) => {
      try {
        const place = this.#connections.enter(ALL);
        socket.on("close", () => place[Symbol.dispose]());
      } catch (error) {
        // The client may have gone, or be writing: its answer is all that it gets.
        socket.on("error", () => {});
        socket.end(lastAnswer(error as EntenteError), () => socket.destroy());
        return;
      }
      for (const listener of serve) listener.call(server, socket);
    });
  }
}

function addressOf(request: Request): string {
  return ipKeyGenerator(request.socket.remoteAddress ?? "");
}

function isLarge({ headers }: Request): boolean {
  const length = headers["content-length"];
  return length === undefined ? headers["transfer-encoding"] !== undefined : !(Number(length) <= LARGE_BODY_BYTES);
}

/** The library counts hits up to a limit of one: a bucket that has a token is no hit. */
function storeOver(buckets: Buckets): Store {
  return {
    localKeys: true,
    increment: (key) => ({ totalHits: buckets.tryTake(key) === 0 ? 1 : 2, resetTime: undefined }),
    decrement: () => {},
    resetKey: () => {},
  };
}

function lastAnswer(error: EntenteError): string {
  const body = JSON.stringify({ error: error.toPublic() });
  return [
    "HTTP/1.1 503 Service Unavailable",
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    `retry-after: ${error.retryAfterSeconds ?? 1}`,
    "connection: close",
    "",
    body,
  ].join("\r\n");
}
