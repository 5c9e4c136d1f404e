/** Two parties and a coordinator as processes that can be killed at any persist, and what must be so after a job whatever was
 * killed where. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { collaborationOf } from "../../proto/agreement/identity.ts";
import { readBundle } from "../../proto/evidence/bundle.ts";
import { snapshotLog } from "../../proto/evidence/snapshot.ts";
import { parseStatement } from "../../proto/evidence/statements.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import type { EntenteClient, Job } from "../../sdk/client.ts";
import { verifyFolders } from "../../sdk/verify/verify.ts";
import { agree, demoAgreement, generous, registerBoth } from "../support/demo-agreement.ts";
import { MemoryFiles } from "../support/memory-files.ts";
import { phoneOf, REPAYMENTS, range, writePeople } from "../support/people.ts";
import { PARTIES, type PartyName, Trio } from "../support/trio.ts";
import { ARMED_FILE, type Armed, STEPS_FILE } from "./kill-point.ts";

export const PROCESSES = ["bank", "bureau", "hub"] as const;
export type ProcessName = (typeof PROCESSES)[number];

export interface Cell extends Armed {
  readonly process: ProcessName;
}

/** What came of a cell: `done`, the code that the job ended with, or `not asked for` when the kill came before the job. */
export interface Outcome {
  readonly ended: string;
  /** How often the process was killed. */
  readonly kills: number;
  /** Empty when all is as it must be. */
  readonly faults: readonly string[];
  readonly seconds: number;
}

const PROCESS = fileURLToPath(new URL("process.ts", import.meta.url));
const BANK = range(0, 40);
const BUREAU = range(20, 60);
const JOINT = range(20, 40).map((person) => `+86${phoneOf(person)}`);
const COLLABORATION = collaborationOf(["bank", "bureau"]);
const DEADLINE_MS = 120_000;
/** Written once a minute, whatever runs. */
const BY_TIME = "setting:steady-clock-ms";
const FINAL = /^(done|failed|refused)$/;

export class World {
  readonly #trio: Trio;
  #agreement = "";

  private constructor(trio: Trio) {
    this.#trio = trio;
  }

  static async start(): Promise<World> {
    const trio = await Trio.start({ run: (of, dir, folder) => [PROCESS, of, dir, join(folder, nameOf(dir))] });
    const world = new World(trio);
    try {
      const data = join(trio.folder, "data");
      await registerBoth(trio, {
        bank: await writePeople(join(data, "bank.csv"), BANK),
        bureau: await writePeople(join(data, "bureau.csv"), BUREAU, REPAYMENTS),
      });
      const floors = { input: 1, result: 1 };
      world.#agreement = await agree(trio, demoAgreement({ ...generous(), floors }, "psi-dh"));
      return world;
    } catch (error) {
      await trio.stop();
      throw error;
    }
  }

  stop(): Promise<void> {
    return this.#trio.stop();
  }

  lastLogLines(): Promise<string> {
    return this.#trio.lastLogLines(8);
  }

  /** The steps of an undisturbed job at each process, in the order in which they come first. */
  async steps(): Promise<ReadonlyMap<ProcessName, readonly string[]>> {
    const paths = new Map(PROCESSES.map((name) => [name, join(this.#place(name), STEPS_FILE)]));
    for (const path of paths.values()) await writeFile(path, "");
    const { ended, faults } = await this.#job(undefined);
    if (ended !== "done" || faults.length > 0) throw new Error(`an undisturbed job ${ended}: ${faults.join("; ")}`);
    const found = new Map<ProcessName, readonly string[]>();
    for (const [name, path] of paths) {
      found.set(name, [
        ...new Set((await readFile(path, "utf8")).split("\n").filter((line) => line !== "" && line !== BY_TIME)),
      ]);
      await rm(path);
      // Without these nothing of its store is wrapped, and the matrix would be half of what it says.
      if (!found.get(name)?.some((step) => step.startsWith("event:"))) throw new Error(`${name}: no event was seen`);
    }
    return found;
  }

  /** One job with one process killed. */
  async run({ process, ...armed }: Cell): Promise<Outcome> {
    const path = join(this.#place(process), ARMED_FILE);
    await writeFile(path, JSON.stringify(armed satisfies Armed));
    try {
      return await this.#job(process);
    } finally {
      await rm(path, { force: true });
      for (const name of PROCESSES) if (this.#trio.hasEnded(name)) await this.#restart(name);
      await this.#untilOnline();
    }
  }

  /** Where a process is told what to do. */
  #place(name: ProcessName): string {
    return join(this.#trio.folder, name);
  }

  async #restart(name: ProcessName): Promise<boolean> {
    return this.#trio.restart(name).then(
      () => true,
      () => false,
    );
  }

  async #untilOnline(): Promise<void> {
    for (const party of PARTIES)
      for (let tries = 0; tries < 600; tries++) {
        const isOnline = await this.#ask(party, async (client) => (await client.call("node", {})).connected);
        if (isOnline === true) break;
        await pause(50);
      }
  }

  /** Undefined when the node does not answer. */
  async #ask<T>(party: PartyName, question: (client: EntenteClient) => Promise<T>): Promise<T | undefined> {
    try {
      return await question(await this.#trio.client(party));
    } catch {
      return undefined;
    }
  }

  async #job(killed: ProcessName | undefined): Promise<Outcome> {
    const begun = performance.now();
    const before = new Set(
      (await this.#ask("bank", (client) => client.call("jobs", {})))?.jobs.map(({ jobId }) => jobId),
    );
    const asked = this.#ask("bank", (client) =>
      client.call("startJob", {
        ...{ agreement: this.#agreement, dataset: "customers", peerDataset: "repayments", operation: "audience" },
        tag: { key: "marketing:joint", value: "yes", expiresInDays: 30 },
      }),
    );
    let isAsked = false;
    void asked.then(() => {
      isAsked = true;
    });
    let kills = 0;
    let job: { readonly bank: Job; readonly bureau: Job | undefined } | undefined;
    while (performance.now() - begun < DEADLINE_MS) {
      if (killed !== undefined && this.#trio.hasEnded(killed)) {
        kills++;
        while (!(await this.#restart(killed))) kills++;
      }
      const list = await this.#ask("bank", (client) => client.call("jobs", {}));
      const bank = list?.jobs.find(({ jobId }) => !before.has(jobId));
      if (bank === undefined && list !== undefined && isAsked) break;
      if (bank !== undefined && FINAL.test(bank.state)) {
        const theirs = await this.#ask("bureau", (client) => client.call("jobs", {}));
        const bureau = theirs?.jobs.find(({ jobId }) => jobId === bank.jobId);
        if (theirs !== undefined && (bureau === undefined || FINAL.test(bureau.state))) {
          job = { bank, bureau };
          break;
        }
      }
      await pause(50);
    }
    await asked;
    // What was armed and is still to come must not meet the checks.
    if (killed !== undefined) await rm(join(this.#place(killed), ARMED_FILE), { force: true });
    // One that was killed a moment ago is seen to have ended a moment later.
    await pause(200);
    if (killed !== undefined && this.#trio.hasEnded(killed)) {
      kills++;
      await this.#restart(killed);
    }
    await this.#untilOnline();
    const isLate = performance.now() - begun >= DEADLINE_MS;
    const faults = isLate ? ["the job did not end"] : await this.#faults(job);
    const ended = job === undefined ? (isLate ? "late" : "not asked for") : endOf(job.bank, job.bureau);
    return { ended, kills, faults, seconds: Math.round((performance.now() - begun) / 100) / 10 };
  }

  async #faults(job: { readonly bank: Job; readonly bureau: Job | undefined } | undefined): Promise<string[]> {
    const faults: string[] = [];
    const jobId = job?.bank.jobId;
    const isDone = job?.bank.state === "done";
    if (isDone && job.bureau?.state !== "done") faults.push(`the bureau's job is ${job.bureau?.state ?? "not there"}`);
    if (isDone && job.bank.summary?.matched !== JOINT.length) faults.push("the summary is not the plain join's");
    const tagged = jobId === undefined ? [] : this.#tagged(jobId);
    const wanted = isDone ? JOINT : [];
    if (tagged.join() !== wanted.join()) faults.push(`${tagged.length} tags, not those of ${wanted.length} people`);
    for (const party of PARTIES) faults.push(...(await this.#logFaults(party, jobId, isDone)));
    const { verdict, problems } = await this.#audit();
    const isFine = verdict === "verified" || (!isDone && verdict === "incomplete");
    if (!isFine) faults.push(`audit: ${verdict}, ${problems.map(({ code }) => code).join(", ")}`);
    return faults;
  }

  /** In order; of a job that is not in the book nobody may have been charged. */
  async #logFaults(party: PartyName, jobId: string | undefined, isDone: boolean): Promise<string[]> {
    const counts = new Map<string, number>();
    const known = new Set((await this.#ask(party, (client) => client.call("jobs", {})))?.jobs.map((job) => job.jobId));
    const base = join(this.#trio.dir(party), "evidence", COLLABORATION);
    const [year] = await nodePorts.files.list(base);
    const files = year === undefined ? [] : await this.#entries(join(base, year));
    const faults: string[] = [];
    for (const entry of files) {
      const { event, statement } = parseStatement(entry);
      const predicate = statement.predicate as { jobId?: string; job?: { jobId: string }; decision?: string };
      const of = predicate.jobId ?? predicate.job?.jobId;
      const isCharge = event === "policy-decision" && predicate.decision === "allowed";
      if (isCharge && of !== undefined && !known.has(of)) faults.push(`${party}: a charge for a job that is not there`);
      if (of === jobId) counts.set(isCharge ? "charge" : event, (counts.get(isCharge ? "charge" : event) ?? 0) + 1);
    }
    const once = party === "bank" ? ["charge", "receipt", "opened"] : ["charge", "receipt", "gate-key-released"];
    for (const event of [...once, "withheld"]) {
      const count = counts.get(event) ?? 0;
      if (count > 1 || (isDone && count !== (event === "withheld" ? 0 : 1)))
        faults.push(`${party}: ${count} x ${event}`);
    }
    return faults;
  }

  async #entries(folder: string): Promise<readonly Uint8Array[]> {
    const entries: Uint8Array[] = [];
    const { parseBundle, tilePath, TILE_WIDTH, tilesOf } = await import("../../proto/evidence/tiles.ts");
    const { files } = await snapshotLog(nodePorts.files, folder);
    const size = Number(
      new TextDecoder().decode(files.find(({ path }) => path === "checkpoint")?.bytes).split("\n")[1],
    );
    for (const tile of tilesOf(size)) {
      const bytes = tile.level === "entries" ? files.find(({ path }) => path === tilePath(tile))?.bytes : undefined;
      if (bytes !== undefined) entries.push(...parseBundle(bytes, tile.width ?? TILE_WIDTH));
    }
    return entries;
  }

  /** Of the bank's store, as anybody may read it. */
  #tagged(jobId: string): string[] {
    const db = new DatabaseSync(join(this.#trio.dir("bank"), "node.db"), { readOnly: true });
    try {
      const rows = db
        .prepare(
          `SELECT t.subject FROM tag t JOIN tag_batch b ON b.id = t.batchId
           WHERE b.jobId = ? AND b.state = 'in-force' AND t.ended IS NULL ORDER BY t.subject`,
        )
        .all(jobId);
      return rows.map(({ subject }) => subject as string);
    } finally {
      db.close();
    }
  }

  /** Both parties' evidence, as an auditor would. */
  async #audit() {
    const files = new MemoryFiles();
    for (const party of PARTIES) {
      const client = await this.#trio.client(party);
      const exported = await readBundle(await client.download("auditBundle", { collaboration: COLLABORATION }));
      for (const [path, bytes] of exported) files.contents.set(`/${party}/${path}`, bytes);
    }
    return verifyFolders(["/bank", "/bureau"], { files });
  }
}

/** The last part of a process's folder is its name. */
function nameOf(dir: string): string {
  return dir.slice(dir.lastIndexOf("/") + 1);
}

function endOf(bank: Job, bureau: Job | undefined): string {
  const [own, theirs] = [bank, bureau].map((job) => (job === undefined ? "-" : (job.reason?.code ?? job.state)));
  return own === theirs ? (own as string) : `${own} / ${theirs}`;
}

function pause(ms: number): Promise<void> {
  return new Promise((go) => setTimeout(go, ms));
}
