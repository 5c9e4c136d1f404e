/** The party's side of every coordinator RPC. Tests and simulators implement it without a network. */
import type { Duplex } from "node:stream";
import type {
  AgreementEntry,
  AgreementRecord,
  CertificateChain,
  CheckpointRequest,
  CosignatureSubmission,
  CreatedInvite,
  CreateJobRequest,
  InboxPosition,
  Job,
  JobReport,
  LogCheckpoint,
  PartyEntry,
  SessionRequest,
  SessionTicket,
  SubmitReceiptRequest,
  SubmittedReceipt,
  SuccessionBytes,
  Wake,
} from "../../proto/codec/coordinator.ts";
import type { Endpoint } from "../../proto/codec/endpoint.ts";
import type { EntenteError } from "../../proto/errors.ts";
import type { LogFile } from "../../proto/evidence/log.ts";
import type { CollaborationId, Digest, JobId, PartyId, RelayId } from "../../proto/ids.ts";
import type { Secret } from "../../proto/keys/secret.ts";

export interface InboxListener {
  /** In the order of their numbers. What a coordinator sends twice or late is not handed on. */
  onWake(wake: Wake): void;
  /** Once; the inbox is closed. ALREADY_EXISTS: another process opened this party's inbox. */
  onEnd(error: EntenteError): void;
}

export interface DialOptions {
  readonly endpoint: Endpoint;
  /** The coordinator's CA, as pinned at enrolment. */
  readonly caPem: string;
  /** This party's certificate and its key. */
  readonly certPem: string;
  readonly keyPem: Secret<string>;
  readonly enrolmentEndpoint?: Endpoint | undefined;
}

export interface OpenInbox {
  /** Of the coordinator's process: in another one wakes are numbered anew. */
  readonly run: string;
  /** `onEnd` is not called for this. */
  close(): void;
}

/**
 * Unary calls have a deadline and throw the coordinator's typed error; COORDINATOR_UNREACHABLE when it does not answer,
 * CERTIFICATE_REFUSED when this party was revoked. What a call returns is well formed but as true as the coordinator
 * is honest: verify keysets under confirmed identities, and log files under the log's key.
 */
export interface CoordinatorLink {
  lookup(party: PartyId): Promise<PartyEntry>;
  /** All pages. */
  listParties(): Promise<PartyEntry[]>;
  /** DSSE envelope, canonical JSON. */
  publishKeyset(keyset: Uint8Array): Promise<PartyEntry>;
  /** This party's own; or another's that the coordinator knows, with this party's countersignature. */
  publishSuccession(succession: SuccessionBytes): Promise<PartyEntry>;
  createInvite(party: PartyId): Promise<CreatedInvite>;

  /** Resolves when peers can reach this party. `position`: wakes up to there have come already. */
  openInbox(listener: InboxListener, position?: InboxPosition): Promise<OpenInbox>;
  requestSession(request: SessionRequest): Promise<SessionTicket>;
  /**
   * A byte stream to the peer of a meeting, with back-pressure; resolves when the peer is there. Half-closing works as
   * with a socket. Fails with PEER_TIMEOUT when the peer does not come, and is destroyed with PEER_GONE when it goes.
   */
  connectRelay(relayId: RelayId): Promise<Duplex>;

  recordAgreement(record: AgreementRecord): Promise<AgreementEntry>;
  getAgreement(agreementDigest: Digest): Promise<AgreementEntry>;
  listAgreements(): Promise<AgreementEntry[]>;

  createJob(request: CreateJobRequest): Promise<Job>;
  reportJob(report: JobReport): Promise<Job>;
  getJob(jobId: JobId): Promise<Job>;
  listJobs(): Promise<Job[]>;
  submitReceipt(request: SubmitReceiptRequest): Promise<SubmittedReceipt>;

  /** The coordinator's log of a collaboration, as it is at one moment. Not verified here. */
  fetchLog(collaborationId: CollaborationId): Promise<LogFile[]>;

  /** The newest checkpoint of that log, with a proof from the size that this party cosigned last. Not verified here. */
  fetchCheckpoint(request: CheckpointRequest): Promise<LogCheckpoint>;
  submitCosignature(submission: CosignatureSubmission): Promise<void>;

  /** For this party: DER of its certificate and the CA's, over a new key. PKCS #10, DER. Not looked at here. */
  renewCertificate(certificateRequest: Uint8Array): Promise<CertificateChain>;
  /** From now on calls are made so; streams that are open go on, and the inbox is opened anew. */
  redial(options: DialOptions): void;

  /** Breaks off what is in progress. */
  close(): void;
}
