/**
 * The states of a job as the coordinator knows them: a pure function of the state and a party's report. It orders what
 * the two parties say; it decides nothing that either of them relies on.
 *
 *     proposed ──▶ admitted ──▶ running ──▶ releasing ──▶ done
 *        │            │            │            │
 *        └─▶ refused  └────────────┴─▶ cancelled│      failed from every state before done
 */
import type { JobState } from "../../proto/codec/coordinator.ts";
import { EntenteError } from "../../proto/errors.ts";

/** The one that asked for the job, or the one that was asked. */
export type JobRole = "requester" | "peer";

const MAIN_LINE = ["proposed", "admitted", "running", "releasing", "done"] as const satisfies readonly JobState[];

const NEXT: Readonly<Record<JobState, readonly JobState[]>> = {
  proposed: ["admitted", "refused", "failed", "cancelled"],
  admitted: ["running", "refused", "failed", "cancelled"],
  running: ["releasing", "failed", "cancelled"],
  // A gate key may be out: from here the job is done or has failed, and nobody can call it off.
  releasing: ["done", "failed"],
  done: [],
  refused: [],
  failed: [],
  cancelled: [],
};

/** Whether to run a job is the asked party's decision alone. */
const PEER_ONLY: readonly JobState[] = ["admitted", "refused"];

export function isEnded(state: JobState): boolean {
  return NEXT[state].length === 0;
}

/**
 * The state after a report. Both parties report the main line, so a state that the job has reached or passed on it
 * changes nothing. Throws NOT_ALLOWED when the role may not decide that, WIRE_UNEXPECTED on any other transition.
 */
export function nextState(state: JobState, reported: JobState, by: JobRole): JobState {
  if (reported === state) return state;
  const [at, from] = [mainLineIndex(reported), mainLineIndex(state)];
  if (at >= 0 && from >= 0 && at < from) return state;
  if (!NEXT[state].includes(reported))
    throw new EntenteError("WIRE_UNEXPECTED", { detail: `job: ${state} to ${reported}` });
  if (PEER_ONLY.includes(reported) && by !== "peer")
    throw new EntenteError("NOT_ALLOWED", { detail: `job: only the peer reports ${reported}` });
  return reported;
}

function mainLineIndex(state: JobState): number {
  return (MAIN_LINE as readonly JobState[]).indexOf(state);
}
