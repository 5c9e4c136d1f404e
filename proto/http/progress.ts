/** How far a long piece of work is: what jobs, registrations and checks tell while they run. */
import * as z from "zod";

/** What is counted. A step that only waits counts `steps`. */
export const PROGRESS_UNITS = ["rows", "bytes", "tags", "partitions", "weights", "messages", "steps"] as const;
export type ProgressUnit = (typeof PROGRESS_UNITS)[number];

export const progress = z.object({
  step: z.string().describe("One of several, one after another; in words."),
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
