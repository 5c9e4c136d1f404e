/** The end of everything under an agreement that was revoked: jobs of both roles, their results, and the tags that were issued. */
import type { Agreement } from "../../proto/agreement/agreement.ts";
import { toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import { jobId as toJobId } from "../../proto/ids.ts";
import type { JobDeps } from "./deps.ts";
import { endFailed } from "./ending.ts";
import { recordedEvidence } from "./evidence.ts";
import { isFinal, type Job } from "./lifecycle.ts";
import { cleanUp } from "./served-job.ts";

/** Idempotent: called again after a restart. */
export async function stopUnder(deps: JobDeps, agreement: Agreement): Promise<void> {
  const jobs = (await deps.book.list()).filter(({ proposed }) => proposed.agreement === agreement.digest);
  for (const job of jobs) if (!isFinal(job.state)) await stopJob(deps, job);
  await deps.models.forget(agreement.digest);
  for (const { jobId } of jobs) await deps.results.forget(jobId);
  await withdrawTags(deps, agreement, new Set(jobs.map(({ jobId }) => jobId)));
}

async function stopJob(deps: JobDeps, job: Job): Promise<void> {
  const jobId = toJobId(job.jobId);
  const error = new EntenteError("AGREEMENT_REVOKED");
  await endFailed(deps, recordedEvidence(deps, job), jobId, error);
  deps.channels.fail(jobId, error);
  deps.pending.decided(jobId);
  await cleanUp(deps, jobId);
}

/** Once for each agreement, whether there are tags or not: the log's length must not tell the peer. */
async function withdrawTags(
  deps: JobDeps,
  { digest, collaboration }: Agreement,
  jobIds: ReadonlySet<string>,
): Promise<void> {
  const setting = `withdrawn/${digest}`;
  if ((await deps.store.setting(setting)) === undefined) {
    // Expired ones, too, as far as nobody has noted that yet.
    const counts = (await deps.store.tagCounts("")).filter(({ jobId }) => jobIds.has(jobId));
    const lines = counts.map(({ jobId, key, value: of, count }) => `${jobId}\t${key}\t${of}\t${count}\n`);
    const withdrawn = {
      count: counts.reduce((sum, { count }) => sum + count, 0),
      jobs: new Set(counts.map(({ jobId }) => jobId)).size,
      digest: digestOf(utf8(lines.join(""))),
    };
    await deps.logbook.record(collaboration, "tags-withdrawn", [{ name: "agreement", digest: { sha256: digest } }], {
      agreementDigest: digest,
      tagsCommitment: toHex(await deps.vault.commitTo("withdrawn", withdrawn)),
      at: deps.logbook.now(),
    });
    await deps.store.putSetting(setting, deps.logbook.now());
  }
  await deps.store.withdrawTags(digest, deps.logbook.now());
}
