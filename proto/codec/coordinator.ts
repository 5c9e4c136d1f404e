/**
 * The methods between a party and the coordinator, each with the codecs of its messages in their checked form. These are
 * the one door: sizes, counts, required members, enum values and the form of every id are checked there, on both sides.
 */
import { type CollaborationId, digest, jobId, partyId } from "../ids.ts";
import {
  agreementEntry,
  agreementList,
  fetchCheckpointRequest,
  fetchLogRequest,
  getAgreementRequest,
  type LogPiece,
  logCheckpoint,
  logPiece,
  recordAgreementRequest,
  submitCosignatureRequest,
  submitCosignatureResponse,
} from "./coordinator-agreements.ts";
import {
  fetchRevocationsRequest,
  fetchRevocationsResponse,
  renewCertificateRequest,
  renewCertificateResponse,
} from "./coordinator-certificates.ts";
import { pageRequest, wire } from "./coordinator-checks.ts";
import {
  createInviteRequest,
  createInviteResponse,
  enrolRequest,
  enrolResponse,
  lookupRequest,
  partyEntry,
  partyList,
  publishKeysetRequest,
  publishSuccessionRequest,
} from "./coordinator-directory.ts";
import {
  createJobRequest,
  getJobRequest,
  job,
  jobList,
  reportJobRequest,
  submitReceiptRequest,
  submitReceiptResponse,
} from "./coordinator-jobs.ts";
import {
  type InboxEvent,
  type InboxPosition,
  inboxEvent,
  inboxOpen,
  sessionRequest,
  sessionTicket,
} from "./coordinator-sessions.ts";
import type { Codec, Method } from "./grpc.ts";
import { type RelayFrame, relayFrame } from "./relay-frame.ts";

export {
  AGREEMENT_STATES,
  type AgreementEntry,
  type AgreementRecord,
  type AgreementState,
  type CheckpointRequest,
  type CosignatureSubmission,
  type LogCheckpoint,
  type LogPiece,
} from "./coordinator-agreements.ts";
export type { CertificateChain } from "./coordinator-certificates.ts";
export {
  MAX_ENVELOPE_BYTES,
  MAX_LOG_PIECE_BYTES,
  MAX_PARTIES,
  MAX_REQUEST_BYTES,
  MAX_RESPONSE_BYTES,
  MAX_SUCCESSIONS,
  PAGE_SIZE,
} from "./coordinator-checks.ts";
export type {
  CreatedInvite,
  EnrolRequest,
  EnrolResponse,
  PartyEntry,
  SuccessionBytes,
} from "./coordinator-directory.ts";
export {
  type CreateJobRequest,
  JOB_STATES,
  type Job,
  type JobReport,
  type JobState,
  type SubmitReceiptRequest,
  type SubmittedReceipt,
} from "./coordinator-jobs.ts";
export type {
  InboxEvent,
  InboxPosition,
  SessionPurpose,
  SessionRequest,
  SessionTicket,
  Wake,
} from "./coordinator-sessions.ts";

function unary<Request, Response>(name: string, request: Codec<Request>, response: Codec<Response>) {
  const path = `/entente.v1.${name}`;
  return { path, requestStream: false, responseStream: false, request, response } satisfies Method<Request, Response>;
}

export const ENROL = unary("Enrolment/Enrol", enrolRequest, enrolResponse);
export const RENEW_CERTIFICATE = unary("Certificates/Renew", renewCertificateRequest, renewCertificateResponse);
export const FETCH_REVOCATIONS = unary("Revocations/Fetch", fetchRevocationsRequest, fetchRevocationsResponse);
export const LOOKUP = unary("Directory/Lookup", lookupRequest, partyEntry);
export const LIST_PARTIES = unary("Directory/List", pageRequest(wire.ListPartiesRequest, partyId), partyList);
export const PUBLISH_KEYSET = unary("Directory/PublishKeyset", publishKeysetRequest, partyEntry);
export const PUBLISH_SUCCESSION = unary("Directory/PublishSuccession", publishSuccessionRequest, partyEntry);
export const CREATE_INVITE = unary("Directory/CreateInvite", createInviteRequest, createInviteResponse);
export const REQUEST_SESSION = unary("Sessions/Request", sessionRequest, sessionTicket);
export const RECORD_AGREEMENT = unary("Agreements/Record", recordAgreementRequest, agreementEntry);
export const GET_AGREEMENT = unary("Agreements/Get", getAgreementRequest, agreementEntry);
export const LIST_AGREEMENTS = unary("Agreements/List", pageRequest(wire.ListAgreementsRequest, digest), agreementList);
export const FETCH_CHECKPOINT = unary("Agreements/FetchCheckpoint", fetchCheckpointRequest, logCheckpoint);
export const SUBMIT_COSIGNATURE = unary(
  "Agreements/SubmitCosignature",
  submitCosignatureRequest,
  submitCosignatureResponse,
);
export const CREATE_JOB = unary("Jobs/Create", createJobRequest, job);
export const REPORT_JOB = unary("Jobs/Report", reportJobRequest, job);
export const GET_JOB = unary("Jobs/Get", getJobRequest, job);
export const LIST_JOBS = unary("Jobs/List", pageRequest(wire.ListJobsRequest, jobId), jobList);
export const SUBMIT_RECEIPT = unary("Jobs/SubmitReceipt", submitReceiptRequest, submitReceiptResponse);

export const OPEN_INBOX: Method<InboxPosition | undefined, InboxEvent> = {
  path: "/entente.v1.Inbox/Open",
  requestStream: false,
  responseStream: true,
  request: inboxOpen,
  response: inboxEvent,
};

export const FETCH_LOG: Method<{ readonly collaborationId: CollaborationId }, LogPiece> = {
  path: "/entente.v1.Agreements/FetchLog",
  requestStream: false,
  responseStream: true,
  request: fetchLogRequest,
  response: logPiece,
};

export const CONNECT_RELAY: Method<RelayFrame, RelayFrame> = {
  path: "/entente.v1.Relay/Connect",
  requestStream: true,
  responseStream: true,
  request: relayFrame,
  response: relayFrame,
};
