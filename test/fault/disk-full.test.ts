/** A full disk: what is new is refused by its name, what is there is read, what runs ends, and it passes by itself. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Access } from "../../party/access/access.ts";
import { handlers } from "../../party/api/handlers.ts";
import type { Handlers } from "../../party/api/server.ts";
import { asFormatError } from "../../party/data/duckdb.ts";
import { SpilledBlocks } from "../../party/data/spill.ts";
import { Disk } from "../../party/limits/disk.ts";
import { nodeLimits } from "../../party/limits/limits.ts";
import { NEW_WORK, refusedWhenFull } from "../../party/limits/new-work.ts";
import { openSqliteStore } from "../../party/store/sqlite.ts";
import { toEntenteError } from "../../proto/errors.ts";
import type { Digest } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import type { Files, Ports } from "../../proto/ports/ports.ts";
import { demoAgreement, generous } from "../support/demo-agreement.ts";
import { REPAYMENTS, range, writePeople } from "../support/people.ts";
import { IdealWorker, startIdealWorker } from "../support/policy-worker.ts";
import { NOBODY_LISTENS } from "../support/stub-node.ts";
import { type NodeName, TwoNodes } from "../support/two-nodes.ts";

const PLENTY = 1e12;

/** A disk that a test fills. */
class FullDisk {
  freeBytes = PLENTY;
  /** Of the next writes to paths like this none is done. */
  refusing: RegExp | undefined;
  refused = 0;
  readonly files: Files = {
    ...nodePorts.files,
    freeBytes: async () => this.freeBytes,
    writeDurable: async (path, bytes) => {
      if (this.refusing?.test(path)) {
        this.refused++;
        throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
      }
      return nodePorts.files.writeDurable(path, bytes);
    },
  };
  /** What is remembered of its room is a moment old. */
  #aheadMs = 0;
  readonly ports: Ports = {
    ...nodePorts,
    files: this.files,
    clock: { ...nodePorts.clock, monotonicMs: () => nodePorts.clock.monotonicMs() + this.#aheadMs },
  };

  set(freeBytes: number): void {
    this.freeBytes = freeBytes;
    this.#aheadMs += 1_000;
  }
}

async function codeOf(run: () => unknown): Promise<string> {
  try {
    await run();
    return "ok";
  } catch (error) {
    return toEntenteError(error).code;
  }
}

describe("of a node", () => {
  const disks: Record<NodeName, FullDisk> = { bank: new FullDisk(), bureau: new FullDisk() };
  let nodes: TwoNodes;
  let agreement: Digest;
  beforeAll(async () => {
    const changes = { bank: { ports: disks.bank.ports }, bureau: { ports: disks.bureau.ports } };
    nodes = await TwoNodes.start({ ...changes, startWorker: startIdealWorker });
    const data = join(nodes.coordinator.folder, "data");
    await nodes.register({
      bank: await writePeople(join(data, "bank.csv"), range(0, 1_200), { limit: (person) => person % 7 }),
      bureau: await writePeople(join(data, "bureau.csv"), range(0, 1_100), REPAYMENTS),
    });
    agreement = await nodes.agree(demoAgreement(generous()));
  });
  afterEach(() => {
    for (const disk of Object.values(disks)) {
      disk.set(PLENTY);
      disk.refusing = undefined;
      disk.refused = 0;
    }
  });
  afterAll(() => nodes.close());

  test("refuses what is new at its API, reads on, and takes it again when there is room", async () => {
    const routes = refusedWhenFull(handlers(nodes.bank, {} as Access, {} as never, "0"), nodes.bank.disk);
    const call = (name: keyof Handlers, input: object) =>
      codeOf(() =>
        (routes[name] as (...args: unknown[]) => Promise<unknown>)(input, { roles: [], person: "Li" }, NOBODY_LISTENS),
      );
    disks.bank.set(1_000_000);
    for (const name of NEW_WORK) expect([name, await call(name, {})]).toEqual([name, "DISK_FULL"]);
    for (const name of ["node", "datasets", "jobs", "agreements", "budgets", "status", "collaborations"] as const)
      expect([name, await call(name, {})]).toEqual([name, "ok"]);
    const { limits } = await routes.status({}, {} as never, NOBODY_LISTENS);
    expect(limits.find(({ name }) => name === "freeDiskMib")).toMatchObject({ value: 256, used: 0 });
    disks.bank.set(PLENTY);
    expect((await nodes.run({ agreement })).bank.state).toBe("done");
  });

  test("lets a peer's job wait until there is room, without a word of it in the log", async () => {
    disks.bureau.set(0);
    const job = nodes.run({ agreement });
    await expect.poll(() => nodes.log.some((line) => line.includes("OVERLOADED"))).toBe(true);
    expect(await nodes.bureau.book.list()).toHaveLength(1);
    disks.bureau.set(PLENTY);
    const { bank, bureau } = await job;
    expect([bank.state, bureau.state]).toEqual(["done", "done"]);
  });

  test("refuses a received partition: the job waits, goes on in another attempt, and nothing half-written is left", async () => {
    disks.bank.refusing = /spool.*[0-9]+-[0-9]+\.sealed$/;
    const job = nodes.run({ agreement });
    await expect.poll(() => disks.bank.refused).toBeGreaterThan(0);
    disks.bank.refusing = undefined;
    const { bank, bureau } = await job;
    expect([bank.state, bureau.state, bank.summary?.matched]).toEqual(["done", "done", 1_100]);
    expect(bank.attempt).toBeGreaterThan(1);
    expect(await readdir(join(nodes.folder("bank"), "spool"))).toEqual([]);
  });

  test("lets what runs end in the room that is kept for it", async () => {
    let begun = false;
    IdealWorker.before = async (kind) => {
      begun ||= kind === "provide";
      for (const disk of Object.values(disks)) disk.set(1_000_000);
    };
    // Both are below the reserve from the first task on, and can still write.
    const { bank, bureau } = await nodes.run({ agreement });
    IdealWorker.before = async () => {};
    expect([begun, bank.state, bureau.state, bank.attempt]).toEqual([true, "done", "done", 1]);
  });
});

describe("of a piece", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "entente-full-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("a spill that meets the reserve is DISK_FULL, and destroyed leaves nothing", async () => {
    const full = new FullDisk();
    const disk = new Disk({ files: full.files, folder, clock: full.ports.clock, limits: nodeLimits() });
    const place = {
      folder: join(folder, "spills"),
      key: new Uint8Array(32),
      random: nodePorts.random,
      claim: () => disk.claim("bureau"),
    };
    const spill = await SpilledBlocks.create(place);
    const block = () => spill.append({ kind: "rows", partition: 0 }, new Uint8Array(1 << 20));
    for (let i = 0; i < 4; i++) await block();
    full.set(1_000);
    expect(
      await codeOf(async () => {
        for (let i = 0; i < 16; i++) await block();
      }),
    ).toBe("DISK_FULL");
    expect((await disk.used()).spillPerPeerMib).toBeGreaterThan(3);
    await spill.destroy();
    expect([await readdir(place.folder), (await disk.used()).spillMib]).toEqual([[], 0]);
  });

  test("SQLite's: a transaction is undone, reads go on, and writes when there is room", async () => {
    const db = new DatabaseSync(join(folder, "node.db"));
    const store = await openSqliteStore(db);
    await store.putSetting("a", "1");
    const { page_count: pages } = db.prepare("PRAGMA page_count").get() as { page_count: number };
    db.exec(`PRAGMA max_page_count = ${pages + 2}`);
    const big = "x".repeat(100_000);
    expect(await codeOf(() => store.putSetting("b", big))).toBe("DISK_FULL");
    const event = { type: "proposed", at: big } as never;
    expect(await codeOf(() => store.appendJobEvent("job", 0, event))).toBe("DISK_FULL");
    expect([await store.setting("a"), await store.setting("b"), await store.jobEvents("job")]).toEqual([
      "1",
      undefined,
      [],
    ]);
    db.exec("PRAGMA max_page_count = 100000");
    await store.putSetting("b", big);
    expect(await store.setting("b")).toBe(big);
    await store.close();
    db.close();
  });

  test("DuckDB's temporary files: no word of the data, and the code", async () => {
    const instance = await DuckDBInstance.create(":memory:", {
      ...{ memory_limit: "16MiB", threads: "1", temp_directory: join(folder, "duckdb") },
    });
    const connection = await instance.connect();
    await connection.run("SET max_temp_directory_size = '1MiB'");
    const thrown = await connection
      .run("CREATE TABLE t AS SELECT 'Alice ' || md5(range::VARCHAR) AS name FROM range(500000) ORDER BY name")
      .then(() => undefined)
      .catch((error: unknown) => error);
    connection.closeSync();
    instance.closeSync();
    const error = asFormatError(thrown, "not a table");
    expect(error.code).toBe("DISK_FULL");
    expect(String(error.cause)).not.toMatch(/Alice|duckdb\//);
  });
});
