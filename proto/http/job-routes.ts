/** Routes about jobs: asking for one, deciding on it, following it. */
import * as z from "zod";
import {
  columnName,
  datasetNameField,
  digestField,
  hexKey,
  jobIdField,
  OPERATIONS,
  OUTPUTS,
  purposeIdField,
  tagKeyField,
  writtenText,
} from "../agreement/fields.ts";
import { MAX_LABELS } from "../agreement/label-columns.ts";
import { tiersSchema } from "../model/header.ts";
import { NOVELTIES } from "../policy/novelty.ts";
import { RULE_CODES } from "../policy/rule-codes.ts";
import { breakdownsField } from "../report/grouping.ts";
import { segmentRefField } from "../segments/names.ts";
import { MAX_RULES } from "../tags/rule.ts";
import { progress } from "./progress.ts";
import { budget, empty, publicError, type Route } from "./route.ts";

const job = z.object({
  jobId: z.string(),
  operation: z.enum(OPERATIONS),
  role: z.enum(["receiver", "provider"]),
  peer: z.string(),
  agreement: z.string(),
  state: z.enum(["proposed", "admitted", "running", "releasing", "done", "refused", "failed"]),
  updatedAt: z.string(),
  progress: progress.nullable().describe("What it is doing now; null when it has ended."),
  reason: publicError.extend({ by: z.enum(["own", "peer"]).optional() }).nullable(),
  output: z.enum(OUTPUTS),
  awaitsApproval: z.boolean().describe("A person at this node decides before it runs."),
  withheld: z.boolean(),
  ownRows: z.number().describe("What this side put in, exactly."),
  peerRows: z
    .object({ from: z.number(), to: z.number() })
    .nullable()
    .describe("The other list's size class: all that this side knows of its length."),
  summary: z
    .object({
      matched: z.number().optional(),
      matchRate: z.string().optional().describe('Of a match rate: a whole percent, or ">85%".'),
      tags: z.record(z.string(), z.number()).optional(),
      labelsUnreadable: z
        .number()
        .optional()
        .describe("Label values that the peer sent and that are none: taken as missing."),
      seconds: z.number(),
      bytesSent: z.number(),
      bytesReceived: z.number(),
    })
    .nullable(),
});

export const DEFAULT_TAG_DAYS = 90;
/** A dump of 2,000 trees is some megabytes of JSON. */
const MAX_JOB_BYTES = 16 * 1024 * 1024;

/** In text or JSON (proto/tags): read where it is used, so that its errors are those of rules. */
export const givenRule = z.unknown();

const jobRequest = z.strictObject({
  operation: z.enum(OPERATIONS),
  agreement: digestField,
  dataset: datasetNameField,
  peerDataset: datasetNameField,
  tag: z
    .strictObject({
      key: tagKeyField.optional(),
      value: z.string().min(1).max(64).optional(),
      expiresInDays: z.int().min(1).max(3650).default(DEFAULT_TAG_DAYS),
    })
    .optional()
    .describe(
      "What to issue to the matched people to whom no rule issues that key; the key may be left out where there are rules.",
    ),
  rules: z
    .array(givenRule)
    .min(1)
    .max(MAX_RULES)
    .optional()
    .describe("Tag rules, in text or JSON, over the own columns, the labels and, of a score, `tier` and `score`."),
  labels: z
    .array(columnName)
    .min(1)
    .max(MAX_LABELS)
    .optional()
    .describe(
      "Columns of the peer's dataset that the agreement gives the role `label`: their values come with the matched people.",
    ),
  output: z
    .enum(OUTPUTS)
    .optional()
    .describe("One of those that the agreement allows; its first by default. An aggregate issues no tags."),
  by: breakdownsField
    .optional()
    .describe("Of an overlap report: what the own list is broken down by; what comes first shows more."),
  purpose: purposeIdField.optional().describe("One of the agreement's purposes; its first by default."),
  segment: segmentRefField
    .partial({ version: true })
    .optional()
    .describe("Who of the own dataset takes part, by default of its newest version; the peer is not told."),
  peerSegment: segmentRefField
    .optional()
    .describe("Who of the peer's dataset takes part: one of the segments that it publishes, in that version."),
  audience: jobIdField
    .optional()
    .describe("Of a score whose alignment is agreed to be shared: the earlier audience whose people are scored."),
  model: z
    .unknown()
    .optional()
    .describe("For `score` only: the model, as a logistic regression's weights or an XGBoost or LightGBM dump."),
});

const leakText = { text: z.string(), parts: z.record(z.string(), z.string().nullable()) };
const leak = z.object({
  ...leakText,
  digest: z.string().describe("SHA-256 of the English text: what an approval names in evidence."),
  translations: z.object({ "zh-CN": z.object(leakText) }).describe("The same in other languages."),
});

const rule = z.object({
  code: z.enum(RULE_CODES),
  outcome: z.enum(["passed", "failed"]),
  inputs: z.record(z.string(), z.number()),
});

/** A job that waits for a person here, with what that person must know. */
const approval = z.object({
  job,
  title: z.string().describe("Of the agreement."),
  version: z.number(),
  ownDataset: z.string(),
  peerDataset: z.string(),
  requestedBy: z.string().nullable().describe("Who here asked for it, and may not decide; null where the peer asked."),
  proposedAt: z.string(),
  decideBefore: z.string().describe("It ends by itself when nobody has decided until then."),
  purpose: z.string(),
  purposeText: z.string(),
  legalBasis: z.string(),
  leakStatement: leak,
  news: z.array(z.enum(NOVELTIES)).describe("What it would tell that no completed run of its kind has told before."),
  lastRunAt: z.string().nullable(),
  budget: budget.nullable().describe("As it is now: approving adds one run."),
});

export const JOB_ROUTES = {
  approvals: {
    method: "GET",
    path: "/v1/approvals",
    summary: "List the jobs that wait for a decision here",
    description: "Jobs that wait for a person here, with what that person must know.",
    roles: ["steward"],
    request: empty,
    response: z.object({
      approvals: z.array(approval),
    }),
  },
  decideJob: {
    method: "POST",
    path: "/v1/jobs/:jobId/decision",
    summary: "Approve or decline a job",
    roles: ["steward"],
    request: z.strictObject({
      jobId: jobIdField,
      decision: z.enum(["approve", "decline"]),
      reason: writtenText(300).optional(),
      leakStatement: digestField
        .optional()
        .describe("Digest of the leak statement that the person has read: no other one is approved."),
    }),
    response: job,
  },
  leakStatement: {
    method: "GET",
    path: "/v1/jobs/:jobId/leak-statement",
    summary: "What each side learns from a job",
    roles: ["analyst", "steward", "auditor"],
    request: z.strictObject({ jobId: jobIdField }),
    response: leak,
  },
  dryRun: {
    method: "POST",
    path: "/v1/dry-runs",
    summary: "Ask whether a job would be allowed, without running it",
    description:
      "Whether a job would be allowed, why, what it would cost and tell whom. Nothing is recorded, and the peer not asked.",
    roles: ["analyst", "steward"],
    request: jobRequest,
    maxBodyBytes: MAX_JOB_BYTES,
    response: z.object({
      allowed: z.boolean(),
      refusedBy: publicError.nullable(),
      needsApproval: z
        .boolean()
        .describe("Whether a person at this node would have to approve it; the peer's approval is the peer's to say."),
      rules: z.array(rule),
      budget: budget.nullable().describe("As it is now: an allowed job adds one run."),
      leakStatement: leak,
    }),
  },
  jobs: {
    method: "GET",
    path: "/v1/jobs",
    summary: "List the jobs",
    roles: ["analyst", "steward", "auditor"],
    request: empty,
    response: z.object({ jobs: z.array(job) }),
  },
  job: {
    method: "GET",
    path: "/v1/jobs/:jobId",
    summary: "Show a job",
    roles: ["analyst", "steward", "auditor"],
    request: z.strictObject({ jobId: jobIdField }),
    response: job,
  },
  jobTerms: {
    method: "GET",
    path: "/v1/jobs/:jobId/terms",
    summary: "What a job was asked to do",
    description: "As the signed spec has it. Not there as long as this node has not read the spec.",
    roles: ["analyst", "steward", "auditor"],
    request: z.strictObject({ jobId: jobIdField }),
    response: z.object({
      agreementTitle: z.string(),
      receiverDataset: z.string(),
      providerDataset: z.string(),
      providerSegment: segmentRefField.nullable().describe("Null: everybody in the provider's dataset."),
      purpose: z.string(),
      purposeText: z.string(),
      tagDays: z.number().nullable().describe("Null: an output that issues no tags."),
      labels: z.array(z.string()).describe("The provider's columns whose values come with the matched people."),
      createdAt: z.string(),
    }),
  },
  jobEvents: {
    method: "GET",
    path: "/v1/jobs/:jobId/events",
    summary: "Follow a job",
    description:
      "The job whenever it changes, until it has ended. Each event is all that is known: a reader that is slow, or comes back with the id of the last event that it has seen, misses nothing that still counts.",
    roles: ["analyst", "steward", "auditor"],
    request: z.strictObject({ jobId: jobIdField }),
    response: job,
    events: "states",
  },
  startJob: {
    method: "POST",
    path: "/v1/jobs",
    summary: "Start a job",
    roles: ["analyst"],
    request: jobRequest,
    response: job,
    maxBodyBytes: MAX_JOB_BYTES,
  },
  commitTiers: {
    method: "POST",
    path: "/v1/tier-commitments",
    summary: "Commit to the bounds of tiers",
    description: "For an agreement's `tiers`. The node keeps bounds and salt: every commitment is another one.",
    roles: ["analyst", "steward"],
    request: z.strictObject({ tiers: tiersSchema }),
    response: z.object({ commitment: hexKey }),
  },
} as const satisfies Record<string, Route>;
