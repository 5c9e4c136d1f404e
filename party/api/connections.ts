/** What a connection may cost before anything is asked in it: headers, and time to send them. */
import { createServer, type RequestListener, type Server } from "node:http";

export interface ConnectionLimits {
  /** All headers, and the whole request with its body, must have come within these (milliseconds). */
  readonly headersMs: number;
  readonly requestMs: number;
  /** How often connections are looked at for these two. */
  readonly checkMs: number;
  readonly keepAliveMs: number;
  readonly maxHeaders: number;
  readonly maxHeaderBytes: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  headersMs: 10_000,
  // 16 MiB, the largest body, at 2 Mbit/s.
  requestMs: 70_000,
  checkMs: 5_000,
  // Longer than a client may pause between two questions while this process is busy: a connection that is closed under a
  // question looks like a node that died.
  keepAliveMs: 120_000,
  maxHeaders: 64,
  maxHeaderBytes: 16 * 1024,
};

/** Not listening yet. */
export function boundedServer(limits: ConnectionLimits, listener: RequestListener): Server {
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      connectionsCheckingInterval: limits.checkMs,
      keepAliveTimeout: limits.keepAliveMs,
      maxHeaderSize: limits.maxHeaderBytes,
      requireHostHeader: true,
    },
    listener,
  );
  server.maxHeadersCount = limits.maxHeaders;
  return server;
}
