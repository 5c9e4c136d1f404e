/**
 * The node's HTTP API for its own organisation: maps each published route to a handler. Every request is checked here,
 * token first, then role, then form, and every answer is cut to its published form, so that a handler can neither be called with
 * what the contract does not name nor tell it.
 */
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import express, { type NextFunction, type Request, type RequestHandler, type Response } from "express";
import type { Logger } from "pino";
import { toHex } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import { urlOnThisMachine } from "../../proto/http/host-name.ts";
import { EVENT_STREAM, type Progress } from "../../proto/http/progress.ts";
import { ANYBODY, type Role, type Route } from "../../proto/http/route.ts";
import {
  type OpenRouteName,
  ROUTES,
  type RouteInput,
  type RouteName,
  type RouteResponse,
} from "../../proto/http/routes.ts";
import { cannotListen } from "../../proto/ops/cannot-listen.ts";
import type { Random, Timers } from "../../proto/ports/ports.ts";
import type { Access } from "../access/access.ts";
import { isDenial } from "../access/denials.ts";
import type { Caller } from "../access/tokens.ts";
import { boundedServer, CONNECTION_LIMITS, type ConnectionLimits } from "./connections.ts";
import { consoleFiles } from "./console-files.ts";
import { type StateEvent, sendProgress, sendStates } from "./events.ts";
import { fail, fieldError, requestError } from "./failure.ts";
import type { HttpLimits } from "./http-limits.ts";
import { InFlight } from "./in-flight.ts";
import { fromOwnSite, hostNamed } from "./same-site.ts";
import { securityHeaders } from "./security-headers.ts";
import { bearerToken } from "./token.ts";

const MAX_BODY_BYTES = 1024 * 1024;
/** Of a request that needs no token. */
const MAX_OPEN_BODY_BYTES = 16 * 1024;
const REQUEST_ID_BYTES = 8;
/** Who reads nothing of a file for so long is gone. */
const READER_TIMEOUT_MS = 60_000;

/** The answer of a route that gives a file. */
export interface FileAnswer {
  /** As `text/csv; charset=utf-8`. */
  readonly contentType: string;
  /** The name to save it under. */
  readonly fileName: string;
  /** When it throws after its first chunk the connection is cut, so that no client takes a part for the whole. */
  readonly stream: AsyncIterable<Uint8Array>;
}

type States<N extends RouteName> = (typeof ROUTES)[N] extends { readonly events: "states" } ? true : false;

export type RouteAnswer<N extends RouteName> = [RouteResponse<N>] extends [never]
  ? FileAnswer
  : States<N> extends true
    ? AsyncIterable<StateEvent<RouteResponse<N>>>
    : RouteResponse<N>;

/** How its caller listens. */
export interface Listening {
  /** The last event that a client which comes back has seen. */
  readonly lastEventId: string | undefined;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** To a client that asked for events; to nobody else. */
  readonly tell: (progress: Progress) => void;
}

/** Who asks where no token is asked for. */
export interface Visitor {
  /** Name and port that the node was asked by: one of its own. */
  readonly host: string;
}

/**
 * One function for each route, called only for a caller whose roles the route names, or for anybody where it says so. What it
 * throws as an `EntenteError` reaches the caller, anything else as INTERNAL.
 */
export type Handlers = {
  readonly [N in RouteName]: (
    input: RouteInput<N>,
    caller: N extends OpenRouteName ? Visitor : Caller,
    listening: Listening,
  ) => Promise<RouteAnswer<N>>;
};

export interface ApiOptions {
  readonly handlers: Handlers;
  readonly access: Access;
  /** Default: 127.0.0.1. The API speaks plain HTTP: another address belongs behind a proxy with TLS. */
  readonly host?: string;
  /** 0: a free port. */
  readonly port: number;
  /** Names that clients call it by, as a proxy's. Loopback's, and the address of a connection, always do. */
  readonly hosts?: readonly string[] | undefined;
  readonly connections?: ConnectionLimits;
  readonly logger: Logger;
  /** For request ids. */
  readonly random: Random;
  /** For event streams. */
  readonly timers: Timers;
  /** Told of every answer: the name of its route, "none" before it is known, and the status. */
  readonly onAnswered?: ((route: string, status: number) => void) | undefined;
  readonly limits: HttpLimits;
}

export interface Api {
  /** Where this machine finds it, without a final slash. */
  readonly url: string;
  /** Refuses what is asked from now on with NODE_STOPPING, ends streams of states with it, and resolves when all other requests have
   * been answered; after the deadline the rest get it, too. */
  stop(deadlineMs: number): Promise<void>;
  /** Stops listening and ends every connection. */
  close(): Promise<void>;
}

/** Listens. Throws BAD_REQUEST when the address cannot be had. */
export async function startApi({ host = "127.0.0.1", port, ...options }: ApiOptions): Promise<Api> {
  const inFlight = new InFlight();
  const server = boundedServer(options.connections ?? CONNECTION_LIMITS, createApp(options, inFlight));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(cannotListen("api", { host, port }, cause)));
    server.listen(port, host, resolve);
  });
  options.limits.guard(server);
  return {
    url: urlOnThisMachine(server.address() as AddressInfo),
    stop: (deadlineMs) => inFlight.stop(deadlineMs, options.timers),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What is known of a request so far. */
interface Known {
  logger: Logger;
  /** Whose token came with it, even if that has expired. */
  holder?: Caller;
  /** Only when the token is good. */
  caller?: Caller;
  /** When it is not. */
  refused?: "TOKEN_MISSING" | "TOKEN_EXPIRED";
  /** Once the token has been found good, or none is asked for. */
  route?: RouteName;
}

function known(response: Response): Known {
  return response.locals as Known;
}

function createApp(options: Omit<ApiOptions, "host" | "port">, inFlight: InFlight): express.Express {
  const { handlers, access, logger, random, timers, limits, hosts = [], onAnswered } = options;
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.enable("case sensitive routing");
  app.enable("strict routing");
  // In this order, every request; each may end it. What costs more, or tells more, comes later.
  app.use(numbered(logger, random), counted(onAnswered), securityHeaders(), hostNamed(hosts), inFlight.counted());
  const tokenIdOf = ({ res }: Request) => res && known(res).caller?.tokenId;
  app.use("/v1", fromOwnSite(), identified(access), ...limits.rates(tokenIdOf), limits.atOnce(tokenIdOf));
  const serve = (name: RouteName, ...steps: RequestHandler[]) => {
    const { method, path }: Route = ROUTES[name];
    if (method === "GET") app.get(path, ...steps);
    else app.post(path, ...steps);
  };
  const names = Object.keys(ROUTES) as RouteName[];
  // The few that need no token: their bodies are small, and what costs something is counted by address.
  for (const name of names.filter(isOpen)) {
    const rates = ROUTES[name].method === "POST" ? [limits.signInRate()] : [];
    serve(name, ...rates, limits.body(MAX_OPEN_BODY_BYTES), answeringAnybody(name, handlers));
  }
  app.use("/v1", refusing());
  // Then for each route: the bytes of whoever may not ask are not worth parsing.
  for (const name of names.filter((named) => !isOpen(named))) {
    const { maxBodyBytes = MAX_BODY_BYTES }: Route = ROUTES[name];
    const deps = { handlers, access, timers, limits, inFlight };
    serve(name, allowing(name), limits.body(maxBodyBytes), answering(name, deps));
  }
  app.use(consoleFiles());
  app.use(() => {
    throw new EntenteError("NOT_FOUND", { detail: "no such route" });
  });
  // Express knows an error handler by its four parameters.
  app.use(async (thrown: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const { holder, route, logger: requestLogger } = known(response);
    const { code } = requestError(thrown);
    if (isDenial(code))
      await access.denials.record({
        tokenId: holder?.tokenId ?? null,
        person: holder?.person ?? null,
        route: route ?? null,
        code,
      });
    fail(thrown, response, requestLogger);
  });
  return app;
}

/** Gives the request its id. */
function numbered(logger: Logger, random: Random): RequestHandler {
  return (_request, response, next) => {
    const requestId = toHex(random.bytes(REQUEST_ID_BYTES));
    known(response).logger = logger.child({ requestId });
    response.set("x-request-id", requestId);
    next();
  };
}

function counted(onAnswered: ApiOptions["onAnswered"]): RequestHandler {
  return (_request, response, next) => {
    response.on("finish", () => onAnswered?.(known(response).route ?? "none", response.statusCode));
    next();
  };
}

/** Finds out who asks. Who is to be refused is counted first, by address. */
function identified({ tokens }: Access): RequestHandler {
  return async (request, response, next) => {
    const identity = await tokens.identify(bearerToken(request.headers.authorization));
    const holder = "caller" in identity ? identity.caller : identity.holder;
    if (holder !== undefined) {
      known(response).holder = holder;
      logAlso(response, { tokenId: holder.tokenId, person: holder.person });
    }
    if ("refused" in identity) known(response).refused = identity.refused;
    else known(response).caller = identity.caller;
    next();
  };
}

/** Throws TOKEN_MISSING, TOKEN_EXPIRED. */
function refusing(): RequestHandler {
  return (_request, response, next) => {
    const { refused } = known(response);
    if (refused !== undefined) throw new EntenteError(refused);
    next();
  };
}

/** Fields that every later line of this request's log has. */
function logAlso(response: Response, bindings: object): void {
  known(response).logger = known(response).logger.child(bindings);
}

/** Denies by default: whoever has no role that the route names, and whoever came past the check of tokens somehow. */
function allowing(name: RouteName): RequestHandler {
  const { roles }: Route = ROUTES[name];
  const allowed: readonly Role[] = roles === ANYBODY ? [] : roles;
  return (_request, response, next) => {
    const { caller } = known(response);
    if (caller === undefined) throw new EntenteError("TOKEN_MISSING");
    known(response).route = name;
    logAlso(response, { route: name });
    if (!caller.roles.some((role) => allowed.includes(role)))
      throw new EntenteError("NOT_ALLOWED", { detail: `for ${allowed.join(" or ")}` });
    next();
  };
}

function isOpen(name: RouteName): name is OpenRouteName {
  return ROUTES[name].roles === ANYBODY;
}

/** No token is looked at; one that came along changes nothing. */
function answeringAnybody(name: OpenRouteName, handlers: Handlers): RequestHandler {
  const handler = handlers[name] as (input: unknown, visitor: Visitor) => Promise<unknown>;
  const { request: form, response: answerForm }: Route = ROUTES[name];
  return async (request, response) => {
    known(response).route = name;
    logAlso(response, { route: name });
    const input = form.safeParse(fieldsOf(request));
    if (!input.success) throw fieldError(input.error);
    const given = await handler(input.data, { host: request.headers.host?.toLowerCase() ?? "" });
    if (!response.headersSent) response.json(answerForm.parse(given));
  };
}

interface Answering extends Pick<ApiOptions, "handlers" | "access" | "timers" | "limits"> {
  readonly inFlight: InFlight;
}

function answering(name: RouteName, { handlers, access, timers, limits, inFlight }: Answering): RequestHandler {
  // The contract's types hold for each name by itself; the union over all names has lost that.
  const handler = handlers[name] as (input: unknown, caller: Caller, listening: Listening) => Promise<unknown>;
  const { request: form, response: answerForm, events }: Route = ROUTES[name];
  return async (request, response) => {
    const input = form.safeParse(fieldsOf(request));
    if (!input.success) throw fieldError(input.error);
    const caller = known(response).caller as Caller;
    const gone = new AbortController();
    const { signal } = gone;
    response.on("close", () => gone.abort());
    const answer = (tell: Listening["tell"]) =>
      handler(input.data, caller, { lastEventId: request.get("last-event-id"), signal, tell });
    const isStream =
      events === "states" || (events === "progress" && request.accepts(["json", EVENT_STREAM]) === EVENT_STREAM);
    if (!isStream) {
      const given = await answer(() => {});
      if (answerForm.type === "never") await sendFile(given as FileAnswer, response);
      // Answered already when the node could not wait for it.
      else if (!response.headersSent) response.json(answerForm.parse(given));
      return;
    }
    using _open = limits.streams.enter(caller.tokenId);
    const leave = events === "progress" ? inFlight.overdue : inFlight.stopping;
    const sending = { timers, signal, leave, refusal: () => refusalOf(access, request) };
    if (events === "progress")
      await sendProgress(response, async (tell) => answerForm.parse(await answer(tell)), sending);
    else
      await sendStates(response, (await answer(() => {})) as AsyncIterable<StateEvent<unknown>>, answerForm, sending);
  };
}

/** Why a stream may not go on: a token may expire or be revoked within it. */
async function refusalOf(access: Access, request: Request): Promise<EntenteError | undefined> {
  const identity = await access.tokens.identify(bearerToken(request.headers.authorization));
  return "refused" in identity ? new EntenteError(identity.refused) : undefined;
}

/** Path parameters, and query or body, as one object. */
function fieldsOf(request: Request): Record<string, unknown> {
  const hasBody = request.headers["content-length"] !== "0";
  if (request.method === "POST" && hasBody && request.is("application/json") === false)
    throw new EntenteError("BAD_REQUEST", { detail: "content-type: must be application/json" });
  const given: unknown = request.method === "POST" ? (request.body ?? {}) : request.query;
  if (typeof given !== "object" || given === null || Array.isArray(given))
    throw new EntenteError("BAD_REQUEST", { detail: "body: must be an object" });
  const twice = Object.keys(request.params).find((name) => Object.hasOwn(given, name));
  if (twice !== undefined) throw new EntenteError("BAD_REQUEST", { detail: `${twice}: stands in the path already` });
  return { ...given, ...request.params };
}

/** What a response says that its client has left: midway, or before there was anything to send. */
const CLIENT_LEFT = ["ERR_STREAM_PREMATURE_CLOSE", "ERR_STREAM_UNABLE_TO_PIPE"];

async function sendFile({ contentType, fileName, stream }: FileAnswer, response: Response): Promise<void> {
  const chunks = stream[Symbol.asyncIterator]();
  // What fails before the first byte can still be told as a proper error.
  const first = await chunks.next();
  async function* all(): AsyncGenerator<Uint8Array> {
    for (let chunk = first; chunk.done !== true; chunk = await chunks.next()) yield chunk.value;
  }
  // The file is there already: only its reader can be slow.
  response.setTimeout(READER_TIMEOUT_MS, () => response.destroy());
  try {
    response.attachment(fileName).set("content-type", contentType);
    await pipeline(Readable.from(all(), { objectMode: false }), response);
  } catch (error) {
    if (!CLIENT_LEFT.includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    known(response).logger.info("the client left before the file was complete");
  } finally {
    // Not in the generator: one that nobody has asked for anything never gets to its end.
    await chunks.return?.();
  }
}
