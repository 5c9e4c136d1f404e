import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { fileAnswer } from "../../party/api/file-answer.ts";
import { HttpLimits } from "../../party/api/http-limits.ts";
import type { Handlers } from "../../party/api/server.ts";
import { nodeLimits } from "../../party/limits/limits.ts";
import { CATALOGUE, EntenteError, type ErrorCode } from "../../proto/errors.ts";
import { ROUTES, type RouteInput } from "../../proto/http/routes.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { STUB_JOB, STUB_NODE_INFO, STUB_TOKEN, type StubNode, startStubNode } from "../support/stub-node.ts";

let node: StubNode | undefined;

afterEach(async () => {
  await node?.close();
  node = undefined;
});

async function start(handlers: Partial<Handlers> = {}): Promise<StubNode> {
  node = await startStubNode(handlers);
  return node;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: { readonly error: { readonly code: ErrorCode; readonly detail?: string } } & Record<string, unknown>;
}

async function ask(path: string, init: RequestInit = {}, token: string | null = STUB_TOKEN): Promise<Answer> {
  const headers = new Headers(init.headers);
  if (token !== null) headers.set("authorization", `Bearer ${token}`);
  const response = await fetch(`${node?.url}${path}`, { ...init, headers });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer["body"] };
}

function post(path: string, body: string, type = "application/json"): Promise<Answer> {
  return ask(path, { method: "POST", body, headers: { "content-type": type } });
}

const neverCalled = async (): Promise<never> => {
  throw new Error("the handler was called");
};

describe("token", () => {
  const refused: [string, string | undefined][] = [
    ["missing", undefined],
    ["empty", "Bearer "],
    ["wrong", `Bearer ${STUB_TOKEN.slice(0, -1)}0`],
    ["a prefix", `Bearer ${STUB_TOKEN.slice(0, -1)}`],
    ["in capitals", `Bearer ${STUB_TOKEN.toUpperCase()}`],
    ["longer", `Bearer ${STUB_TOKEN}0`],
    ["two", `Bearer ${STUB_TOKEN} ${STUB_TOKEN}`],
    ["of another scheme", `Basic ${STUB_TOKEN}`],
  ];
  test.each(refused)("%s is refused before anything else", async (_, header) => {
    await start({ node: neverCalled });
    for (const [path, init] of [
      ["/v1/node", {}],
      ["/v1/no-such-route", {}],
      ["/v1/invites", { method: "POST", body: "{", headers: { "content-type": "application/json" } }],
    ] as [string, RequestInit][]) {
      const headers = new Headers(init.headers);
      if (header !== undefined) headers.set("authorization", header);
      const answer = await ask(path, { ...init, headers }, null);
      expect(answer.status).toBe(401);
      expect(answer.body).toEqual({ error: new EntenteError("TOKEN_MISSING").toPublic() });
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
    }
  });

  test("the right one passes, in any case of the scheme", async () => {
    await start({ node: async () => STUB_NODE_INFO });
    const answer = await ask("/v1/node", { headers: { authorization: `bearer ${STUB_TOKEN}` } }, null);
    expect([answer.status, answer.body]).toEqual([200, STUB_NODE_INFO]);
  });
});

describe("request", () => {
  test("path parameters and body reach the handler as one checked object", async () => {
    let seen: RouteInput<"confirmPeer"> | undefined;
    await start({
      confirmPeer: async (input) => {
        seen = input;
        return {
          party: input.party,
          fingerprint: input.fingerprint,
          confirmed: true,
          connected: false,
          succession: null,
        };
      },
    });
    expect((await post("/v1/peers/bureau/confirmation", '{"fingerprint":"1a2b"}')).status).toBe(200);
    expect(seen).toEqual({ party: "bureau", fingerprint: "1a2b" });
  });

  test("defaults are filled in", async () => {
    let seen: RouteInput<"startJob"> | undefined;
    await start({
      startJob: async (input) => {
        seen = input;
        return STUB_JOB;
      },
    });
    const { agreement } = STUB_JOB;
    const body = { operation: "audience", agreement, dataset: "a", peerDataset: "b", tag: { key: "k", value: "v" } };
    expect((await post("/v1/jobs", JSON.stringify(body))).status).toBe(200);
    expect(seen?.tag?.expiresInDays).toBe(90);
  });

  test("a POST whose fields are all in the path needs no body", async () => {
    let seen: unknown;
    await start({
      signAgreement: async (input) => {
        seen = input;
        throw new EntenteError("AGREEMENT_UNKNOWN");
      },
    });
    const answer = await ask(`/v1/agreements/${STUB_JOB.agreement}/signature`, { method: "POST" });
    expect(answer.body.error.code).toBe("AGREEMENT_UNKNOWN");
    expect(seen).toEqual({ digest: STUB_JOB.agreement });
  });

  const bad: [string, string, string, string | undefined][] = [
    ["field of the wrong form", "/v1/invites", '{"party":"Not A Party"}', "party"],
    ["field missing", "/v1/invites", "{}", "party"],
    ["field unknown", "/v1/invites", '{"party":"bank","extra":1}', "extra: unknown field"],
    ["unknown field that looks like a value", "/v1/invites", '{"party":"bank","13800138000":1}', "form: unknown field"],
    ["field in a field", "/v1/jobs", '{"operation":"audience","tag":{"key":"K!"}}', undefined],
    ["body not an object", "/v1/invites", "[]", "body: must be an object"],
    ["body not JSON", "/v1/invites", "{", "body: not JSON"],
    ["parameter bad", "/v1/peers/NO/confirmation", '{"fingerprint":"1a"}', "party"],
    [
      "parameter given twice",
      "/v1/peers/bank/confirmation",
      '{"party":"x","fingerprint":"1a"}',
      "party: stands in the path already",
    ],
    ["escape broken", "/v1/peers/%zz/confirmation", "{}", "the request cannot be read"],
  ];
  test.each(bad)("%s: BAD_REQUEST names it", async (_, path, body, detail) => {
    await start({ invite: neverCalled, startJob: neverCalled, confirmPeer: neverCalled });
    const answer = await post(path, body);
    expect([answer.status, answer.body.error.code]).toEqual([400, "BAD_REQUEST"]);
    if (detail !== undefined) expect(answer.body.error.detail).toBe(detail);
  });

  test("a query is checked too", async () => {
    await start({ exportTags: neverCalled, node: neverCalled });
    expect((await ask("/v1/tags/export?format=xls")).body.error.detail).toBe("format");
    expect((await ask("/v1/tags/export?format=csv&format=parquet")).body.error.detail).toBe("format");
    expect((await ask("/v1/node?verbose=1")).body.error.detail).toBe("verbose: unknown field");
  });

  test("another content type is refused, not ignored", async () => {
    await start({ invite: neverCalled });
    const answer = await post("/v1/invites", '{"party":"bank"}', "text/plain");
    expect([answer.status, answer.body.error.detail]).toEqual([400, "content-type: must be application/json"]);
  });

  test("a body may have 1 MiB and no more", async () => {
    let length = 0;
    await start({
      proposeAgreement: async ({ document }) => {
        length = String(document.text).length;
        throw new EntenteError("AGREEMENT_INVALID");
      },
    });
    const room = 1024 * 1024 - JSON.stringify({ document: { text: "" } }).length;
    const body = (size: number) => JSON.stringify({ document: { text: "x".repeat(size) } });
    expect((await post("/v1/agreements", body(room))).body.error.code).toBe("AGREEMENT_INVALID");
    expect(length).toBe(room);
    const answer = await post("/v1/agreements", body(room + 1));
    expect([answer.status, answer.body.error.detail]).toEqual([413, "body: this route takes 1 MiB"]);
  });

  test.each(["/v1/jobs", "/v1/dry-runs"])(
    "a job's at %s may have 16 MiB: it may hold a model of many trees",
    async (path) => {
      let length = 0;
      const take = async ({ model }: { model?: unknown }): Promise<never> => {
        length = String(model).length;
        throw new EntenteError("MODEL_INVALID");
      };
      await start({ startJob: take, dryRun: take });
      const digest = "5f".repeat(32);
      const rest = { operation: "score", agreement: digest, dataset: "a", peerDataset: "b", tag: { key: "k" } };
      const room = 16 * 1024 * 1024 - JSON.stringify({ ...rest, model: "" }).length;
      const body = (size: number) => JSON.stringify({ ...rest, model: "x".repeat(size) });
      expect((await post(path, body(room))).body.error.code).toBe("MODEL_INVALID");
      expect(length).toBe(room);
      const answer = await post(path, body(room + 1));
      expect([answer.status, answer.body.error.detail]).toEqual([413, "body: this route takes 16 MiB"]);
    },
  );

  test.each([
    ["GET", "/v1/nothing"],
    ["GET", "/index"],
    ["DELETE", "/v1/node"],
    ["POST", "/v1/node"],
    ["GET", "/v1/node/"],
    ["GET", "/V1/node"],
  ])("%s %s is no route", async (method, path) => {
    await start({ node: neverCalled });
    const answer = await ask(path, { method });
    expect([answer.status, answer.body.error.code]).toEqual([404, "NOT_FOUND"]);
  });
});

describe("answer", () => {
  test("every error of the catalogue has its status and its public form, and nothing of its cause", async () => {
    let code: ErrorCode = "INTERNAL";
    await start({
      node: async () => {
        throw new EntenteError(code, { detail: "a column", cause: new Error("13800138000") });
      },
    });
    for (code of (Object.keys(CATALOGUE) as ErrorCode[]).filter((known) => known !== "INTERNAL")) {
      const answer = await ask("/v1/node");
      expect(answer.status).toBe(CATALOGUE[code].http);
      expect(answer.body).toEqual({ error: new EntenteError(code, { detail: "a column" }).toPublic() });
    }
    expect(node?.log.join("")).not.toContain("13800138000");
  });

  test("what is thrown by mistake is INTERNAL without detail, and logged without its message", async () => {
    await start({
      node: async () => {
        throw new TypeError("cannot read 13800138000", { cause: new RangeError("6222020200001234567") });
      },
      peers: async () => {
        throw new EntenteError("INTERNAL", { detail: "13800138000" });
      },
    });
    const answer = await ask("/v1/node");
    expect([answer.status, answer.body]).toEqual([500, { error: new EntenteError("INTERNAL").toPublic() }]);
    const entries = node?.log.map((line) => JSON.parse(line));
    expect(entries).toHaveLength(1);
    expect(entries?.[0]).toMatchObject({
      level: 50,
      route: "node",
      code: "INTERNAL",
      trace: { cause: { type: "TypeError" } },
    });
    expect(entries?.[0].requestId).toBe(answer.headers.get("x-request-id"));
    expect(entries?.[0].trace.cause.at.join()).toContain("api-server.test.ts");
    expect((await ask("/v1/peers")).body).toEqual({ error: new EntenteError("INTERNAL").toPublic() });
    expect(node?.log.join("")).not.toMatch(/13800138000|6222020200001234567/);
  });

  test("is cut to its published form, and INTERNAL when it is not of it", async () => {
    await start({
      node: async () => ({ ...STUB_NODE_INFO, secretKey: "x" }),
      peers: async () => ({ peers: "none" }) as never,
    });
    expect((await ask("/v1/node")).body).toEqual(STUB_NODE_INFO);
    expect((await ask("/v1/peers")).status).toBe(500);
  });

  test("carries the headers of a private API", async () => {
    await start({ node: async () => STUB_NODE_INFO });
    const first = await ask("/v1/node");
    expect(first.headers.get("x-powered-by")).toBeNull();
    expect(first.headers.get("etag")).toBeNull();
    expect(first.headers.get("cache-control")).toBe("no-store");
    expect(first.headers.get("x-content-type-options")).toBe("nosniff");
    expect(first.headers.get("x-request-id")).toMatch(/^[0-9a-f]{16}$/);
    expect((await ask("/v1/node")).headers.get("x-request-id")).not.toBe(first.headers.get("x-request-id"));
  });
});

describe("file answer", () => {
  const get = (signal: AbortSignal | null = null) =>
    fetch(`${node?.url}${ROUTES.exportTags.path}?format=csv`, {
      headers: { authorization: `Bearer ${STUB_TOKEN}` },
      signal,
    });

  function file(stream: AsyncIterable<Uint8Array>): Partial<Handlers> {
    return { exportTags: async () => ({ contentType: "text/csv; charset=utf-8", fileName: 'tags "1".csv', stream }) };
  }

  test("is streamed as it is, with type and name", async () => {
    async function* chunks() {
      yield new Uint8Array([1, 2]);
      yield new Uint8Array([3]);
    }
    await start(file(chunks()));
    const response = await get();
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(new Uint8Array([1, 2, 3]));
    expect(response.headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(response.headers.get("content-disposition")).toBe('attachment; filename="tags \\"1\\".csv"');
  });

  test("may be empty", async () => {
    await start(file((async function* () {})()));
    const response = await get();
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });

  test("that fails before its first byte is a typed error", async () => {
    async function* chunks(): AsyncGenerator<Uint8Array> {
      if (node !== undefined) throw new EntenteError("STORAGE_FAILED");
      yield new Uint8Array(1);
    }
    await start(file(chunks()));
    const response = await get();
    expect([response.status, await response.json()]).toEqual([
      500,
      { error: new EntenteError("STORAGE_FAILED").toPublic() },
    ]);
    expect(response.headers.get("content-disposition")).toBeNull();
  });

  test("that fails midway is cut off, never ended", async () => {
    async function* chunks() {
      yield new Uint8Array(100_000);
      throw new Error("13800138000");
    }
    await start(file(chunks()));
    const response = await get();
    expect(response.status).toBe(200);
    await expect(response.arrayBuffer()).rejects.toThrow();
    expect(node?.log.join("")).toContain("request failed");
    expect(node?.log.join("")).not.toContain("13800138000");
  });

  test("is given up when the client leaves, and its source is closed", async () => {
    let isClosed = false;
    async function* chunks() {
      try {
        for (;;) yield new Uint8Array(65_536);
      } finally {
        isClosed = true;
      }
    }
    await start(file(chunks()));
    const response = await get();
    await response.body?.cancel();
    for (let i = 0; i < 100 && !isClosed; i++) await sleep(20);
    expect(isClosed).toBe(true);
    for (let i = 0; i < 100 && node?.log.length === 0; i++) await sleep(20);
    expect(node?.log.map((line) => JSON.parse(line))).toMatchObject([{ level: 30, route: "exportTags" }]);
  });

  test("leaves nothing on the disk when the client leaves while it is still being written", async () => {
    const exportFolder = await mkdtemp(join(tmpdir(), "entente-export-"));
    const begun = Promise.withResolvers<void>();
    const leave = new AbortController();
    await start({
      exportTags: async (_input, _caller, { signal }) =>
        fileAnswer({ ports: nodePorts, exportFolder }, { name: "tags", format: "csv" }, async (path) => {
          await writeFile(path, "13800138000");
          begun.resolve();
          await new Promise((gone) => signal.addEventListener("abort", gone));
        }),
    });
    const asked = get(leave.signal).catch(() => {});
    await begun.promise;
    expect(await readdir(exportFolder)).toHaveLength(1);
    leave.abort();
    await asked;
    await expect.poll(() => readdir(exportFolder)).toEqual([]);
    await expect.poll(() => node?.log.map((line) => JSON.parse(line).level)).toEqual([30]);
    await rm(exportFolder, { recursive: true });
  });
});

describe("life", () => {
  test("a port that is taken is a typed error", async () => {
    const { url, access } = await start();
    const { startApi } = await import("../../party/api/server.ts");
    const limits = new HttpLimits(nodeLimits(), nodePorts.clock);
    const again = startApi({ handlers: {}, access, limits, port: Number(new URL(url).port) } as never);
    await expect(again).rejects.toMatchObject({ code: "BAD_REQUEST" });
  });

  test("close ends what is under way and idle connections", async () => {
    const { url, close } = await start({ node: () => new Promise(() => {}) });
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    const closed = new Promise((resolve) => socket.on("close", resolve));
    socket.on("error", () => {});
    await new Promise((resolve) => socket.on("connect", resolve));
    const hanging = expect(ask("/v1/node")).rejects.toThrow();
    await sleep(50);
    await close();
    await Promise.all([closed, hanging]);
    await expect(ask("/v1/node")).rejects.toThrow();
  });
});
