/**
 * A job spec, signed by the party that asks, and the answer, signed by the party that is asked. Both travel only
 * inside sessions; the coordinator knows a job by its id and the spec's digest.
 */
import * as z from "zod";
import { canonicalJson, type Json, parseCanonicalJson } from "../encoding/canonical-json.ts";
import { type Envelope, envelope, verify } from "../encoding/dsse.ts";
import type { SigningKey, VerifyingKey } from "../encoding/ed25519.ts";
import { digestOf } from "../encoding/sha256.ts";
import { EntenteError, type ErrorCode, isErrorCode } from "../errors.ts";
import type { Digest } from "../ids.ts";
import { partnerViewSchema } from "../model/partner-view.ts";
import { MAX_GROUPINGS, MAX_GROUPS } from "../report/grouping.ts";
import { segmentRefField } from "../segments/names.ts";
import {
  AGGREGATE_OUTPUTS,
  ALIGNMENTS,
  datasetNameField,
  digestField,
  hexKey,
  jobIdField,
  MAX_ID_COLUMNS,
  normaliserProfileField,
  OPERATIONS,
  OUTPUTS,
  OUTPUTS_OF,
  type Output,
  PSI_PROTOCOLS,
  partyName,
  purposeIdField,
  utcTime,
} from "./fields.ts";
import { labelColumnsField } from "./label-columns.ts";

export const JOB_SPEC_TYPE = "application/vnd.entente.job-spec.v1+json";
export const JOB_ANSWER_TYPE = "application/vnd.entente.job-answer.v1+json";

/** Size class: k of 2^(k/8) rows. */
const sizeClass = z.int().min(80).max(256);

const jobSpecSchema = z.strictObject({
  format: z.literal("entente-job/1"),
  jobId: jobIdField,
  agreement: digestField,
  operation: z.enum(OPERATIONS),
  output: z.enum(OUTPUTS),
  /** One of the agreement's purposes, by its id. */
  purpose: purposeIdField,
  protocol: z.enum(PSI_PROTOCOLS),
  receiver: partyName,
  provider: partyName,
  receiverDataset: datasetNameField,
  providerDataset: datasetNameField,
  /** Who of it takes part, by a name and version that the provider has published; absent: everybody. */
  providerSegment: segmentRefField.optional(),
  /** Of the receiver's ids, part by part: two lists that are normalised by other rules would miss people. */
  normalisers: z.array(normaliserProfileField).min(1).max(MAX_ID_COLUMNS),
  /** What the provider learns of the model; present exactly when the operation is `score`. */
  model: partnerViewSchema.optional(),
  /** Columns of the provider's dataset that reach the receiver in clear for matched rows, as the agreement describes them; absent:
   * none. */
  labels: labelColumnsField.optional(),
  /** What the provider learns of the people; an audience is always hidden. */
  alignment: z.enum(ALIGNMENTS),
  /** Present exactly when the alignment is shared: the earlier audience whose people are scored, and the class of how many
   * they are; `receiverSizeClass` is then that audience's, of the list before it was matched. */
  matched: z.strictObject({ audience: jobIdField, sizeClass }).optional(),
  /** HMAC of the version of the receiver's dataset under its epoch key: equal tags, one version within an epoch. */
  receiverVersion: hexKey,
  /** How many groups the receiver's report has at most; present exactly when the output is `overlap-report`. */
  groups: z
    .int()
    .min(1)
    .max(MAX_GROUPINGS * MAX_GROUPS)
    .optional(),
  /** How long the tags live; null for an output that issues none. */
  tagDays: z.int().min(1).max(3650).nullable(),
  receiverSizeClass: sizeClass,
  receiverNonce: hexKey,
  createdAt: utcTime,
});

export type JobSpec = z.infer<typeof jobSpecSchema>;

const answerSchema = z.discriminatedUnion("decision", [
  z.strictObject({
    format: z.literal("entente-job-answer/1"),
    jobDigest: digestField,
    /** pending: a person at the provider decides first; ask again. */
    decision: z.enum(["admitted", "pending"]),
    answeredAt: utcTime,
  }),
  z.strictObject({
    format: z.literal("entente-job-answer/1"),
    jobDigest: digestField,
    decision: z.literal("refused"),
    code: z
      .string()
      .refine(isErrorCode)
      .transform((code) => code as ErrorCode),
    answeredAt: utcTime,
  }),
]);

export type JobAnswer = z.infer<typeof answerSchema>;

function read<T>(schema: z.ZodType<T>, bytes: Uint8Array, what: string): T {
  const parsed = schema.safeParse(parseCanonicalJson(bytes));
  if (!parsed.success)
    throw new EntenteError("WIRE_INVALID", { detail: `${what}: ${parsed.error.issues[0]?.path.join(".")}` });
  return parsed.data;
}

export function signJobSpec(spec: JobSpec, jobsKey: SigningKey): { envelope: Envelope; digest: Digest } {
  const signed = envelope(JOB_SPEC_TYPE, canonicalJson(jobSpecSchema.parse(spec) as unknown as Json), jobsKey);
  return { envelope: signed, digest: digestOf(signed.payload) };
}

/** Throws SIGNATURE_INVALID or WIRE_INVALID. Says nothing of whether the agreement allows the job. */
export function readJobSpec(signed: Envelope, receiverJobsKey: VerifyingKey): { spec: JobSpec; digest: Digest } {
  verify(signed, JOB_SPEC_TYPE, receiverJobsKey);
  const spec = read(jobSpecSchema, signed.payload, "job spec");
  if ((spec.operation === "score") !== (spec.model !== undefined))
    throw new EntenteError("WIRE_INVALID", { detail: "job spec: model" });
  if (spec.alignment === "shared" && spec.operation !== "score")
    throw new EntenteError("WIRE_INVALID", { detail: "job spec: alignment" });
  const { alignment, matched, receiverSizeClass } = spec;
  if ((alignment === "shared") !== (matched !== undefined) || (matched?.sizeClass ?? 0) > receiverSizeClass)
    throw new EntenteError("WIRE_INVALID", { detail: "job spec: matched" });
  const possible: readonly Output[] = OUTPUTS_OF[spec.operation];
  if (!possible.includes(spec.output)) throw new EntenteError("WIRE_INVALID", { detail: "job spec: output" });
  const isAggregate = AGGREGATE_OUTPUTS.includes(spec.output);
  if (isAggregate && spec.labels !== undefined) throw new EntenteError("WIRE_INVALID", { detail: "job spec: labels" });
  if (isAggregate !== (spec.tagDays === null)) throw new EntenteError("WIRE_INVALID", { detail: "job spec: tagDays" });
  if ((spec.output === "overlap-report") !== (spec.groups !== undefined))
    throw new EntenteError("WIRE_INVALID", { detail: "job spec: groups" });
  return { spec, digest: digestOf(signed.payload) };
}

export function signJobAnswer(answer: JobAnswer, jobsKey: SigningKey): Envelope {
  return envelope(JOB_ANSWER_TYPE, canonicalJson(answerSchema.parse(answer) as unknown as Json), jobsKey);
}

/** Throws SIGNATURE_INVALID, or SESSION_MISMATCH when it answers another job. */
export function readJobAnswer(signed: Envelope, providerJobsKey: VerifyingKey, jobDigest: Digest): JobAnswer {
  verify(signed, JOB_ANSWER_TYPE, providerJobsKey);
  const answer = read(answerSchema, signed.payload, "job answer");
  if (answer.jobDigest !== jobDigest)
    throw new EntenteError("SESSION_MISMATCH", { detail: "the answer is to another job" });
  return answer;
}
