/**
 * The listener for whoever runs a process: `/healthz`, `/readyz`, `/metrics`. Apart from the API, so that it can be closed to
 * everybody but the monitoring, and answers when the API is full.
 */
import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve as resolvePath } from "node:path";
import { fromUtf8, utf8 } from "../encoding/bytes.ts";
import { sha256 } from "../encoding/sha256.ts";
import { CATALOGUE, EntenteError, type ErrorCode } from "../errors.ts";
import { isForThisServer, isLoopback, urlOnThisMachine } from "../http/host-name.ts";
import type { Files } from "../ports/ports.ts";
import { cannotListen } from "./cannot-listen.ts";
import type { OpsConfig } from "./config.ts";
import type { Metrics } from "./metrics.ts";
import type { Readiness } from "./readiness.ts";

const LIMITS = {
  headersTimeout: 5_000,
  requestTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 8 * 1024,
  requireHostHeader: true,
} as const;
const MAX_CONNECTIONS = 32;
const LEAST_TOKEN_CHARACTERS = 32;
const HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
};

export interface OpsOptions {
  readonly host: string;
  readonly port: number;
  readonly hosts: readonly string[];
  /** What metrics and the names of checks need; may be left out on loopback only. */
  readonly token?: string | undefined;
  readonly readiness: () => Promise<Readiness>;
  readonly metrics: Metrics;
}

export interface OpsListener {
  /** Without a final slash. */
  readonly url: string;
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** As a folder's configuration says. Throws as `serveOps`, and BAD_REQUEST when the token's file is not there. */
export async function startOps(
  files: Pick<Files, "read">,
  folder: string,
  { tokenFile, ...place }: OpsConfig,
  told: Pick<OpsOptions, "readiness" | "metrics">,
): Promise<OpsListener> {
  const bytes = tokenFile === undefined ? undefined : await files.read(resolvePath(folder, tokenFile));
  if (tokenFile !== undefined && bytes === undefined)
    throw new EntenteError("BAD_REQUEST", { detail: "ops.tokenFile: cannot be read" });
  return serveOps({ ...place, ...told, token: bytes && fromUtf8(bytes).trim() });
}

/** Throws BAD_REQUEST when the address cannot be had, or others could read metrics there without a token. */
export async function serveOps(options: OpsOptions): Promise<OpsListener> {
  const { host, port, token } = options;
  if (token === undefined ? !isLoopback(host) : token.length < LEAST_TOKEN_CHARACTERS)
    throw new EntenteError("BAD_REQUEST", {
      detail: `ops.tokenFile: a token of at least ${LEAST_TOKEN_CHARACTERS} characters, unless host is loopback`,
    });
  // One at a time, whoever asks: neither is cheap.
  const shared = { ...options, readiness: joined(options.readiness), text: joined(() => options.metrics.text()) };
  const server = createServer(LIMITS, (request, response) => void respond(shared, request, response));
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(cannotListen("ops", { host, port }, cause)));
    server.listen(port, host, resolve);
  });
  return {
    url: urlOnThisMachine(server.address() as AddressInfo),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Shared extends OpsOptions {
  readonly text: () => Promise<string>;
}

async function respond(options: Shared, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, type, body } = await answerTo(options, request).catch(() => refusal("INTERNAL"));
  const auth = status === 401 ? { "www-authenticate": "Bearer" } : {};
  response.writeHead(status, { ...HEADERS, ...auth, "content-type": type });
  response.end(request.method === "HEAD" ? undefined : body);
}

async function answerTo(options: Shared, request: IncomingMessage): Promise<Answer> {
  const { host } = request.headers;
  const addressed = { host, target: request.url, localAddress: request.socket.localAddress };
  if (!isForThisServer(addressed, options.hosts)) return refusal("HOST_REFUSED");
  const isRead = request.method === "GET" || request.method === "HEAD";
  const path = isRead ? request.url?.split("?", 1)[0] : undefined;
  // A probe of an orchestrator cannot keep a secret, so that one bit is everybody's.
  if (path === "/healthz") return json(200, { status: "ok" });
  const isTrusted = options.token === undefined || isToken(options.token, request.headers.authorization);
  if (path === "/readyz") {
    const { ready, checks } = await options.readiness();
    return json(ready ? 200 : 503, isTrusted ? { ready, checks } : { ready });
  }
  if (path !== "/metrics") return refusal("NOT_FOUND");
  if (!isTrusted) return refusal("TOKEN_MISSING");
  return { status: 200, type: options.metrics.contentType, body: await options.text() };
}

function isToken(token: string, header: string | undefined): boolean {
  const presented = /^Bearer +(\S+)$/i.exec(header ?? "")?.[1] ?? "";
  return timingSafeEqual(sha256(utf8(presented)), sha256(utf8(token)));
}

function json(status: number, value: object): Answer {
  return { status, type: "application/json; charset=utf-8", body: `${JSON.stringify(value)}\n` };
}

function refusal(code: ErrorCode): Answer {
  return json(CATALOGUE[code].http, { error: new EntenteError(code).toPublic() });
}

function joined<T>(find: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined;
  return () => {
    running ??= find().finally(() => (running = undefined));
    return running;
  };
}
