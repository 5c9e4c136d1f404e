/** Starts a job, shows its progress until it ends, and tells how it ended. */
import type { Command } from "commander";
import { CATALOGUE, EntenteError, isErrorCode, type PublicError } from "../../proto/errors.ts";
import type { RouteRequest } from "../../proto/http/routes.ts";
import { isFinal, type Job } from "../client.ts";
import { clientOf, outputOf } from "./context.ts";
import { fields, type Output } from "./output.ts";

/** Exit code 1 when the job is refused or fails; 0 when it is done, withheld or not. */
export async function runJob(request: RouteRequest<"startJob">, command: Command): Promise<void> {
  const output = outputOf(command);
  const client = await clientOf(command);
  let job = await client.call("startJob", request);
  output.note(`job ${job.jobId} with ${job.peer}; leaving this command does not stop it`);
  const bar = output.progressBar();
  try {
    if (!isFinal(job)) job = await client.waitForJob(job.jobId, { onProgress: ({ progress }) => bar.show(progress) });
  } finally {
    bar.stop();
  }
  report(job, output);
}

function report(job: Job, output: Output): void {
  if (job.state !== "done") {
    output.failure(reasonOf(job), { job });
    process.exitCode = 1;
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
    operation: `${job.operation}, as ${job.role}, with ${job.peer}`,
    agreement: job.agreement,
    state: job.state,
    reason: reason === null ? undefined : `${reasonOf(job).message} (${reasonOf(job).detail ?? reason.code})`,
    step: progress === null ? undefined : `${progress.step} ${progress.done}/${progress.total}`,
    "own rows": job.ownRows,
    "peer's rows": peerRows === null ? undefined : `between ${peerRows.from} and ${peerRows.to}`,
    result: job.withheld ? CATALOGUE.POLICY_RESULT_FLOOR.text : undefined,
    matched: summary?.matched,
    tags: tags.length === 0 ? undefined : tags.join(", "),
    took: summary === null ? undefined : `${summary.seconds.toFixed(1)} s`,
    sent: summary === null ? undefined : kibibytes(summary.bytesSent),
    received: summary === null ? undefined : kibibytes(summary.bytesReceived),
    updated: job.updatedAt,
  });
}
