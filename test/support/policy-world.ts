/** An agreement, a job and a history to ask policy about. */
import { type Agreement, makeAgreement } from "../../proto/agreement/agreement.ts";
import type { ErrorCode } from "../../proto/errors.ts";
import type { ChargedRun, History } from "../../proto/policy/history.ts";
import { decide, type JobRequest, type PolicyFacts } from "../../proto/policy/rules.ts";
import { demoAgreement, PURPOSE } from "./demo-agreement.ts";

export const PARTIES = [
  { name: "bank", identity: "11".repeat(32) },
  { name: "bureau", identity: "22".repeat(32) },
];

export function agreed(changes: Record<string, unknown> = {}): Agreement {
  return makeAgreement(demoAgreement({ parties: PARTIES, validFrom: "2026-01-01T00:00:00.000Z", ...changes }));
}

export const AGREEMENT = agreed();
export const NOW_MS = Date.parse("2026-05-01T12:00:00.000Z");
export const DAY_MS = 86_400_000;
/** Of the grid of 30 days that holds NOW_MS. */
export const EPOCH_START_MS = Math.floor(NOW_MS / (30 * DAY_MS)) * 30 * DAY_MS;

export const PAIR = {
  receiver: "bank",
  provider: "bureau",
  receiverDataset: "customers",
  providerDataset: "repayments",
} as const;

/** A version of a model or of a dataset, by a number. */
export function version(n: number): string {
  return n.toString(16).padStart(64, "0");
}

export const AUDIENCE: JobRequest = {
  ...PAIR,
  jobId: "ff".repeat(16),
  operation: "audience",
  output: "list",
  purpose: PURPOSE,
  tagDays: 30,
  protocol: "psi-vole",
  alignment: "hidden",
  role: "receiver",
  providerFeatures: [],
  receiverVersion: version(1),
};

export const RATE: JobRequest = { ...AUDIENCE, output: "match-rate", tagDays: null };

export const SCORE: JobRequest = {
  ...AUDIENCE,
  operation: "score",
  output: "score",
  providerFeatures: ["PAY_0", "PAY_6"],
  modelVersion: version(1),
  featureBits: 12,
  providerVersion: version(2),
};

export const FACTS: PolicyFacts = { nowMs: NOW_MS, ownRows: 1000, state: "active" };

let counter = 0;
/** An earlier run of the same kind as `job`, completed an hour ago unless told otherwise. */
export function runOf(job: JobRequest, changes: Partial<ChargedRun> = {}): ChargedRun {
  const { operation, output, modelVersion, featureBits, receiverVersion, providerVersion } = job;
  const told = { modelVersion, featureBits, receiverVersion, providerVersion };
  return {
    ...PAIR,
    jobId: (++counter).toString(16).padStart(32, "0"),
    agreement: AGREEMENT.digest,
    at: NOW_MS - 3_600_000,
    operation,
    output,
    completed: true,
    failed: false,
    ...(Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined)) as Partial<ChargedRun>),
    ...changes,
  };
}

export function runsOf(count: number, job: JobRequest, changes: Partial<ChargedRun> = {}): History {
  return Array.from({ length: count }, () => runOf(job, changes));
}

/** The code that refuses it; undefined when it is allowed. */
export function refusal(
  job: JobRequest,
  history: History = [],
  facts: Partial<PolicyFacts> = {},
  under: Agreement = AGREEMENT,
): ErrorCode | undefined {
  return decide(under, job, history, { ...FACTS, ...facts }).refusedBy;
}

/** What one rule saw. */
export function inputsOf(
  code: ErrorCode,
  job: JobRequest,
  history: History = [],
  facts: Partial<PolicyFacts> = {},
  under: Agreement = AGREEMENT,
): Readonly<Record<string, number>> | undefined {
  return decide(under, job, history, { ...FACTS, ...facts }).rules.find((rule) => rule.code === code)?.inputs;
}
