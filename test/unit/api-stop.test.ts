/** A node's API that is stopped: everybody who asked is answered, and whoever asks then is told to come again. */
import { afterEach, expect, test } from "vitest";
import type { Handlers } from "../../party/api/server.ts";
import { EVENT_STREAM } from "../../proto/http/progress.ts";
import {
  STUB_DATASET,
  STUB_JOB,
  STUB_NODE_INFO,
  STUB_TOKEN,
  type StubNode,
  startStubNode,
} from "../support/stub-node.ts";

let node: StubNode;
afterEach(() => node.close());

async function start(handlers: Partial<Handlers>): Promise<void> {
  node = await startStubNode(handlers);
}

function ask(path: string, { headers = {}, ...init }: RequestInit & { headers?: Record<string, string> } = {}) {
  return fetch(node.url + path, { ...init, headers: { ...headers, authorization: `Bearer ${STUB_TOKEN}` } });
}

function register(): Promise<Response> {
  const body = { name: "a", path: "/a.csv", ids: [{ column: "id", normaliser: "email" }] };
  const headers = { "content-type": "application/json", accept: EVENT_STREAM };
  return ask("/v1/datasets", { method: "POST", headers, body: JSON.stringify(body) });
}

/** A request that has reached its handler, which answers when it is let go. */
async function askAndHold() {
  const [asked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await start({
    node: async () => {
      asked.resolve();
      await go.promise;
      return STUB_NODE_INFO;
    },
  });
  const early = ask("/v1/node");
  await asked.promise;
  return { early, go };
}

test("what was asked before is answered, what is asked then is refused and its connection closed", async () => {
  const { early, go } = await askAndHold();
  const stopped = node.stop(60_000);
  const late = await ask("/v1/node");
  expect([late.status, late.headers.get("connection")]).toEqual([503, "close"]);
  expect(await late.json()).toMatchObject({ error: { code: "NODE_STOPPING", retryable: true } });
  go.resolve();
  expect(await (await early).json()).toEqual(STUB_NODE_INFO);
  await stopped;
});

test("at the deadline a request that has no answer yet gets the reason, and its own answer comes too late", async () => {
  const { early, go } = await askAndHold();
  await node.stop(20);
  const answer = await early;
  expect([answer.status, await answer.json()]).toMatchObject([503, { error: { code: "NODE_STOPPING" } }]);
  go.resolve();
  await new Promise((done) => setImmediate(done));
  expect(node.log.filter((line) => line.includes("failed"))).toEqual([]);
});

test("a stream of states ends at once with an event, one of work when the work has ended", async () => {
  const [following, working, go] = [0, 0, 0].map(() => Promise.withResolvers<void>()) as [
    PromiseWithResolvers<void>,
    PromiseWithResolvers<void>,
    PromiseWithResolvers<void>,
  ];
  await start({
    jobEvents: async (_input, _caller, { signal }) =>
      (async function* () {
        yield { isFinal: false, value: STUB_JOB };
        following.resolve();
        await new Promise((gone) => signal.addEventListener("abort", gone));
      })(),
    registerDataset: async () => {
      working.resolve();
      await go.promise;
      return STUB_DATASET;
    },
  });
  const states = await ask(`/v1/jobs/${STUB_JOB.jobId}/events`, { headers: { accept: EVENT_STREAM } });
  const work = await register();
  await Promise.all([following.promise, working.promise]);
  const stopped = node.stop(60_000);
  const said = (await states.text()).trimEnd().split("\n\n").at(-1) ?? "";
  expect(said).toMatch(/^event: error\ndata: \{"error":\{"code":"NODE_STOPPING"/);
  go.resolve();
  expect(await work.text()).toContain("event: result");
  await stopped;
});

test("at the deadline a stream of work ends with an event, too", async () => {
  const working = Promise.withResolvers<void>();
  await start({
    registerDataset: () => {
      working.resolve();
      return new Promise(() => {});
    },
  });
  const work = await register();
  await working.promise;
  await node.stop(20);
  expect(await work.text()).toMatch(/event: error\ndata: \{"error":\{"code":"NODE_STOPPING"/);
});
