/** What became of charged runs, folded from a node's evidence log: who was asked, and whether anything was handed over. */
import type { ParsedStatement } from "../evidence/statements.ts";

export interface RunOutcome {
  readonly jobId: string;
  /** A person here approved it; `approver` is the commitment to who, hex. */
  readonly approval?: { readonly at: number; readonly approver: string };
  /** At the provider: its keys went out, so the receiver can have the result. At the receiver: the result was opened. */
  readonly releasedAt?: number;
  /** At the receiver, who alone knows: fewer matched than may be shown, and nobody was shown anything. */
  readonly withheldAt?: number;
}

/** Changes `outcomes`, by job id, by what one more entry says. */
export function applyToOutcomes(outcomes: Map<string, RunOutcome>, { event, statement }: ParsedStatement): void {
  const add = (jobId: string, what: Omit<RunOutcome, "jobId">) =>
    outcomes.set(jobId, { jobId, ...outcomes.get(jobId), ...what });
  switch (event) {
    case "approval": {
      const { jobId, decision, approver, at } = statement.predicate;
      if (decision === "approved") add(jobId, { approval: { at: Date.parse(at), approver } });
      return;
    }
    case "gate-key-released":
    case "opened":
      add(statement.predicate.jobId, { releasedAt: Date.parse(statement.predicate.at) });
      return;
    case "withheld":
      add(statement.predicate.jobId, { withheldAt: Date.parse(statement.predicate.at) });
  }
}
