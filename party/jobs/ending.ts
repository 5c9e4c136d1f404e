/** How a job ends badly, on either side: evidence first, then its last event, and nothing of it left. */
import type { ErrorCode } from "../../proto/errors.ts";
import { failedEvent } from "./book.ts";
import type { JobDeps } from "./deps.ts";
import type { JobEvidence } from "./evidence.ts";
import { isFinal } from "./lifecycle.ts";
import { Pauses } from "./pauses.ts";
import { reconcileJob } from "./reconcile.ts";

/** The code that the job failed with; undefined when it had ended before, or goes on at the next start. Never throws: when the disk
 * takes not even this, it is tried again until it does, or until the next start of the node. */
export async function endFailed(
  deps: JobDeps,
  evidence: JobEvidence,
  jobId: string,
  thrown: unknown,
  pauses = new Pauses(deps.ports),
): Promise<ErrorCode | undefined> {
  if (deps.stopping.isRequested) {
    deps.logger.info({ jobId }, "the job goes on at the next start");
    return undefined;
  }
  try {
    deps.logger.error({ jobId, err: thrown }, "job failed");
    // A revocation and the job's own session may end it at once: one of them does.
    return await deps.book.inTurn(jobId, async () => {
      const job = await deps.book.require(jobId);
      if (isFinal(job.state)) {
        // It was ended from elsewhere while its tags were being stored.
        if (job.state === "failed") await removeOutput(deps, jobId);
        return undefined;
      }
      const event = failedEvent(thrown, deps.logbook.now());
      await evidence.failed(job.attempt === 0 ? null : job.attempt, event.code);
      await removeOutput(deps, jobId);
      await deps.book.append(jobId, event);
      return event.code;
    });
  } catch (err) {
    deps.logger.error({ jobId, err }, "the job's end could not be recorded");
    void endLater(deps, evidence, jobId, thrown, pauses);
    return undefined;
  }
}

/** What of the end the log has by then is not written again. */
async function endLater(deps: JobDeps, evidence: JobEvidence, jobId: string, thrown: unknown, pauses: Pauses) {
  await pauses.next();
  if (deps.stopping.isRequested) return;
  try {
    await reconcileJob(deps, await deps.book.require(jobId));
    await endFailed(deps, evidence, jobId, thrown, pauses);
    await destroyEnded(deps, jobId);
  } catch (err) {
    deps.logger.error({ jobId, err }, "the job's end could not be looked for");
    void endLater(deps, evidence, jobId, thrown, pauses);
  }
}

async function removeOutput({ store, results }: JobDeps, jobId: string): Promise<void> {
  await store.removeTags(jobId);
  await results.forget(jobId);
}

/** A job that this node's rules or a person here refuses before it runs. */
export async function endRefused(deps: JobDeps, evidence: JobEvidence, jobId: string, code: ErrorCode): Promise<void> {
  await evidence.refused(deps.keyring.party, code);
  await deps.book.append(jobId, { type: "refused", at: deps.logbook.now(), by: "own", code });
}

/** Of a job that has ended; of one whose end could not be recorded the next start needs them. */
export async function destroyEnded(deps: JobDeps, jobId: string): Promise<void> {
  const job = await deps.book.require(jobId).catch(() => undefined);
  if (job !== undefined && isFinal(job.state)) await destroySecrets(deps, jobId);
}

/** Destroys a job's secrets and spills. What the disk refuses now is swept at the next start. */
export async function destroySecrets(deps: JobDeps, jobId: string): Promise<void> {
  await deps.vault
    .destroy(jobId)
    .catch((err: unknown) => deps.logger.error({ jobId, err }, "secrets of the job could not be destroyed"));
}
