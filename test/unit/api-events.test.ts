/** Server-sent events of the API: over the real server on loopback, with handlers that a test gives. */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { StateEvent } from "../../party/api/events.ts";
import type { Handlers, Listening } from "../../party/api/server.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { RouteResponse } from "../../proto/http/routes.ts";
import { readEvents } from "../../sdk/event-stream.ts";
import {
  STUB_DATASET,
  STUB_JOB,
  STUB_PROGRESS,
  STUB_TOKEN,
  STUB_TOKEN_ID,
  type StubNode,
  startStubNode,
} from "../support/stub-node.ts";

type Job = RouteResponse<"job">;
const PATH = `/v1/jobs/${STUB_JOB.jobId}/events`;
const RUNNING: Job = { ...STUB_JOB, state: "running", progress: STUB_PROGRESS };
const DONE: Job = { ...STUB_JOB, state: "done" };

let node: StubNode;
let nowMs = Date.now();
afterEach(() => node.close());

async function start(handlers: Partial<Handlers>): Promise<void> {
  nowMs = Date.now();
  node = await startStubNode(handlers, () => nowMs);
}

function open(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.set("authorization", `Bearer ${STUB_TOKEN}`);
  if (!headers.has("accept")) headers.set("accept", "text/event-stream");
  return fetch(node.url + path, { ...init, headers });
}

interface Told {
  readonly name: string;
  readonly id: string | undefined;
  readonly data: unknown;
}

async function all(response: Response): Promise<Told[]> {
  const told: Told[] = [];
  for await (const { name, id, data } of readEvents(response.body as ReadableStream<Uint8Array>, 10_000))
    told.push({ name, id, data: JSON.parse(data) });
  return told;
}

/** Handlers of jobEvents: what `states` gives, with how it is listened to. */
function following(states: (listening: Listening) => AsyncGenerator<StateEvent<Job>>): Partial<Handlers> {
  return { jobEvents: async (_input, _caller, listening) => states(listening) };
}

const register = { name: "a", path: "/a.csv", ids: [{ column: "id", normaliser: "email" }] };
const postDataset = (headers: Record<string, string> = {}) =>
  open("/v1/datasets", {
    method: "POST",
    body: JSON.stringify(register),
    headers: { "content-type": "application/json", ...headers },
  });

describe("states", () => {
  test("are events with ids, the last one the result, and cut to their form", async () => {
    await start(
      following(async function* () {
        yield { id: "x-1", isFinal: false, value: { ...RUNNING, secret: "139" } as Job };
        yield { isFinal: true, value: DONE };
      }),
    );
    const response = await open(PATH);
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await all(response)).toEqual([
      { name: "progress", id: "x-1", data: RUNNING },
      { name: "result", id: "x-1", data: DONE },
    ]);
  });

  test("what fails before the first one is a proper error, later the stream is cut", async () => {
    await start(
      following(async function* ({ lastEventId }) {
        if (lastEventId === "none") throw new EntenteError("NOT_FOUND", { detail: "job" });
        yield { isFinal: false, value: RUNNING };
        throw new Error("disk");
      }),
    );
    const missing = await open(PATH, { headers: { "last-event-id": "none" } });
    expect([missing.status, await codeOf(missing)]).toEqual([404, "NOT_FOUND"]);
    await expect(open(PATH).then(all)).rejects.toThrow();
  });

  test("a client that leaves ends its stream, at once", async () => {
    let ended = false;
    let signal: AbortSignal | undefined;
    await start(
      following(async function* (listening) {
        signal = listening.signal;
        try {
          yield { isFinal: false, value: RUNNING };
          await new Promise((gone) => listening.signal.addEventListener("abort", gone));
        } finally {
          ended = true;
        }
      }),
    );
    const leave = new AbortController();
    const response = await open(PATH, { signal: leave.signal });
    await response.body?.getReader().read();
    expect([ended, signal?.aborted]).toEqual([false, false]);
    leave.abort();
    await expect.poll(() => [ended, signal?.aborted]).toEqual([true, true]);
  });

  test("a reader that does not read holds the work of telling up, not the node; then it reads on and gets the end", async () => {
    let asked = 0;
    await start(
      following(async function* () {
        const value = { ...RUNNING, peer: "p".repeat(100_000) };
        for (; asked < 500; asked++) yield { isFinal: false, value };
        yield { isFinal: true, value: DONE };
      }),
    );
    const socket = connect(Number(new URL(node.url).port), "127.0.0.1");
    socket.write(
      `GET ${PATH} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${STUB_TOKEN}\r\nconnection: close\r\n\r\n`,
    );
    socket.pause();
    await settled(() => asked);
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThan(200);
    const before = asked;
    expect(await lastOf(socket)).toContain("event: result");
    expect([asked, before < asked]).toEqual([500, true]);
  });

  test("only so many streams are open at once, and one that ends makes room", async () => {
    await start(
      following(async function* ({ signal }) {
        yield { isFinal: false, value: RUNNING };
        await new Promise((gone) => signal.addEventListener("abort", gone));
      }),
    );
    const leave = new AbortController();
    const streams = await Promise.all(Array.from({ length: 16 }, () => open(PATH, { signal: leave.signal })));
    expect(new Set(streams.map(({ status }) => status))).toEqual(new Set([200]));
    const tooMany = await open(PATH);
    expect([tooMany.status, await codeOf(tooMany)]).toEqual([429, "OVERLOADED"]);
    leave.abort();
    await expect.poll(async () => (await open(PATH, { signal: AbortSignal.timeout(200) })).status).toBe(200);
  });
});

describe("heartbeats", () => {
  test("show that the node lives, and end the stream of a token that has ended", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], shouldAdvanceTime: true });
    try {
      await start(
        following(async function* ({ signal }) {
          yield { isFinal: false, value: RUNNING };
          await new Promise((gone) => signal.addEventListener("abort", gone));
        }),
      );
      const response = await open(PATH);
      const reader = (response.body as ReadableStream<Uint8Array>).getReader();
      const next = async () => new TextDecoder().decode((await reader.read()).value);
      expect(await next()).toContain("retry: ");
      vi.advanceTimersByTime(15_000);
      let text = "";
      while (!text.includes("\n:\n\n") && text !== ":\n\n") text = await next();
      await node.access.tokens.revoke(STUB_TOKEN_ID);
      vi.advanceTimersByTime(15_000);
      text = await next();
      expect(text).toContain("event: error");
      expect(text).toContain("TOKEN_EXPIRED");
      expect((await reader.read()).done).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("a token that ends before the result", () => {
  /** Gives its result once it is told to. */
  async function opened(): Promise<{ response: Response; finish: () => void }> {
    const { promise, resolve: finish } = Promise.withResolvers<void>();
    await start({
      ...following(async function* () {
        yield { isFinal: false, value: RUNNING };
        await promise;
        yield { isFinal: true, value: DONE };
      }),
      registerDataset: async (_input, _caller, { tell }) => {
        tell(STUB_PROGRESS);
        await promise;
        return STUB_DATASET;
      },
    });
    return { response: await open(PATH), finish };
  }

  test("is told so in its place, at once", async () => {
    const { response, finish } = await opened();
    const long = await postDataset();
    await node.access.tokens.revoke(STUB_TOKEN_ID);
    finish();
    const refused = { name: "error", data: { error: { code: "TOKEN_EXPIRED" } } };
    for (const told of [await all(response), await all(long)]) {
      expect(told.map(({ name }) => name)).toEqual(["progress", "error"]);
      expect(told.at(-1)).toMatchObject(refused);
    }
  });

  test("gets none where that cannot be found out, and the stream is cut", async () => {
    const { response, finish } = await opened();
    vi.spyOn(node.access.tokens, "identify").mockRejectedValueOnce(new Error("disk"));
    finish();
    await expect(all(response)).rejects.toThrow();
  });

  test("nor does its stream go on when a heartbeat cannot find it out", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], shouldAdvanceTime: true });
    try {
      const { response } = await opened();
      vi.spyOn(node.access.tokens, "identify").mockRejectedValueOnce(new Error("disk"));
      const told = expect(all(response)).rejects.toThrow();
      vi.advanceTimersByTime(15_000);
      await told;
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("a long call", () => {
  const telling: Partial<Handlers> = {
    registerDataset: async (_input, _caller, { tell }) => {
      for (let done = 0; done <= 1_000; done++) tell({ ...STUB_PROGRESS, done, total: 1_000 });
      tell({ ...STUB_PROGRESS, step: "finding-duplicates" });
      return STUB_DATASET;
    },
  };

  test("tells its progress to who asks for it, then its answer", async () => {
    await start(telling);
    const told = await all(await postDataset());
    expect(told.map(({ name }) => name)).toEqual(["progress", "progress", "result"]);
    expect(told.map(({ data }) => data)).toMatchObject([
      { step: "reading-rows", done: 1_000 },
      { step: "finding-duplicates" },
      STUB_DATASET,
    ]);
  });

  test.each(["application/json", "*/*"])("is answered as ever to who accepts %s", async (accept) => {
    await start(telling);
    expect(await (await postDataset({ accept })).json()).toEqual(STUB_DATASET);
  });

  test("that fails tells its error in the stream, without what must not leave, and the log has it", async () => {
    const fail = vi.fn();
    await start({ registerDataset: fail });
    fail.mockRejectedValueOnce(new EntenteError("DATASET_EMPTY"));
    expect(await all(await postDataset())).toEqual([
      { name: "error", id: undefined, data: { error: new EntenteError("DATASET_EMPTY").toPublic() } },
    ]);
    fail.mockRejectedValueOnce(new Error("13812345678"));
    expect(await all(await postDataset())).toMatchObject([{ name: "error", data: { error: { code: "INTERNAL" } } }]);
    await expect.poll(() => node.log.filter((line) => line.includes("DATASET_EMPTY")).length).toBe(1);
    expect(node.log.join("")).not.toContain("13812345678");
    const bad = await open("/v1/datasets", { method: "POST" });
    expect([bad.status, await codeOf(bad)]).toEqual([400, "BAD_REQUEST"]);
  });

  test("goes on when its client leaves", async () => {
    let ended = false;
    await start({
      registerDataset: async (_input, _caller, { tell, signal }) => {
        tell(STUB_PROGRESS);
        await new Promise((gone) => signal.addEventListener("abort", gone));
        await sleep(20);
        tell(STUB_PROGRESS);
        ended = true;
        return STUB_DATASET;
      },
    });
    const leave = new AbortController();
    const response = await open("/v1/datasets", {
      ...{ method: "POST", body: JSON.stringify(register), signal: leave.signal },
      headers: { "content-type": "application/json" },
    });
    await response.body?.getReader().read();
    leave.abort();
    await expect.poll(() => ended).toBe(true);
  });
});

async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as { error: { code: string } }).error.code;
}

/** Until `value` has not changed for a while. */
async function settled(value: () => number): Promise<void> {
  for (let last = -1; last !== value(); ) {
    last = value();
    await sleep(150);
  }
}

async function lastOf(socket: Socket): Promise<string> {
  let tail = "";
  for await (const chunk of socket) tail = (tail + chunk).slice(-1_000);
  return tail;
}
