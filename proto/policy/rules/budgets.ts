/** How often a pair of datasets may be run. */
import { countedRuns } from "../history.ts";
import { type Asked, type Rule, verdict } from "../request.ts";

/** The runs that share the job's budgets. */
export function sharing({ agreement, job, history, facts }: Asked) {
  return countedRuns(history, job, facts.nowMs, agreement.document);
}

export const runsPerEpoch: Rule = (asked) => {
  const limit = asked.agreement.document.budgets.runsPerEpoch;
  const runs = sharing(asked).inEpoch.length + 1;
  return verdict(runs <= limit, { runs, limit });
};

export const runsPerDay: Rule = (asked) => {
  const limit = asked.agreement.document.budgets.runsPerDay;
  const runs = sharing(asked).inDay.length + 1;
  return verdict(runs <= limit, { runs, limit });
};
