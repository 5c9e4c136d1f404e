/** A node's API over handlers that a test gives: the real server on loopback with real tokens, and what it logged. */
import { pino } from "pino";
import { type Access, openAccess } from "../../party/access/access.ts";
import { Tokens } from "../../party/access/tokens.ts";
import { HttpLimits } from "../../party/api/http-limits.ts";
import { type ApiOptions, type Handlers, type Listening, startApi } from "../../party/api/server.ts";
import { type GivenNodeLimits, nodeLimits } from "../../party/limits/limits.ts";
import type { SignInConfig } from "../../party/sign-in/config.ts";
import { signInHandlers } from "../../party/sign-in/handlers.ts";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import { ROLES } from "../../proto/http/route.ts";
import { ROUTES, type RouteResponse } from "../../proto/http/routes.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { CLIENT } from "./sign-in-service.ts";

/** Of all roles, held by "setup". */
export const STUB_TOKEN = `ent_${"ab".repeat(32)}`;
export const STUB_TOKEN_ID = "ab".repeat(8);

/** A test asks more often than people do. */
const UNHURRIED = {
  requestsPerTokenMinute: 1_000_000,
  anonymousRequestsPerMinute: 1_000_000,
  signInsPerAddressMinute: 1_000_000,
};

export interface StubNode {
  readonly url: string;
  /** Lines of the node's log so far. */
  readonly log: readonly string[];
  readonly access: Access;
  /** As of `Api`. */
  stop(deadlineMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface StubOptions extends Pick<ApiOptions, "hosts" | "connections"> {
  readonly limits?: GivenNodeLimits;
  /** The real handlers of the sign-in routes with this in node.json; a client's secret is in the file `secret`. */
  readonly signIn?: SignInConfig;
}

/**
 * Routes without a handler answer NOT_FOUND with the detail `stub`. `nowMs` is the clock of its tokens, denials and rates.
 */
export async function startStubNode(
  handlers: Partial<Handlers> = {},
  nowMs: () => number = nodePorts.clock.nowMs,
  { limits: given, signIn, ...options }: StubOptions = {},
): Promise<StubNode> {
  const log: string[] = [];
  const missing = Object.keys(ROUTES).map((name) => [
    name,
    async () => {
      throw new EntenteError("NOT_FOUND", { detail: "stub" });
    },
  ]);
  const { random, timers } = nodePorts;
  const logger = pino({ level: "trace" }, { write: (line: string) => void log.push(line) });
  const store = openSqliteStore(":memory:");
  const predictable = { bytes: (length: number) => new Uint8Array(length).fill(0xab) };
  const first = { person: "setup", roles: ROLES, expiresInDays: 90 };
  await new Tokens({ store, random: predictable, nowMs }).create(first, null);
  const limits = nodeLimits({ ...UNHURRIED, ...given });
  const files = { read: async () => utf8(`${CLIENT.secret}\n`) };
  const access = openAccess({
    ...{ store, random, timers, nowMs, logger },
    signIn: signIn && { config: signIn, files, folder: "/node", limits, monotonicMs: nowMs },
  });
  const api = await startApi({
    handlers: {
      ...Object.fromEntries(missing),
      ...(signIn && signInHandlers(access, logger)),
      ...handlers,
    },
    access,
    port: 0,
    logger,
    random,
    timers,
    ...options,
    limits: new HttpLimits(limits, { monotonicMs: nowMs }),
  });
  return { ...api, log, access };
}

export const STUB_NODE_INFO: RouteResponse<"node"> = {
  party: "bank",
  fingerprint: "0123-4567-89ab-cdef-0123-4567-89ab-cdef",
  coordinator: null,
  connected: false,
  version: "0.1.0",
};

/** For a handler that is called without the server. */
export const NOBODY_LISTENS: Listening = {
  lastEventId: undefined,
  signal: new AbortController().signal,
  tell: () => {},
};

export const STUB_PROGRESS = {
  step: "reading-rows",
  done: 1,
  total: 2,
  unit: "rows",
  startedAt: "2026-11-01T00:00:00.000Z",
  rate: null,
  secondsLeft: null,
  rssMB: 100,
} as const;

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
  output: "list",
  awaitsApproval: false,
  withheld: false,
  ownRows: 2000,
  peerRows: null,
  summary: null,
};

export const STUB_DATASET: RouteResponse<"registerDataset"> = {
  name: "a",
  version: "0".repeat(64),
  format: "csv",
  source: { kind: "files", from: "/a.csv", files: 1 },
  dialect: null,
  lines: null,
  ids: [{ column: "id", normaliser: "email" }],
  duplicatePolicy: { kind: "first" },
  columns: [],
  rows: 1,
  accepted: 1,
  duplicates: 0,
  rejected: {},
  quarantine: null,
  registeredAt: "2026-11-01T00:00:00.000Z",
};
