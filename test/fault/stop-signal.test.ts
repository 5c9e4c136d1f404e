/** Real processes that are told to stop by a signal. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { initCoordinator } from "../../coordinator/main.ts";
import { initParty } from "../../party/main.ts";
import { keepCompiled } from "../support/compile-cache.ts";

const entente = fileURLToPath(new URL("../../sdk/cli/entente.js", import.meta.url));
keepCompiled();

let folder: string;
let child: ChildProcess | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "entente-stop-"));
});
afterEach(async () => {
  child?.kill("SIGKILL");
  await rm(folder, { recursive: true });
});

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly log: string;
}

/** Resolves when it serves; its end comes later. */
async function start(kind: "party" | "coordinator"): Promise<{ ended: Promise<Ended>; log: () => string }> {
  const started = spawn(process.execPath, [entente, kind, "start", "--dir", folder, "--json"]);
  child = started;
  let log = "";
  started.stderr.on("data", (chunk) => (log += chunk));
  const ended = new Promise<Ended>((resolve) => started.once("exit", (code, signal) => resolve({ code, signal, log })));
  await Promise.race([new Promise((resolve) => started.stdout.once("data", resolve)), ended]);
  return { ended, log: () => log };
}

test("a coordinator ends in good order on SIGTERM, with exit code 0", async () => {
  await initCoordinator({ folder, port: 0, enrolPort: 0 });
  const { ended } = await start("coordinator");
  child?.kill("SIGTERM");
  const { code, signal, log } = await ended;
  expect([code, signal]).toEqual([0, null]);
  expect(log).toMatch(/"stopping"[\s\S]*"stopped"/);
});

describe("a node with a request in hand that takes its time", () => {
  /** Headers have come, the body never will. */
  async function hold(): Promise<void> {
    const token = (await readFile(join(folder, "token"), "utf8")).trim();
    const { url } = JSON.parse(await readFile(join(folder, "api.json"), "utf8")) as { url: string };
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.on("error", () => {});
    await new Promise((resolve) => socket.on("connect", resolve));
    const head = ["POST /v1/invites HTTP/1.1", "Host: localhost", `Authorization: Bearer ${token}`];
    socket.write([...head, "Content-Type: application/json", "Content-Length: 9", "", ""].join("\r\n"));
    await new Promise((resolve) => socket.write("{", resolve));
    const other = await fetch(`${url}/v1/node`, { headers: { authorization: `Bearer ${token}` } });
    expect(other.status).toBe(200);
  }

  test("waits for it, says so, and ends at once when it is asked again; the next start finds all in order", async () => {
    await initParty({ folder, party: "bank", apiPort: 0 });
    const { ended, log } = await start("party");
    await hold();
    child?.kill("SIGINT");
    await expect.poll(log, { timeout: 10_000 }).toContain('"stopping"');
    expect([child?.exitCode, child?.signalCode]).toEqual([null, null]);
    child?.kill("SIGTERM");
    const first = await ended;
    expect([first.code, first.signal]).toEqual([0, null]);
    expect(first.log).not.toContain('"stopped"');
    const again = await start("party");
    child?.kill("SIGTERM");
    const second = await again.ended;
    expect([second.code, second.log.includes('"stopped"'), existsSync(join(folder, "api.json"))]).toEqual([
      0,
      true,
      false,
    ]);
  });
});
