/** Starts a job, shows its progress until it ends, and tells how it ended. */
import type { Command } from "commander";
import { publicErrorText } from "../../proto/errors/text.ts";
import { CATALOGUE, EntenteError, isErrorCode, type PublicError } from "../../proto/errors.ts";
import type { RouteRequest, RouteResponse } from "../../proto/http/routes.ts";
import type { Language } from "../../proto/language.ts";
import { ruleText } from "../../proto/policy/rule-text.ts";
import { type EntenteClient, isFinal, type Job } from "../client.ts";
import { used } from "./budget.ts";
import { clientOf, outputOf } from "./context.ts";
import { EXIT } from "./exit-code.ts";
import { fields, type Output, printable } from "./output.ts";
import { describeProgress, ProgressDisplay } from "./progress.ts";

/** Exit code 1 when the job is refused or fails; 0 when it is done, withheld or not, or waits for a person here. */
export async function runJob(
  request: RouteRequest<"startJob">,
  {
    dryRun,
    language,
    onResult,
  }: {
    readonly language: Language;
    readonly dryRun?: boolean;
    /** Answers for a job that is done and not withheld, instead of what is known of the job. */
    readonly onResult?: (job: Job) => Promise<void>;
  },
  command: Command,
): Promise<void> {
  const output = outputOf(command);
  const client = await clientOf(command);
  if (dryRun === true) return answerDryRun(await client.call("dryRun", request), { output, language });
  let job = await client.call("startJob", request);
  if (job.awaitsApproval) return output.answer(job, `${describeJob(job)}\n\nIt runs when a steward has approved it.`);
  output.note(`job ${job.jobId} with ${job.peer}; leaving this command does not stop it`);
  job = await followJob(client, job, output);
  if (onResult !== undefined && job.state === "done" && !job.withheld) return onResult(job);
  report(job, output);
  if (job.state === "done" && !job.withheld && request.labels !== undefined)
    output.note(`the people with their labels: 'entente job result ${job.jobId} --out FILE'`);
}

/** Shows a job's progress until it ends; resolves to its final state. */
async function followJob(client: EntenteClient, job: Job, output: Output): Promise<Job> {
  if (isFinal(job)) return job;
  const display = new ProgressDisplay(output.progressStyle());
  let told = false;
  const onProgress = (now: Job) => {
    const { progress, peer, jobId, state } = now;
    if (!isFinal(now)) display.show(progress, { jobId, state });
    if (told || progress?.step !== "awaiting-peer-approval") return;
    told = true;
    output.note(`a steward of ${peer} must approve it first, which may take days; see 'entente job show ${jobId}'`);
  };
  try {
    return await client.waitForJob(job.jobId, { onProgress });
  } finally {
    display.stop();
  }
}

/** Follows a job that somebody else has started, or the peer. Exit code as of `runJob`. */
export async function watchJob(jobId: string, command: Command): Promise<void> {
  const output = outputOf(command);
  const client = await clientOf(command);
  report(await followJob(client, await client.call("job", { jobId }), output), output);
}

/** Exit code 1 when the job would be refused. */
function answerDryRun(
  answer: RouteResponse<"dryRun">,
  { output, language }: { readonly output: Output; readonly language: Language },
): void {
  const { allowed, refusedBy, needsApproval, budget, leakStatement } = answer;
  if (!allowed) process.exitCode = EXIT.failed;
  const failed = answer.rules.filter(({ outcome }) => outcome === "failed");
  const verdict = allowed ? "allowed" : "refused";
  const leakText = language === "en" ? leakStatement.text : leakStatement.translations[language].text;
  const text = fields({
    "this job would be": needsApproval && allowed ? "allowed once a steward here has approved it" : verdict,
    why: refusedBy === null ? undefined : `${publicErrorText(refusedBy, language)} (${refusedBy.code})`,
    "rules that refuse":
      failed.length === 0 ? undefined : failed.map((rule) => describeRule(rule, language)).join("; "),
    "runs today": budget === null ? undefined : used(budget.runsToday, budget.runsPerDay),
    "runs in this epoch": budget === null ? undefined : used(budget.runsInEpoch, budget.runsPerEpoch),
    "model versions": budget === null ? undefined : used(budget.modelVersions, budget.modelVersionsAllowed),
    cost: allowed ? "one run" : undefined,
  });
  output.answer(answer, `${text}\n\n${printable(leakText)}`);
}

function describeRule({ code, inputs }: RouteResponse<"dryRun">["rules"][number], language: Language): string {
  const { name, state } = ruleText(code, inputs, language);
  return `${code} (${name}${state === undefined ? "" : `: ${state}`})`;
}

function report(job: Job, output: Output): void {
  if (job.state !== "done") {
    output.failure(reasonOf(job), { job });
    process.exitCode = EXIT.failed;
    return;
  }
  output.answer(job, job.withheld ? CATALOGUE.POLICY_RESULT_FLOOR.text : describeJob(job));
}

/** Why a job was refused or failed, with the side that said so. */
export function reasonOf({ reason, peer }: Job): PublicError {
  if (reason === null || !isErrorCode(reason.code)) return new EntenteError("INTERNAL").toPublic();
  const said = reason.by === undefined ? [] : [reason.by === "peer" ? `said by ${peer}` : "said by this node"];
  const detail = [...said, ...(reason.detail === undefined ? [] : [reason.detail])].join(": ");
  return new EntenteError(reason.code, detail === "" ? {} : { detail }).toPublic();
}

function kibibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024).toLocaleString("en")} KiB`;
}

export function describeJob(job: Job): string {
  const { summary, progress, reason, peerRows } = job;
  const tags = Object.entries(summary?.tags ?? {}).map(([value, count]) => `${value} ${count}`);
  return fields({
    job: job.jobId,
    operation: `${job.operation} (${job.output}), as ${job.role}, with ${job.peer}`,
    agreement: job.agreement,
    state: job.state,
    reason: reason === null ? undefined : `${reasonOf(job).message} (${reasonOf(job).detail ?? reason.code})`,
    step: progress === null ? undefined : describeProgress(progress),
    "own rows": job.ownRows,
    "peer's rows": peerRows === null ? undefined : `between ${peerRows.from} and ${peerRows.to}`,
    result: job.withheld ? CATALOGUE.POLICY_RESULT_FLOOR.text : undefined,
    waits: job.awaitsApproval ? "for a steward of this node: 'entente approval list'" : undefined,
    matched: summary?.matched,
    "labels that are no value": summary?.labelsUnreadable,
    "match rate": summary?.matchRate,
    report:
      job.output === "overlap-report" && summary?.matchRate !== undefined
        ? `'entente job report ${job.jobId}'`
        : undefined,
    tags: tags.length === 0 ? undefined : tags.join(", "),
    took: summary === null ? undefined : `${summary.seconds.toFixed(1)} s`,
    sent: summary === null ? undefined : kibibytes(summary.bytesSent),
    received: summary === null ? undefined : kibibytes(summary.bytesReceived),
    updated: job.updatedAt,
  });
}
