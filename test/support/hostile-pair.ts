/** Bank and bureau over lists of ten people, one of which misbehaves while the other's deadlines pass at once. */
import { join } from "node:path";
import type { CoordinatorLink } from "../../party/coordinator-link/link.ts";
import { isFinal, type Job } from "../../party/jobs/lifecycle.ts";
import type { Node } from "../../party/node.ts";
import { parseStatement } from "../../proto/evidence/statements.ts";
import { parseBundle } from "../../proto/evidence/tiles.ts";
import { type CollaborationId, collaborationId, type Digest } from "../../proto/ids.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import type { Clock } from "../../proto/ports/ports.ts";
import { demoAgreement, generous } from "./demo-agreement.ts";
import { HeldTimers } from "./held-timers.ts";
import { Meddler } from "./meddler.ts";
import { REPAYMENTS, range, writePeople } from "./people.ts";
import { type NodeName, TwoNodes } from "./two-nodes.ts";

/** Both lists fit into little: what is tested with this does not depend on their length. */
export const PADDED_ROWS = 16;
const PLAN = { partitions: 1, receiverCapacity: PADDED_ROWS, senderCapacity: PADDED_ROWS };
const FLOORS = { input: 1, result: 1, sizeRatio: 1_000_000 };
const MATCHED = 6;
/** Between two looks at whether anything moves, and how often in a row nothing has to. */
const LOOK_MS = 25;
const HURRY_LOOKS = 2;
const QUIET_LOOKS = 6;
/** What is taken for the time of a deadline that has passed. */
const DEADLINE_MS = 240_000;

/** Of both nodes, so that neither finds the other's clock wrong. */
class LateClock implements Clock {
  lateMs = 0;

  nowMs(): number {
    return nodePorts.clock.nowMs() + this.lateMs;
  }

  monotonicMs(): number {
    return nodePorts.clock.monotonicMs() + this.lateMs;
  }
}

type Wrap = (link: CoordinatorLink) => CoordinatorLink;

export class HostilePair {
  readonly nodes: TwoNodes;
  readonly agreement: Digest;
  readonly meddler: Meddler;
  readonly #timers: Readonly<Record<NodeName, HeldTimers>>;
  readonly #clock: LateClock;
  readonly #uncaught: unknown[] = [];
  readonly #note = (error: unknown): void => void this.#uncaught.push(error);

  private constructor(
    nodes: TwoNodes,
    agreement: Digest,
    meddler: Meddler,
    timers: Record<NodeName, HeldTimers>,
    clock: LateClock,
  ) {
    this.nodes = nodes;
    this.agreement = agreement;
    this.meddler = meddler;
    this.#timers = timers;
    this.#clock = clock;
    process.on("uncaughtException", this.#note).on("unhandledRejection", this.#note);
  }

  /** `wraps`: what stands between a node and the coordinator. */
  static async start(wraps: { readonly [N in NodeName]?: Wrap }): Promise<HostilePair> {
    const meddler = new Meddler();
    const clock = new LateClock();
    const timers = { bank: new HeldTimers(), bureau: new HeldTimers() };
    const changeOf = (name: NodeName) => {
      const wrap = wraps[name];
      return { ports: { ...nodePorts, clock, timers: timers[name] }, ...(wrap && { wrap }) };
    };
    const nodes = await TwoNodes.start({
      partitionPlan: () => PLAN,
      // Pauses are short here: what a minute has is used up at once.
      coordinatorLimits: { meetingsPerParty: 2_000, callsPerPartyMinute: 100_000 },
      bank: changeOf("bank"),
      bureau: changeOf("bureau"),
    });
    const data = join(nodes.coordinator.folder, "data");
    await nodes.register({
      bank: await writePeople(join(data, "bank.csv"), range(0, 10)),
      bureau: await writePeople(join(data, "bureau.csv"), range(4, 14), REPAYMENTS),
    });
    const agreement = await nodes.agree(demoAgreement({ ...generous(), floors: FLOORS }, "psi-dh"));
    return new HostilePair(nodes, agreement, meddler, timers, clock);
  }

  /** A job, while the deadlines of one node pass whenever somebody misbehaves and nothing moves. Resolves when the bank's node has
   * done with it, and the bureau's has ended it or keeps its keys. */
  async run(
    honest: NodeName,
    wish: Partial<Parameters<TwoNodes["run"]>[0]> = {},
  ): Promise<Record<NodeName, Job | undefined>> {
    const { bureau } = this.nodes;
    const known = new Set((await bureau.book.list()).map(({ jobId }) => jobId));
    const served = async () => (await bureau.book.list()).find(({ jobId }) => !known.has(jobId));
    let isOver = false;
    const atBank = this.nodes.runAtBank({ agreement: this.agreement, ...wish }).finally(() => {
      isOver = true;
    });
    // A request that is refused is told below.
    atBank.catch(() => undefined);
    const hasEnded = async () => {
      if (!isOver) return false;
      const job = await served();
      // Its receipt is signed: it waits for a day for a receiver that says nothing.
      return job === undefined || isFinal(job.state) || job.state === "releasing";
    };
    for (let quiet = 0, last = -1; !(await hasEnded()); quiet++) {
      if (this.meddler.sent !== last) [quiet, last] = [0, this.meddler.sent];
      if (quiet === HURRY_LOOKS && this.meddler.hasMeddled)
        for (const timers of Object.values(this.#timers)) timers.hurry();
      const mayWait = this.meddler.hasStalled || (isOver && this.meddler.hasMeddled);
      if (quiet >= QUIET_LOOKS && mayWait) {
        this.#clock.lateMs += DEADLINE_MS;
        this.#timers[honest].fire();
        // What the provider keeps for a receiver that has given up.
        if (isOver) this.#timers.bureau.fire();
        quiet = 0;
      }
      await new Promise((go) => setTimeout(go, LOOK_MS));
    }
    return { bank: (await atBank).bank, bureau: await served() };
  }

  /** What a node's log says of a job, in order. */
  async eventsOf(node: Node, jobId: string): Promise<string[]> {
    const { proposed } = await node.book.require(jobId);
    const collaboration: CollaborationId = collaborationId(proposed.collaboration);
    const files = await (await node.logbook.log(collaboration)).exportFiles();
    const bundles = files.filter(({ path }) => path.startsWith("tile/entries/"));
    const entries = bundles.flatMap(({ path, bytes }) =>
      parseBundle(bytes, Number(/\.p\/(\d+)$/.exec(path)?.[1] ?? 256)).map((entry) => parseStatement(entry)),
    );
    return entries.flatMap(({ event, statement: { predicate } }) =>
      "jobId" in predicate && predicate.jobId === jobId ? [event] : [],
    );
  }

  /** Throws unless a job that nobody meddles with runs to its end at both. */
  async runHonestJob(): Promise<void> {
    this.meddler.set(undefined);
    const { bank, bureau } = await this.nodes.run({ agreement: this.agreement });
    const outcome = [bank.state, bank.summary?.matched, bureau.state].join();
    if (outcome !== `done,${MATCHED},done`) throw new Error(`an honest job: ${outcome}, ${bank.reason?.code}`);
  }

  /** Whatever waits at either node has waited long enough. */
  passDeadlines(): void {
    for (const timers of Object.values(this.#timers)) {
      timers.hurry();
      timers.fire();
    }
  }

  /** Nobody meddles any more, and what was begun is over. Throws when something was thrown that nobody has caught. */
  settle(): void {
    this.meddler.set(undefined);
    this.passDeadlines();
    const [first] = this.#uncaught.splice(0);
    if (first !== undefined) throw first;
  }

  async close(): Promise<void> {
    this.meddler.restore();
    await this.nodes.close();
    process.off("uncaughtException", this.#note).off("unhandledRejection", this.#note);
  }
}
