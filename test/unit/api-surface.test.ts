/** What the HTTP server does before anybody is asked anything: names, other sites, headers, slow and greedy clients. */
import { timingSafeEqual } from "node:crypto";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Tokens } from "../../party/access/tokens.ts";
import { CONNECTION_LIMITS, type ConnectionLimits } from "../../party/api/connections.ts";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { STUB_NODE_INFO, STUB_TOKEN, type StubNode, startStubNode } from "../support/stub-node.ts";

vi.mock("node:crypto", async (original) => {
  const real = await original<typeof import("node:crypto")>();
  return { ...real, timingSafeEqual: vi.fn(real.timingSafeEqual) };
});

let node: StubNode;
afterEach(() => node?.close());

async function start(options: { hosts?: string[]; connections?: Partial<ConnectionLimits> } = {}): Promise<void> {
  const { connections, ...rest } = options;
  const handlers = { node: async () => STUB_NODE_INFO };
  node = await startStubNode(handlers, undefined, {
    ...rest,
    connections: { ...CONNECTION_LIMITS, ...connections },
  });
}

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly token?: string | null;
}

/** Beside `fetch`, which sets Host and Origin as it likes. */
function ask({ method = "GET", path = "/v1/node", headers = {}, token = STUB_TOKEN }: Asked = {}) {
  return new Promise<{ status: number; headers: IncomingHttpHeaders; code: string | undefined }>((resolve, reject) => {
    const bearer = token === null ? {} : { authorization: `Bearer ${token}` };
    const { hostname, port } = new URL(node.url);
    const sent = httpRequest({ host: hostname, port, method, path, headers: { ...bearer, ...headers } }, (response) => {
      let body = "";
      response.on("data", (chunk) => (body += chunk));
      response.on("end", () => {
        const code = body.includes('"error"') ? JSON.parse(body).error.code : undefined;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, code });
      });
    });
    sent.on("error", reject);
    sent.end();
  });
}

describe("host", () => {
  test.each(["127.0.0.1", "localhost", "LOCALHOST:80", "[::1]:9", "node.bank.cn", "NODE.bank.cn:443"])(
    "%s is the node",
    async (host) => {
      await start({ hosts: ["Node.bank.cn"] });
      expect((await ask({ headers: { host } })).status).toBe(200);
    },
  );

  test.each([
    ...["evil.example", "evil.example:7430", "127.0.0.1.evil.example", "localhost.", "node.bank.cn.", "10.0.0.1"],
    ...["[::2]", "0.0.0.0", "a b", "127.0.0.1@evil.example", "localhost:80:80", "x".repeat(300)],
  ])("%s is not: refused before the token, logged and counted", async (host) => {
    await start({ hosts: ["node.bank.cn"] });
    for (const token of [STUB_TOKEN, null])
      expect(await ask({ headers: { host }, token })).toMatchObject({ status: 421, code: "HOST_REFUSED" });
    expect(await node.access.denials.list()).toMatchObject([
      { tokenId: null, person: null, route: null, code: "HOST_REFUSED", count: 2 },
    ]);
    expect(node.log.filter((line) => line.includes("HOST_REFUSED"))).toHaveLength(2);
  });

  test("a request to a proxy is not for the node", async () => {
    await start();
    expect(await ask({ path: "http://evil.example/v1/node" })).toMatchObject({ status: 421, code: "HOST_REFUSED" });
  });
});

describe("another site", () => {
  const refused: [string, Record<string, string>][] = [
    ["of another origin", { origin: "https://evil.example" }],
    ["of this machine at another port", { origin: "http://127.0.0.1:1" }],
    ["of no origin", { origin: "null" }],
    ["by Sec-Fetch-Site: cross-site", { "sec-fetch-site": "cross-site" }],
    ["by Sec-Fetch-Site: same-site", { "sec-fetch-site": "same-site" }],
    ["by one sign of two", { "sec-fetch-site": "cross-site", origin: "own" }],
  ];
  test.each(refused)("%s: no method, no route, with a good token or none", async (_, headers) => {
    await start();
    const sent = headers.origin === "own" ? { ...headers, origin: node.url } : headers;
    for (const method of ["GET", "POST", "OPTIONS", "DELETE"])
      for (const token of [STUB_TOKEN, null])
        expect(await ask({ method, headers: sent, token })).toMatchObject({ status: 403, code: "SITE_REFUSED" });
    expect(await node.access.denials.list()).toMatchObject([{ tokenId: null, code: "SITE_REFUSED", count: 8 }]);
  });

  test("the node's own page, a person's address bar, and programs may", async () => {
    await start();
    const own = { origin: node.url, "sec-fetch-site": "same-origin" };
    for (const headers of [own, { "sec-fetch-site": "none" }, {}]) expect((await ask({ headers })).status).toBe(200);
  });

  test("nothing is ever allowed to another origin", async () => {
    await start();
    const preflight = { origin: node.url, "access-control-request-method": "POST" };
    for (const headers of [{}, { origin: "https://evil.example" }, preflight])
      for (const method of ["GET", "OPTIONS"]) {
        const { headers: answered } = await ask({ method, headers });
        expect(Object.keys(answered).filter((name) => name.startsWith("access-control-"))).toEqual([]);
      }
  });

  test("a token counts in its header only, and no cookie is set", async () => {
    await start();
    const cookie = { cookie: `token=${STUB_TOKEN}; authorization=Bearer ${STUB_TOKEN}` };
    for (const asked of [{ headers: cookie }, { path: `/v1/node?access_token=${STUB_TOKEN}` }])
      expect(await ask({ ...asked, token: null })).toMatchObject({ status: 401, code: "TOKEN_MISSING" });
    expect((await ask()).headers["set-cookie"]).toBeUndefined();
  });
});

describe("headers", () => {
  const always = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cache-control": "no-store",
  };

  test.each<[string, Asked]>([
    ["an answer", {}],
    ["a refusal", { token: null }],
    ["no route", { path: "/v1/none" }],
    ["no route at all", { path: "/v1" }],
    ["another site's", { headers: { origin: "null" } }],
    ["another host's", { headers: { host: "evil.example" } }],
  ])("%s may load, run, send and be framed by nothing", async (_, asked) => {
    await start();
    const { headers } = await ask(asked);
    expect(headers).toMatchObject(always);
    const policy = headers["content-security-policy"];
    expect(policy).toBe("default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none';sandbox");
    expect(headers["x-powered-by"]).toBeUndefined();
  });

  test.each(["/", "/console/app.js"])(
    "what is no answer of the API, as %s, may load its own files only",
    async (path) => {
      await start();
      const { headers } = await ask({ path });
      expect(headers).toMatchObject(always);
      const policy = String(headers["content-security-policy"]);
      for (const rule of ["default-src 'self'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"])
        expect(policy.split(";")).toContain(rule);
      expect(policy).not.toMatch(/unsafe|data:|blob:|https?:|\*|nonce|strict-dynamic/);
    },
  );
});

describe("a client that is slow or greedy", () => {
  function open(): Promise<Socket> {
    const socket = connect(Number(new URL(node.url).port), "127.0.0.1");
    socket.on("error", () => {});
    return new Promise((resolve) => socket.on("connect", () => resolve(socket)));
  }
  async function lastWords(socket: Socket): Promise<string> {
    let heard = "";
    socket.on("data", (chunk) => (heard += chunk));
    await new Promise((resolve) => socket.on("close", resolve));
    return heard.split("\r\n")[0] ?? "";
  }
  const soon = { headersMs: 60, requestMs: 120, checkMs: 20 };

  test.each([
    ["says nothing", ""],
    ["never ends its headers", "GET /v1/node HTTP/1.1\r\nHost: localhost\r\nX-Slow: "],
  ])("%s: 408", async (_, said) => {
    await start({ connections: soon });
    const socket = await open();
    socket.write(said);
    expect(await lastWords(socket)).toBe("HTTP/1.1 408 Request Timeout");
  });

  test("never ends its body: 408, while others are served", async () => {
    await start({ connections: soon });
    const socket = await open();
    const head = `POST /v1/invites HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${STUB_TOKEN}\r\n`;
    socket.write(`${head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{`);
    expect((await ask()).status).toBe(200);
    expect(await lastWords(socket)).toBe("HTTP/1.1 408 Request Timeout");
  });

  test("sends too large headers: 431", async () => {
    await start();
    const socket = await open();
    socket.write(`GET /v1/node HTTP/1.1\r\nHost: localhost\r\nX-Large: ${"x".repeat(20_000)}\r\n\r\n`);
    expect(await lastWords(socket)).toBe("HTTP/1.1 431 Request Header Fields Too Large");
  });

  test("sends too many headers: 431", async () => {
    await start();
    const headers = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`x-${i}`, "1"]));
    expect((await ask({ headers })).status).toBe(431);
  });

  test("the limits of a node are finite", () => {
    for (const limit of Object.values(CONNECTION_LIMITS)) expect(limit).toBeGreaterThan(0);
    expect(CONNECTION_LIMITS.headersMs).toBeLessThanOrEqual(CONNECTION_LIMITS.requestMs);
  });
});

describe("a token", () => {
  test("is looked up by its hash and compared in constant time", async () => {
    await start();
    vi.mocked(timingSafeEqual).mockClear();
    expect((await ask()).status).toBe(200);
    const hash = utf8(digestOf(utf8(STUB_TOKEN)));
    expect(vi.mocked(timingSafeEqual).mock.calls).toEqual([[hash, hash]]);
  });

  test("is nobody's when the store gives another's record", async () => {
    const record = { tokenId: "00", hash: "0".repeat(64), person: "Wang Li", roles: "operator", revokedAt: null };
    const store = { tokenByHash: async () => ({ ...record, expiresAt: "9999-01-01T00:00:00.000Z", lastUsedOn: null }) };
    const tokens = new Tokens({ store: store as never, random: nodePorts.random, nowMs: () => 0 });
    expect(await tokens.identify(STUB_TOKEN)).toEqual({ refused: "TOKEN_MISSING", holder: undefined });
  });
});
