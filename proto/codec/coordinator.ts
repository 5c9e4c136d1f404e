/**
 * Every message between a party and the coordinator in its checked form, and the methods that carry them. This is the
 * one door: sizes, counts, required members, enum values and the form of every id are checked here, on both sides.
 */
import { utcTime } from "../agreement/fields.ts";
import { EntenteError, type ErrorCode, isErrorCode } from "../errors.ts";
import { entente } from "../gen/messages.js";
import {
  type CollaborationId,
  collaborationId,
  type Digest,
  digest,
  type JobId,
  jobId,
  type PartyId,
  partyId,
  type RelayId,
  relayId,
} from "../ids.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "./endpoint.ts";
import { type Codec, type Method, messageCodec } from "./grpc.ts";
import { INVITE_SECRET_BYTES } from "./invite.ts";
import { MAX_RELAY_DATA_BYTES, type RelayFrame, relayFrame } from "./relay-frame.ts";

const wire = entente.v1;

const PUBLIC_KEY_BYTES = 32;
const MAX_CERTIFICATE_BYTES = 8_192;
const MAX_KEYSET_BYTES = 8_192;
const MAX_CODE_CHARACTERS = 2_048;
/** A log entry's limit (C2SP tlog-tiles: entries carry a 16-bit length). */
export const MAX_ENVELOPE_BYTES = 65_535;
export const MAX_PARTIES = 8;
export const PAGE_SIZE = 100;
export const MAX_LOG_PIECE_BYTES = 1_048_576;
/** Of a request: the largest is a relay frame or a receipt, with a little around it. */
export const MAX_REQUEST_BYTES = MAX_RELAY_DATA_BYTES + 1_024;
/** Of a response: the largest is a piece of a log, or a page of the directory with its keysets. */
export const MAX_RESPONSE_BYTES = 2 * MAX_LOG_PIECE_BYTES;

// ---- checks ----

function invalid(field: string): EntenteError {
  return new EntenteError("WIRE_INVALID", { detail: field });
}

function bytesOf(field: string, value: Uint8Array, minimum: number, maximum = minimum): Uint8Array {
  if (value.length < minimum) throw invalid(field);
  if (value.length > maximum) throw new EntenteError("WIRE_TOO_LARGE", { detail: field });
  return value;
}

function countOf<T>(field: string, values: readonly T[], minimum: number, maximum: number): readonly T[] {
  if (values.length < minimum) throw invalid(field);
  if (values.length > maximum) throw new EntenteError("WIRE_TOO_LARGE", { detail: field });
  return values;
}

function textOf(field: string, value: string, pattern: RegExp): string {
  if (!pattern.test(value)) throw invalid(field);
  return value;
}

function timeOf(field: string, value: string): string {
  if (!utcTime.safeParse(value).success) throw invalid(field);
  return value;
}

/** An empty string on the wire is an absent member. */
function optional<T extends string>(value: string, check: (text: string) => T): T | undefined {
  return value === "" ? undefined : check(value);
}

/** Names of an enum in the order of their numbers, from 1; 0 is "unspecified" and never valid. */
function enumOf<const Names extends readonly string[]>(field: string, names: Names) {
  return {
    toWire: (name: Names[number]): number => names.indexOf(name) + 1,
    fromWire(value: number): Names[number] {
      const name = names[value - 1];
      if (name === undefined) throw invalid(field);
      return name;
    },
  };
}

function sortedParties(field: string, values: readonly string[]): readonly PartyId[] {
  const parties = countOf(field, values, 2, MAX_PARTIES).map(partyId);
  if (parties.some((party, i) => i > 0 && party <= (parties[i - 1] as string))) throw invalid(field);
  return parties;
}

// ---- enrolment ----

export interface EnrolRequest {
  readonly inviteSecret: Uint8Array;
  readonly certificateRequest: Uint8Array;
  readonly identityPublicKey: Uint8Array;
  readonly keyset: Uint8Array;
}

const enrolRequest: Codec<EnrolRequest> = messageCodec(
  wire.EnrolRequest,
  MAX_REQUEST_BYTES,
  (value: EnrolRequest) => value,
  (message) => ({
    inviteSecret: bytesOf("invite_secret", message.inviteSecret, INVITE_SECRET_BYTES),
    certificateRequest: bytesOf("certificate_request", message.certificateRequest, 1, MAX_CERTIFICATE_BYTES),
    identityPublicKey: bytesOf("identity_public_key", message.identityPublicKey, PUBLIC_KEY_BYTES),
    keyset: bytesOf("keyset", message.keyset, 1, MAX_KEYSET_BYTES),
  }),
);

export interface EnrolResponse {
  /** DER: the party's certificate, then the CA's. */
  readonly certificateChain: readonly Uint8Array[];
  readonly coordinator: PartyId;
  readonly endpoint: Endpoint;
  readonly identityPublicKey: Uint8Array;
  /** DSSE envelope, JSON: names the key that signs the checkpoints of its logs. */
  readonly keyset: Uint8Array;
}

const enrolResponse: Codec<EnrolResponse> = messageCodec(
  wire.EnrolResponse,
  MAX_RESPONSE_BYTES,
  (value: EnrolResponse) => ({
    ...value,
    certificateChain: [...value.certificateChain],
    endpoint: formatEndpoint(value.endpoint),
  }),
  (message) => ({
    certificateChain: countOf("certificate_chain", message.certificateChain, 2, 2).map((der) =>
      bytesOf("certificate_chain", der, 1, MAX_CERTIFICATE_BYTES),
    ),
    coordinator: partyId(message.coordinator),
    endpoint: parseEndpoint(message.endpoint),
    identityPublicKey: bytesOf("identity_public_key", message.identityPublicKey, PUBLIC_KEY_BYTES),
    keyset: bytesOf("keyset", message.keyset, 1, MAX_KEYSET_BYTES),
  }),
);

// ---- directory ----

export interface PartyEntry {
  readonly party: PartyId;
  readonly identityPublicKey: Uint8Array;
  /** DSSE envelope, JSON; the reader verifies it under an identity that it has confirmed. */
  readonly keyset: Uint8Array;
  readonly connected: boolean;
}

function partyEntryFromWire(message: InstanceType<typeof wire.PartyEntry>): PartyEntry {
  return {
    party: partyId(message.party),
    identityPublicKey: bytesOf("identity_public_key", message.identityPublicKey, PUBLIC_KEY_BYTES),
    keyset: bytesOf("keyset", message.keyset, 1, MAX_KEYSET_BYTES),
    connected: message.connected,
  };
}

const partyEntry: Codec<PartyEntry> = messageCodec(
  wire.PartyEntry,
  MAX_RESPONSE_BYTES,
  (value: PartyEntry) => value,
  partyEntryFromWire,
);

const lookupRequest: Codec<{ readonly party: PartyId }> = messageCodec(
  wire.LookupRequest,
  MAX_REQUEST_BYTES,
  (value: { readonly party: PartyId }) => value,
  (message) => ({ party: partyId(message.party) }),
);

interface PageAfter<Id extends string> {
  /** The last of the page before. */
  readonly after?: Id | undefined;
}

function pageRequest<Id extends string>(
  type: typeof wire.ListPartiesRequest | typeof wire.ListAgreementsRequest | typeof wire.ListJobsRequest,
  check: (text: string) => Id,
): Codec<PageAfter<Id>> {
  return messageCodec(
    type as typeof wire.ListPartiesRequest,
    MAX_REQUEST_BYTES,
    (value: PageAfter<Id>) => ({ after: value.after ?? "" }),
    (message) => ({ after: optional(message.after, check) }),
  );
}

const partyList: Codec<readonly PartyEntry[]> = messageCodec(
  wire.ListPartiesResponse,
  MAX_RESPONSE_BYTES,
  (parties: readonly PartyEntry[]) => ({ parties: [...parties] }),
  (message) =>
    countOf("parties", message.parties, 0, PAGE_SIZE).map((item) => partyEntryFromWire(new wire.PartyEntry(item))),
);

const publishKeysetRequest: Codec<{ readonly keyset: Uint8Array }> = messageCodec(
  wire.PublishKeysetRequest,
  MAX_REQUEST_BYTES,
  (value: { readonly keyset: Uint8Array }) => value,
  (message) => ({ keyset: bytesOf("keyset", message.keyset, 1, MAX_KEYSET_BYTES) }),
);

const createInviteRequest: Codec<{ readonly party: PartyId }> = messageCodec(
  wire.CreateInviteRequest,
  MAX_REQUEST_BYTES,
  (value: { readonly party: PartyId }) => value,
  (message) => ({ party: partyId(message.party) }),
);

export interface CreatedInvite {
  readonly code: string;
  readonly expiresAt: string;
}

const createInviteResponse: Codec<CreatedInvite> = messageCodec(
  wire.CreateInviteResponse,
  MAX_RESPONSE_BYTES,
  (value: CreatedInvite) => value,
  (message) => ({
    code: textOf("code", message.code, new RegExp(`^[A-Za-z0-9_-]{1,${MAX_CODE_CHARACTERS}}$`)),
    expiresAt: timeOf("expires_at", message.expiresAt),
  }),
);

// ---- sessions and inbox ----

const sessionKinds = enumOf("kind", ["control", "job"]);

/** What a session is for. A control session belongs to no job. */
export type SessionPurpose =
  | { readonly kind: "control" }
  | { readonly kind: "job"; readonly jobId: JobId; readonly attempt: number };

function purposeToWire(purpose: SessionPurpose) {
  return purpose.kind === "control"
    ? { kind: sessionKinds.toWire("control") }
    : { kind: sessionKinds.toWire("job"), jobId: purpose.jobId, attempt: purpose.attempt };
}

function purposeFromWire(message: { kind: number; jobId: string; attempt: number }): SessionPurpose {
  if (sessionKinds.fromWire(message.kind) === "job") {
    if (message.attempt < 1) throw invalid("attempt");
    return { kind: "job", jobId: jobId(message.jobId), attempt: message.attempt };
  }
  if (message.jobId !== "" || message.attempt !== 0) throw invalid("job_id of a control session");
  return { kind: "control" };
}

export interface SessionRequest {
  readonly peer: PartyId;
  readonly purpose: SessionPurpose;
}

const sessionRequest: Codec<SessionRequest> = messageCodec(
  wire.SessionRequest,
  MAX_REQUEST_BYTES,
  (value: SessionRequest) => ({ peer: value.peer, ...purposeToWire(value.purpose) }),
  (message) => ({ peer: partyId(message.peer), purpose: purposeFromWire(message) }),
);

export interface SessionTicket {
  readonly relayId: RelayId;
  readonly expiresInSeconds: number;
}

const sessionTicket: Codec<SessionTicket> = messageCodec(
  wire.SessionTicket,
  MAX_RESPONSE_BYTES,
  (value: SessionTicket) => value,
  (message) => ({ relayId: relayId(message.relayId), expiresInSeconds: message.expiresInSeconds }),
);

export interface Wake extends SessionTicket {
  readonly from: PartyId;
  readonly purpose: SessionPurpose;
}

export type InboxEvent = { readonly kind: "opened" } | { readonly kind: "wake"; readonly wake: Wake };

const inboxEvent: Codec<InboxEvent> = messageCodec(
  wire.InboxEvent,
  MAX_RESPONSE_BYTES,
  (value: InboxEvent) => {
    if (value.kind === "opened") return { opened: {} };
    const { relayId, from, purpose, expiresInSeconds } = value.wake;
    return { wake: { relayId, from, expiresInSeconds, ...purposeToWire(purpose) } };
  },
  (message): InboxEvent => {
    if (message.event === "opened") return { kind: "opened" };
    if (message.event !== "wake" || !message.wake) throw invalid("event");
    const wake = new wire.Wake(message.wake);
    return {
      kind: "wake",
      wake: {
        relayId: relayId(wake.relayId),
        from: partyId(wake.from),
        purpose: purposeFromWire(wake),
        expiresInSeconds: wake.expiresInSeconds,
      },
    };
  },
);

const nothing = { encode: () => ({ finish: () => new Uint8Array(0) }), decode: () => undefined };
const inboxOpen: Codec<undefined> = messageCodec(
  nothing,
  MAX_REQUEST_BYTES,
  () => undefined,
  () => undefined,
);

// ---- agreements ----

export const AGREEMENT_STATES = ["proposed", "active", "revoked"] as const;
export type AgreementState = (typeof AGREEMENT_STATES)[number];
const agreementStates = enumOf("state", AGREEMENT_STATES);

export interface AgreementRecord {
  readonly agreementDigest: Digest;
  /** Sorted, each once. */
  readonly parties: readonly PartyId[];
  /** As the caller sees it. */
  readonly state: AgreementState;
}

const recordAgreementRequest: Codec<AgreementRecord> = messageCodec(
  wire.RecordAgreementRequest,
  MAX_REQUEST_BYTES,
  (value: AgreementRecord) => ({
    ...value,
    parties: [...value.parties],
    state: agreementStates.toWire(value.state),
  }),
  (message) => ({
    agreementDigest: digest(message.agreementDigest),
    parties: sortedParties("parties", message.parties),
    state: agreementStates.fromWire(message.state),
  }),
);

export interface AgreementEntry extends AgreementRecord {
  readonly collaborationId: CollaborationId;
}

function agreementEntryToWire(value: AgreementEntry) {
  return { ...value, parties: [...value.parties], state: agreementStates.toWire(value.state) };
}

function agreementEntryFromWire(message: InstanceType<typeof wire.AgreementEntry>): AgreementEntry {
  return {
    agreementDigest: digest(message.agreementDigest),
    collaborationId: collaborationId(message.collaborationId),
    parties: sortedParties("parties", message.parties),
    state: agreementStates.fromWire(message.state),
  };
}

const agreementEntry: Codec<AgreementEntry> = messageCodec(
  wire.AgreementEntry,
  MAX_RESPONSE_BYTES,
  agreementEntryToWire,
  agreementEntryFromWire,
);

const getAgreementRequest: Codec<{ readonly agreementDigest: Digest }> = messageCodec(
  wire.GetAgreementRequest,
  MAX_REQUEST_BYTES,
  (value: { readonly agreementDigest: Digest }) => value,
  (message) => ({ agreementDigest: digest(message.agreementDigest) }),
);

const agreementList: Codec<readonly AgreementEntry[]> = messageCodec(
  wire.ListAgreementsResponse,
  MAX_RESPONSE_BYTES,
  (agreements: readonly AgreementEntry[]) => ({ agreements: agreements.map(agreementEntryToWire) }),
  (message) =>
    countOf("agreements", message.agreements, 0, PAGE_SIZE).map((item) =>
      agreementEntryFromWire(new wire.AgreementEntry(item)),
    ),
);

// ---- the coordinator's log ----

/** Names of folders and files of a log: no empty, hidden or parent component, so that a path cannot leave the log's folder. */
const LOG_PATH = /^[a-z0-9][a-z0-9.-]{0,63}(?:\/[a-z0-9][a-z0-9.-]{0,63}){0,7}$/;

const fetchLogRequest: Codec<{ readonly collaborationId: CollaborationId }> = messageCodec(
  wire.FetchLogRequest,
  MAX_REQUEST_BYTES,
  (value: { readonly collaborationId: CollaborationId }) => value,
  (message) => ({ collaborationId: collaborationId(message.collaborationId) }),
);

export interface LogPiece {
  readonly path: string;
  readonly content: Uint8Array;
  /** Of this file. */
  readonly last: boolean;
}

const logPiece: Codec<LogPiece> = messageCodec(
  wire.LogPiece,
  MAX_RESPONSE_BYTES,
  (value: LogPiece) => value,
  (message) => ({
    path: textOf("path", message.path, LOG_PATH),
    content: bytesOf("content", message.content, 0, MAX_LOG_PIECE_BYTES),
    last: message.last,
  }),
);

// ---- jobs ----

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

const createJobRequest: Codec<CreateJobRequest> = messageCodec(
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

const job: Codec<Job> = messageCodec(wire.Job, MAX_RESPONSE_BYTES, jobToWire, jobFromWire);

export interface JobReport {
  readonly jobId: JobId;
  readonly state: JobState;
  readonly reason?: ErrorCode | undefined;
}

const reportJobRequest: Codec<JobReport> = messageCodec(
  wire.ReportJobRequest,
  MAX_REQUEST_BYTES,
  (value: JobReport) => ({ ...value, state: jobStates.toWire(value.state), reason: value.reason ?? "" }),
  (message) => {
    const state = jobStates.fromWire(message.state);
    return { jobId: jobId(message.jobId), state, reason: reasonOf(state, message.reason) };
  },
);

const getJobRequest: Codec<{ readonly jobId: JobId }> = messageCodec(
  wire.GetJobRequest,
  MAX_REQUEST_BYTES,
  (value: { readonly jobId: JobId }) => value,
  (message) => ({ jobId: jobId(message.jobId) }),
);

const jobList: Codec<readonly Job[]> = messageCodec(
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

const submitReceiptRequest: Codec<SubmitReceiptRequest> = messageCodec(
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

const submitReceiptResponse: Codec<SubmittedReceipt> = messageCodec(
  wire.SubmitReceiptResponse,
  MAX_RESPONSE_BYTES,
  (value: SubmittedReceipt) => value,
  (message) => ({
    collaborationId: collaborationId(message.collaborationId),
    entryDigest: digest(message.entryDigest),
  }),
);

// ---- methods ----

function unary<Request, Response>(name: string, request: Codec<Request>, response: Codec<Response>) {
  const path = `/entente.v1.${name}`;
  return { path, requestStream: false, responseStream: false, request, response } satisfies Method<Request, Response>;
}

export const ENROL = unary("Enrolment/Enrol", enrolRequest, enrolResponse);
export const LOOKUP = unary("Directory/Lookup", lookupRequest, partyEntry);
export const LIST_PARTIES = unary("Directory/List", pageRequest(wire.ListPartiesRequest, partyId), partyList);
export const PUBLISH_KEYSET = unary("Directory/PublishKeyset", publishKeysetRequest, partyEntry);
export const CREATE_INVITE = unary("Directory/CreateInvite", createInviteRequest, createInviteResponse);
export const REQUEST_SESSION = unary("Sessions/Request", sessionRequest, sessionTicket);
export const RECORD_AGREEMENT = unary("Agreements/Record", recordAgreementRequest, agreementEntry);
export const GET_AGREEMENT = unary("Agreements/Get", getAgreementRequest, agreementEntry);
export const LIST_AGREEMENTS = unary("Agreements/List", pageRequest(wire.ListAgreementsRequest, digest), agreementList);
export const CREATE_JOB = unary("Jobs/Create", createJobRequest, job);
export const REPORT_JOB = unary("Jobs/Report", reportJobRequest, job);
export const GET_JOB = unary("Jobs/Get", getJobRequest, job);
export const LIST_JOBS = unary("Jobs/List", pageRequest(wire.ListJobsRequest, jobId), jobList);
export const SUBMIT_RECEIPT = unary("Jobs/SubmitReceipt", submitReceiptRequest, submitReceiptResponse);

export const OPEN_INBOX: Method<undefined, InboxEvent> = {
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
