/**
 * A job as the coordinator knows it: a pure fold over its persisted events, which are what the two parties reported. It orders
 * what they say; it decides nothing that either of them relies on.
 *
 *     proposed ──▶ admitted ──▶ running ──▶ releasing ──▶ done
 *        │            │            │            │
 *        └─▶ refused  └────────────┴─▶ cancelled│      failed from every state before done
 *
 * A report may have been lost with the coordinator's process: the next one says as much. So a party may report any later state
 * of the main line, but only the asked party from `proposed`: whether to run a job is its decision.
 */
import type { JobState } from "../../proto/codec/coordinator.ts";
import { EntenteError, type ErrorCode } from "../../proto/errors.ts";

/** The one that asked for the job, or the one that was asked. */
export type JobRole = "requester" | "peer";

/** A report that changed the job; the first is the request for it. */
export interface JobEvent {
  readonly state: JobState;
  readonly by: JobRole;
  readonly at: string;
  readonly reason?: ErrorCode | undefined;
}

const MAIN_LINE = ["proposed", "admitted", "running", "releasing", "done"] as const satisfies readonly JobState[];

/** Off the main line. */
const ENDS: Readonly<Record<JobState, readonly JobState[]>> = {
  proposed: ["refused", "failed", "cancelled"],
  admitted: ["refused", "failed", "cancelled"],
  running: ["failed", "cancelled"],
  // A gate key may be out: from here the job is done or has failed, and nobody can call it off.
  releasing: ["failed"],
  done: [],
  refused: [],
  failed: [],
  cancelled: [],
};

/** Whether to run a job is the asked party's decision alone. */
const PEER_ONLY: readonly JobState[] = ["admitted", "refused"];

export function isEnded(state: JobState): boolean {
  return ENDS[state].length === 0;
}

/**
 * The state after a report. Both parties report the main line, so a state that the job has reached or passed on it
 * changes nothing. Throws NOT_ALLOWED when the role may not decide that, WIRE_UNEXPECTED on any other transition.
 */
export function nextState(state: JobState, reported: JobState, by: JobRole): JobState {
  if (reported === state) return state;
  const [at, from] = [mainLineIndex(reported), mainLineIndex(state)];
  if (at >= 0 && from >= 0 && at < from) return state;
  const isAhead = at >= 0 && from >= 0 && at > from;
  if (!isAhead && !ENDS[state].includes(reported))
    throw new EntenteError("WIRE_UNEXPECTED", { detail: `job: ${state} to ${reported}` });
  const isDecision = PEER_ONLY.includes(reported) || (isAhead && state === "proposed");
  if (isDecision && by !== "peer")
    throw new EntenteError("NOT_ALLOWED", { detail: `job: only the peer reports ${reported} of what is ${state}` });
  return reported;
}

/** What the events come to; undefined of none. Throws what `nextState` throws, and WIRE_UNEXPECTED when the first is no request:
 * something else has changed the store. */
export function foldJob(events: readonly JobEvent[]): JobEvent | undefined {
  let job: JobEvent | undefined;
  for (const event of events) {
    if (job === undefined && event.state !== "proposed")
      throw new EntenteError("WIRE_UNEXPECTED", { detail: `job: begins as ${event.state}` });
    const state = job === undefined ? event.state : nextState(job.state, event.state, event.by);
    job = { ...event, state };
  }
  return job;
}

function mainLineIndex(state: JobState): number {
  return (MAIN_LINE as readonly JobState[]).indexOf(state);
}
