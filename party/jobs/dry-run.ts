/** What would happen: a job's decision, cost and leak statement before it is asked for, and the budgets as they stand. */
import type { AgreedOperation, Agreement } from "../../proto/agreement/agreement.ts";
import type { Budget } from "../../proto/policy/budget.ts";
import { featureBits } from "../../proto/policy/feature-bits.ts";
import type { LeakStatement } from "../../proto/policy/leak-statement.ts";
import { agreedOperation } from "../../proto/policy/request.ts";
import type { PolicyDecision } from "../../proto/policy/rules.ts";
import { requestOf } from "../policy/desk.ts";
import { statementOf } from "./approvals.ts";
import { ask, type JobRequestInput, questionOf } from "./ask.ts";
import type { JobDeps } from "./deps.ts";

export interface DryRun {
  readonly decision: PolicyDecision;
  /** By a person at this node. */
  readonly needsApproval: boolean;
  /** Undefined when no agreed operation would pay. */
  readonly budget: Budget | undefined;
  readonly statement: LeakStatement;
}

/** Reads this node's own data where the job would; records nothing and asks nobody. Throws the errors of `ask`. */
export async function dryRun(deps: JobDeps, request: JobRequestInput): Promise<DryRun> {
  const asked = await ask(deps, request);
  const { agreement, spec, list } = asked;
  const question = await questionOf(asked);
  const operation = agreedOperation(agreement, requestOf(question));
  const bits = spec.model === undefined ? undefined : featureBits(spec.model);
  const proposed = { role: "receiver", ownRows: list.rows, ownSizeClass: spec.receiverSizeClass } as const;
  return {
    decision: await deps.policy.decide(question),
    needsApproval: await deps.policy.needsApproval(question),
    budget: operation && (await deps.policy.budget(agreement, operation, bits)),
    statement: statementOf(agreement, spec, { proposed, peerSizeClass: undefined }),
  };
}

export type OperationBudget = Budget &
  Pick<AgreedOperation, "operation" | "receiver" | "receiverDataset" | "providerDataset"> & {
    readonly agreement: string;
  };

/** Of every operation of every agreement in force here. */
export async function budgets(deps: JobDeps): Promise<OperationBudget[]> {
  const out: OperationBudget[] = [];
  for (const { digest, state } of await deps.agreements.list()) {
    if (state !== "active") continue;
    const { agreement } = await deps.agreements.require(digest);
    for (const item of agreement.document.operations) out.push(await budgetOfOne(deps, agreement, item));
  }
  return out;
}

async function budgetOfOne(deps: JobDeps, agreement: Agreement, item: AgreedOperation): Promise<OperationBudget> {
  const { operation, receiver, receiverDataset, providerDataset } = item;
  const budget = await deps.policy.budget(agreement, item);
  return { ...budget, agreement: agreement.digest, operation, receiver, receiverDataset, providerDataset };
}
