/** Progress for who sees that a job runs and not what comes out of it. */
import type { Progress } from "../../proto/http/progress.ts";

/** How many tags are issued is how many matched: of that step it is told that it is taken, and no number. */
export function withoutResult(progress: Progress): Progress {
  if (progress.step !== "issuing-tags") return progress;
  return { ...progress, done: 0, total: null, rate: null, secondsLeft: null };
}
