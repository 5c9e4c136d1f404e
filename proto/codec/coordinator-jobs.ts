/** Job and receipt messages in their checked form. */
import { type ErrorCode, isErrorCode } from "../errors.ts";
import {
  type CollaborationId,
  collaborationId,
  type Digest,
  digest,
  type JobId,
  jobId,
  type PartyId,
  partyId,
} from "../ids.ts";
import {
  bytesOf,
  countOf,
  enumOf,
  invalid,
  MAX_ENVELOPE_BYTES,
  MAX_REQUEST_BYTES,
  MAX_RESPONSE_BYTES,
  PAGE_SIZE,
  timeOf,
  wire,
} from "./coordinator-checks.ts";
import { type Codec, messageCodec } from "./grpc.ts";

export const JOB_STATES = [
  "proposed",
  "admitted",
  "running",
  "releasing",
  "done",
  "refused",
  "failed",
  "cancelled",
] as const;
export type JobState = (typeof JOB_STATES)[number];
const jobStates = enumOf("state", JOB_STATES);

export interface CreateJobRequest {
  readonly jobId: JobId;
  readonly agreementDigest: Digest;
  readonly peer: PartyId;
  readonly jobDigest: Digest;
}

export const createJobRequest: Codec<CreateJobRequest> = messageCodec(
  wire.CreateJobRequest,
  MAX_REQUEST_BYTES,
  (value: CreateJobRequest) => value,
  (message) => ({
    jobId: jobId(message.jobId),
    agreementDigest: digest(message.agreementDigest),
    peer: partyId(message.peer),
    jobDigest: digest(message.jobDigest),
  }),
);

export interface Job extends CreateJobRequest {
  readonly collaborationId: CollaborationId;
  readonly requester: PartyId;
  readonly state: JobState;
  readonly reason?: ErrorCode | undefined;
  readonly updatedAt: string;
}

function jobToWire(value: Job) {
  return { ...value, state: jobStates.toWire(value.state), reason: value.reason ?? "" };
}

/** `failed` and `refused` always come with a reason, every other state without. */
function reasonOf(state: JobState, reason: string): ErrorCode | undefined {
  if ((state === "failed" || state === "refused") !== (reason !== "")) throw invalid("reason");
  if (reason !== "" && !isErrorCode(reason)) throw invalid("reason");
  return reason === "" ? undefined : (reason as ErrorCode);
}

function jobFromWire(message: InstanceType<typeof wire.Job>): Job {
  const state = jobStates.fromWire(message.state);
  return {
    jobId: jobId(message.jobId),
    agreementDigest: digest(message.agreementDigest),
    collaborationId: collaborationId(message.collaborationId),
    requester: partyId(message.requester),
    peer: partyId(message.peer),
    jobDigest: digest(message.jobDigest),
    state,
    reason: reasonOf(state, message.reason),
    updatedAt: timeOf("updated_at", message.updatedAt),
  };
}

export const job: Codec<Job> = messageCodec(wire.Job, MAX_RESPONSE_BYTES, jobToWire, jobFromWire);

export interface JobReport {
  readonly jobId: JobId;
  readonly state: JobState;
  readonly reason?: ErrorCode | undefined;
}

export const reportJobRequest: Codec<JobReport> = messageCodec(
  wire.ReportJobRequest,
  MAX_REQUEST_BYTES,
  (value: JobReport) => ({ ...value, state: jobStates.toWire(value.state), reason: value.reason ?? "" }),
  (message) => {
    const state = jobStates.fromWire(message.state);
    return { jobId: jobId(message.jobId), state, reason: reasonOf(state, message.reason) };
  },
);

export const getJobRequest: Codec<{ readonly jobId: JobId }> = messageCodec(
  wire.GetJobRequest,
  MAX_REQUEST_BYTES,
  (value: { readonly jobId: JobId }) => value,
  (message) => ({ jobId: jobId(message.jobId) }),
);

export const jobList: Codec<readonly Job[]> = messageCodec(
  wire.ListJobsResponse,
  MAX_RESPONSE_BYTES,
  (jobs: readonly Job[]) => ({ jobs: jobs.map(jobToWire) }),
  (message) => countOf("jobs", message.jobs, 0, PAGE_SIZE).map((item) => jobFromWire(new wire.Job(item))),
);

export interface SubmitReceiptRequest {
  readonly jobId: JobId;
  /** DSSE envelope, JSON, signed by both parties' jobs keys. */
  readonly envelope: Uint8Array;
}

export const submitReceiptRequest: Codec<SubmitReceiptRequest> = messageCodec(
  wire.SubmitReceiptRequest,
  MAX_REQUEST_BYTES,
  (value: SubmitReceiptRequest) => value,
  (message) => ({
    jobId: jobId(message.jobId),
    envelope: bytesOf("envelope", message.envelope, 1, MAX_ENVELOPE_BYTES),
  }),
);

export interface SubmittedReceipt {
  readonly collaborationId: CollaborationId;
  readonly entryDigest: Digest;
}

export const submitReceiptResponse: Codec<SubmittedReceipt> = messageCodec(
  wire.SubmitReceiptResponse,
  MAX_RESPONSE_BYTES,
  (value: SubmittedReceipt) => value,
  (message) => ({
    collaborationId: collaborationId(message.collaborationId),
    entryDigest: digest(message.entryDigest),
  }),
);
