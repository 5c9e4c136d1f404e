/** Agreement messages, and those of the coordinator's log of a collaboration, in their checked form. */
import { fromUtf8, utf8 } from "../encoding/bytes.ts";
import { HASH_BYTES, MAX_PROOF_HASHES } from "../evidence/merkle.ts";
import { type CollaborationId, collaborationId, type Digest, digest, type PartyId } from "../ids.ts";
import {
  bytesOf,
  countOf,
  enumOf,
  MAX_ENVELOPE_BYTES,
  MAX_LOG_PIECE_BYTES,
  MAX_REQUEST_BYTES,
  MAX_RESPONSE_BYTES,
  PAGE_SIZE,
  sortedParties,
  textOf,
  wire,
} from "./coordinator-checks.ts";
import { type Codec, messageCodec } from "./grpc.ts";

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

export const recordAgreementRequest: Codec<AgreementRecord> = messageCodec(
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

export const agreementEntry: Codec<AgreementEntry> = messageCodec(
  wire.AgreementEntry,
  MAX_RESPONSE_BYTES,
  agreementEntryToWire,
  agreementEntryFromWire,
);

export const getAgreementRequest: Codec<{ readonly agreementDigest: Digest }> = messageCodec(
  wire.GetAgreementRequest,
  MAX_REQUEST_BYTES,
  (value: { readonly agreementDigest: Digest }) => value,
  (message) => ({ agreementDigest: digest(message.agreementDigest) }),
);

export const agreementList: Codec<readonly AgreementEntry[]> = messageCodec(
  wire.ListAgreementsResponse,
  MAX_RESPONSE_BYTES,
  (agreements: readonly AgreementEntry[]) => ({ agreements: agreements.map(agreementEntryToWire) }),
  (message) =>
    countOf("agreements", message.agreements, 0, PAGE_SIZE).map((item) =>
      agreementEntryFromWire(new wire.AgreementEntry(item)),
    ),
);

/** Names of folders and files of a log: no empty, hidden or parent component, so that a path cannot leave the log's folder. */
const LOG_PATH = /^[a-z0-9][a-z0-9.-]{0,63}(?:\/[a-z0-9][a-z0-9.-]{0,63}){0,7}$/;

export const fetchLogRequest: Codec<{ readonly collaborationId: CollaborationId }> = messageCodec(
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

export const logPiece: Codec<LogPiece> = messageCodec(
  wire.LogPiece,
  MAX_RESPONSE_BYTES,
  (value: LogPiece) => value,
  (message) => ({
    path: textOf("path", message.path, LOG_PATH),
    content: bytesOf("content", message.content, 0, MAX_LOG_PIECE_BYTES),
    last: message.last,
  }),
);

export interface CheckpointRequest {
  readonly collaborationId: CollaborationId;
  /** What the caller cosigned last; 0 for none. */
  readonly oldSize: number;
}

export const fetchCheckpointRequest: Codec<CheckpointRequest> = messageCodec(
  wire.FetchCheckpointRequest,
  MAX_REQUEST_BYTES,
  (value: CheckpointRequest) => value,
  (message) => ({ collaborationId: collaborationId(message.collaborationId), oldSize: message.oldSize }),
);

export interface LogCheckpoint {
  /** A signed note. */
  readonly note: Uint8Array;
  /** From the old size; empty when the log is no longer than that. */
  readonly proof: readonly Uint8Array[];
}

export const logCheckpoint: Codec<LogCheckpoint> = messageCodec(
  wire.LogCheckpoint,
  MAX_RESPONSE_BYTES,
  (value: LogCheckpoint) => ({ note: value.note, proof: [...value.proof] }),
  (message) => ({
    note: bytesOf("note", message.note, 1, MAX_ENVELOPE_BYTES),
    proof: countOf("proof", message.proof, 0, MAX_PROOF_HASHES).map((hash) => bytesOf("proof", hash, HASH_BYTES)),
  }),
);

export interface CosignatureSubmission {
  readonly collaborationId: CollaborationId;
  readonly size: number;
  /** A note signature line with its newline, by the caller's cosigner key. */
  readonly line: string;
}

const MAX_LINE_BYTES = 512;

export const submitCosignatureRequest: Codec<CosignatureSubmission> = messageCodec(
  wire.SubmitCosignatureRequest,
  MAX_REQUEST_BYTES,
  (value: CosignatureSubmission) => ({ ...value, line: utf8(value.line) }),
  (message) => ({
    collaborationId: collaborationId(message.collaborationId),
    size: message.size,
    line: fromUtf8(bytesOf("line", message.line, 1, MAX_LINE_BYTES)),
  }),
);

export const submitCosignatureResponse: Codec<undefined> = messageCodec(
  wire.SubmitCosignatureResponse,
  MAX_RESPONSE_BYTES,
  () => ({}),
  () => undefined,
);
