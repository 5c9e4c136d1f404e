/** The machine as an examination sees it: everything of it that a test has to be able to spoil. */
import { lookup } from "node:dns/promises";
import { open, readFile, rm, stat, statfs } from "node:fs/promises";
import { connect as connectTcp } from "node:net";
import { arch, totalmem } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { Worker } from "node:worker_threads";

import type { Secret } from "../../proto/keys/secret.ts";

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly caPem: string;
  readonly certPem: string;
  readonly keyPem: Secret<string>;
}

export interface Machine {
  /** As 26.1.0. */
  readonly nodeVersion: string;
  readonly architecture: string;
  /** Of the processor, as Linux names them; undefined where it cannot be read. */
  cpuFlags(): Promise<readonly string[] | undefined>;
  /** Bytes that this process may use: the machine's memory, or the limit of its container if that is less. */
  memoryLimitBytes(): number;
  /** Bytes of memory that this process has now. */
  memoryBytes(): number;
  freeDiskBytes(folder: string): Promise<number>;
  /** Permission bits. */
  modeOf(path: string): Promise<number>;
  /** Writes, syncs, reads back and removes a small file; resolves to the milliseconds that syncing took. */
  tryDisk(folder: string): Promise<number>;
  resolveHost(host: string): Promise<void>;
  /** A TCP connection, opened and closed. */
  reachPort(target: Pick<Target, "host" | "port">): Promise<void>;
  /** A TLS 1.3 handshake with this party's certificate, under the CA that enrolment has pinned. */
  shakeHands(target: Target): Promise<void>;
  /** Lines of SQLite's `PRAGMA quick_check`: "ok" alone when the file is whole. */
  checkStore(path: string): Promise<readonly string[]>;
}

const CONNECT_TIMEOUT_MS = 10_000;
const PROBE_BYTES = 4096;

/** In a thread of its own: reading a large store takes seconds, in which the node has to answer. */
const QUICK_CHECK = `
const { DatabaseSync } = require("node:sqlite");
const { parentPort, workerData } = require("node:worker_threads");
const db = new DatabaseSync(workerData, { readOnly: true });
parentPort.postMessage(db.prepare("PRAGMA quick_check(10)").all().map((row) => String(Object.values(row)[0])));
db.close();
`;

/** Resolves at the socket's event; rejects on its error, or when there is none in time. */
function settle(socket: ReturnType<typeof connectTcp>, event: "connect" | "secureConnect"): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(Object.assign(new Error(), { code: "ETIMEDOUT" })));
    socket.once(event, () => {
      socket.destroy();
      resolve();
    });
    socket.once("error", reject);
    socket.once("close", () => reject(Object.assign(new Error(), { code: "ECONNRESET" })));
  });
}

export const realMachine: Machine = {
  nodeVersion: process.versions.node,
  architecture: arch(),
  async cpuFlags() {
    const text = await readFile("/proc/cpuinfo", "utf8").catch(() => "");
    const line = /^(?:flags|Features)\s*:(.*)$/m.exec(text);
    return line?.[1]?.trim().split(/\s+/);
  },
  memoryLimitBytes() {
    const limit = process.constrainedMemory();
    return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  },
  memoryBytes: () => process.memoryUsage.rss(),
  async freeDiskBytes(folder) {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  },
  async modeOf(path) {
    return (await stat(path)).mode & 0o777;
  },
  async tryDisk(folder) {
    const path = join(folder, ".doctor.tmp");
    const content = new Uint8Array(PROBE_BYTES).fill(0xa5);
    const file = await open(path, "w+", 0o600);
    try {
      await file.write(content);
      const startMs = performance.now();
      await file.sync();
      const tookMs = performance.now() - startMs;
      const read = await file.read(new Uint8Array(PROBE_BYTES), 0, PROBE_BYTES, 0);
      if (Buffer.compare(read.buffer, content) !== 0) throw Object.assign(new Error(), { code: "EIO" });
      return tookMs;
    } finally {
      await file.close();
      await rm(path, { force: true });
    }
  },
  async resolveHost(host) {
    await lookup(host);
  },
  reachPort: ({ host, port }) => settle(connectTcp({ host, port }), "connect"),
  shakeHands({ host, port, caPem, certPem, keyPem }) {
    const identity = { ca: caPem, cert: certPem, key: keyPem.expose() };
    return settle(
      connectTls({ host, port, ...identity, minVersion: "TLSv1.3", ALPNProtocols: ["h2"] }),
      "secureConnect",
    );
  },
  checkStore: (path) =>
    new Promise((resolve, reject) => {
      const worker = new Worker(QUICK_CHECK, { eval: true, workerData: path });
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", () => reject(new Error("the check of the store ended")));
    }),
};
