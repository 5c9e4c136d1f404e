/** The API's limits: each is reached once and answers with its code, and what is in hand goes on. */
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { Handlers } from "../../party/api/server.ts";
import type { NodeLimitValues } from "../../party/limits/limits.ts";
import { CATALOGUE, type PublicError } from "../../proto/errors.ts";
import { type HTTP_LIMITS, NODE_LIMITS, type NodeLimitName } from "../../proto/limits/node-limits.ts";
import {
  STUB_JOB,
  STUB_NODE_INFO,
  STUB_TOKEN,
  type StubNode,
  type StubOptions,
  startStubNode,
} from "../support/stub-node.ts";

let node: StubNode | undefined;
let nowMs = 0;
afterEach(async () => {
  await node?.close();
  node = undefined;
});

async function start(
  limits: Partial<NodeLimitValues>,
  handlers: Partial<Handlers> = {},
  options: StubOptions = {},
): Promise<void> {
  nowMs = Date.parse("2026-05-01T10:00:00Z");
  node = await startStubNode({ node: async () => STUB_NODE_INFO, ...handlers }, () => nowMs, { ...options, limits });
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly error: PublicError | undefined;
}

async function ask(path = "/v1/node", init: RequestInit = {}, token: string | null = STUB_TOKEN): Promise<Answer> {
  const headers = new Headers(init.headers);
  if (token !== null) headers.set("authorization", `Bearer ${token}`);
  const response = await fetch(`${node?.url}${path}`, { ...init, headers });
  const { error } = (await response.json()) as { error?: PublicError };
  return { status: response.status, retryAfter: response.headers.get("retry-after"), error };
}

const post = (path: string, body: string, token?: string | null) =>
  ask(path, { method: "POST", body, headers: { "content-type": "application/json" } }, token);

function expectRefusal({ status, retryAfter, error }: Answer, name: NodeLimitName): void {
  const code = NODE_LIMITS[name].code as keyof typeof CATALOGUE;
  expect([status, error?.code]).toEqual([CATALOGUE[code].http, code]);
  expect(error?.detail).toContain(`${name}: `);
  expect(error?.detail).toContain("set under 'limits' in node.json");
  expect(retryAfter === null).toBe(!CATALOGUE[code].retryable);
  if (retryAfter !== null) expect(error?.retryAfterSeconds).toBe(Number(retryAfter));
}

/** A handler that answers when it is told to. */
function held() {
  let release = () => {};
  const open = new Promise<void>((resolve) => (release = resolve));
  let calls = 0;
  const handler = async () => {
    calls++;
    await open;
    return STUB_NODE_INFO;
  };
  return { handler, release, calls: () => calls };
}

const PATH = `/v1/jobs/${STUB_JOB.jobId}/events`;
const model = (length: number) => ({ model: "x".repeat(length) });
const job = (length: number) =>
  JSON.stringify({
    ...{ operation: "score", agreement: "5f".repeat(32), dataset: "a", peerDataset: "b", tag: { key: "k" } },
    ...model(length),
  });
const LARGE = 1_100_000;

/** Two requests are in hand, a third is refused, and the two go on. */
async function thirdAtOnce(name: NodeLimitName): Promise<Answer> {
  const { handler, release, calls } = held();
  await start({ [name]: 2 }, { node: handler });
  const inHand = [ask(), ask()];
  await expect.poll(calls).toBe(2);
  const refused = await ask();
  release();
  expect((await Promise.all(inHand)).map(({ status }) => status)).toEqual([200, 200]);
  expect((await ask()).status).toBe(200);
  return refused;
}

/** One stream is open, another is refused, and room is made by the one that ends. */
async function secondStream(name: NodeLimitName): Promise<Answer> {
  const states = async function* (signal: AbortSignal) {
    yield { isFinal: false, value: STUB_JOB };
    await new Promise((gone) => signal.addEventListener("abort", gone));
  };
  await start({ [name]: 1 }, { jobEvents: async (_input, _caller, { signal }) => states(signal) });
  const headers = { accept: "text/event-stream", authorization: `Bearer ${STUB_TOKEN}` };
  const open = (signal: AbortSignal) => fetch(`${node?.url}${PATH}`, { headers, signal });
  const leave = new AbortController();
  expect((await open(leave.signal)).status).toBe(200);
  const refused = await ask(PATH);
  leave.abort();
  await expect.poll(async () => (await open(AbortSignal.timeout(200))).status).toBe(200);
  return refused;
}

async function thirdConnection(): Promise<Answer> {
  await start({ connections: 2 });
  const { hostname, port } = new URL(node?.url ?? "");
  const idle = [connect(Number(port), hostname), connect(Number(port), hostname)];
  await Promise.all(idle.map((socket) => new Promise((done) => socket.once("connect", done))));
  const third = connect(Number(port), hostname);
  const text = await new Promise<string>((resolve) => {
    let read = "";
    third.on("data", (data) => {
      read += data;
    });
    third.on("close", () => resolve(read));
  });
  idle[0]?.destroy();
  await expect
    .poll(() =>
      ask()
        .then(({ status }) => status)
        .catch(() => 0),
    )
    .toBe(200);
  idle[1]?.destroy();
  const [head = "", body = ""] = text.split("\r\n\r\n");
  expect(head).toMatch(/^HTTP\/1.1 503 /);
  const retryAfter = /retry-after: (\d+)/.exec(head)?.[1] ?? null;
  // Of a connection there is no request that could be too many: the status is the server's.
  return { status: 429, retryAfter, error: (JSON.parse(body) as { error: PublicError }).error };
}

/** Where the oldest gives way, nobody is refused. */
type Refusing = Exclude<keyof typeof HTTP_LIMITS, "signInsBegun">;

/** Of each limit: reached, and what the one too many is answered. */
const REACHED: { readonly [N in Refusing]: () => Promise<Answer> } = {
  connections: thirdConnection,
  requestsAtOnce: () => thirdAtOnce("requestsAtOnce"),
  requestsPerTokenAtOnce: () => thirdAtOnce("requestsPerTokenAtOnce"),
  async requestsPerTokenMinute() {
    await start({ requestsPerTokenMinute: 6 });
    const other = await node?.access.tokens.create({ person: "Li", roles: ["analyst"], expiresInDays: 1 }, null);
    for (let i = 0; i < 6; i++) expect((await ask()).status).toBe(200);
    const refused = await ask();
    expect(refused.retryAfter).toBe("10");
    expect((await ask("/v1/node", {}, other?.token)).status).toBe(200);
    nowMs += 10_000;
    expect([(await ask()).status, (await ask()).status]).toEqual([200, 429]);
    return refused;
  },
  async anonymousRequestsPerMinute() {
    await start({ anonymousRequestsPerMinute: 3 });
    for (const token of [null, "ent_wrong", `ent_${"0".repeat(64)}`])
      expect((await ask("/v1/node", {}, token)).status).toBe(401);
    const refused = await ask("/v1/node", {}, null);
    // A good token from the same address passes: a proxy's users share one.
    expect((await ask()).status).toBe(200);
    // What is refused by rate is no denial of its own: a flood must not fill the list of them.
    expect((await node?.access.denials.list())?.map(({ code }) => code)).not.toContain("RATE_LIMITED");
    return refused;
  },
  async signInsPerAddressMinute() {
    await start({ signInsPerAddressMinute: 2 });
    const begin = (token?: string | null) =>
      post("/v1/sign-in/attempts", JSON.stringify({ challenge: "c".repeat(43) }), token);
    // With a token or without.
    expect([(await begin()).status, (await begin(null)).status]).toEqual([404, 404]);
    const refused = await begin(null);
    expect((await ask("/v1/sign-in", {}, null)).error?.code).toBe("NOT_FOUND");
    return refused;
  },
  async bodyMib() {
    await start({ bodyMib: 1 });
    return post("/v1/jobs", job(LARGE));
  },
  async largeBodiesAtOnce() {
    const { handler, release, calls } = held();
    await start({ largeBodiesAtOnce: 1 }, { startJob: handler as never });
    const inHand = post("/v1/jobs", job(LARGE));
    await expect.poll(calls).toBe(1);
    const refused = await post("/v1/jobs", job(LARGE));
    const small = post("/v1/jobs", job(1));
    await expect.poll(calls).toBe(2);
    release();
    await Promise.all([inHand, small]);
    return refused;
  },
  eventStreams: () => secondStream("eventStreams"),
  eventStreamsPerToken: () => secondStream("eventStreamsPerToken"),
};

test.each(Object.keys(REACHED) as Refusing[])("%s", async (name) => {
  expectRefusal(await REACHED[name](), name);
});

test("rates are looked at before the body is read", async () => {
  await start({ requestsPerTokenMinute: 1 });
  await ask();
  const { hostname, port } = new URL(node?.url ?? "");
  const socket = connect(Number(port), hostname);
  const head = ["POST /v1/jobs HTTP/1.1", `host: ${hostname}`, `authorization: Bearer ${STUB_TOKEN}`];
  socket.write([...head, "content-type: application/json", "content-length: 1000000", "", "{"].join("\r\n"));
  const answer = await new Promise<string>((resolve) => socket.once("data", (data) => resolve(String(data))));
  expect(answer).toMatch(/^HTTP\/1.1 429 /);
  socket.destroy();
});
