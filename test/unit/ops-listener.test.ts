/** Health, readiness and metrics: who may read what, and what is said when something is wrong. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { initCoordinator, startCoordinator } from "../../coordinator/main.ts";
import { initParty, type RunningParty, startParty } from "../../party/main.ts";
import { EntenteError } from "../../proto/errors.ts";
import { isLoopback, urlOnThisMachine } from "../../proto/http/host-name.ts";
import { type OpsListener, type OpsOptions, serveOps, startOps } from "../../proto/ops/listener.ts";
import { Metrics } from "../../proto/ops/metrics.ts";
import { readinessOf } from "../../proto/ops/readiness.ts";
import { recent } from "../../proto/ops/recent.ts";
import { nodePorts } from "../../proto/ports/node.ts";

const TOKEN = "s".repeat(32);
const READY = { ready: true, checks: { store: { ok: true } } };
const closing: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of closing.splice(0)) await one.close();
});

async function serve(options: Partial<OpsOptions> = {}): Promise<OpsListener> {
  const base = { host: "127.0.0.1", port: 0, hosts: [], readiness: async () => READY, metrics: new Metrics("1.2.3") };
  const listener = await serveOps({ ...base, ...options });
  closing.push(listener);
  return listener;
}

async function get(url: string, headers: Record<string, string> = {}, method = "GET") {
  return new Promise<{ status: number; body: string; headers: NodeJS.Dict<string | string[]> }>((resolve, reject) => {
    const sent = httpRequest(url, { headers, method }, (response) => {
      let body = "";
      response.on("data", (chunk) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
    });
    sent.on("error", reject).end();
  });
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe("on loopback", () => {
  test("everything is told without a token, to nobody through a browser's page", async () => {
    const { url } = await serve();
    expect(await get(`${url}/healthz`)).toMatchObject({ status: 200, body: '{"status":"ok"}\n' });
    const ready = await get(`${url}/readyz`);
    expect([ready.status, JSON.parse(ready.body)]).toEqual([200, READY]);
    const metrics = await get(`${url}/metrics`);
    expect([metrics.status, metrics.headers["content-type"]]).toEqual([200, expect.stringContaining("version=0.0.4")]);
    expect(metrics.body).toContain('entente_build_info{version="1.2.3"} 1');
    expect(metrics.body).toMatch(/^nodejs_eventloop_lag_seconds \d/m);
    for (const path of ["/healthz", "/readyz", "/metrics"]) {
      expect(await get(url + path, { host: "evil.example" })).toMatchObject({ status: 421 });
      expect((await get(url + path)).headers).toMatchObject({
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
      });
    }
  });

  test.each([
    ["GET", "/"],
    ["GET", "/metrics/"],
    ["GET", "/../metrics"],
    ["POST", "/metrics"],
    ["DELETE", "/healthz"],
  ])("%s %s is nothing", async (method, path) => {
    const { url } = await serve();
    expect(await get(url + path, {}, method)).toMatchObject({ status: path === "/../metrics" ? 200 : 404 });
  });

  test("HEAD is answered without a body", async () => {
    const { url } = await serve();
    expect(await get(`${url}/readyz`, {}, "HEAD")).toMatchObject({ status: 200, body: "" });
  });
});

describe("with a token", () => {
  test("probes learn one bit without it, and only who has it the rest", async () => {
    const { url } = await serve({ token: TOKEN, readiness: async () => ({ ...READY, ready: false }) });
    expect((await get(`${url}/healthz`)).status).toBe(200);
    for (const header of [{}, bearer("t".repeat(32)), bearer(TOKEN.slice(1)), { authorization: `Basic ${TOKEN}` }]) {
      const [probe, metrics] = [await get(`${url}/readyz`, header), await get(`${url}/metrics`, header)];
      expect([probe.status, probe.body]).toEqual([503, '{"ready":false}\n']);
      expect([metrics.status, metrics.headers["www-authenticate"]]).toEqual([401, "Bearer"]);
      expect(metrics.body).not.toContain("entente_");
    }
    expect(JSON.parse((await get(`${url}/readyz`, bearer(TOKEN))).body)).toEqual({ ...READY, ready: false });
    expect((await get(`${url}/metrics`, bearer(TOKEN))).status).toBe(200);
  });

  test("of too few characters, or none where others can connect, it does not start", async () => {
    await expect(serve({ token: "short" })).rejects.toMatchObject({ code: "BAD_REQUEST" });
    await expect(serve({ host: "0.0.0.0" })).rejects.toMatchObject({ code: "BAD_REQUEST" });
    expect(["127.0.0.1", "127.9.9.9", "::1", "localhost"].map(isLoopback)).toEqual(Array(4).fill(true));
    expect(["0.0.0.0", "::", "10.0.0.1", "127.0.0.1.evil.example", "127"].map(isLoopback)).toEqual(
      Array(5).fill(false),
    );
  });

  test("a listener at every address is told to this machine by loopback's", () => {
    const told = ["127.0.0.1", "10.0.0.7", "::1", "0.0.0.0", "::"].map((address) =>
      urlOnThisMachine({ address, port: 80 }),
    );
    expect(told).toEqual(["127.0.0.1", "10.0.0.7", "[::1]", "127.0.0.1", "[::1]"].map((host) => `http://${host}:80`));
  });

  test("is read from the file that the configuration names", async () => {
    const folder = await mkdtemp(join(tmpdir(), "entente-ops-"));
    const told = { readiness: async () => READY, metrics: new Metrics("1") };
    const config = { host: "127.0.0.1", port: 0, hosts: [], tokenFile: "ops.token" };
    await expect(startOps(nodePorts.files, folder, config, told)).rejects.toMatchObject({ code: "BAD_REQUEST" });
    await writeFile(join(folder, "ops.token"), `${TOKEN}\n`);
    const listener = await startOps(nodePorts.files, folder, config, told);
    closing.push(listener, { close: () => rm(folder, { recursive: true }) });
    expect((await get(`${listener.url}/metrics`, bearer(TOKEN))).status).toBe(200);
    expect((await get(`${listener.url}/metrics`)).status).toBe(401);
  });
});

describe("readiness", () => {
  test("a check that throws is its code, one that hangs is TIMEOUT, and nothing else is told of them", async () => {
    const hasty = { after: (_delayMs: number, run: () => void) => nodePorts.timers.after(10, run) };
    const checks = {
      fine: async () => undefined,
      wrong: async () => "NODE_STOPPING",
      thrown: async () => {
        throw new EntenteError("STORAGE_FAILED", { detail: "13800138000" });
      },
      mistaken: async () => {
        throw new TypeError("13800138000");
      },
      hanging: () => new Promise<undefined>(() => {}),
    };
    expect(await readinessOf(checks, hasty)).toEqual({
      ready: false,
      checks: {
        fine: { ok: true },
        wrong: { ok: false, why: "NODE_STOPPING" },
        thrown: { ok: false, why: "STORAGE_FAILED" },
        mistaken: { ok: false, why: "INTERNAL" },
        hanging: { ok: false, why: "TIMEOUT" },
      },
    });
  });

  test("what is costly is asked once in its time, and again at once when it failed", async () => {
    let [nowMs, asked] = [0, 0];
    const ask = recent({ nowMs: () => 0, monotonicMs: () => nowMs }, 100, async () => {
      if (++asked === 2) throw new Error("no");
      return asked;
    });
    expect([await ask(), await ask()]).toEqual([1, 1]);
    nowMs = 100;
    await expect(ask()).rejects.toThrow("no");
    expect([await ask(), asked]).toEqual([3, 3]);
  });
});

describe("metrics", () => {
  test("one that cannot be found out is left out, and the others are told", async () => {
    const metrics = new Metrics("1");
    const find = async (): Promise<never> => {
      throw new Error("13800138000");
    };
    metrics.gauge("broken", "Cannot be found out", ["of"], find);
    metrics.gauge("whole", "Can be", ["of"], async () => [{ labels: { of: "a" }, value: 2 }]);
    const text = await metrics.text();
    expect(text).toContain('entente_whole{of="a"} 2');
    expect(text).not.toMatch(/^entente_broken[{ ]|13800138000/m);
  });

  test("what is counted elsewhere is read anew at every scrape", async () => {
    const metrics = new Metrics("1");
    let value = 3;
    metrics.total("seen_total", "Seen", [], () => [{ labels: {}, value }]);
    expect(await metrics.text()).toContain("entente_seen_total 3");
    value = 5;
    expect(await metrics.text()).toContain("entente_seen_total 5");
  });
});

test("a coordinator has the listener only when its configuration asks for it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "entente-ops-"));
  closing.push({ close: () => rm(folder, { recursive: true }) });
  await initCoordinator({ folder, port: 0, enrolPort: 0 });
  const log = { write: () => {} } as never;
  const without = await startCoordinator({ folder, log });
  expect(without.opsUrl).toBeUndefined();
  await without.close();
  const file = join(folder, "coordinator.json");
  await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, "utf8")), ops: {} }));
  const hub = await startCoordinator({ folder, log });
  closing.unshift(hub);
  const { status, body } = await get(`${hub.opsUrl}/readyz`);
  expect([status, Object.keys(JSON.parse(body).checks)]).toEqual([
    200,
    ["running", "store", "disk", "keys", "certificate"],
  ]);
  const text = (await get(`${hub.opsUrl}/metrics`)).body;
  for (const line of [
    'entente_ready{check="store"} 1',
    "entente_parties_online 0",
    "entente_relay_bytes_total 0",
    "entente_relay_sessions_open 0",
  ])
    expect(text.split("\n")).toContain(line);
  expect(text).toMatch(/entente_certificate_days_left\{certificate="authority"\} \d+/);
});

test("a node that is not enrolled is healthy, not ready, and says why; when it stops it says so first", async () => {
  const folder = await mkdtemp(join(tmpdir(), "entente-ops-"));
  closing.push({ close: () => rm(folder, { recursive: true }) });
  await initParty({ folder, party: "bank", apiPort: 0 });
  const node: RunningParty = await startParty({ folder, logTo: { write: () => {} } });
  closing.unshift(node);
  await fetch(`${node.apiUrl}/v1/node`);
  expect((await get(`${node.opsUrl}/healthz`)).status).toBe(200);
  const { status, body } = await get(`${node.opsUrl}/readyz`);
  const [good, missing] = [{ ok: true }, { ok: false, why: "NOT_ENROLLED" }];
  expect([status, JSON.parse(body)]).toEqual([
    503,
    {
      ready: false,
      checks: { running: good, store: good, disk: good, keys: missing, certificate: missing, link: missing },
    },
  ]);
  const text = (await get(`${node.opsUrl}/metrics`)).body;
  expect(text).toContain('entente_ready{check="disk"} 1');
  expect(text).toContain('entente_ready{check="link"} 0');
  expect(text).toContain('entente_http_requests_total{route="none",code="401"} 1');
  expect(text).toMatch(/entente_disk_free_bytes \d+/);
  const stopped = node.stop();
  expect(JSON.parse((await get(`${node.opsUrl}/readyz`)).body).checks.running).toEqual({
    ok: false,
    why: "NODE_STOPPING",
  });
  await stopped;
  closing.shift();
  await expect(get(`${node.opsUrl}/healthz`)).rejects.toThrow();
});
