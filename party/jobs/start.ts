/** How a job of this node begins: asked for by a person, approved by another, or taken up again after a restart. */
import { EntenteError } from "../../proto/errors.ts";
import { effectiveVersion, formDigest } from "../data/dataset.ts";
import { type Asked, ask, type JobRequestInput, questionOf, restoreAsked, storeAsked } from "./ask.ts";
import { type Charged, charge } from "./charge.ts";
import type { JobDeps } from "./deps.ts";
import { destroyEnded, destroySecrets, endFailed, endRefused } from "./ending.ts";
import { type JobEvidence, recordedEvidence } from "./evidence.ts";
import type { Job, JobProposed } from "./lifecycle.ts";
import { isOfDisk } from "./passing.ts";
import { Pauses } from "./pauses.ts";
import { run, runPublication } from "./receiver.ts";
import { reconcileJob } from "./reconcile.ts";
import { keepSketch } from "./sketching.ts";
import { mayTryAgain, pause } from "./steps.ts";

/** Decides on the job, records it, and lets it run or leaves it to a person; resolves when it has been recorded. Throws the
 * errors of `ask`, and of the rule that refuses it. `person`: who asks. */
export async function startJob(
  deps: JobDeps,
  request: JobRequestInput,
  person: string,
): Promise<{ job: Job; finished: Promise<void> }> {
  deps.stopping.requireRunning();
  const { collaboration } = (await deps.agreements.require(request.agreement)).agreement;
  await deps.logbook.standings.requireOpen(collaboration);
  const asked = await ask(deps, request);
  const { spec, evidence, agreement } = asked;
  // Two lists that are asked about together must see each other.
  return deps.policy.inTurn(agreement, async () => {
    // Durable before it is charged: what was charged goes on after a stop.
    const draft = draftOf(asked, person);
    let job: Job;
    try {
      await storeAsked(asked);
      await deps.vault.putDraft(spec.jobId, draft);
      await evidence.requested(spec);
      const charged = await chargeOwn(asked, { isApproved: false });
      if (charged.as === "refused") {
        await evidence.refused(deps.keyring.party, charged.code);
        throw new EntenteError(charged.code);
      }
      const awaitsApproval = charged.as === "approval-needed";
      job = await deps.book.append(spec.jobId, { ...draft, at: deps.logbook.now(), awaitsApproval });
    } catch (error) {
      job = await chargedAllTheSame(deps, draft, spec.jobId, error);
    }
    return { job, finished: job.awaitsApproval ? Promise.resolve() : run(asked, "now") };
  });
}

/** What a disk that failed has of the charge, that job goes on. Throws what was wrong when there is none. */
async function chargedAllTheSame(deps: JobDeps, draft: JobProposed, jobId: string, error: unknown): Promise<Job> {
  if (isOfDisk(error)) {
    await reconcileJob(deps, { jobId, proposed: draft }, draft);
    const job = await deps.book.require(jobId).catch(() => undefined);
    if (job !== undefined) return job;
  }
  await destroySecrets(deps, jobId);
  throw error;
}

/** To be called within `deps.policy.inTurn`. */
async function chargeOwn(asked: Asked, { isApproved }: { isApproved: boolean }): Promise<Charged> {
  const { deps, evidence } = asked;
  const question = await questionOf(asked);
  return charge(deps, {
    question,
    evidence,
    isApproved,
    beforeCharge: () => keepSketch({ ...asked, role: "receiver" }),
  });
}

function draftOf(asked: Asked, person: string): JobProposed {
  const { deps, spec, agreement, registration, jobDigest } = asked;
  return {
    type: "proposed",
    at: deps.logbook.now(),
    role: "receiver",
    peer: asked.peer.party,
    operation: spec.operation,
    output: spec.output,
    agreement: agreement.digest,
    collaboration: agreement.collaboration,
    jobDigest,
    ownRows: asked.list.rows,
    ownSizeClass: spec.receiverSizeClass,
    datasetVersion: registration.version,
    datasetForm: formDigest(registration),
    effectiveVersion: effectiveVersion(registration),
    versionTag: spec.receiverVersion,
    awaitsApproval: false,
    requestedBy: person,
  };
}

/** A person here has approved the job, and `approved` says so in evidence: decides anew and lets it run. Resolves to false
 * when the rules refuse it by now. Throws what `restoreAsked` does. */
export async function runApproved(
  deps: JobDeps,
  job: Job,
  approved: (evidence: JobEvidence) => Promise<void>,
): Promise<boolean> {
  const asked = await restoreAsked(deps, job.jobId, job.proposed);
  const { spec, evidence, agreement } = asked;
  return deps.policy.inTurn(agreement, async () => {
    deps.stopping.requireRunning();
    await approved(evidence);
    const charged = await chargeOwn(asked, { isApproved: true });
    if (charged.as === "refused") {
      await endRefused(deps, evidence, spec.jobId, charged.code);
      await destroySecrets(deps, spec.jobId);
      return false;
    }
    await deps.book.append(spec.jobId, { type: "approved", at: deps.logbook.now() });
    void run(asked, "now");
    return true;
  });
}

/** After a restart: goes on with a job where it was, or ends it when it is not what it was. Never rejects. */
export async function resumeJob(deps: JobDeps, job: Job): Promise<void> {
  if (job.isRecorded) return runPublication(deps, job);
  const sinceMs = deps.clock.nowMs();
  const pauses = new Pauses(deps.ports);
  for (let count = 1; ; count++) {
    try {
      return await run(await restoreAsked(deps, job.jobId, job.proposed), "before");
    } catch (error) {
      deps.logger.warn({ jobId: job.jobId, tries: count, err: error }, "a job could not be taken up again");
      if (!mayTryAgain(deps, job, { count, sinceMs }, error)) {
        await endFailed(deps, recordedEvidence(deps, job), job.jobId, error);
        return destroyEnded(deps, job.jobId);
      }
      await pause(deps, job.jobId, pauses);
    }
  }
}
