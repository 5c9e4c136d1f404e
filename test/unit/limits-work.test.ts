/** What people and peers may begin and keep at a node: each limit is reached once, and answers with its code. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Datasets } from "../../party/data/datasets.ts";
import { SpilledBlocks } from "../../party/data/spill.ts";
import { Disk } from "../../party/limits/disk.ts";
import { Kept } from "../../party/limits/kept.ts";
import { type GivenNodeLimits, nodeLimits } from "../../party/limits/limits.ts";
import { WorkGates } from "../../party/limits/work-gates.ts";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import { Turns } from "../../party/turns.ts";
import { CATALOGUE, EntenteError } from "../../proto/errors.ts";
import { type LimitsWith, limitRefusal } from "../../proto/limits/limit.ts";
import { type DISK_LIMITS, NODE_LIMITS, type NodeLimitName, type WORK_LIMITS } from "../../proto/limits/node-limits.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import { MemoryFiles } from "../support/memory-files.ts";

const MIB = 1024 * 1024;
let folder: string;
let monotonicMs = 0;
const clock = { monotonicMs: () => monotonicMs, nowMs: () => Date.parse("2026-05-01T10:00:00Z") };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "entente-limits-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function refusalOf(run: () => unknown): Promise<EntenteError> {
  try {
    await run();
  } catch (error) {
    if (error instanceof EntenteError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

function world(given: GivenNodeLimits, files = new MemoryFiles()) {
  const limits = nodeLimits(given);
  const disk = new Disk({ files, folder: "/node", clock, limits });
  const open = new Map<string, number>();
  const book = {
    running: 0,
    openOf: async (peer: string) => open.get(peer) ?? 0,
    mostOpen: async () => Math.max(0, ...open.values()),
  };
  const kept = new Kept({
    ...{ files, limits, quarantineFolder: "/node/quarantine", resultFolder: "/node/results" },
    peerOf: async (jobId) => (jobId.startsWith("b") ? "bureau" : "telecom"),
    models: async () => [],
  });
  return { limits, disk, open, book, files, kept, gates: new WorkGates({ limits, clock, disk, book }) };
}

/** A provider's jobs: `waiting` of each peer may give way. */
function served(all: Record<string, number>, waiting: Record<string, number> = {}) {
  return {
    get size() {
      return Object.values(all).reduce((sum, count) => sum + count, 0);
    },
    sizeOf: (peer: string) => all[peer] ?? 0,
    makeRoom: async (peer?: string) => {
      const [from] = peer === undefined ? Object.keys(waiting) : [peer];
      if (from === undefined || (waiting[from] ?? 0) === 0) return false;
      waiting[from] = (waiting[from] ?? 0) - 1;
      all[from] = (all[from] ?? 0) - 1;
      return true;
    },
  };
}

async function registering(limits: GivenNodeLimits, rows: readonly string[]) {
  const path = join(folder, "list.csv");
  await writeFile(path, ["email", ...rows].join("\n"));
  const store = openSqliteStore(":memory:");
  const { kept } = world(limits);
  const datasets = new Datasets({
    ...{ store, clock, quarantineFolder: join(folder, "quarantine"), boundsOf: (to: string) => kept.boundsOf(to) },
  });
  return datasets.register({ name: "list", path, ids: [{ column: "email", normaliser: "email" }] });
}

async function spilling(limits: GivenNodeLimits, bytes: Record<string, number>) {
  const { disk } = world(limits);
  for (const [peer, length] of Object.entries(bytes)) {
    const random = nodePorts.random;
    const place = { folder: join(folder, "spills"), key: random.bytes(32), random, claim: () => disk.claim(peer) };
    const spill = await SpilledBlocks.create(place);
    await spill.append({ kind: "rows", partition: 0 }, new Uint8Array(length));
  }
}

type Refusing = "OVERLOADED" | "RATE_LIMITED" | "LIMIT_EXCEEDED" | "DISK_FULL";
type Reached = LimitsWith<typeof WORK_LIMITS, Refusing> | LimitsWith<typeof DISK_LIMITS, Refusing>;

const REACHED: { readonly [N in Reached]: () => Promise<EntenteError> } = {
  async jobs() {
    const { gates, book } = world({ jobs: 2 });
    book.running = 1;
    const place = await gates.enterJob();
    const refusal = await refusalOf(() => gates.enterJob());
    place[Symbol.dispose]();
    await gates.enterJob();
    return refusal;
  },
  async servedJobs() {
    const { gates } = world({ servedJobs: 3 });
    const waiting = served({ bureau: 2, telecom: 1 }, { bureau: 1 });
    await gates.serve(waiting, "telecom");
    expect(waiting.sizeOf("bureau")).toBe(1);
    return refusalOf(() => gates.serve(served({ bureau: 2, telecom: 1 }), "telecom"));
  },
  async servedJobsPerPeer() {
    const { gates } = world({ servedJobsPerPeer: 2 });
    await gates.serve(served({ bureau: 2 }), "telecom");
    await gates.serve(served({ bureau: 2 }, { bureau: 1 }), "bureau");
    // What waits of others does not give way to one that has its share.
    return refusalOf(() => gates.serve(served({ bureau: 2, telecom: 1 }, { telecom: 1 }), "bureau"));
  },
  async openJobsPerPeer() {
    const { gates, open } = world({ openJobsPerPeer: 2 });
    open.set("bureau", 1);
    await gates.offered("bureau");
    open.set("bureau", 2);
    await gates.offered("telecom");
    return refusalOf(() => gates.offered("bureau"));
  },
  async offersPerPeerMinute() {
    const { gates } = world({ offersPerPeerMinute: 2 });
    await gates.offered("bureau");
    await gates.offered("bureau");
    const refusal = await refusalOf(() => gates.offered("bureau"));
    await gates.offered("telecom");
    monotonicMs += 30_000;
    await gates.offered("bureau");
    return refusal;
  },
  async questionsPerPeerMinute() {
    const { gates } = world({ questionsPerPeerMinute: 1 });
    gates.asked("bureau");
    gates.asked("telecom");
    return refusalOf(() => gates.asked("bureau"));
  },
  async readsPerPeer() {
    const { limits } = world({ readsPerPeer: 1 });
    const reads = new Turns<string>({
      max: limits.values.readsPerPeer,
      refusal: () => limitRefusal(limits, "readsPerPeer"),
    });
    const first = Promise.withResolvers<void>();
    const taken = reads.take("bureau", () => first.promise);
    const refusal = await refusalOf(() => reads.take("bureau", () => expect.unreachable()));
    first.resolve();
    await taken;
    return refusal;
  },
  async sessions() {
    const { gates } = world({ sessions: 2 });
    const [first] = [gates.sessions.enter("bureau"), gates.sessions.enter("telecom")];
    const refusal = await refusalOf(() => gates.sessions.enter("third"));
    first[Symbol.dispose]();
    gates.sessions.enter("third");
    return refusal;
  },
  async sessionsPerPeer() {
    const { gates } = world({ sessionsPerPeer: 1 });
    gates.sessions.enter("bureau");
    gates.sessions.enter("telecom");
    return refusalOf(() => gates.sessions.enter("bureau"));
  },
  async datasetRows() {
    await registering({ datasetRows: 2 }, ["a@x.org", "b@x.org"]);
    return refusalOf(() => registering({ datasetRows: 2 }, ["a@x.org", "b@x.org", "c@x.org"]));
  },
  async jobRows() {
    const { gates } = world({ jobRows: 10 });
    gates.requireRows(10);
    return refusalOf(() => gates.requireRows(11));
  },
  async freeDiskMib() {
    const { disk, files } = world({ freeDiskMib: 10 });
    files.freeDiskBytes = 10 * MIB;
    await disk.require();
    files.freeDiskBytes--;
    monotonicMs += 1_000;
    const refusal = await refusalOf(() => disk.require());
    files.freeDiskBytes = 20 * MIB;
    monotonicMs += 1_000;
    await disk.require();
    return refusal;
  },
  async spillMib() {
    await spilling({ spillMib: 3 }, { bureau: MIB, telecom: MIB });
    return refusalOf(() => spilling({ spillMib: 2 }, { bureau: MIB, telecom: MIB }));
  },
  async spillPerPeerMib() {
    await spilling({ spillPerPeerMib: 2 }, { bureau: MIB, telecom: MIB });
    return refusalOf(() => spilling({ spillPerPeerMib: 1 }, { bureau: MIB }));
  },
  async quarantineMib() {
    const broken = Array.from({ length: 40_000 }, (_, i) => `no e-mail address ${i}`);
    return refusalOf(() => registering({ quarantineMib: 1 }, [...broken, "a@x.org"]));
  },
  async resultsMib() {
    const { kept, files } = world({ resultsMib: 2 });
    await files.writeDurable("/node/results/b1/0.sealed", new Uint8Array(MIB));
    await kept.requireResultRoom("bureau");
    await files.writeDurable("/node/results/t1/0.sealed", new Uint8Array(MIB));
    return refusalOf(() => kept.requireResultRoom("bureau"));
  },
  async resultsPerPeerMib() {
    const { kept, files } = world({ resultsPerPeerMib: 1 });
    await files.writeDurable("/node/results/b1/0.sealed", new Uint8Array(MIB));
    await kept.requireResultRoom("telecom");
    return refusalOf(() => kept.requireResultRoom("bureau"));
  },
};

test.each(Object.keys(REACHED) as Reached[])("%s", async (name: NodeLimitName) => {
  const { code, detail, retryAfterSeconds } = await REACHED[name as Reached]();
  expect([code, detail]).toEqual([
    NODE_LIMITS[name].code,
    expect.stringMatching(`^${name}: .* set under 'limits' in node.json$`),
  ]);
  expect(retryAfterSeconds).toEqual(CATALOGUE[code].retryable ? expect.any(Number) : undefined);
});
