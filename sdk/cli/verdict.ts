/** A verification's report for people: the verdict, what is wrong and where, what was looked at. */
import type { Problem, VerifyReport } from "../verify/verdict.ts";
import { fields, table } from "./output.ts";

function placeOf({ folder, log, index, path }: Problem): string {
  const entry = index === undefined ? undefined : `entry ${index}`;
  return [folder, path, log, entry].filter((part) => part !== undefined).join(", ");
}

function headline({ verdict, trusted }: VerifyReport): string {
  if (verdict === "tampered") return "TAMPERED: the folders contradict themselves, each other, or what was signed.";
  if (verdict === "incomplete") return "INCOMPLETE: nothing contradicts, but something is missing.";
  return trusted
    ? "VERIFIED under the identities that you trust."
    : "VERIFIED: consistent under the keys in these folders. Compare the fingerprints with those that the parties gave you.";
}

export function describeReport(report: VerifyReport): string {
  const { firstProblem, problems, summary, fingerprints } = report;
  const parts = [headline(report)];
  if (firstProblem !== undefined)
    parts.push(fields({ "first problem": firstProblem.text, code: firstProblem.code, where: placeOf(firstProblem) }));
  const others = problems.filter((problem) => problem !== firstProblem);
  if (others.length > 0)
    parts.push(
      table(
        ["also", "where"],
        others.map((problem) => [problem.code, placeOf(problem)]),
        "",
      ),
    );
  const logs = summary.logs.map(({ origin, entries, cosignedSize }) => [origin, String(entries), String(cosignedSize)]);
  parts.push(table(["log", "entries", "cosigned up to"], logs, "No log could be read."));
  const jobs = summary.jobs.map((job) => [
    job.jobId,
    job.operation,
    job.receiver,
    job.sender,
    job.outcome,
    job.finishedAt,
  ]);
  parts.push(table(["job", "operation", "receiver", "sender", "outcome", "finished"], jobs, "No job has a receipt."));
  const identities = fingerprints.map(({ party, fingerprint }) => [party, fingerprint]);
  parts.push(table(["party", "fingerprint"], identities, "No identity could be read."));
  return parts.join("\n\n");
}
