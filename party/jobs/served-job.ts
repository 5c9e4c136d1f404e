/** A peer's job at the provider, as it was offered: loaded again for every step, and ended when nobody comes for it. */
import type { Agreement } from "../../proto/agreement/agreement.ts";
import type { JobSpec } from "../../proto/agreement/job-spec.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Digest, JobId } from "../../proto/ids.ts";
import type { DatasetRegistration } from "../data/dataset.ts";
import type { Question } from "../policy/desk.ts";
import type { Peer } from "../session/peers.ts";
import { proposalOf } from "./attempt.ts";
import { requireAudience } from "./audience.ts";
import type { JobDeps } from "./deps.ts";
import { destroyEnded, endFailed } from "./ending.ts";
import { type JobEvidence, jobEvidence, recordedEvidence } from "./evidence.ts";
import type { Job } from "./lifecycle.ts";
import { RELEASE_MS } from "./next-step.ts";
import { isSameInput, requireAgreedForm, requireSameRules } from "./own-dataset.ts";
import { readStoredSpec } from "./stored-spec.ts";

/** An admitted job whose receiver's node does not come, or not again, before a receipt has been proposed. */
const IDLE_TIMEOUT_MS = 1_200_000;

export interface LoadedJob {
  readonly job: Job;
  readonly spec: JobSpec;
  readonly digest: Digest;
  readonly agreement: Agreement;
  readonly evidence: JobEvidence;
}

/** A peer's job as it was offered. Throws NOT_FOUND when it is not that peer's. */
export async function loadServed(deps: JobDeps, peer: Peer, jobId: JobId): Promise<LoadedJob> {
  const job = await deps.book.require(jobId);
  if (job.proposed.peer !== peer.party || job.proposed.role !== "provider")
    throw new EntenteError("NOT_FOUND", { detail: "job" });
  const { spec, digest } = await readStoredSpec(deps.store, jobId, peer.everyKey("jobs"));
  if (digest !== job.proposed.jobDigest) throw new EntenteError("SESSION_MISMATCH", { detail: "job spec" });
  const { agreement } = await deps.agreements.require(spec.agreement);
  return { job, spec, digest, agreement, evidence: jobEvidence(deps.logbook, agreement, spec, digest) };
}

/** The dataset as it was when the job was offered. Throws DATASET_CHANGED. */
export async function sameDataset(deps: JobDeps, { job, spec, agreement }: LoadedJob): Promise<DatasetRegistration> {
  const registration = await deps.datasets.require(spec.providerDataset);
  if (!isSameInput(registration, job.proposed))
    throw new EntenteError("DATASET_CHANGED", { detail: registration.name });
  requireAgreedForm(agreement, deps.keyring.party, registration);
  requireSameRules(spec, registration);
  return registration;
}

/** The dataset as it was admitted, while everything that admitted it still holds. Throws DATASET_CHANGED or the policy's. */
export async function stillAllowed(deps: JobDeps, loaded: LoadedJob): Promise<DatasetRegistration> {
  const { job, spec, agreement } = loaded;
  const registration = await sameDataset(deps, loaded);
  const { refusedBy } = await deps.policy.decide(questionOf(agreement, spec, job.proposed));
  if (refusedBy !== undefined) throw new EntenteError(refusedBy);
  if (spec.matched !== undefined) await requireAudience(deps, spec.matched.audience, spec, registration);
  return registration;
}

/** Before the receipt and before the keys: a revocation that the peer could not tell stops the job by the lease. */
export async function requireStillAllowed(deps: JobDeps, loaded: LoadedJob): Promise<void> {
  await stillAllowed(deps, loaded);
  deps.leases.require(loaded.agreement.digest);
}

/** What this node's policy is asked about a peer's job. `ownRows`: people who take part of its own; `versionTag`: of its own
 * dataset's version. */
export function questionOf(
  agreement: Agreement,
  spec: JobSpec,
  { ownRows, versionTag: providerVersion }: Pick<Job["proposed"], "ownRows" | "versionTag">,
): Question {
  return {
    agreement,
    spec,
    role: "provider",
    ownRows,
    peerSizeClass: spec.receiverSizeClass,
    providerVersion,
  };
}

/** Ends a job that nobody comes for, whatever has become of its peer; asked again after every session. */
export function endWhenIdle(deps: JobDeps, jobId: JobId): void {
  const since = deps.ports.clock.monotonicMs();
  deps.served.touch(jobId, since);
  deps.ports.timers.after(IDLE_TIMEOUT_MS, () => {
    if (!deps.served.isIdleSince(jobId, since)) return;
    const ended = deps.turns.take(jobId, async () => {
      const job = await deps.book.require(jobId);
      if (job.state !== "admitted" && job.state !== "running") return;
      // The receiver may have signed it: it has a day to come back with it.
      const isProposed = (await proposalOf(deps, jobId)) !== undefined;
      if (isProposed && deps.clock.nowMs() < Date.parse(job.updatedAt) + RELEASE_MS) return endWhenIdle(deps, jobId);
      await endFailed(deps, recordedEvidence(deps, job), jobId, new EntenteError("PEER_TIMEOUT"));
      await cleanUp(deps, jobId);
    });
    ended.catch((err: unknown) => {
      deps.logger.warn({ jobId, err }, "an idle job could not be ended yet");
      endWhenIdle(deps, jobId);
    });
  });
}

/** Destroys what this node holds of the job, as far as its end is recorded. */
export async function cleanUp(deps: JobDeps, jobId: JobId): Promise<void> {
  await deps.served.forget(jobId);
  await destroyEnded(deps, jobId);
}
