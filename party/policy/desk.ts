/**
 * Where this node's policy is asked: brings the agreement, what its log says of earlier runs, and the time before the pure
 * rules of `proto/policy`. What is decided and charged is one step, so that two jobs cannot take the last run together.
 */
import type { AgreedOperation, Agreement } from "../../proto/agreement/agreement.ts";
import type { JobSpec } from "../../proto/agreement/job-spec.ts";
import type { CollaborationId } from "../../proto/ids.ts";
import { viewColumns } from "../../proto/model/partner-view.ts";
import { approvalNeeded } from "../../proto/policy/approval.ts";
import { type Budget, budgetOf } from "../../proto/policy/budget.ts";
import { featureBits } from "../../proto/policy/feature-bits.ts";
import type { ChargedRun } from "../../proto/policy/history.ts";
import type { RunOutcome } from "../../proto/policy/outcomes.ts";
import { decide, type JobRequest, type PolicyDecision } from "../../proto/policy/rules.ts";
import { classRows } from "../../proto/size-class.ts";
import type { Agreements } from "../agreements/agreements.ts";
import type { Standings } from "../evidence/standing.ts";
import type { JobRole } from "../jobs/lifecycle.ts";
import { Turns } from "../turns.ts";
import type { RunHistory } from "./run-history.ts";
import type { SteadyClock } from "./steady-clock.ts";

/** A job, as this node sees it. */
export interface Question {
  readonly agreement: Agreement;
  readonly spec: JobSpec;
  readonly role: JobRole;
  /** Distinct people of this node's own list who take part. */
  readonly ownRows: number;
  /** Absent as long as the peer has not said it. */
  readonly peerSizeClass?: number | undefined;
  /** Hex tag. Absent at the receiver until the provider has said it. */
  readonly providerVersion?: string | undefined;
  /** Of the receiver's list to those of earlier aggregate runs, when it is below the agreed smallest. */
  readonly difference?: number | undefined;
}

export interface PolicyDeskOptions {
  readonly history: RunHistory;
  readonly agreements: Agreements;
  readonly clock: SteadyClock;
  readonly standings: Standings;
}

export class PolicyDesk {
  readonly #options: PolicyDeskOptions;
  readonly #turns = new Turns<CollaborationId>();

  constructor(options: PolicyDeskOptions) {
    this.#options = options;
  }

  /** Changes nothing. Throws COLLABORATION_FROZEN, COLLABORATION_READ_ONLY, LOG_FORKED: what no rule decides on. */
  async decide(question: Question): Promise<PolicyDecision> {
    const { agreement, ownRows, peerSizeClass, difference } = question;
    const { agreements, clock, standings } = this.#options;
    await standings.requireOpen(agreement.collaboration);
    const facts = {
      nowMs: await clock.keep(),
      state: await agreements.stateOf(agreement.digest),
      ownRows,
      ...(peerSizeClass === undefined ? {} : { peerMaxRows: classRows(peerSizeClass) }),
      ...(difference === undefined ? {} : { difference }),
    };
    return decide(agreement, requestOf(question), await this.runs(agreement), facts);
  }

  /** Whether a person here must approve the job first. */
  async needsApproval(question: Question): Promise<boolean> {
    return approvalNeeded(question.agreement, requestOf(question), await this.runs(question.agreement));
  }

  /** What an operation has used of its budgets. `bits`: of the model that is meant. */
  async budget(agreement: Agreement, operation: AgreedOperation, bits?: number): Promise<Budget> {
    return budgetOf(agreement, operation, await this.runs(agreement), this.#options.clock.nowMs(), bits);
  }

  runs({ collaboration }: Pick<Agreement, "collaboration">): Promise<readonly ChargedRun[]> {
    return this.#options.history.runs(collaboration);
  }

  /** What became of them, by job id. */
  outcomes({ collaboration }: Pick<Agreement, "collaboration">): Promise<ReadonlyMap<string, RunOutcome>> {
    return this.#options.history.outcomes(collaboration);
  }

  /** Deciding and recording what was decided: nothing else decides meanwhile. */
  inTurn<T>({ collaboration }: Pick<Agreement, "collaboration">, work: () => Promise<T>): Promise<T> {
    return this.#turns.take(collaboration, work);
  }
}

export function requestOf({ spec, role, providerVersion }: Question): JobRequest {
  const { jobId, operation, output, purpose, tagDays, protocol, alignment } = spec;
  const { receiver, provider, receiverDataset, providerDataset } = spec;
  return {
    ...{
      jobId,
      operation,
      output,
      purpose,
      tagDays,
      protocol,
      alignment,
      receiver,
      provider,
      receiverDataset,
      providerDataset,
      role,
    },
    providerFeatures: spec.model === undefined ? [] : viewColumns(spec.model),
    providerSegment: spec.providerSegment,
    releasedColumns: spec.labels?.map(({ name }) => name),
    receiverVersion: spec.receiverVersion,
    ...(spec.groups === undefined ? {} : { groups: spec.groups }),
    ...(providerVersion === undefined ? {} : { providerVersion }),
    ...(spec.model === undefined ? {} : { modelVersion: spec.model.commitment, featureBits: featureBits(spec.model) }),
  };
}
