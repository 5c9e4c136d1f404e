/**
 * Jobs of either role that wait for a person at this node. What the person is shown before deciding is computed from the
 * agreement and the job; evidence says what was decided, over which text, and commits to who decided.
 */
import type { Agreement } from "../../proto/agreement/agreement.ts";
import type { JobSpec } from "../../proto/agreement/job-spec.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import { jobId as toJobId } from "../../proto/ids.ts";
import { newInJob } from "../../proto/policy/approval.ts";
import type { Budget } from "../../proto/policy/budget.ts";
import { featureBits } from "../../proto/policy/feature-bits.ts";
import type { ChargedRun } from "../../proto/policy/history.ts";
import { type LeakStatement, leakStatement } from "../../proto/policy/leak-statement.ts";
import type { Novelty } from "../../proto/policy/novelty.ts";
import { agreedOperation, type JobRequest } from "../../proto/policy/request.ts";
import { classRange } from "../../proto/size-class.ts";
import { requestOf } from "../policy/desk.ts";
import { inControlSession } from "../session/control.ts";
import { admitApproved } from "./admission.ts";
import type { JobDeps } from "./deps.ts";
import { destroySecrets, endRefused } from "./ending.ts";
import { type JobEvidence, recordedEvidence } from "./evidence.ts";
import type { Job } from "./lifecycle.ts";
import { requireInTime } from "./pending.ts";
import { loadServed } from "./served-job.ts";
import { runApproved } from "./start.ts";
import { storedSpec } from "./stored-spec.ts";

export interface WaitingJob {
  readonly job: Job;
  readonly spec: JobSpec;
  readonly agreement: Agreement;
  readonly statement: LeakStatement;
}

/** All that wait for a person here, newest first. */
export async function waitingJobs(deps: JobDeps): Promise<WaitingJob[]> {
  const described: WaitingJob[] = [];
  for (const job of await waiting(deps)) {
    try {
      described.push(await describeJob(deps, job));
    } catch (err) {
      deps.logger.warn({ jobId: job.jobId, err }, "a job that waits cannot be shown");
    }
  }
  return described;
}

async function waiting(deps: JobDeps): Promise<Job[]> {
  return (await deps.book.list()).filter((job) => job.state === "proposed" && job.awaitsApproval);
}

/** What a job tells whom, as this node's people may see it: before it runs, and after. Throws NOT_FOUND. */
export async function describeJob(deps: JobDeps, job: Job): Promise<WaitingJob> {
  const spec = await storedSpec(deps, job);
  const { agreement } = await deps.agreements.require(spec.agreement);
  return { job, spec, agreement, statement: statementOf(agreement, spec, job) };
}

/** What else the person who decides must know. */
export interface Circumstances {
  /** Undefined when no agreed operation would pay. */
  readonly budget: Budget | undefined;
  /** What no run before it has told. */
  readonly news: readonly Novelty[];
  /** When the last run of its operation over its datasets was charged, milliseconds since 1970. */
  readonly lastRunAt: number | undefined;
}

export async function circumstancesOf(deps: JobDeps, { job, spec, agreement }: WaitingJob): Promise<Circumstances> {
  const { role, ownRows } = job.proposed;
  const request = requestOf({ agreement, spec, role, ownRows });
  const history = await deps.policy.runs(agreement);
  const operation = agreedOperation(agreement, request);
  const bits = spec.model === undefined ? undefined : featureBits(spec.model);
  return {
    budget: operation && (await deps.policy.budget(agreement, operation, bits)),
    news: newInJob(request, history),
    lastRunAt: history.findLast((run) => run.jobId !== job.jobId && isSameWork(run, request))?.at,
  };
}

function isSameWork(run: ChargedRun, { operation, receiver, receiverDataset, providerDataset }: JobRequest): boolean {
  return (
    run.operation === operation &&
    run.receiver === receiver &&
    run.receiverDataset === receiverDataset &&
    run.providerDataset === providerDataset
  );
}

export function statementOf(
  agreement: Agreement,
  spec: JobSpec,
  job: Pick<Job, "peerSizeClass"> & { readonly proposed: Pick<Job["proposed"], "role" | "ownRows" | "ownSizeClass"> },
): LeakStatement {
  const { role, ownRows, ownSizeClass } = job.proposed;
  const own = { exact: ownRows, ...classRange(ownSizeClass) };
  const peerClass = role === "provider" ? spec.receiverSizeClass : job.peerSizeClass;
  const peer = peerClass === undefined ? undefined : classRange(peerClass);
  return leakStatement({
    agreement,
    job: requestOf({ agreement, spec, role, ownRows }),
    viewer: role,
    receiverRows: role === "receiver" ? own : peer,
    providerRows: role === "provider" ? own : peer,
  });
}

/**
 * A person decides. Throws NOT_FOUND when nothing waits under that id, APPROVER_IS_REQUESTER, APPROVAL_OF_OTHER_STATEMENT, and for an
 * approval that comes too late what has changed since. Resolves when the decision is in evidence and the job has been told.
 */
export function decideJob(
  deps: JobDeps,
  input: {
    readonly jobId: string;
    readonly isApproved: boolean;
    readonly person: string;
    /** In the person's words; stays here, beside the log. */
    readonly reason?: string | undefined;
    /** Digest of what the person has read; without it that of now is taken for it. */
    readonly leakStatement?: string | undefined;
  },
): Promise<Job> {
  const { jobId, isApproved, person } = input;
  return deps.turns.take(jobId, async () => {
    const job = await deps.book.require(jobId);
    if (job.state !== "proposed" || !job.awaitsApproval)
      throw new EntenteError("NOT_FOUND", { detail: "no decision is waited for" });
    if (isApproved && job.proposed.requestedBy === person) throw new EntenteError("APPROVER_IS_REQUESTER");
    const { statement } = await describeJob(deps, job);
    // Evidence says that the approver was shown it.
    if (isApproved && input.leakStatement !== undefined && input.leakStatement !== statement.digest)
      throw new EntenteError("APPROVAL_OF_OTHER_STATEMENT");
    requireInTime(deps.clock.nowMs(), job.proposed.at);
    const reason = input.reason === undefined ? {} : { reason: await deps.sideNotes.put("reason", input.reason) };
    // Who decided is this organisation's affair: the peer's auditor sees a commitment.
    const approver = toHex(await deps.vault.commitTo("approver", { person }));
    const decision = { isApproved, approver, statement, ...reason };
    if (job.proposed.role === "receiver") await decideOwn(deps, job, decision);
    else await decideServed(deps, job, decision);
    return deps.book.require(jobId);
  });
}

interface Decision {
  readonly isApproved: boolean;
  /** Hex. */
  readonly approver: string;
  readonly statement: LeakStatement;
  /** Hex. */
  readonly reason?: string;
}

async function decideOwn(deps: JobDeps, job: Job, decision: Decision): Promise<void> {
  const { jobId } = job;
  const evidence = recordedEvidence(deps, job);
  if (!decision.isApproved) {
    await record(evidence, decision);
    await endRefused(deps, evidence, jobId, "APPROVAL_DECLINED");
    return destroySecrets(deps, jobId);
  }
  await orEnd(deps, evidence, jobId, () =>
    runApproved(deps, job, (evidence) => record(evidence, decision)).then(() => undefined),
  );
}

/** A job that cannot be run as it was asked for any more ends with the reason, which is thrown, too. */
async function orEnd(deps: JobDeps, evidence: JobEvidence, jobId: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { code } = toEntenteError(error);
    const { state, awaitsApproval } = await deps.book.require(jobId);
    if (code !== "INTERNAL" && code !== "STORAGE_FAILED" && state === "proposed" && awaitsApproval) {
      await endRefused(deps, evidence, jobId, code);
      await destroySecrets(deps, jobId);
    }
    throw error;
  }
}

async function decideServed(deps: JobDeps, { jobId, proposed }: Job, decision: Decision): Promise<void> {
  const peer = await deps.peers.require(proposed.peer);
  const loaded = await loadServed(deps, peer, toJobId(jobId));
  await record(loaded.evidence, decision);
  try {
    if (!decision.isApproved) await endRefused(deps, loaded.evidence, jobId, "APPROVAL_DECLINED");
    else await orEnd(deps, loaded.evidence, jobId, () => admitApproved(deps, peer, loaded));
  } finally {
    void tellPeer(deps, proposed.peer, jobId);
  }
}

function record(evidence: JobEvidence, { isApproved, approver, statement, reason }: Decision): Promise<void> {
  const decision = isApproved ? "approved" : "declined";
  const said = reason === undefined ? {} : { reason };
  return evidence.approval({ decision, approver, leakStatementDigest: statement.digest, ...said });
}

/** The peer asks again by itself; this only spares it the wait. */
async function tellPeer(deps: JobDeps, party: string, jobId: string): Promise<void> {
  try {
    const peer = await deps.peers.require(party);
    await inControlSession(deps.meetings, peer, (client) => client.jobDecided(toJobId(jobId)));
  } catch (err) {
    deps.logger.info({ jobId, err }, "the peer could not be told of the decision");
  }
}

/** Ends what nobody has decided on for a week. */
export async function endOverdue(deps: JobDeps): Promise<void> {
  for (const job of await waiting(deps)) {
    try {
      requireInTime(deps.clock.nowMs(), job.proposed.at);
    } catch (error) {
      await deps.turns.take(job.jobId, () => endWaiting(deps, job, error));
    }
  }
}

async function endWaiting(deps: JobDeps, job: Job, error: unknown): Promise<void> {
  const { jobId, proposed } = job;
  const now = await deps.book.require(jobId);
  if (now.state !== "proposed" || !now.awaitsApproval) return;
  await endRefused(deps, recordedEvidence(deps, job), jobId, toEntenteError(error).code);
  if (proposed.role === "provider") await tellPeer(deps, proposed.peer, jobId);
  else await destroySecrets(deps, jobId);
}
