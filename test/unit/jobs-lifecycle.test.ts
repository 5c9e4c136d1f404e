import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  applyJobEvent,
  foldJob,
  isFinal,
  type Job,
  type JobEvent,
  type JobProposed,
  type JobState,
} from "../../party/jobs/lifecycle.ts";

const JOB_ID = "0b".repeat(16);
const at = "2026-05-01T00:00:00.000Z";
const proposed: JobProposed = {
  type: "proposed",
  at,
  role: "receiver",
  peer: "bureau",
  operation: "audience",
  output: "list",
  agreement: "5f".repeat(32),
  collaboration: "6a".repeat(16),
  jobDigest: "7b".repeat(32),
  ownRows: 2000,
  ownSizeClass: 88,
  datasetVersion: "8c".repeat(32),
  datasetForm: "8d".repeat(32),
  versionTag: "9b".repeat(32),
  awaitsApproval: false,
  requestedBy: "Wang Li",
};
/** A person decides first. */
const waiting: JobProposed = { ...proposed, awaitsApproval: true };
const PEER = { peerSizeClass: 96, peerVersion: "bf".repeat(32) };
const HASHES = { exporter: "9d".repeat(32), transcript: "ae".repeat(32) };
const summary = { matched: 3, seconds: 1, bytesSent: 2, bytesReceived: 3 };
const EVENTS = {
  proposed,
  approved: { type: "approved", at },
  admitted: { type: "admitted", at },
  "attempt-started": { type: "attempt-started", at, attempt: 1, ...PEER, finished: [] },
  "partition-finished": { type: "partition-finished", at, attempt: 1, partition: 0, ...HASHES },
  "receipt-signed": { type: "receipt-signed", at },
  "gate-opened": { type: "gate-opened", at },
  "result-recorded": { type: "result-recorded", at },
  done: { type: "done", at, summary, withheld: false },
  refused: { type: "refused", at, by: "peer", code: "POLICY_INPUT_FLOOR" },
  failed: { type: "failed", at, code: "PEER_GONE", detail: "why" },
} as const satisfies Record<JobEvent["type"], JobEvent>;
type EventType = keyof typeof EVENTS;
const TYPES = Object.keys(EVENTS) as EventType[];
type Step = EventType | "waiting";
const STEPS: Record<Step, JobEvent> = { ...EVENTS, waiting };

/** How a job gets into each situation. */
const TO_RUN = ["proposed", "admitted", "attempt-started"] as const;
const TO_RELEASE = [...TO_RUN, "partition-finished", "receipt-signed"] as const;
const TO_OPEN = [...TO_RELEASE, "gate-opened"] as const;
const SITUATIONS: Record<string, { path: readonly Step[]; next: Partial<Record<EventType, JobState>> }> = {
  "nothing yet": { path: [], next: { proposed: "proposed" } },
  proposed: { path: ["proposed"], next: { admitted: "admitted", refused: "refused", failed: "failed" } },
  "waiting for a person": {
    path: ["waiting"],
    next: { approved: "proposed", refused: "refused", failed: "failed" },
  },
  approved: { path: ["waiting", "approved"], next: { admitted: "admitted", refused: "refused", failed: "failed" } },
  admitted: {
    path: ["proposed", "admitted"],
    next: { "attempt-started": "running", refused: "refused", failed: "failed" },
  },
  // The attempt in the table is the one that runs: a second start needs a higher number.
  running: {
    path: TO_RUN,
    next: { "partition-finished": "running", "receipt-signed": "releasing", failed: "failed" },
  },
  releasing: { path: TO_RELEASE, next: { "gate-opened": "releasing", failed: "failed" } },
  opened: {
    path: [...TO_RELEASE, "gate-opened"],
    next: { "result-recorded": "releasing", done: "done", failed: "failed" },
  },
  recorded: { path: [...TO_RELEASE, "gate-opened", "result-recorded"], next: { done: "done", failed: "failed" } },
  done: { path: [...TO_RELEASE, "gate-opened", "done"], next: {} },
  refused: { path: ["proposed", "refused"], next: {} },
  failed: { path: ["proposed", "failed"], next: {} },
  declined: { path: ["waiting", "refused"], next: {} },
};

function fold(path: readonly Step[]): Job | undefined {
  return foldJob(
    JOB_ID,
    path.map((step) => STEPS[step]),
  );
}

describe.each(Object.entries(SITUATIONS))("when %s", (_name, { path, next }) => {
  test.each(TYPES)("%s", (type) => {
    const before = fold(path);
    const after = applyJobEvent(JOB_ID, before, EVENTS[type]);
    expect(after?.state).toBe(next[type]);
    if (after !== undefined) expect(after.events).toBe((before?.events ?? 0) + 1);
  });
});

test("attempts only count upwards, and a partition belongs to the attempt that runs", () => {
  const running = fold(TO_RUN);
  const other = "c0".repeat(32);
  expect(running).toMatchObject(PEER);
  const attempt = (number: number) =>
    applyJobEvent(JOB_ID, running, {
      ...EVENTS["attempt-started"],
      attempt: number,
      peerSizeClass: 97,
      peerVersion: other,
    });
  expect(attempt(0)).toBeUndefined();
  expect(attempt(1)).toBeUndefined();
  expect(attempt(2)).toMatchObject({ state: "running", attempt: 2, peerSizeClass: 97, peerVersion: other });
  const partition = { ...EVENTS["partition-finished"], attempt: 1 };
  expect(applyJobEvent(JOB_ID, attempt(2), partition)).toBeUndefined();
});

test("a partition is finished once, and a new attempt starts from what both nodes have of the earlier ones", () => {
  const finish = (attempt: number, partition: number): JobEvent => ({
    ...EVENTS["partition-finished"],
    attempt,
    partition,
    exporter: `${attempt}0`.repeat(32),
  });
  const apply = (job: Job | undefined, event: JobEvent) => applyJobEvent(JOB_ID, job, event);
  let job = fold(TO_RUN);
  for (const partition of [0, 1, 2]) job = apply(job, finish(1, partition));
  expect(job?.finished.map(({ partition }) => partition)).toEqual([0, 1, 2]);
  expect(apply(job, finish(1, 1))).toBeUndefined();
  // The peer has not got the last one: it is void, and may be finished again.
  const held = job?.finished.slice(0, 2) ?? [];
  job = apply(job, { ...EVENTS["attempt-started"], attempt: 2, finished: held });
  expect(job?.finished).toEqual(held);
  expect(apply(job, finish(2, 0))).toBeUndefined();
  expect(apply(job, finish(1, 2))).toBeUndefined();
  job = apply(job, finish(2, 2));
  expect(job?.finished.map(({ partition, attempt }) => [partition, attempt])).toEqual([
    [0, 1],
    [1, 1],
    [2, 2],
  ]);
  expect(job?.finished.at(-1)?.exporter).toBe("20".repeat(32));
  // An attempt may start with nothing of those before it.
  expect(apply(job, { ...EVENTS["attempt-started"], attempt: 3 })?.finished).toEqual([]);
});

test("what a job tells is what its last events said", () => {
  expect(fold(["proposed", "refused"])?.reason).toEqual({ code: "POLICY_INPUT_FLOOR", by: "peer" });
  expect(fold(["proposed", "failed"])?.reason).toEqual({ code: "PEER_GONE", detail: "why" });
  expect(fold([...TO_RELEASE, "gate-opened", "done"])).toMatchObject({ summary, withheld: false, isOpened: true });
  expect(fold([])).toBeUndefined();
  expect(() => fold(["proposed", "done"])).toThrow("not allowed in state proposed");
  expect(() => fold(["admitted"])).toThrow("not allowed in state none");
});

test("what the log says came out is not withheld any more, and only a receiver has a result", () => {
  const recorded = fold([...TO_RELEASE, "gate-opened", "result-recorded"]);
  expect(applyJobEvent(JOB_ID, recorded, { ...EVENTS.done, withheld: true })).toBeUndefined();
  const served = foldJob(JOB_ID, [{ ...proposed, role: "provider" }, ...TO_OPEN.slice(1).map((step) => STEPS[step])]);
  expect(served?.isOpened).toBe(true);
  expect(applyJobEvent(JOB_ID, served, EVENTS["result-recorded"])).toBeUndefined();
});

test("a job that waits for a person runs only after that person's word, which is given once", () => {
  expect([fold(["proposed"])?.awaitsApproval, fold(["waiting"])?.awaitsApproval]).toEqual([false, true]);
  const approved = fold(["waiting", "approved"]);
  expect(approved).toMatchObject({ state: "proposed", awaitsApproval: false, events: 2 });
  expect(approved?.proposed).toEqual(waiting);
  expect(applyJobEvent(JOB_ID, approved, EVENTS.approved)).toBeUndefined();
  expect(fold(["waiting", "approved", "admitted", "attempt-started"])?.state).toBe("running");
  expect(fold(["waiting", "refused"])).toMatchObject({ state: "refused", awaitsApproval: true });
  expect(fold(["proposed"])).toMatchObject({ peerSizeClass: undefined, peerVersion: undefined });
});

const anyEvent: fc.Arbitrary<JobEvent> = fc.oneof(
  ...Object.values(STEPS).map((step) => fc.constant(step)),
  fc.integer({ min: 0, max: 4 }).map((attempt): JobEvent => ({ ...EVENTS["attempt-started"], attempt })),
  fc
    .tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 2 }))
    .map(([attempt, partition]): JobEvent => ({ ...EVENTS["partition-finished"], attempt, partition })),
);

test("whatever comes, in whatever order, the job stays in a state that its history allows", () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 40 }), (events) => {
      let job: Job | undefined;
      const kept: JobEvent[] = [];
      for (const event of events) {
        const next = applyJobEvent(JOB_ID, job, event);
        if (next === undefined) continue;
        // A final job never moves, attempts never go back, and nothing is done before the gate was opened.
        expect(job !== undefined && isFinal(job.state)).toBe(false);
        expect(next.attempt).toBeGreaterThanOrEqual(job?.attempt ?? 0);
        if (next.state !== "proposed" && next.proposed.awaitsApproval && next.reason === undefined)
          expect(kept.some((earlier) => earlier.type === "approved")).toBe(true);
        if (next.state === "done") expect(kept.some((earlier) => earlier.type === "gate-opened")).toBe(true);
        if (next.state === "releasing") expect(next.attempt).toBeGreaterThan(0);
        const partitions = next.finished.map(({ partition }) => partition);
        expect(new Set(partitions).size).toBe(partitions.length);
        for (const done of next.finished) expect(done.attempt).toBeLessThanOrEqual(next.attempt);
        expect(next.reason !== undefined).toBe(next.state === "refused" || next.state === "failed");
        expect(next.summary !== undefined).toBe(next.state === "done");
        job = next;
        kept.push(event);
      }
      expect(foldJob(JOB_ID, kept)).toEqual(job);
    }),
    { numRuns: 500 },
  );
});
