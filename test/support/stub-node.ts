/** A node's API over handlers that a test gives: the real server on loopback, and what it logged. */
import { pino } from "pino";
import { type Handlers, startApi } from "../../party/api/server.ts";
import { tokenCheck } from "../../party/api/token.ts";
import { EntenteError } from "../../proto/errors.ts";
import { ROUTES, type RouteResponse } from "../../proto/http/routes.ts";
import { nodePorts } from "../../proto/ports/node.ts";

export const STUB_TOKEN = "0123456789abcdef0123456789abcdef";

export interface StubNode {
  readonly url: string;
  /** Lines of the node's log so far. */
  readonly log: readonly string[];
  close(): Promise<void>;
}

/** Routes without a handler answer NOT_FOUND with the detail `stub`. */
export async function startStubNode(handlers: Partial<Handlers> = {}): Promise<StubNode> {
  const log: string[] = [];
  const missing = Object.keys(ROUTES).map((name) => [
    name,
    async () => {
      throw new EntenteError("NOT_FOUND", { detail: "stub" });
    },
  ]);
  const api = await startApi({
    handlers: { ...Object.fromEntries(missing), ...handlers },
    authorise: tokenCheck(STUB_TOKEN),
    port: 0,
    logger: pino({ level: "trace" }, { write: (line: string) => void log.push(line) }),
    random: nodePorts.random,
  });
  return { ...api, log };
}

export const STUB_NODE_INFO: RouteResponse<"node"> = {
  party: "bank",
  fingerprint: "0123-4567-89ab-cdef-0123-4567-89ab-cdef",
  coordinator: null,
  connected: false,
  version: "0.1.0",
};

export const STUB_JOB: RouteResponse<"job"> = {
  jobId: "0b".repeat(16),
  operation: "audience",
  role: "receiver",
  peer: "bureau",
  agreement: "5f".repeat(32),
  state: "proposed",
  updatedAt: "2026-11-01T00:00:00.000Z",
  progress: null,
  reason: null,
  withheld: false,
  ownRows: 2000,
  peerRows: null,
  summary: null,
};
