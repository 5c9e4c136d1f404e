/** A stop at any point of a job, at either node: what the log has and the book has not is completed, and nothing else. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  applyJobEvent,
  foldJob,
  isFinal,
  type Job,
  type JobEvent,
  type JobProposed,
} from "../../party/jobs/lifecycle.ts";
import { nextStep, RELEASE_MS, releaseEndsMs } from "../../party/jobs/next-step.ts";
import { missingEvents } from "../../party/jobs/reconcile.ts";
import type { RecordedJob } from "../../party/jobs/recorded.ts";

const JOB_ID = "0b".repeat(16);
const START_MS = Date.parse("2026-05-01T00:00:00.000Z");
const summary = { matched: 3, seconds: 1, bytesSent: 2, bytesReceived: 3 };

const proposedBy = (role: JobProposed["role"], awaitsApproval: boolean): JobProposed => ({
  ...{ type: "proposed", at: "2026-05-01T00:00:00.000Z", role, peer: role === "receiver" ? "bureau" : "bank" },
  ...{ operation: "audience", output: "list", agreement: "5f".repeat(32), collaboration: "6a".repeat(16) },
  ...{ jobDigest: "7b".repeat(32), ownRows: 2000, ownSizeClass: 88, datasetVersion: "8c".repeat(32) },
  ...{ datasetForm: "8d".repeat(32), versionTag: "9b".repeat(32), awaitsApproval },
});

/** What a node does for a job, in its order: an entry of the log, or an event of the book. */
type Write = { readonly entry: (before: RecordedJob) => RecordedJob } | { readonly event: JobEvent };

interface Story {
  readonly role: JobProposed["role"];
  readonly isApproved: boolean;
  readonly attempts: number;
  readonly ending: "done" | "withheld" | "failed" | "refused";
}

function writesOf({ role, isApproved, attempts, ending }: Story): { draft: JobProposed; writes: Write[] } {
  let ms = START_MS;
  const at = () => {
    ms += 1_000;
    return new Date(ms).toISOString();
  };
  const decided = (as: "allowed" | "approval-needed"): Write => {
    const decision = { as, refusedBy: undefined, at: at() };
    return { entry: (before) => ({ ...before, decision }) };
  };
  const draft = proposedBy(role, false);
  const writes: Write[] = [];
  if (isApproved) {
    writes.push(decided("approval-needed"), { event: proposedBy(role, true) });
    writes.push(decided("allowed"), { event: { type: "approved", at: at() } });
  } else {
    writes.push(decided("allowed"), { event: draft });
  }
  if (ending === "refused") {
    const end = { type: "refused", at: at(), code: "DATASET_CHANGED", by: "bureau" } as const;
    writes.push({ entry: (before) => ({ ...before, end }) });
    writes.push({ event: { ...end, by: role === "provider" ? "own" : "peer" } });
    return { draft, writes };
  }
  writes.push({ event: { type: "admitted", at: at() } });
  const finished: Job["finished"][number][] = [];
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const exporter = `${attempt}e`.repeat(32);
    const peer = { peerSizeClass: 96, peerVersion: "bf".repeat(32) };
    writes.push({
      event: { type: "attempt-started", at: at(), attempt, ...peer, exporter, finished: [...finished] },
    });
    const done = { partition: attempt - 1, attempt, exporter, transcript: `${attempt}a`.repeat(32) };
    finished.push(done);
    const said = { attempt, partition: done.partition, transcript: done.transcript, at: at() };
    writes.push({ entry: (before) => ({ ...before, finished: [...before.finished, said] }) });
    writes.push({ event: { type: "partition-finished", at: at(), ...done } });
  }
  const receipt = { entry: new Uint8Array([1]), digest: "aa".repeat(32) };
  writes.push({ entry: (before) => ({ ...before, receipt }) }, { event: { type: "receipt-signed", at: at() } });
  const releasedAt = at();
  if (role === "provider") writes.push({ entry: (before) => ({ ...before, releasedAt }) });
  writes.push({ event: { type: "gate-opened", at: releasedAt } });
  if (ending === "failed") {
    const end = { type: "failed", at: at(), code: "AGREEMENT_REVOKED" } as const;
    writes.push({ entry: (before) => ({ ...before, end }) }, { event: end });
    return { draft, writes };
  }
  if (role === "receiver" && ending === "done") {
    const openedAt = at();
    writes.push({ entry: (before) => ({ ...before, openedAt }) }, { event: { type: "result-recorded", at: openedAt } });
  }
  const isWithheld = role === "receiver" && ending === "withheld";
  const endedAt = at();
  if (isWithheld) writes.push({ entry: (before) => ({ ...before, withheldAt: endedAt }) });
  writes.push({ event: { type: "done", at: endedAt, withheld: isWithheld, summary } });
  return { draft, writes };
}

const anyStory: fc.Arbitrary<Story> = fc.record({
  role: fc.constantFrom("receiver", "provider"),
  isApproved: fc.boolean(),
  attempts: fc.integer({ min: 1, max: 4 }),
  ending: fc.constantFrom("done", "withheld", "failed", "refused"),
});

function stoppedAfter(writes: readonly Write[], count: number): { events: JobEvent[]; recorded: RecordedJob } {
  const events: JobEvent[] = [];
  let recorded: RecordedJob = { finished: [] };
  for (const write of writes.slice(0, count)) {
    if ("event" in write) events.push(write.event);
    else recorded = write.entry(recorded);
  }
  return { events, recorded };
}

describe("a stop anywhere", () => {
  test("leaves a log and a book that agree once the book has caught up, and a second time there is nothing to do", () => {
    fc.assert(
      fc.property(anyStory, fc.double({ min: 0, max: 1, noNaN: true }), (story, place) => {
        const { draft, writes } = writesOf(story);
        const { events, recorded } = stoppedAfter(writes, Math.round(place * writes.length));
        const own = story.role === "receiver" ? "bank" : "bureau";
        const missing = missingEvents(JOB_ID, foldJob(JOB_ID, events), recorded, { draft, own });
        const job = foldJob(JOB_ID, [...events, ...missing]);
        // The log's last word on each step, and the book's.
        expect(job !== undefined).toBe(recorded.decision !== undefined);
        if (job === undefined) return;
        if (recorded.decision?.as === "allowed") expect(job.awaitsApproval).toBe(false);
        if (recorded.receipt !== undefined) expect(["proposed", "admitted", "running"]).not.toContain(job.state);
        if (recorded.releasedAt !== undefined || recorded.openedAt !== undefined) expect(job.isOpened).toBe(true);
        if (recorded.openedAt !== undefined && !isFinal(job.state)) expect(job.isRecorded).toBe(true);
        if (recorded.withheldAt !== undefined) expect(job).toMatchObject({ state: "done", withheld: true });
        if (recorded.end !== undefined) expect(job.state).toBe(recorded.end.type);
        for (const { attempt, partition } of recorded.finished) {
          if (attempt === job.attempt) expect(job.finished.some((done) => done.partition === partition)).toBe(true);
        }
        // Not more than one entry was ahead, and a provider's admission needs none.
        expect(missing.length).toBeLessThanOrEqual(2);
        expect(missingEvents(JOB_ID, job, recorded, { draft, own })).toEqual([]);
        // From here the story goes on as if nothing had been.
        const rest = writes
          .slice(Math.round(place * writes.length))
          .flatMap((write) => ("event" in write ? [write.event] : []));
        let after: Job | undefined = job;
        for (const event of rest) after = applyJobEvent(JOB_ID, after, event) ?? after;
        expect(after?.state).toBe(foldJob(JOB_ID, stoppedAfter(writes, writes.length).events)?.state);
      }),
      { numRuns: 600 },
    );
  });

  test("leaves one thing to do next, which is never one that was done", () => {
    fc.assert(
      fc.property(
        anyStory,
        fc.nat({ max: 40 }),
        fc.integer({ min: 0, max: 2 * RELEASE_MS }),
        (story, count, laterMs) => {
          const { events } = stoppedAfter(writesOf(story).writes, count);
          const job = foldJob(JOB_ID, events);
          if (job === undefined) return;
          const nowMs = Date.parse(job.updatedAt) + laterMs;
          const step = nextStep(job, nowMs);
          expect(step === "none").toBe(isFinal(job.state));
          if (job.receiptAt !== undefined) expect(["attempt", "wait"]).not.toContain(step);
          if (job.isOpened) expect(["release", "give-up"]).not.toContain(step);
          if (job.isRecorded) expect(["open"]).not.toContain(step);
          if (story.role === "provider") expect(["attempt", "open", "publish"]).not.toContain(step);
          else expect(["confirm", "finish"]).not.toContain(step);
          // A day after the receipt nobody waits for keys any more, and a result is never given up.
          if (step === "release" || step === "confirm") expect(nowMs).toBeLessThan(releaseEndsMs(job));
          if (step === "give-up" || step === "finish") expect(nowMs).toBeGreaterThanOrEqual(releaseEndsMs(job));
        },
      ),
      { numRuns: 600 },
    );
  });
});

test("what was charged and not proposed goes on by its draft, what was refused or not decided does not", () => {
  const draft = proposedBy("receiver", false);
  const decided = (as: "allowed" | "approval-needed" | "refused"): RecordedJob => ({
    finished: [],
    decision: { as, refusedBy: as === "refused" ? "POLICY_RUNS_PER_EPOCH" : undefined, at: draft.at } as never,
  });
  const completed = (recorded: RecordedJob, from?: JobProposed) =>
    missingEvents(JOB_ID, undefined, recorded, { draft: from, own: "bank" }).map((event) => event.type);
  expect(completed(decided("allowed"), draft)).toEqual(["proposed"]);
  expect(completed(decided("allowed"), proposedBy("provider", false))).toEqual(["proposed", "admitted"]);
  expect(completed(decided("approval-needed"), proposedBy("provider", false))).toEqual(["proposed"]);
  expect(completed(decided("refused"), draft)).toEqual([]);
  expect(completed({ finished: [] }, draft)).toEqual([]);
  expect(completed(decided("allowed"))).toEqual([]);
});

test("a partition of an earlier attempt, or of one without an exporter value, is not taken from the log", () => {
  const { writes } = writesOf({ role: "receiver", isApproved: false, attempts: 2, ending: "done" });
  const started = writes.findIndex((write) => "event" in write && write.event.type === "attempt-started");
  const { events, recorded } = stoppedAfter(writes, started + 2);
  const missing = (of: readonly JobEvent[]) =>
    missingEvents(JOB_ID, foldJob(JOB_ID, of), recorded, { own: "bank" }).map(({ type }) => type);
  expect(missing(events)).toEqual(["partition-finished"]);
  const last = events.at(-1) as Extract<JobEvent, { type: "attempt-started" }>;
  const { exporter: _exporter, ...old } = last;
  expect(missing([...events.slice(0, -1), old])).toEqual([]);
  expect(missing([...events, { ...last, attempt: 2 }])).toEqual([]);
});
