/** The node's jobs: events go through here, so that the store's history and what the API shows never part. */
import { EntenteError, type ErrorCode, toEntenteError } from "../../proto/errors.ts";
import type { Store } from "../store/store.ts";
import { applyJobEvent, foldJob, isFinal, type Job, type JobEvent } from "./lifecycle.ts";

/** What a running job is doing, for people; not persisted. */
export interface Progress {
  readonly step: string;
  readonly done: number;
  readonly total: number;
}

export class JobBook {
  readonly #store: Store;
  readonly #progress = new Map<string, Progress>();

  constructor(store: Store) {
    this.#store = store;
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
    if (isFinal(job.state)) this.#progress.delete(jobId);
    return job;
  }

  report(jobId: string, progress: Progress): void {
    this.#progress.set(jobId, progress);
  }

  progress(jobId: string): Progress | undefined {
    return this.#progress.get(jobId);
  }
}

/** The event that an error ends a job with. */
export function failedEvent(thrown: unknown, at: string): JobEvent & { type: "failed"; code: ErrorCode } {
  const { code, detail } = toEntenteError(thrown);
  return { type: "failed", at, code, ...(detail === undefined ? {} : { detail }) };
}
