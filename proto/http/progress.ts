/** How far a long piece of work is: what jobs, registrations and checks tell while they run. */
import * as z from "zod";

/** What is counted. A step that only waits counts `steps`. */
export const PROGRESS_UNITS = [
  "rows",
  "bytes",
  "tags",
  "partitions",
  "weights",
  "messages",
  "entries",
  "steps",
] as const;
export type ProgressUnit = (typeof PROGRESS_UNITS)[number];

/** What is being done, one after another: `progress-text.ts` has the words. */
export const PROGRESS_STEPS = [
  // Of data.
  "reading-file",
  "reading-cells",
  "reading-rows",
  "finding-duplicates",
  "listing-duplicates",
  "surveying-columns",
  // Of a job.
  "asking-peer",
  "awaiting-peer-approval",
  "reading-dataset",
  "drawing-randomness",
  "matching-blinded-ids",
  "matching-masked-ids",
  "listing-people",
  "sealed-tags",
  "sealed-labels",
  "encrypted-model",
  "encrypted-scores",
  "signing-receipt",
  "committing-input",
  "releasing-keys",
  "opening-result",
  "issuing-tags",
  "waiting-to-retry",
  // Of evidence.
  "collecting-evidence",
  "checking-entries",
] as const;
export type ProgressStep = (typeof PROGRESS_STEPS)[number];

const where = z.object({
  step: z.enum(PROGRESS_STEPS).describe("One of several, one after another."),
  partition: z
    .object({ number: z.number(), of: z.number() })
    .optional()
    .describe("Of a job, in the steps that are taken for each: from 1."),
  file: z.string().optional().describe("Of a dataset of files: the name of the one that is read."),
});
export type ProgressWhere = z.infer<typeof where>;

/** Equal for reports of one and the same step. */
export function stepKey({ step, partition, file }: ProgressWhere): string {
  return `${step}/${partition?.number ?? ""}/${file ?? ""}`;
}

export const progress = where.extend({
  done: z.number(),
  total: z.number().nullable().describe("Null while nobody knows."),
  unit: z.enum(PROGRESS_UNITS),
  startedAt: z.string().describe("When the step began."),
  rate: z.number().nullable().describe("Units a second, smoothed; null until there are two seconds of it."),
  secondsLeft: z.number().nullable().describe("Of this step, not of all; null while it cannot be said."),
  rssMB: z.number().describe("Memory of the node's whole process, in 10^6 bytes."),
});
export type Progress = z.infer<typeof progress>;

/** Media type of server-sent events (WHATWG HTML, section 9.2). */
export const EVENT_STREAM = "text/event-stream";

/** Names of the events of a stream. A stream ends with a result or an error; one that breaks off without is not whole. */
export const EVENTS = ["progress", "result", "error"] as const;
export type EventName = (typeof EVENTS)[number];

/** A line of comment comes at least so often, so that nobody takes a quiet stream for a dead one. */
export const HEARTBEAT_MS = 15_000;
