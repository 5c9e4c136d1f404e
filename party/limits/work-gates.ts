/**
 * What people and peers may begin, beside what runs: own jobs, jobs that are served, sessions, questions, rows. Each is looked at
 * where something begins, so that what has begun is never in its own way.
 */
import type { EntenteError } from "../../proto/errors.ts";
import { Buckets } from "../../proto/limits/buckets.ts";
import { Gate } from "../../proto/limits/gate.ts";
import { limitRefusal } from "../../proto/limits/limit.ts";
import type { NodeLimitName } from "../../proto/limits/node-limits.ts";
import type { Clock } from "../../proto/ports/ports.ts";
import type { Disk } from "./disk.ts";
import { gateOf, type NodeLimits } from "./limits.ts";

export interface WorkGatesOptions {
  readonly limits: NodeLimits;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly disk: Disk;
  readonly book: {
    /** Own jobs whose steps are being taken. */
    readonly running: number;
    /** Jobs of a peer that have not ended, and of the one who has most. */
    openOf(peer: string): Promise<number>;
    mostOpen(): Promise<number>;
  };
}

/** Sessions at once in which a peer is told that it has too many; of more it hears nothing. */
const REFUSALS = 8;

export class WorkGates {
  /** Sessions that this node answers in, by peer. */
  readonly sessions: Gate;
  readonly refusals: Gate;
  readonly #options: WorkGatesOptions;
  readonly #asking = new Gate<"own">({});
  readonly #questions: Buckets;
  readonly #offers: Buckets;

  constructor(options: WorkGatesOptions) {
    this.#options = options;
    const { limits, clock } = options;
    const buckets = (name: NodeLimitName) =>
      new Buckets({ clock, perMinute: limits.values[name], refusal: (seconds) => limitRefusal(limits, name, seconds) });
    this.sessions = gateOf(limits, { all: "sessions", each: "sessionsPerPeer" });
    this.refusals = new Gate({ all: { max: REFUSALS, refusal: () => limitRefusal(limits, "sessions") } });
    this.#questions = buckets("questionsPerPeerMinute");
    this.#offers = buckets("offersPerPeerMinute");
  }

  tooManySessions(): EntenteError {
    return limitRefusal(this.#options.limits, "sessionsPerPeer");
  }

  /** A person's job, until it runs or waits. Throws OVERLOADED, DISK_FULL. */
  async enterJob(): Promise<Disposable> {
    const { book, disk, limits } = this.#options;
    await disk.require();
    if (this.#asking.used + book.running >= limits.values.jobs) throw limitRefusal(limits, "jobs");
    return this.#asking.join("own");
  }

  /** A peer's question of any kind. Throws RATE_LIMITED. */
  asked(peer: string): void {
    this.#questions.take(peer);
  }

  /** A job that a peer has not offered before. Throws RATE_LIMITED, OVERLOADED, DISK_FULL. */
  async offered(peer: string): Promise<void> {
    const { book, disk, limits } = this.#options;
    this.#offers.take(peer);
    if ((await book.openOf(peer)) >= limits.values.openJobsPerPeer) throw limitRefusal(limits, "openJobsPerPeer");
    await disk.require();
  }

  /** What is read and held for a peer's job: `served` of all, and of that peer. Throws OVERLOADED, DISK_FULL. */
  async serve(served: Served, peer: string): Promise<void> {
    const { disk, limits } = this.#options;
    await disk.require();
    const { servedJobs, servedJobsPerPeer } = limits.values;
    if (served.sizeOf(peer) >= servedJobsPerPeer && !(await served.makeRoom(peer)))
      throw limitRefusal(limits, "servedJobsPerPeer");
    if (served.size >= servedJobs && !(await served.makeRoom())) throw limitRefusal(limits, "servedJobs");
  }

  /** Of one side of a job. Throws LIMIT_EXCEEDED. */
  requireRows(rows: number): void {
    if (rows > this.#options.limits.values.jobRows) throw limitRefusal(this.#options.limits, "jobRows");
  }

  async used(served: Served): Promise<Partial<Record<NodeLimitName, number>>> {
    const { book } = this.#options;
    return {
      jobs: this.#asking.used + book.running,
      servedJobs: served.size,
      sessions: this.sessions.used,
      sessionsPerPeer: this.sessions.usedByOne,
      questionsPerPeerMinute: this.#questions.usedByOne,
      offersPerPeerMinute: this.#offers.usedByOne,
      openJobsPerPeer: await book.mostOpen(),
    };
  }
}

interface Served {
  readonly size: number;
  sizeOf(peer: string): number;
  /** Gives up what waits longest, of that peer or of any. */
  makeRoom(peer?: string): Promise<boolean>;
}
