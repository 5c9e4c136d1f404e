import { afterEach, describe, expect, test } from "vitest";
import type { Handlers } from "../../party/api/server.ts";
import { EntenteError } from "../../proto/errors.ts";
import { REQUEST_EXAMPLES } from "../../proto/http/examples.ts";
import { ROUTES, type RouteName } from "../../proto/http/routes.ts";
import { EntenteClient, type Job } from "../../sdk/client.ts";
import { STUB_JOB, STUB_NODE_INFO, STUB_TOKEN, type StubNode, startStubNode } from "../support/stub-node.ts";

let node: StubNode | undefined;

afterEach(async () => {
  await node?.close();
  node = undefined;
});

async function clientOf(handlers: Partial<Handlers>): Promise<EntenteClient> {
  node = await startStubNode(handlers);
  return new EntenteClient({ url: node.url, token: STUB_TOKEN });
}

interface Sent {
  readonly url: string;
  readonly init: RequestInit;
}

/** A client whose fetch records what it is given and answers with `answer`. */
function recording(answer: () => Response, url = "http://node.test"): { client: EntenteClient; sent: Sent[] } {
  const sent: Sent[] = [];
  const fetch = async (target: string, init: RequestInit) => {
    sent.push({ url: target, init });
    return answer();
  };
  return { client: new EntenteClient({ url, token: "t", fetch }), sent };
}

describe("call", () => {
  test("puts path parameters in the path and the rest in query or body", async () => {
    const { client, sent } = recording(() => Response.json({}), "https://proxy.test/bank/");
    await client.call("confirmPeer", { party: "bureau", fingerprint: "1a" }).catch(() => {});
    await client.call("node", {}).catch(() => {});
    await client.download("exportTags", { format: "csv", key: "risk:credit" }).catch(() => {});
    await client.download("exportTags", { format: "csv", key: undefined as never }).catch(() => {});
    expect(sent.map(({ url, init }) => [init.method, url, init.body])).toEqual([
      ["POST", "https://proxy.test/bank/v1/peers/bureau/confirmation", '{"fingerprint":"1a"}'],
      ["GET", "https://proxy.test/bank/v1/node", undefined],
      ["GET", "https://proxy.test/bank/v1/tags/export?format=csv&key=risk%3Acredit", undefined],
      ["GET", "https://proxy.test/bank/v1/tags/export?format=csv", undefined],
    ]);
    for (const { init } of sent) {
      expect(new Headers(init.headers).get("authorization")).toBe("Bearer t");
      expect(init.redirect).toBe("error");
    }
  });

  test("no parameter can leave its place in the path", async () => {
    const { client, sent } = recording(() => Response.json({}));
    await client.call("peerDatasets", { party: "../node?x=/#" }).catch(() => {});
    expect(sent[0]?.url).toBe("http://node.test/v1/peers/..%2Fnode%3Fx%3D%2F%23/datasets");
    for (const party of ["", ".", "..", undefined as never])
      await expect(client.call("peerDatasets", { party })).rejects.toMatchObject({
        code: "BAD_REQUEST",
        detail: "party",
      });
    expect(sent).toHaveLength(1);
  });

  test("every route of the contract reaches its own handler", async () => {
    const seen: [string, unknown][] = [];
    const handlers = Object.keys(ROUTES).map((name) => [
      name,
      async (input: unknown) => {
        seen.push([name, input]);
        throw new EntenteError("CANCELLED");
      },
    ]);
    const client = await clientOf(Object.fromEntries(handlers));
    for (const [name, request] of Object.entries(REQUEST_EXAMPLES)) {
      const isFile = "file" in ROUTES[name as RouteName];
      const answer: Promise<unknown> = isFile
        ? client.download(name as never, request as never)
        : client.call(name as never, request as never);
      await expect(answer).rejects.toMatchObject({ code: "CANCELLED" });
    }
    const names = Object.keys(REQUEST_EXAMPLES) as RouteName[];
    expect(seen).toEqual(names.map((name) => [name, ROUTES[name].request.parse(REQUEST_EXAMPLES[name])]));
  });

  test("an answer of another form is an error that names the field", async () => {
    const { connected: _, ...partial } = STUB_NODE_INFO;
    const { client } = recording(() => Response.json(partial));
    await expect(client.call("node", {})).rejects.toMatchObject({
      code: "INTERNAL",
      detail: "unexpected answer to node: connected",
    });
    const html = recording(() => new Response("<html>"));
    await expect(html.client.call("node", {})).rejects.toMatchObject({ code: "INTERNAL" });
  });
});

describe("errors", () => {
  test("carry the node's code and detail", async () => {
    const client = await clientOf({
      startJob: async () => {
        throw new EntenteError("POLICY_INPUT_FLOOR", { detail: "1000" });
      },
    });
    const { agreement } = STUB_JOB;
    const request = { operation: "audience", agreement, dataset: "a", peerDataset: "b", tag: { key: "k" } } as const;
    const error = await client.call("startJob", request).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(EntenteError);
    expect(error).toMatchObject({ code: "POLICY_INPUT_FLOOR", detail: "1000" });
  });

  test("that come with a good status are errors nevertheless", async () => {
    const client = await clientOf({
      node: async () => {
        throw new EntenteError("POLICY_RESULT_FLOOR");
      },
    });
    await expect(client.call("node", {})).rejects.toMatchObject({ code: "POLICY_RESULT_FLOOR" });
  });

  test("of an unknown code, or of something that is no node, are INTERNAL", async () => {
    const body = { error: { ...new EntenteError("INTERNAL").toPublic(), code: "BRAND_NEW" } };
    const newer = recording(() => Response.json(body, { status: 418 }));
    await expect(newer.client.call("node", {})).rejects.toMatchObject({
      code: "INTERNAL",
      detail: "the node reports BRAND_NEW",
    });
    const proxy = recording(() => new Response("Bad gateway", { status: 502 }));
    await expect(proxy.client.call("node", {})).rejects.toMatchObject({ code: "INTERNAL", detail: "HTTP status 502" });
  });

  test("INTERNAL names the request, under which the node's log has the cause", async () => {
    const client = await clientOf({ node: () => Promise.reject(new Error("boom")) });
    const error = await client.call("node", {}).catch((thrown: EntenteError) => thrown);
    const id = JSON.parse(node?.log[0] ?? "{}").requestId;
    expect(error).toMatchObject({ code: "INTERNAL", detail: `request ${id}` });
  });

  test("a wrong token is TOKEN_MISSING", async () => {
    node = await startStubNode({ node: async () => STUB_NODE_INFO });
    const { url } = node;
    await expect(new EntenteClient({ url, token: "wrong" }).call("node", {})).rejects.toMatchObject({
      code: "TOKEN_MISSING",
    });
    await expect(new EntenteClient({ url, token: STUB_TOKEN }).call("node", {})).resolves.toEqual(STUB_NODE_INFO);
  });

  test("nobody there: NODE_UNREACHABLE", async () => {
    const { url, close } = await startStubNode();
    await close();
    const error = await new EntenteClient({ url, token: "t" }).call("node", {}).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "NODE_UNREACHABLE", detail: `no connection to ${url}` });
    expect((error as EntenteError).toPublic().retryable).toBe(true);
  });

  test("no answer in time: NODE_UNREACHABLE", async () => {
    node = await startStubNode({ node: () => new Promise(() => {}) });
    const { url } = node;
    const client = new EntenteClient({ url, token: STUB_TOKEN, timeoutMs: 100 });
    await expect(client.call("node", {})).rejects.toMatchObject({
      code: "NODE_UNREACHABLE",
      detail: `no answer in time from ${url}`,
    });
  });

  test.each(["", "node", "ftp://node", "file:///etc/passwd"])("%j is no address", (url) => {
    expect(() => new EntenteClient({ url, token: "t" })).toThrow(EntenteError);
  });
});

describe("download", () => {
  const file = (stream: AsyncIterable<Uint8Array>): Partial<Handlers> => ({
    exportTags: async () => ({ contentType: "text/csv", fileName: "tags.csv", stream }),
  });

  test("gives the bytes", async () => {
    const bytes = new Uint8Array(300_000).map((_, i) => i);
    const client = await clientOf(
      file(
        (async function* () {
          yield bytes.subarray(0, 1000);
          yield bytes.subarray(1000);
        })(),
      ),
    );
    const stream = await client.download("exportTags", { format: "csv" });
    expect(new Uint8Array(await new Response(stream as never).arrayBuffer())).toEqual(bytes);
  });

  test("fails, and does not end, when the node fails midway", async () => {
    const client = await clientOf(
      file(
        (async function* () {
          yield new Uint8Array(1000);
          throw new Error("disk");
        })(),
      ),
    );
    const read = async () => {
      let length = 0;
      for await (const chunk of await client.download("exportTags", { format: "csv" })) length += chunk.length;
      return length;
    };
    await expect(read()).rejects.toMatchObject({ code: "NODE_UNREACHABLE" });
  });
});

describe("jobProgress and waitForJob", () => {
  const states = (last: Job["state"]): Partial<Handlers> => {
    const coming: Job["state"][] = ["proposed", "running", last, "proposed"];
    return { job: async () => ({ ...STUB_JOB, state: coming.shift() as Job["state"] }) };
  };

  test.each(["done", "refused", "failed"] as const)("end with the first final state: %s", async (last) => {
    const client = await clientOf(states(last));
    const seen: string[] = [];
    for await (const job of client.jobProgress(STUB_JOB.jobId, { pollMs: 1 })) seen.push(job.state);
    expect(seen).toEqual(["proposed", "running", last]);
  });

  test("waitForJob tells each state and answers with the last", async () => {
    const client = await clientOf(states("failed"));
    const seen: string[] = [];
    const job = await client.waitForJob(STUB_JOB.jobId, { pollMs: 1, onProgress: ({ state }) => seen.push(state) });
    expect([job.state, seen]).toEqual(["failed", ["proposed", "running", "failed"]]);
  });

  test("an error of the node passes", async () => {
    const client = await clientOf({});
    await expect(client.waitForJob(STUB_JOB.jobId)).rejects.toMatchObject({ code: "NOT_FOUND", detail: "stub" });
  });
});
