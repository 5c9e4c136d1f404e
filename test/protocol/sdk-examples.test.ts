/**
 * The examples of `sdk/examples` and of its README, run as they stand there against nodes with real data, over HTTP; and every answer on
 * the way held against the OpenAPI document that the node serves.
 */
import { execFile, execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type OpenApiDocument, openApiDocument } from "../../proto/http/openapi.ts";
import type { Route } from "../../proto/http/route.ts";
import { ROUTES, type RouteName } from "../../proto/http/routes.ts";
import { EntenteClient } from "../../sdk/client.ts";
import { jointAudience } from "../../sdk/examples/joint-audience.ts";
import { matchRate } from "../../sdk/examples/match-rate.ts";
import { registerDataset } from "../../sdk/examples/register-dataset.ts";
import { GuideWorld } from "../support/guide-world.ts";
import { phoneOf, range, writePeople } from "../support/people.ts";
import { runnable } from "../support/published-schema.ts";

const MATCHED = 700;
const IDS = [{ column: "phone", normaliser: "phone-e164" as const }];

let world: GuideWorld;
let client: EntenteClient;
let credentials: { readonly url: string; readonly token: string };
let wish: { readonly agreement: string; readonly dataset: string; readonly peerDataset: string };
/** Answers as JSON so far, by their route's method and path. */
const answers: { readonly url: URL; readonly method: string; readonly status: number; readonly body: unknown }[] = [];

const recording: typeof fetch = async (target, init) => {
  const response = await fetch(target, init);
  if (response.headers.get("content-type")?.startsWith("application/json") === true) {
    const told = { url: new URL(String(target)), method: init?.method ?? "GET", status: response.status };
    answers.push({ ...told, body: await response.clone().json() });
  }
  return response;
};

beforeAll(async () => {
  vi.spyOn(console, "log").mockImplementation(() => {});
  world = await GuideWorld.start();
  const token = (await readFile(join(world.folder, "bank", "token"), "utf8")).trim();
  credentials = { url: world.node("bank").apiUrl, token };
  client = new EntenteClient({ ...credentials, fetch: recording as never });
  const bureau = await world.client("bureau");
  const path = await writePeople(join(world.folder, "bureau.csv"), range(300, 1_300));
  await bureau.call("registerDataset", { name: "subscribers", path, ids: IDS });
});
afterAll(async () => {
  await world.close();
  vi.restoreAllMocks();
});

test("register-dataset", async () => {
  const path = await writePeople(join(world.folder, "bank.csv"), range(0, 1_000));
  const { accepted } = await registerDataset(client, { name: "customers", path, ids: IDS });
  expect(accepted).toBe(1_000);
  const bad = await writePeople(join(world.folder, "bad.csv"), [...range(0, 10), 1e9, 1e9, 1e9]);
  await expect(registerDataset(client, { name: "bad", path: bad, ids: IDS })).rejects.toThrow("look at these rows");
});

test("joint-audience", async () => {
  const column = { name: "phone", role: "id", normaliser: "phone-e164" };
  const between = { receiver: "bank", receiverDataset: "customers", providerDataset: "subscribers" };
  const document = {
    format: "entente-agreement/1",
    title: "Joint audience",
    parties: [{ name: "bank" }, { name: "bureau" }],
    datasets: [
      { party: "bank", name: "customers", columns: [column] },
      { party: "bureau", name: "subscribers", columns: [column] },
    ],
    operations: [{ operation: "audience", ...between, protocol: "psi-dh", outputs: ["list", "match-rate"] }],
    purposes: [{ id: "offers", text: "Offers", legalBasis: "Consent" }],
    validFrom: "2020-01-01T00:00:00.000Z",
    validUntil: "2099-12-31T00:00:00.000Z",
  };
  const { digest: agreement } = await client.call("proposeAgreement", { document });
  wish = { agreement, dataset: "customers", peerDataset: "subscribers" };
  await expect(jointAudience(client, wish, join(world.folder, "none.csv"))).rejects.toThrow("The missing party signs");
  await (await world.client("bureau")).call("signAgreement", { digest: agreement });
  const file = join(world.folder, "joint.csv");
  const { summary } = await jointAudience(client, wish, file);
  expect(summary?.matched).toBe(MATCHED);
  const written = (await readFile(file, "utf8")).match(/139\d{8}/g) ?? [];
  expect(written.toSorted()).toEqual(range(300, 1_000).map(phoneOf));
});

test("match-rate", async () => {
  expect(await matchRate(client, wish)).toEqual({ people: 1_000, rate: "70%" });
});

const hasRequests = (() => {
  try {
    execFileSync("python3", ["-c", "import requests"], { stdio: "ignore" });
    return true;
  } catch {
    process.stderr.write("skipped: the three lines of Python; install python3 and its package requests to run them\n");
    return false;
  }
})();

test.skipIf(!hasRequests)("three lines of Python in the README", async () => {
  const readme = await readFile(new URL("../../sdk/README.md", import.meta.url), "utf8");
  const lines = /```python\n([\s\S]*?)```/.exec(readme)?.[1]?.trim().split("\n") ?? [];
  expect(lines).toHaveLength(3);
  const program = [...lines, "print(*(job['summary']['matched'] for job in jobs if job['output'] == 'list'))"].join(
    "\n",
  );
  const env = { ...process.env, ENTENTE_URL: credentials.url, ENTENTE_TOKEN: credentials.token };
  const { stdout } = await promisify(execFile)("python3", ["-c", program], { env });
  expect(stdout.trim()).toBe(String(MATCHED));
});

/** The operation that an answer is of. */
function operationAt(document: OpenApiDocument, { url, method }: { readonly url: URL; readonly method: string }) {
  const found = Object.entries(document.paths).filter(([path]) =>
    new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+").replaceAll(".", "\\.")}$`).test(url.pathname),
  );
  const exact = found.find(([path]) => path === url.pathname) ?? found[0];
  return exact?.[1][method.toLowerCase()];
}

test("what a node answers is what the document that it serves says", async () => {
  const document = (await client.call("openApi", {})) as unknown as OpenApiDocument;
  expect(document).toEqual(JSON.parse(JSON.stringify(openApiDocument(String(document.info.version)))));
  const lists = (Object.keys(ROUTES) as RouteName[]).filter((name) => {
    const { method, path, response, request }: Route = ROUTES[name];
    return method === "GET" && !path.includes(":") && response.type !== "never" && request.safeParse({}).success;
  });
  for (const name of lists) await client.call(name as "node", {});
  for (const { jobId } of (await client.call("jobs", {})).jobs) {
    await client.call("job", { jobId });
    await client.call("leakStatement", { jobId });
  }
  await client.call("agreement", { digest: wish.agreement });
  await client.call("peerDatasets", { party: "bureau" });
  await client.call("job", { jobId: "0b".repeat(16) }).catch(() => {});

  const forms = new Map<string, ReturnType<typeof runnable>>();
  const seen = new Set<string>();
  for (const { url, method, status, body } of answers) {
    const operation = operationAt(document, { url, method });
    const named = operation?.responses[status] as { $ref?: string; content?: Record<string, { schema: object }> };
    const response = named.$ref === undefined ? named : errorAt(document, named.$ref);
    const [{ schema }] = Object.values(response.content ?? {}) as [{ schema: object }];
    const key = JSON.stringify(schema);
    const form = forms.get(key) ?? runnable(document, schema);
    forms.set(key, form);
    seen.add(`${operation?.operationId} ${status}`);
    expect([operation?.operationId, status, form.safeParse(body).error]).toEqual([
      operation?.operationId,
      status,
      undefined,
    ]);
  }
  expect(seen.size).toBeGreaterThan(lists.length + 5);
  expect(seen).toContain("job 404");
});

function errorAt(document: OpenApiDocument, reference: string): { content?: Record<string, { schema: object }> } {
  return document.components.responses?.[reference.split("/").at(-1) as string] as ReturnType<typeof errorAt>;
}
