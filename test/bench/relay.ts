/**
 * The coordinator's relay, with coordinator and both parties as processes of their own: `npm run bench -- relay
 * [--mb 200] [--rounds 3] [--idle 200] [--sessions 20]`. Prints JSON lines: data per CPU second (the parties frame, hash
 * and encrypt as in a job), as a ratio to a bare copy between two node:tls sockets in the same run; memory with idle
 * parties and open sessions; and how long after kill -9 of the coordinator a session goes on. Reads /proc: Linux only.
 */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { connect } from "node:tls";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Coordinator, createInvite, initCoordinator } from "../../coordinator/main.ts";
import { dialCoordinator } from "../../party/coordinator-link/dial.ts";
import { type Enrolled, enrolAt } from "../../party/coordinator-link/enrol.ts";
import type { CoordinatorLink } from "../../party/coordinator-link/link.ts";
import { sessionCredentials } from "../../party/session/certificate.ts";
import { parseInvite } from "../../proto/codec/invite.ts";
import { signingKey } from "../../proto/encoding/ed25519.ts";
import { makeIdentity } from "../support/coordinator.ts";
import type { Said, Told } from "../support/relay-bench-party.ts";

const MB = 1e6;
/** Of one session's frame: as large as a protocol's. */
const FRAME_BYTES = 1 << 20;
/** Linux counts a process's time in these. */
const TICKS_PER_SECOND = 100;
const script = (name: string) => fileURLToPath(new URL(`../support/${name}.ts`, import.meta.url));

const { values } = parseArgs({
  args: process.argv.slice(process.argv[2] === "relay" ? 3 : 2),
  options: {
    mb: { type: "string", default: "200" },
    rounds: { type: "string", default: "3" },
    idle: { type: "string", default: "200" },
    sessions: { type: "string", default: "20" },
  },
});
const [mb, rounds, idle, sessions] = [values.mb, values.rounds, values.idle, values.sessions].map(Number) as [
  number,
  number,
  number,
  number,
];

const cpuSeconds = ({ pid }: ChildProcess): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
};
const rssMb = ({ pid }: ChildProcess): number =>
  (Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024) / MB;
const median = (all: readonly number[]): number => [...all].sort((a, b) => a - b)[all.length >> 1] as number;
const print = (line: Record<string, unknown>) =>
  process.stdout.write(
    `${JSON.stringify(line, (_, value) => (typeof value === "number" ? +value.toFixed(3) : value))}\n`,
  );

class World {
  readonly folder: string;
  coordinator!: ChildProcess;
  endpoints!: Coordinator["endpoints"];
  readonly children: ChildProcess[] = [];

  constructor(folder: string) {
    this.folder = folder;
  }

  async startCoordinator(...ports: readonly number[]): Promise<void> {
    const child = spawn(process.execPath, [script("coordinator-child"), this.folder, ...ports.map(String)], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    this.coordinator = child;
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    this.endpoints = JSON.parse(line.toString()) as Coordinator["endpoints"];
  }

  async enrol(party: string): Promise<Enrolled> {
    const { identity, keyset } = makeIdentity(party);
    const { code } = await createInvite({ folder: this.folder, party });
    return enrolAt(parseInvite(code), { identityPublicKey: identity.publicKey, keyset });
  }

  async party(party: string, peer: string): Promise<ChildProcess> {
    const child = fork(script("relay-bench-party"), { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.children.push(child);
    const enrolled = await this.enrol(party);
    tell(child, { do: "start", party, peer, enrolled: { ...enrolled, keyPem: enrolled.keyPem.expose() } });
    await until(child, "inbox");
    return child;
  }

  async close(): Promise<void> {
    for (const child of [...this.children, this.coordinator]) child.kill("SIGKILL");
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function tell(child: ChildProcess, told: Told): void {
  child.send(told);
}

async function until(child: ChildProcess, said: Said["said"]): Promise<void> {
  for (;;) {
    const [message] = (await once(child, "message")) as [Said];
    if (message.said === said) return;
  }
}

async function throughput(world: World, sender: ChildProcess, receiver: ChildProcess): Promise<number> {
  const processes = [world.coordinator, sender, receiver];
  const frames = Math.ceil((mb * MB) / FRAME_BYTES);
  const perMb: number[][] = [];
  for (let round = 0; round <= rounds; round++) {
    const before = processes.map(cpuSeconds);
    const startedMs = performance.now();
    tell(sender, { do: "send", frames, frameBytes: FRAME_BYTES });
    await until(sender, "sent");
    const seconds = (performance.now() - startedMs) / 1000;
    const moved = (frames * FRAME_BYTES) / MB;
    const used = processes.map((child, i) => (cpuSeconds(child) - (before[i] as number)) / moved);
    // The first warms up.
    if (round > 0) perMb.push(used);
    print({
      bench: "relay round",
      warmUp: round === 0,
      moved,
      mbPerSecond: moved / seconds,
      cpuSPer100Mb: used.map((s) => s * 100),
    });
  }
  const coordinator = median(perMb.map(([s]) => s as number));
  const all = median(perMb.map((used) => used.reduce((sum, s) => sum + s, 0)));
  print({ bench: "relay", mbPerCoordinatorCpuS: 1 / coordinator, cpuSPer100MbOfAll: 100 * all });
  return coordinator;
}

/** The coordinator's memory at its largest, while all sessions carry data and the idle parties have their inboxes open. */
async function memory(world: World, sender: ChildProcess): Promise<void> {
  const links: CoordinatorLink[] = [];
  for (let party = 0; party < idle; party++) {
    const link = dialCoordinator(await world.enrol(`idle-${party}`));
    links.push(link);
    await link.openInbox({ onWake: () => undefined, onEnd: () => undefined });
  }
  const quiet = rssMb(world.coordinator);
  for (let open = 1; open < sessions; open++) {
    tell(sender, { do: "open" });
    await until(sender, "opened");
  }
  let most = 0;
  const watching = setInterval(() => {
    most = Math.max(most, rssMb(world.coordinator));
  }, 50);
  const frames = Math.ceil((mb * MB) / FRAME_BYTES / sessions);
  tell(sender, { do: "send", frames, frameBytes: FRAME_BYTES });
  await until(sender, "sent");
  clearInterval(watching);
  for (const link of links) link.close();
  print({ bench: "coordinator memory", idleParties: idle, sessions, idleRssMb: quiet, rssMb: most });
}

/** All parties of the bench enrol from one address. */
async function enrolFast(folder: string): Promise<void> {
  const path = join(folder, "coordinator.json");
  const config = JSON.parse(await readFile(path, "utf8")) as object;
  await writeFile(path, JSON.stringify({ ...config, limits: { enrolmentsPerAddressMinute: 10_000 } }));
}

/** From kill -9 of the coordinator, which is started again at once, until both inboxes are open and until all sessions have
 * carried another frame each way. */
async function recovery(world: World, parties: readonly [ChildProcess, ChildProcess]): Promise<void> {
  const [sender] = parties;
  const { main, enrolment } = world.endpoints;
  const exited = once(world.coordinator, "exit");
  world.coordinator.kill("SIGKILL");
  const startedMs = performance.now();
  const seconds = () => (performance.now() - startedMs) / 1000;
  await exited;
  const inboxes = Promise.all(parties.map((party) => until(party, "inbox"))).then(seconds);
  tell(sender, { do: "send", frames: 1, frameBytes: FRAME_BYTES });
  const sent = until(sender, "sent").then(seconds);
  await world.startCoordinator(main.port, enrolment.port);
  const listening = seconds();
  print({ bench: "recovery after kill -9", listening, inboxesOpen: await inboxes, sessionsGoOn: await sent, sessions });
}

/** CPU seconds per MB of a process that only pipes one TLS socket into another. */
async function plainCopy(): Promise<number> {
  const { certificatePem: certPem, privateKeyPem } = await benchCertificate();
  const child = fork(script("tls-copy"), [JSON.stringify({ certPem, keyPem: privateKeyPem.expose() })], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  try {
    const [{ port }] = (await once(child, "message")) as [{ port: number }];
    const dial = async () => {
      const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, minVersion: "TLSv1.3" });
      await once(socket, "secureConnect");
      return socket;
    };
    const [from, to] = [await dial(), await dial()];
    const bytes = Math.ceil((mb * MB) / FRAME_BYTES) * FRAME_BYTES;
    const body = Buffer.alloc(FRAME_BYTES);
    const used: number[] = [];
    for (let round = 0; round <= rounds; round++) {
      const before = cpuSeconds(child);
      let received = 0;
      const all = new Promise<void>((resolve) => {
        const onData = (chunk: Buffer) => {
          received += chunk.length;
          if (received < bytes) return;
          to.off("data", onData);
          resolve();
        };
        to.on("data", onData);
      });
      for (let sent = 0; sent < bytes; sent += FRAME_BYTES) if (!from.write(body)) await once(from, "drain");
      await all;
      if (round > 0) used.push((cpuSeconds(child) - before) / (bytes / MB));
    }
    from.destroy();
    to.destroy();
    return median(used);
  } finally {
    child.kill("SIGKILL");
  }
}

function benchCertificate() {
  const seed = new Uint8Array(32).fill(7);
  return sessionCredentials("copy", seed, signingKey("copy", seed).publicKey);
}

const world = new World(await mkdtemp(join(tmpdir(), "entente-relay-")));
try {
  await initCoordinator({ folder: world.folder, port: 0, enrolPort: 0 });
  await enrolFast(world.folder);
  await world.startCoordinator();
  const receiver = await world.party("bureau", "bank");
  const sender = await world.party("bank", "bureau");
  tell(sender, { do: "open" });
  await until(sender, "opened");
  const relay = await throughput(world, sender, receiver);
  const copy = await plainCopy();
  print({ bench: "relay against a plain node:tls copy", mbPerCopyCpuS: 1 / copy, ratio: relay / copy });
  await memory(world, sender);
  await recovery(world, [sender, receiver]);
} finally {
  await world.close();
}
