/** Each thing that may be wrong with a node, made wrong: what is said of it, and what to do. */
import { execFileSync } from "node:child_process";
import { chmod, mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { examineCoordinator } from "../../party/doctor/coordinator.ts";
import { examineFolder } from "../../party/doctor/doctor.ts";
import { examineAll, fine, worstOf } from "../../party/doctor/finding.ts";
import { examineDisk, examineRuntime, examineStore } from "../../party/doctor/local.ts";
import { type Machine, realMachine } from "../../party/doctor/machine.ts";
import { compareVersions, examinePeer } from "../../party/doctor/peers.ts";
import { examineCertificates, examineClock, examineKeyset, startOf } from "../../party/doctor/validity.ts";
import type { Software } from "../../proto/codec/session-messages.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Finding } from "../../proto/http/doctor-routes.ts";
import { partyId } from "../../proto/ids.ts";
import { Secret } from "../../proto/keys/secret.ts";
import { nodePorts } from "../../proto/ports/node.ts";

const GB = 1e9;
const HEALTHY: Machine = {
  nodeVersion: "26.10.0",
  architecture: "x64",
  cpuFlags: async () => ["sse2", "aes"],
  memoryLimitBytes: () => 8 * GB,
  memoryBytes: () => GB,
  freeDiskBytes: async () => 100 * GB,
  modeOf: async () => 0o700,
  tryDisk: async () => 1.5,
  resolveHost: async () => {},
  reachPort: async () => {},
  shakeHands: async () => {},
  checkStore: async () => ["ok"],
};
const failing = (code: string) => async () => {
  throw Object.assign(new Error("secret 13812345678"), { code });
};

/** State and all of the words of findings. */
function told(findings: readonly Finding[]): string[] {
  return findings.map(({ state, what, why, fix }) => `${state}: ${[what, why, fix].filter(Boolean).join("; ")}`);
}

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "entente-doctor-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("a healthy machine: one finding each, and nothing to do", async () => {
  const findings = [
    ...(await examineRuntime(HEALTHY, { memoryMB: 500, diskMB: 100 })),
    ...(await examineDisk(HEALTHY, "/bank", { memoryMB: 500, diskMB: 100 })),
    ...(await examineStore(HEALTHY, "/bank", "node.db")),
  ];
  expect(findings.map(({ check, state, fix }) => [check, state, fix])).toEqual([
    ["runtime", "ok", null],
    ["disk", "ok", null],
    ["store", "ok", null],
  ]);
});

describe("runtime", () => {
  test.each<[string, Partial<Machine>, string, RegExp]>([
    ["an old Node", { nodeVersion: "22.4.1" }, "fail", /needs Node 26/],
    ["another architecture", { architecture: "riscv64" }, "warn", /riscv64/],
    ["no AES", { cpuFlags: async () => ["sse2"] }, "warn", /AES/],
    ["little memory", { memoryLimitBytes: () => 700e6 }, "warn", /700 MB of memory/],
    ["hardly any", { memoryLimitBytes: () => 256e6 }, "fail", /more memory/],
    ["less than the largest dataset takes", { memoryLimitBytes: () => 2 * GB }, "warn", /about 3,000 MB/],
  ])("%s", async (_, change, state, words) => {
    const [finding, ...rest] = await examineRuntime({ ...HEALTHY, ...change }, { memoryMB: 3_000, diskMB: 0 });
    expect([finding?.state, rest]).toEqual([state, []]);
    expect(told([finding as Finding])[0]).toMatch(words);
  });

  test("a processor that cannot be asked is not suspected", async () => {
    expect(worstOf(await examineRuntime({ ...HEALTHY, cpuFlags: async () => undefined }))).toBe("ok");
  });
});

describe("disk", () => {
  const need = { memoryMB: 0, diskMB: 40_000 };
  test.each<[string, Partial<Machine>, string, RegExp]>([
    ["full", { tryDisk: failing("ENOSPC") }, "fail", /disk is full \(ENOSPC\)/],
    ["read-only", { tryDisk: failing("EROFS") }, "fail", /read-only/],
    ["another user's", { tryDisk: failing("EACCES") }, "fail", /may not write/],
    ["broken", { tryDisk: failing("EIO") }, "fail", /writing failed \(EIO\)/],
    ["too small for the largest dataset", { freeDiskBytes: async () => 30 * GB }, "fail", /30,000 MB free.*40,000 MB/],
    ["too small for two jobs", { freeDiskBytes: async () => 60 * GB }, "warn", /two jobs/],
    ["open to others", { modeOf: async () => 0o755 }, "warn", /chmod 700 \/bank/],
    ["slow to sync", { tryDisk: async () => 900 }, "warn", /took 900 ms/],
  ])("%s", async (_, change, state, words) => {
    const findings = await examineDisk({ ...HEALTHY, ...change }, "/bank", need);
    expect(findings.map((finding) => finding.state)).toEqual([state]);
    expect(told(findings)[0]).toMatch(words);
    expect(told(findings)[0]).not.toContain("1381234");
  });

  test("a real one is written, synced, and left as it was", async () => {
    await chmod(folder, 0o700);
    expect(worstOf(await examineDisk(realMachine, folder))).not.toBe("fail");
    expect(await readdir(folder)).toEqual([]);
    expect(told(await examineDisk(realMachine, join(folder, "none")))[0]).toContain("not there (ENOENT)");
  });
});

describe("store", () => {
  test("a whole one, a damaged one, none", async () => {
    const path = join(folder, "node.db");
    const db = new DatabaseSync(path);
    db.exec("CREATE TABLE t (a TEXT); CREATE INDEX i ON t (a); BEGIN");
    const insert = db.prepare("INSERT INTO t VALUES (?)");
    for (let i = 0; i < 5_000; i++) insert.run(`value ${i}`.repeat(4));
    db.exec("COMMIT");
    db.close();
    expect(told(await examineStore(realMachine, folder, "node.db"))).toEqual(["ok: whole, by SQLite's quick check"]);
    await truncate(path, 100_000);
    const [finding] = await examineAll(
      [{ place: "store", run: () => examineStore(realMachine, folder, "node.db") }],
      nodePorts.timers,
    );
    expect(finding?.state).toBe("fail");
    await expect(examineStore(realMachine, folder, "none.db")).rejects.toThrow();
  });
});

describe("clock", () => {
  const at = Date.parse("2026-11-01T00:00:00.000Z");
  const clockAt = (wallMs: number, monotonicMs: number) => ({ nowMs: () => wallMs, monotonicMs: () => monotonicMs });

  test("runs as the monotonic one does, or was set meanwhile", () => {
    const start = startOf(clockAt(at, 1_000));
    const hour = 3_600_000;
    const anHourLater = (offMs: number) => {
      const clock = clockAt(at + hour + offMs, 1_000 + hour);
      return told(examineClock(clock, start, clock.nowMs()));
    };
    expect(anHourLater(500)).toEqual(["ok: steady since the node started"]);
    expect(anHourLater(-60_000)[0]).toMatch(/^warn: the clock was set back by 60.0 s.*NTP/);
    expect(anHourLater(600_000)[0]).toMatch(/^fail: the clock was set forward by 600.0 s/);
  });

  test("is behind the node's own time, which never goes back", () => {
    const clock = clockAt(at, 0);
    expect(told(examineClock(clock, startOf(clock), at + 3_600_000))[0]).toMatch(
      /^warn: the node's time is 3600.0 s ahead/,
    );
  });
});

describe("validity", () => {
  const day = 86_400_000;

  test("of a certificate and its CA: expired, soon, not yet, good", async () => {
    const pem = join(folder, "cert.pem");
    const make = ["req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "/dev/null", "-out", pem, "-days", "100"];
    execFileSync("openssl", [...make, "-subj", "/CN=bank"], { stdio: "ignore" });
    const certPem = execFileSync("openssl", ["x509", "-in", pem]).toString();
    const now = Date.now();
    const at = (days: number) => told(examineCertificates({ certPem, caPem: certPem }, now + days * day));
    expect(at(0)).toEqual([
      "ok: this party's certificate is good for 99 days more",
      expect.stringMatching(/^warn: the coordinator's CA expires in 99 days.*invite all parties again/),
    ]);
    expect(at(82)[0]).toMatch(/^ok/);
    expect(at(95)[0]).toMatch(/^warn: this party's certificate expires in 4 days.*should have renewed it/);
    expect(at(101)[0]).toMatch(/^fail: this party's certificate expired on .*coordinator then refuses.*entente enroll/);
    expect(at(101)[1]).toMatch(/^fail: the coordinator's CA expired.*operator must make a new CA/);
    expect(at(-2)[0]).toMatch(/^fail: .*valid only from.*not yet.*NTP/);
  });

  test("of a keyset", () => {
    const keyset = { validFrom: "2026-01-01T00:00:00.000Z", validUntil: "2026-12-31T00:00:00.000Z" };
    const at = (text: string) => told([examineKeyset(keyset, Date.parse(text))])[0];
    expect(at("2026-06-01T00:00:00.000Z")).toBe("ok: this node's keyset is good for 213 days more");
    expect(at("2026-12-25T00:00:00.000Z")).toMatch(/^warn: .*in 6 days.*entente keys rotate/);
    expect(at("2027-01-01T00:00:00.000Z")).toMatch(/^fail: .*expired.*entente keys rotate/);
  });
});

describe("coordinator", () => {
  const enrolled = {
    endpoint: { host: "hub.example", port: 7443 },
    ...{ caPem: "", certPem: "", keyPem: new Secret(""), coordinator: partyId("hub") },
  };
  const link = { listParties: async () => [{}, {}] as never };
  const examine = async (change: Partial<Machine>, over: { listParties: () => Promise<never> } = link) =>
    told(await examineCoordinator({ ...HEALTHY, ...change }, enrolled, over))[0];

  test("answers", async () => {
    expect(await examine({})).toBe("ok: hub answers at hub.example:7443 and knows 2 parties");
    expect(told(await examineCoordinator(HEALTHY, enrolled))).toEqual(["ok: hub answers at hub.example:7443"]);
  });

  test.each<[string, Partial<Machine>, RegExp]>([
    ["no name", { resolveHost: failing("ENOTFOUND") }, /^fail: DNS: hub.example has no address \(ENOTFOUND\)/],
    ["nobody listens", { reachPort: failing("ECONNREFUSED") }, /^fail: refused: nothing listens at hub.example:7443/],
    ["no way", { reachPort: failing("ETIMEDOUT") }, /^fail: no way to hub.example:7443 \(ETIMEDOUT\).*firewall/],
    [
      "another CA",
      { shakeHands: failing("SELF_SIGNED_CERT_IN_CHAIN") },
      /^fail: TLS: .*SELF_SIGNED_CERT_IN_CHAIN.*proxy/,
    ],
  ])("%s", async (_, change, words) => {
    expect(await examine(change)).toMatch(words);
  });

  test("refuses the certificate", async () => {
    const refuse = { listParties: () => Promise.reject(new EntenteError("CERTIFICATE_REFUSED")) };
    expect(await examine({}, refuse)).toMatch(/^fail: hub answers with CERTIFICATE_REFUSED.*Enrol again/);
  });

  test("over real sockets: refused, and something that speaks no TLS", async () => {
    const server: Server = await new Promise((resolve) => {
      const listening = createServer((socket) =>
        socket
          .on("error", () => {})
          .resume()
          .end("no"),
      ).listen(0, "127.0.0.1", () => resolve(listening));
    });
    const { port } = server.address() as AddressInfo;
    const at = { host: "127.0.0.1", port };
    await expect(realMachine.reachPort(at)).resolves.toBeUndefined();
    const identity = { caPem: "", certPem: "", keyPem: new Secret("") };
    await expect(realMachine.shakeHands({ ...at, ...identity })).rejects.toThrow();
    await new Promise((closed) => server.close(closed));
    await expect(realMachine.reachPort(at)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});

describe("a peer", () => {
  const suites = ["psi-vole/00000001", "psi-dh/00000002"];
  const own: Software = { version: "1.4.0", suites, at: "" };
  const nowMs = Date.parse("2026-11-01T00:00:00.000Z");
  const examine = async (peer: Partial<Software>, offMs = 0, tookMs = 20) => {
    let monotonicMs = 0;
    const clock = { nowMs: () => nowMs, monotonicMs: () => monotonicMs };
    const ask = async () => {
      monotonicMs += tookMs;
      return { ...own, at: new Date(nowMs + tookMs / 2 + offMs).toISOString(), ...peer };
    };
    return told(await examinePeer({ party: "bureau", ask }, own, clock));
  };

  test("of the same release, with the same time", async () => {
    expect(await examine({})).toEqual(["ok: version 1.4.0, the same protocols", "ok: within 0.0 s of bureau's"]);
  });

  test.each<[string, Partial<Software>, RegExp]>([
    [
      "older, with the same protocols",
      { version: "1.3.9" },
      /^warn: version 1.3.9, here 1.4.0.*bureau must upgrade to 1.4.0/,
    ],
    ["newer, with the same protocols", { version: "1.10.0" }, /^warn: .*this node must upgrade to 1.10.0/],
    [
      "older, without a protocol",
      { version: "1.3.0", suites: suites.slice(1) },
      /^fail: .*not the same psi-vole; .*SESSION_MISMATCH; Bureau must upgrade to 1.4.0/,
    ],
    [
      "newer, with other parameters",
      { version: "2.0.0", suites: ["psi-vole/00000001", "psi-dh/ffffffff"] },
      /^fail: .*not the same psi-dh; .*This node must upgrade/,
    ],
    [
      "of the same version, with other parameters",
      { suites: [] },
      /^fail: .*psi-vole, psi-dh.*One of the two is no release/,
    ],
  ])("%s", async (_, peer, words) => {
    expect((await examine(peer))[0]).toMatch(words);
  });

  test("whose clock is off: by seconds, by a minute, by ten", async () => {
    expect((await examine({}, 4_000))[1]).toMatch(/^ok/);
    expect((await examine({}, -60_000))[1]).toMatch(/^warn: 60.0 s ahead of bureau's clock/);
    expect((await examine({}, 600_000))[1]).toMatch(/^fail: 600.0 s behind bureau's clock.*ten minutes.*NTP/);
    // What a slow answer cannot tell is not held against the clock.
    expect((await examine({}, 8_000, 10_000))[1]).toMatch(/^ok/);
  });

  test("that does not answer is worth a warning, with what to do", async () => {
    const ask = () => Promise.reject(new EntenteError("PEER_TIMEOUT"));
    const clock = { nowMs: () => 0, monotonicMs: () => 0 };
    expect(told(await examinePeer({ party: "bureau", ask }, own, clock))[0]).toMatch(
      /^warn: did not answer \(PEER_TIMEOUT\)/,
    );
  });

  test.each([
    ["1.2.3", "1.2.3", 0],
    ["1.2.3", "1.10.0", -1],
    ["2.0.0", "1.99.99", 1],
    ["1.0.0-rc.1", "1.0.0", -1],
    ["1.0.0-rc.2", "1.0.0-rc.10", -1],
    ["1.0.0", "1.0.0-rc.1", 1],
    ["1.0.0+a", "1.0.0+b", 0],
  ])("%s against %s: %d", (a, b, order) => {
    expect(Math.sign(compareVersions(a, b))).toBe(order);
  });
});

test("an examination that fails or hangs is a finding, and the others are made", async () => {
  const runs: (() => void)[] = [];
  const timers = {
    after: (_delayMs: number, run: () => void) => {
      runs.push(run);
      return () => {};
    },
  };
  const all = examineAll(
    [
      { place: "disk", run: () => Promise.reject(new Error("13812345678")) },
      { place: { check: "peer", subject: "b" }, run: () => new Promise(() => {}) },
      { place: "keys", run: async () => [fine("keys", "keys-sealed", {})] },
    ],
    timers,
  );
  for (const run of runs) run();
  const findings = await all;
  expect(findings.map(({ check, state }) => [check, state])).toEqual([
    ["disk", "fail"],
    ["peer", "fail"],
    ["keys", "ok"],
  ]);
  expect(JSON.stringify(findings)).not.toContain("1381234");
  expect(findings[1]?.what).toBe("no answer within 30 s");
  expect(worstOf([])).toBe("ok");
});

test("the folder of a node that is not there: what can be said is said", async () => {
  const findings = await examineFolder(folder, nodePorts, { ...HEALTHY, checkStore: failing("ENOENT") });
  const byCheck = new Map(findings.map((finding) => [finding.check, finding]));
  expect(byCheck.get("runtime")?.state).toBe("ok");
  expect(byCheck.get("configuration")).toMatchObject({ state: "fail" });
  expect(byCheck.get("coordinator")).toMatchObject({ state: "warn", what: "this node is not enrolled" });
  await writeFile(join(folder, "node.json"), "{");
  const again = await examineFolder(folder, nodePorts, HEALTHY);
  expect(again.find(({ check }) => check === "configuration")?.what).toContain("BAD_REQUEST");
});
