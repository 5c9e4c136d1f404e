/** A job's changes as its followers are told them. */
import type { Progress } from "../../proto/http/progress.ts";
import type { Timers } from "../../proto/ports/ports.ts";
import type { StateEvent } from "../api/events.ts";
import { PAUSE_MS, pause, within } from "../progress/pause.ts";
import type { JobBook } from "./book.ts";
import { isFinal, type Job } from "./lifecycle.ts";

/** Without news the rate falls and the time left grows: so often that is told. */
const TICK_MS = 5_000;

export interface Following<View> {
  readonly book: JobBook;
  readonly timers: Timers;
  readonly jobId: string;
  readonly lastEventId: string | undefined;
  readonly signal: AbortSignal;
  readonly view: (job: Job, progress: Progress | undefined) => View;
}

/** One event as the job is now, or what has happened since `lastEventId`; then one for each change; the final state last.
 * Throws NOT_FOUND. */
export async function* followJob<View>(following: Following<View>): AsyncGenerator<StateEvent<View>, void, undefined> {
  const { book, timers, jobId, signal, view } = following;
  let seen: number | undefined;
  for (;;) {
    // Before the job is read: what happens in between is told twice rather than never.
    const feed = book.feed(jobId);
    const job = await book.require(jobId);
    if (isFinal(job.state) || feed === undefined) {
      yield { isFinal: true, value: view(job, undefined) };
      return;
    }
    seen ??= feed.numberOf(following.lastEventId);
    const entries = seen === undefined ? [{ number: feed.last, value: book.progress(jobId) }] : feed.since(seen);
    for (const { number, value } of entries) {
      seen = number;
      yield { id: feed.idOf(number), isFinal: false, value: view(job, value) };
    }
    seen ??= feed.last;
    if (entries.length > 0) await pause(timers, PAUSE_MS, signal);
    if (!(await within(timers, TICK_MS, signal, (either) => feed.newerThan(seen as number, either)))) {
      const progress = book.progress(jobId);
      if (progress !== undefined && !signal.aborted)
        yield { id: feed.idOf(seen), isFinal: false, value: view(job, progress) };
    }
    if (signal.aborted) return;
  }
}
