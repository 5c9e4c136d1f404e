/** One seed: a job between two nodes, everything that its plan lets go wrong, and what must be true when all is quiet again. */
import type { JobRequestInput } from "../../party/jobs/ask.ts";
import { foldJob, isFinal, type Job } from "../../party/jobs/lifecycle.ts";
import { startJob } from "../../party/jobs/start.ts";
import { CATALOGUE, toEntenteError } from "../../proto/errors.ts";
import { type Base, disksFrom } from "./base.ts";
import { registrationOf } from "./data.ts";
import { problemsOf } from "./invariants.ts";
import { CALM } from "./network.ts";
import type { SeedPlan } from "./plan.ts";
import { Stalled } from "./scheduler.ts";
import { PARTIES, World, type WorldOptions } from "./world.ts";

const HOUR_MS = 3_600_000;
/** The longest that a job may take, of all its deadlines: a key that nobody fetches is destroyed after a day. */
const LIMIT_MS = 27 * HOUR_MS;
/** After the last job has ended, for what follows it. */
const REST_MS = 5_000;
const MAX_ASKED = 8;
/** How long whoever asked waits before looking again. */
const LOOK_AGAIN_MS = 700;

export interface SeedResult {
  readonly seed: number;
  /** Empty: all is well. */
  readonly problems: readonly string[];
  /** What became of the jobs at the bank: `done`, `withheld`, or the code that they ended with. */
  readonly outcomes: readonly string[];
  readonly trace: string;
  readonly events: number;
  /** For a person, when asked for. */
  readonly lines: readonly string[];
  readonly log: readonly string[];
}

export interface RunOptions {
  readonly base: Base;
  readonly spoil?: WorldOptions["spoil"];
  readonly wantsLines?: boolean;
}

/** Never rejects. */
export async function runSeed(plan: SeedPlan, { base, spoil, wantsLines = false }: RunOptions): Promise<SeedResult> {
  const unhandled: string[] = [];
  const onUnhandled = (reason: unknown) =>
    void unhandled.push(`unhandled rejection: ${String((reason as Error)?.stack ?? reason)}`);
  process.on("unhandledRejection", onUnhandled);
  const run = new SeedRun(plan, base, spoil);
  const { scheduler } = run.world;
  if (wantsLines) scheduler.record();
  const problems: string[] = [];
  try {
    await run.toTheEnd();
    problems.push(...(await problemsOf(run.world, plan, base)));
  } catch (error) {
    problems.push(
      error instanceof Stalled
        ? `${error.message}: ${run.where()}`
        : `the simulation failed: ${(error as Error).stack}`,
    );
  } finally {
    process.off("unhandledRejection", onUnhandled);
  }
  return {
    seed: plan.seed,
    problems: [...problems, ...unhandled],
    outcomes: run.outcomes(),
    trace: scheduler.traceHash(),
    events: scheduler.events,
    lines: scheduler.lines,
    log: run.world.log,
  };
}

class SeedRun {
  readonly world: World;
  readonly #plan: SeedPlan;
  readonly #base: Base;
  /** Durable operations of each process since the job was asked for. */
  readonly #operations = { bank: 0, bureau: 0, coordinator: 0 };
  #isDisturbed = false;
  #asked = 0;
  readonly #states = new Map<string, Map<string, string>>();
  #isEnded = false;

  constructor(plan: SeedPlan, base: Base, spoil: WorldOptions["spoil"]) {
    this.#plan = plan;
    this.#base = base;
    const { lists, partitions, tls, group } = plan;
    const capacity = Math.max(1, lists.bank.length, lists.bureau.length);
    this.world = new World({
      ...{ seed: `seed/${plan.seed}`, disks: disksFrom(base), startMs: base.atMs, tls, group },
      plan: () => ({ partitions, receiverCapacity: capacity, senderCapacity: capacity }),
      peopleOf: (dataset) => (dataset === "customers" ? lists.bank : lists.bureau),
      faultOf: ({ name }) => {
        if (!this.#isDisturbed) return undefined;
        return plan.disk[name].get(++this.#operations[name]);
      },
      ...(spoil && { spoil }),
    });
    this.world.restartMs = { ...plan.restartMs };
  }

  async toTheEnd(): Promise<void> {
    const { world } = this;
    const { scheduler } = world;
    const { lists } = this.#plan;
    await this.#register("bank", "customers", lists.bank);
    await this.#register("bureau", "repayments", lists.bureau);
    for (const name of ["coordinator", ...PARTIES] as const) world.start(name);
    await scheduler.run(() => world.isUp, scheduler.nowMs + HOUR_MS);
    const beganMs = scheduler.nowMs;
    this.#disturb();
    for (let i = 0; i < this.#plan.jobs; i++) this.#ask(i, 0);
    this.#look(beganMs);
    await scheduler.run(() => this.#isQuiet(), beganMs + LIMIT_MS);
    this.#calm();
    const restMs = scheduler.nowMs + REST_MS;
    await scheduler.run(() => scheduler.nowMs >= restMs && this.#isQuiet(), beganMs + LIMIT_MS + HOUR_MS);
  }

  outcomes(): string[] {
    return [...(this.#states.get("bank")?.values() ?? [])];
  }

  /** What it waited for. */
  where(): string {
    const states = [...this.#states].flatMap(([party, jobs]) => [...jobs.values()].map((state) => `${party} ${state}`));
    return `${states.join(", ") || "no job"}; ${this.#asked} asked; up: ${this.world.isUp}`;
  }

  async #register(party: (typeof PARTIES)[number], name: string, people: readonly string[]): Promise<void> {
    const registration = registrationOf(name, people);
    await this.world.options.disks[party].store.putDataset({
      ...{ name: registration.name, version: registration.version },
      ...{ registration: JSON.stringify(registration), registeredAt: "2026-03-02T08:00:00.000Z" },
    });
  }

  #disturb(): void {
    const { world } = this;
    const { network, kills, cuts, clockJumps, revocation, calmMs } = this.#plan;
    const at = (atMs: number, label: string, run: () => void) =>
      void world.scheduler.after(atMs, label, () => this.#isDisturbed && run());
    this.#isDisturbed = true;
    world.network.faults = network;
    for (const { atMs, name, downMs } of kills) at(atMs, `kill ${name}`, () => world.kill(name, downMs));
    for (const { atMs } of cuts) at(atMs, "cut all connections", () => world.network.cutAll());
    for (const { atMs, name, byMs } of clockJumps) at(atMs, `clock of ${name}`, () => world.moveClock(name, byMs));
    if (revocation !== undefined) at(revocation.atMs, "revoke", () => this.#revoke(revocation.by));
    at(calmMs, "calm", () => this.#calm());
  }

  /** From now on nothing goes wrong. */
  #calm(): void {
    this.#isDisturbed = false;
    this.world.network.faults = CALM;
  }

  #revoke(by: (typeof PARTIES)[number]): void {
    const node = this.world.node(by);
    const again = () => void this.world.scheduler.after(LOOK_AGAIN_MS, "revoke again", () => this.#revoke(by));
    if (node === undefined) {
      again();
      return;
    }
    const digest = this.#base.agreement;
    node.connected.revocations.revoke(digest, "the simulation").catch(() => {
      if (this.world.node(by) === node) again();
    });
  }

  /** As a person would: again when the node went down meanwhile and knows nothing of it, or says that it may be tried again. */
  #ask(number: number, tries: number): void {
    const again = () => void this.world.scheduler.after(LOOK_AGAIN_MS, "ask again", () => this.#ask(number, tries + 1));
    const node = this.world.node("bank");
    if (node === undefined) {
      again();
      return;
    }
    const process = this.world.process("bank");
    const request = {
      ...{ operation: "audience", agreement: this.#base.agreement },
      ...{ dataset: "customers", peerDataset: "repayments" },
      tag: { key: `marketing:joint-${number}-${tries}`, value: "yes", expiresInDays: 30 },
    } as JobRequestInput;
    let isSettled = false;
    startJob(node.connected, request, "Ada").then(
      () => {
        isSettled = true;
        this.#asked++;
      },
      (error: unknown) => {
        isSettled = true;
        const { code } = toEntenteError(error);
        this.world.scheduler.note(`asked: ${code}`);
        const mayPass = CATALOGUE[code].retryable || code === "STORAGE_FAILED";
        if (tries < MAX_ASKED && mayPass) again();
        else {
          this.#asked++;
          this.#note("bank", `asked ${this.#asked}`, code);
        }
      },
    );
    // A process that died answers nothing: its successor is looked at.
    const look = () => {
      if (isSettled) return;
      if (process?.isAlive) this.world.scheduler.after(LOOK_AGAIN_MS, "look again", look);
      else {
        isSettled = true;
        again();
      }
    };
    this.world.scheduler.after(LOOK_AGAIN_MS, "look", look);
  }

  #note(party: string, jobId: string, state: string): void {
    const states = this.#states.get(party) ?? new Map<string, string>();
    this.#states.set(party, states.set(jobId, state));
  }

  /** Everything is up and every job has ended at both nodes. */
  #isQuiet(): boolean {
    return this.#isEnded && this.#asked >= this.#plan.jobs && this.world.isUp;
  }

  /** Between two events nothing of the product runs, so what is on the disks can be read. */
  #look(beganMs: number): void {
    const { world } = this;
    // Before all have been asked for, jobs that ended are not all of them.
    const areAllAsked = this.#asked >= this.#plan.jobs;
    const looks = PARTIES.map(async (party) => {
      const { store } = world.options.disks[party];
      let isEnded = true;
      for (const jobId of await store.jobIds()) {
        const job = foldJob(jobId, await store.jobEvents(jobId));
        this.#note(party, jobId, stateOf(job));
        if (job === undefined || !isFinal(job.state)) isEnded = false;
      }
      return isEnded;
    });
    void Promise.all(looks).then((ended) => {
      this.#isEnded = areAllAsked && ended.every(Boolean);
    });
    const againMs = world.scheduler.nowMs - beganMs > 5 * 60_000 ? 30_000 : 1_000;
    world.scheduler.after(againMs, "look at the disks", () => this.#look(beganMs));
  }
}

/** `done`, `withheld`, the code it ended with, or its state. */
function stateOf(job: Job | undefined): string {
  if (job === undefined) return "none";
  if (job.state === "done") return job.withheld ? "withheld" : "done";
  return job.reason?.code ?? job.state;
}
