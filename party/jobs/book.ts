/** The node's jobs: events go through here, so that the store's history and what the API shows never part. */
import { EntenteError, type ErrorCode, toEntenteError } from "../../proto/errors.ts";
import { type Progress, stepKey } from "../../proto/http/progress.ts";
import type { Clock } from "../../proto/ports/ports.ts";
import { Feed } from "../progress/feed.ts";
import { Meter, type ProgressReport } from "../progress/meter.ts";
import type { Store } from "../store/store.ts";
import { Turns } from "../turns.ts";
import { applyJobEvent, foldJob, isFinal, type Job, type JobEvent } from "./lifecycle.ts";

/** What a job that runs is doing, for people; not persisted. */
interface Doing {
  readonly meter: Meter;
  /** Of each entry: what the meter showed then; undefined before the first step. */
  readonly feed: Feed<Progress | undefined>;
}

export class JobBook {
  readonly #store: Store;
  readonly #clock: Clock;
  /** Of this run of the node: what was seen of the one before is not counted on. */
  readonly #epoch: string;
  /** Of jobs that have not ended. */
  readonly #doing = new Map<string, Doing>();
  /** Since the node started: what still works for such a job, as reading a dataset, is not listened to any more. */
  readonly #ended = new Set<string>();

  /** Of this node's own jobs: those that a run of theirs takes from step to step. */
  readonly #runs = new Set<string>();
  readonly #turns = new Turns<string>();
  /** Jobs of peers that have not ended, with the peer; read when it is first asked for. */
  #open: Promise<Map<string, string>> | undefined;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.#epoch = Math.floor(clock.nowMs()).toString(36);
  }

  /** False when a run of the job is under way. */
  beginRun(jobId: string): boolean {
    if (this.#runs.has(jobId)) return false;
    this.#runs.add(jobId);
    return true;
  }

  endRun(jobId: string): void {
    this.#runs.delete(jobId);
  }

  /** Runs that are under way. */
  get running(): number {
    return this.#runs.size;
  }

  /** How many jobs of a peer have not ended. */
  async openOf(peer: string): Promise<number> {
    return [...(await this.#openJobs()).values()].filter((other) => other === peer).length;
  }

  /** Of the peer who has most. */
  async mostOpen(): Promise<number> {
    const peers = [...(await this.#openJobs()).values()];
    return Math.max(0, ...[...new Set(peers)].map((peer) => peers.filter((other) => other === peer).length));
  }

  #openJobs(): Promise<Map<string, string>> {
    this.#open ??= this.list().then((jobs) => {
      const open = jobs.filter(({ state, proposed }) => proposed.role === "provider" && !isFinal(state));
      return new Map(open.map(({ jobId, proposed }) => [jobId, proposed.peer]));
    });
    return this.#open;
  }

  /** What ends a job takes its turn. */
  inTurn<T>(jobId: string, work: () => Promise<T>): Promise<T> {
    return this.#turns.take(jobId, work);
  }

  async list(): Promise<Job[]> {
    return Promise.all((await this.#store.jobIds()).map((jobId) => this.require(jobId)));
  }

  /** Throws NOT_FOUND. */
  async require(jobId: string): Promise<Job> {
    const job = foldJob(jobId, await this.#store.jobEvents(jobId));
    if (job === undefined) throw new EntenteError("NOT_FOUND", { detail: "job" });
    return job;
  }

  /** Throws WIRE_UNEXPECTED when the job's state does not allow the event: somebody is a step ahead or behind. */
  async append(jobId: string, event: JobEvent): Promise<Job> {
    const events = await this.#store.jobEvents(jobId);
    const job = applyJobEvent(jobId, foldJob(jobId, events), event);
    if (job === undefined || !(await this.#store.appendJobEvent(jobId, events.length, event))) {
      throw new EntenteError("WIRE_UNEXPECTED", { detail: `job event ${event.type}` });
    }
    const open = await this.#open;
    if (isFinal(job.state)) open?.delete(jobId);
    else if (job.proposed.role === "provider") open?.set(jobId, job.proposed.peer);
    const { meter, feed } = this.#of(jobId);
    const progress = meter.read();
    feed.push(keyOf(job.state, progress), progress);
    if (isFinal(job.state)) {
      this.#ended.add(jobId);
      this.#doing.delete(jobId);
      feed.close();
    }
    return job;
  }

  report(jobId: string, report: ProgressReport): void {
    if (this.#ended.has(jobId)) return;
    const { meter, feed } = this.#of(jobId);
    meter.report(report);
    const progress = meter.read();
    feed.push(keyOf("", progress), progress);
  }

  /** As of now: rate and time left change also while nothing is reported. */
  progress(jobId: string): Progress | undefined {
    return this.#doing.get(jobId)?.meter.read();
  }

  /** Changes of its state or of its progress; undefined when nothing will change any more. */
  feed(jobId: string): Feed<Progress | undefined> | undefined {
    return this.#ended.has(jobId) ? undefined : this.#of(jobId).feed;
  }

  #of(jobId: string): Doing {
    let doing = this.#doing.get(jobId);
    if (doing === undefined) {
      doing = { meter: new Meter(this.#clock), feed: new Feed(this.#epoch) };
      this.#doing.set(jobId, doing);
    }
    return doing;
  }
}

function keyOf(state: string, progress: Progress | undefined): string {
  return `${state}/${progress === undefined ? "" : stepKey(progress)}`;
}

/** The event that an error ends a job with. */
export function failedEvent(thrown: unknown, at: string): JobEvent & { type: "failed"; code: ErrorCode } {
  const { code, detail } = toEntenteError(thrown);
  return { type: "failed", at, code, ...(detail === undefined ? {} : { detail }) };
}
