/** A job's decision, made and recorded in one step: refused, left to a person, or charged to the budgets. */
import { type ErrorCode, toEntenteError } from "../../proto/errors.ts";
import type { PredicateInput } from "../../proto/evidence/predicates.ts";
import { type Question, requestOf } from "../policy/desk.ts";
import type { JobDeps } from "./deps.ts";
import type { JobEvidence } from "./evidence.ts";
import { releasedBy, segmentOf } from "./receipt.ts";

export type Charged =
  | { readonly as: "allowed" | "approval-needed" }
  | { readonly as: "refused"; readonly code: ErrorCode };

export interface ChargeInput {
  readonly question: Question;
  readonly evidence: JobEvidence;
  /** A person has approved: no other is asked. */
  readonly isApproved: boolean;
  /** What else must hold of a job that the rules allow. What it throws refuses the job, and no decision is recorded. */
  readonly requireFit?: () => Promise<void>;
  /** Runs before the charge is recorded, within the turn. */
  readonly beforeCharge?: () => Promise<void>;
}

/** To be called within `deps.policy.inTurn`. */
export async function charge(
  deps: JobDeps,
  { question, evidence, isApproved, requireFit, beforeCharge }: ChargeInput,
): Promise<Charged> {
  const decision = await deps.policy.decide(question);
  if (decision.refusedBy !== undefined) {
    await evidence.decided(decision, { as: "refused" });
    return { as: "refused", code: decision.refusedBy };
  }
  try {
    await requireFit?.();
  } catch (error) {
    return { as: "refused", code: toEntenteError(error).code };
  }
  if (!isApproved && (await deps.policy.needsApproval(question))) {
    await evidence.decided(decision, { as: "approval-needed" });
    return { as: "approval-needed" };
  }
  await beforeCharge?.();
  await evidence.decided(decision, { as: "allowed", charge: chargeOf(question) });
  return { as: "allowed" };
}

function chargeOf(question: Question): NonNullable<PredicateInput<"policy-decision">["charge"]> {
  const { operation, output, receiver, provider, receiverDataset, providerDataset } = question.spec;
  const {
    modelVersion = null,
    featureBits = null,
    receiverVersion = null,
    providerVersion = null,
  } = requestOf(question);
  const pair = { operation, output, receiver, provider, receiverDataset, providerDataset };
  return {
    ...pair,
    modelVersion,
    featureBits,
    ...(question.spec.groups === undefined ? {} : { groups: question.spec.groups }),
    ...segmentOf(question.spec),
    ...releasedBy(question.spec),
    receiverVersion,
    providerVersion,
  };
}
