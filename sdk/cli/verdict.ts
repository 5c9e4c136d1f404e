/** A verification's report for people: the verdict, what is wrong and where, what was looked at. */
import { headline } from "../../proto/evidence/verdict.ts";
import type { ProofReport } from "../verify/prove.ts";
import type { Place, VerifyReport } from "../verify/verdict.ts";
import { fields, table } from "./output.ts";

function placeOf({ folder, log, index, path }: Place): string {
  const entry = index === undefined ? undefined : `entry ${index}`;
  return [folder, path, log, entry].filter((part) => part !== undefined).join(", ");
}

export function describeReport(report: VerifyReport): string {
  const { firstProblem, problems, problemCount, summary, fingerprints, commitments } = report;
  const parts = [headline(report)];
  if (firstProblem !== undefined) {
    const { text, code, why } = firstProblem;
    parts.push(fields({ "first problem": text, why, code, where: placeOf(firstProblem) }));
  }
  const others = problems.filter((problem) => problem !== firstProblem);
  if (others.length > 0) {
    const rows = others.map((problem) => [problem.code, problem.why ?? "", placeOf(problem)]);
    parts.push(table(["also", "why", "where"], rows, ""));
  }
  if (problemCount > problems.length) parts.push(`and ${problemCount - problems.length} more`);
  const logs = summary.logs.map(({ origin, entries, cosignedSize }) => [origin, String(entries), String(cosignedSize)]);
  parts.push(table(["log", "entries", "cosigned up to"], logs, "No log could be read."));
  const jobs = summary.jobs.map((job) => [
    job.jobId,
    job.operation,
    `${job.receiver} ${job.rows.receiver ?? "-"}`,
    `${job.sender} ${job.rows.sender ?? "-"}`,
    job.cameOut ?? "-",
    job.outcome,
    job.finishedAt,
  ]);
  parts.push(
    table(
      ["job", "operation", "receiver, in", "sender, in", "out", "outcome", "finished"],
      jobs,
      "No job has a receipt.",
    ),
  );
  const identities = fingerprints.map(({ party, fingerprint }) => [party, fingerprint]);
  parts.push(table(["party", "fingerprint"], identities, "No identity could be read."));
  parts.push(`${commitments.opened} commitments opened; ${commitments.notOpenedCount} committed, not opened.`);
  return parts.join("\n\n");
}

const PROOF_HEADLINES = {
  verified: "VERIFIED: the entry is in the log, under a checkpoint that another party cosigned.",
  incomplete: "INCOMPLETE: the entry is in a tree that its log's owner signed, and nobody else vouches for that tree.",
  tampered: "TAMPERED: this proves nothing.",
} as const;

export function describeProof(report: ProofReport): string {
  const { verdict, why, origin, index, event, cosigned, fingerprints, statement } = report;
  const parts = [PROOF_HEADLINES[verdict], fields({ why, log: origin, entry: index, event })];
  for (const { by, at } of cosigned) parts.push(fields({ "cosigned by": by, at }));
  if (statement !== undefined) parts.push(JSON.stringify(statement.predicate, null, 2));
  const identities = fingerprints.map(({ party, fingerprint }) => [party, fingerprint]);
  parts.push(table(["party", "fingerprint"], identities, "No identity could be read."));
  return parts.filter((part) => part !== "").join("\n\n");
}
