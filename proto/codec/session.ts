/** Session messages to and from frames: the door where a peer's bytes of the session layer are checked. */

import { MAX_ID_COLUMNS } from "../agreement/fields.ts";
import { fromUtf8, utf8 } from "../encoding/bytes.ts";

import { decodeEnvelope, type Envelope, encodeEnvelope } from "../encoding/dsse.ts";
import { EntenteError, type ErrorCode, isErrorCode } from "../errors.ts";
import { MAX_ENTRY_BYTES } from "../evidence/tiles.ts";
import { entente } from "../gen/messages.js";
import { type CollaborationId, collaborationId, type Digest, digest, type JobId, jobId } from "../ids.ts";
import { RULE_CODES } from "../policy/rules.ts";
import {
  MAX_PUBLISHED_SEGMENTS,
  type SegmentRef,
  segmentDescriptionField,
  segmentRefField,
} from "../segments/names.ts";
import { type Endpoint, formatEndpoint, parseEndpoint } from "./endpoint.ts";
import type { Frame } from "./frame.ts";

/** All that a peer is told of a segment. */
export interface SegmentDescriptor extends SegmentRef {
  readonly description: string;
}

export interface DatasetDescriptor {
  readonly name: string;
  /** In order; of each its normaliser's profile. */
  readonly ids: readonly { readonly column: string; readonly normaliser: string }[];
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** Those that are published. */
  readonly segments: readonly SegmentDescriptor[];
}

/** What a node runs, as it says itself: for people who look for a mismatch. Nothing is decided by it. */
export interface Software {
  readonly version: string;
  /** Protocols, each with the first bytes of its parameters' digest: `psi-vole/0a1b2c3d`. */
  readonly suites: readonly string[];
  /** The node's clock, ISO 8601. */
  readonly at: string;
}

export interface PartitionOfAttempt {
  readonly partition: number;
  readonly attempt: number;
}

export interface WirePrepareRequest {
  readonly jobId: JobId;
  readonly lastAttempt: number;
  readonly finished: readonly PartitionOfAttempt[];
  /** The receiver's signed statement that the agreement is in force. */
  readonly inForce: Envelope;
}

export interface WirePrepareResponse {
  readonly sizeClass: number;
  readonly nonce: Uint8Array;
  readonly attempt: number;
  readonly finished: readonly PartitionOfAttempt[];
  /** 32 bytes: tag of the provider's dataset version, equal for one version within an epoch. */
  readonly version: Uint8Array;
  readonly inForce: Envelope;
}

export interface WireReleaseRequest {
  /** The receipt, signed by both. */
  readonly receipt: Envelope;
  /** The receiver's signed statement that the agreement is in force. */
  readonly inForce: Envelope;
}

/** What a receiver says of a job whose keys were released to it. */
export interface KeysHeld {
  readonly holdsKeys: boolean;
  /** It will not come for them any more. */
  readonly hasEnded: boolean;
}

export interface WireTreeHead {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

/** What a witness has cosigned of a log: size 0 and no origin before the first time. */
export interface WitnessState {
  readonly origin: string;
  readonly size: number;
}

export interface WireLogOffer {
  readonly oldSize: number;
  readonly proof: readonly Uint8Array[];
  /** A signed note. */
  readonly note: Uint8Array;
  /** Of a log that follows the one that the witness knows. */
  readonly first?: { readonly entry: Uint8Array; readonly proof: readonly Uint8Array[] } | undefined;
}

export interface WireCheckpointOffer extends WireLogOffer {
  readonly receiptIndex: number;
  readonly inclusionProof: readonly Uint8Array[];
}

export type SessionMessage =
  /** `address`: where this node takes direct connections for the session. */
  | { readonly kind: "hello"; readonly envelope: Envelope; readonly address?: Endpoint | undefined }
  | { readonly kind: "failure"; readonly code: ErrorCode }
  | { readonly kind: "describeRequest" }
  | { readonly kind: "describeResponse"; readonly datasets: readonly DatasetDescriptor[]; readonly software: Software }
  | { readonly kind: "agreementOffer"; readonly envelope: Envelope }
  | { readonly kind: "agreementReply"; readonly envelope: Envelope | undefined }
  | { readonly kind: "jobOffer"; readonly specEnvelope: Envelope }
  | { readonly kind: "jobReply"; readonly answerEnvelope: Envelope }
  | ({ readonly kind: "prepareRequest" } & WirePrepareRequest)
  | ({ readonly kind: "prepareResponse" } & WirePrepareResponse)
  | { readonly kind: "goodbye" }
  | { readonly kind: "revocationNotice"; readonly envelope: Envelope }
  | { readonly kind: "noted" }
  | { readonly kind: "inForceRequest"; readonly agreement: Digest }
  | { readonly kind: "inForceReply"; readonly envelope: Envelope | undefined }
  | { readonly kind: "jobDecided"; readonly jobId: JobId }
  | {
      readonly kind: "receiptPart";
      readonly inputCommitment: Uint8Array;
      readonly lastCosigned: WireTreeHead | undefined;
      /** Of aggregate outputs. */
      readonly sketchCommitment: Uint8Array | undefined;
    }
  | { readonly kind: "receiptSignature"; readonly envelope: Envelope }
  | ({ readonly kind: "checkpointOffer" } & WireCheckpointOffer)
  | { readonly kind: "cosignature"; readonly line: string }
  | { readonly kind: "gateKeys"; readonly keys: readonly Uint8Array[] }
  | { readonly kind: "opened" }
  | ({ readonly kind: "releaseRequest" } & WireReleaseRequest)
  | { readonly kind: "releaseReply"; readonly inForce: Envelope }
  | { readonly kind: "keysHeldRequest"; readonly jobId: JobId }
  | ({ readonly kind: "keysHeldReply" } & KeysHeld)
  | ({ readonly kind: "witnessState" } & WitnessState)
  | { readonly kind: "witnessRequest"; readonly collaboration: CollaborationId; readonly known: WitnessState }
  | { readonly kind: "witnessReply"; readonly knownNote: Uint8Array | undefined; readonly offer: WireLogOffer }
  | {
      readonly kind: "cosignRequest";
      readonly collaboration: CollaborationId;
      /** The asking end's cosignature of the other's checkpoint. */
      readonly line: string;
      readonly cosigned: WitnessState;
      readonly offer: WireLogOffer;
    }
  | {
      readonly kind: "keysetNotice";
      readonly envelope: Envelope;
      /** Of the first keyset under a new identity. */
      readonly succession: Envelope | undefined;
    };

type Kind = SessionMessage["kind"];
type Message<K extends Kind> = Extract<SessionMessage, { kind: K }>;
type Wire = InstanceType<typeof entente.v1.SessionMessage>;

export const SESSION_FRAME_TYPES: Readonly<Record<Kind, number>> = {
  hello: 256,
  failure: 257,
  describeRequest: 272,
  describeResponse: 273,
  agreementOffer: 274,
  agreementReply: 275,
  jobOffer: 276,
  jobReply: 277,
  prepareRequest: 278,
  prepareResponse: 279,
  goodbye: 280,
  revocationNotice: 281,
  noted: 282,
  inForceRequest: 283,
  inForceReply: 284,
  jobDecided: 285,
  keysetNotice: 286,
  receiptPart: 287,
  receiptSignature: 288,
  checkpointOffer: 289,
  cosignature: 290,
  gateKeys: 291,
  opened: 292,
  witnessState: 293,
  witnessRequest: 294,
  witnessReply: 295,
  cosignRequest: 296,
  releaseRequest: 297,
  releaseReply: 298,
  keysHeldRequest: 299,
  keysHeldReply: 300,
};
const KINDS = new Map(Object.entries(SESSION_FRAME_TYPES).map(([kind, type]) => [type, kind as Kind]));

const MAX_SESSION_BODY_BYTES = 1024 * 1024;
const MAX_DATASETS = 256;
const MAX_SUITES = 64;
const MAX_COLUMNS = 1024;
const MAX_PROOF_HASHES = 63;
const MAX_PARTITIONS = 1024;
const MAX_NOTE_BYTES = 64 * 1024;

function invalid(detail: string, cause?: unknown): EntenteError {
  return new EntenteError("WIRE_INVALID", { detail: `session message: ${detail}`, cause });
}

function wireEnvelope(envelope: Envelope): Uint8Array {
  return encodeEnvelope(envelope);
}

/** A DSSE envelope in its canonical JSON. Throws WIRE_INVALID. */
export function readEnvelope(bytes: Uint8Array | null | undefined): Envelope {
  if (bytes == null || bytes.length === 0) throw invalid("envelope missing");
  return decodeEnvelope(bytes);
}

function envelopeOrNone(bytes: Uint8Array | null | undefined): Envelope | undefined {
  return bytes == null || bytes.length === 0 ? undefined : readEnvelope(bytes);
}

function bytesOrNone(bytes: Uint8Array | null | undefined, length: number, what: string): Uint8Array | undefined {
  return bytes == null || bytes.length === 0 ? undefined : exactly(bytes, length, what);
}

function exactly(bytes: Uint8Array | null | undefined, length: number, what: string): Uint8Array {
  if (bytes == null || bytes.length !== length) throw invalid(`${what} has another length`);
  return bytes;
}

function shortText(bytes: Uint8Array | null | undefined, maxBytes: number): string {
  if (bytes == null || bytes.length === 0 || bytes.length > maxBytes) throw invalid("text length");
  return fromUtf8(bytes);
}

/** What a peer may say of this node, the agreement or the session. All else is trouble of its own: its word must not pass
 * for a fault of this node's disk, log or link. */
const SAYABLE: readonly ErrorCode[] = [
  ...(["NOT_FOUND", "ALREADY_EXISTS", "OVERLOADED", "CANCELLED", "ATTEMPT_REPLAYED", "SESSION_MISMATCH"] as const),
  "LIMIT_EXCEEDED",
  ...([
    "WIRE_INVALID",
    "WIRE_TOO_LARGE",
    "WIRE_UNEXPECTED",
    "POINT_INVALID",
    "CIPHERTEXT_INVALID",
    "SEAL_INVALID",
  ] as const),
  ...([
    "RECEIPT_MISMATCH",
    "SIGNATURE_INVALID",
    "NORMALISER_RECEIVER_OLDER",
    "NORMALISER_PROVIDER_OLDER",
    "DATASET_CHANGED",
    "SEGMENT_CHANGED",
    "LABEL_UNFIT",
    "LOG_FORKED",
    "LOG_BEHIND",
  ] as const),
  ...(["COLLABORATION_FROZEN", "COLLABORATION_READ_ONLY"] as const),
  ...([
    "AGREEMENT_INVALID",
    "AGREEMENT_UNKNOWN",
    "AGREEMENT_UNSIGNED",
    "AGREEMENT_EXPIRED",
    "AGREEMENT_REVOKED",
    "AGREEMENT_SUPERSEDED",
    "AGREEMENT_NOT_IN_FORCE",
    "PEER_UNCONFIRMED",
  ] as const),
  ...RULE_CODES,
  ...(["POLICY_AUDIENCE", "POLICY_RESULT_FLOOR", "RELEASE_OVERDUE"] as const),
  ...(["APPROVAL_DECLINED", "APPROVAL_OVERDUE"] as const),
  "NODE_STOPPING",
];

/** What passes by itself at the peer, and is not this node's disk or rate. */
const BUSY: readonly ErrorCode[] = ["DISK_FULL", "RATE_LIMITED"];

/** Whether a peer hears the code as it is, and not as PEER_FAILED. */
export function isSayable(code: ErrorCode): boolean {
  return SAYABLE.includes(code);
}

function peerFailure(code: ErrorCode): EntenteError {
  const detail = `the peer's node says ${code}`;
  if (BUSY.includes(code)) return new EntenteError("OVERLOADED", { detail });
  return new EntenteError(isSayable(code) ? code : "PEER_FAILED", { detail });
}

function partitionsOf(
  items: readonly entente.v1.PartitionOfAttempt.$Properties[] | null | undefined,
): readonly PartitionOfAttempt[] {
  if (items == null) return [];
  if (items.length > MAX_PARTITIONS) throw invalid("too many partitions");
  return items.map(({ partition, attempt }) => ({ partition: partition ?? 0, attempt: attempt ?? 0 }));
}

function proofOf(hashes: readonly Uint8Array[] | null | undefined): readonly Uint8Array[] {
  if (hashes == null) return [];
  if (hashes.length > MAX_PROOF_HASHES) throw invalid("proof too long");
  return hashes.map((hash) => exactly(hash, 32, "proof hash"));
}

function name(text: string | null | undefined): string {
  if (text == null || text.length === 0 || text.length > 128) throw invalid("name length");
  return text;
}

function note(bytes: Uint8Array | null | undefined): Uint8Array {
  if (bytes == null || bytes.length === 0 || bytes.length > MAX_NOTE_BYTES) throw invalid("note length");
  return bytes;
}

function logOfferToWire({
  oldSize,
  proof,
  note: checkpointNote,
  first,
}: WireLogOffer): entente.v1.LogOffer.$Properties {
  const begin = first === undefined ? {} : { firstEntry: first.entry, firstProof: [...first.proof] };
  return { oldSize, consistencyProof: [...proof], checkpointNote, ...begin };
}

function logOfferOf(offer: entente.v1.LogOffer.$Properties | null | undefined): WireLogOffer {
  const entry = offer?.firstEntry;
  if ((entry?.length ?? 0) > MAX_ENTRY_BYTES) throw invalid("entry length");
  return {
    oldSize: offer?.oldSize ?? 0,
    proof: proofOf(offer?.consistencyProof),
    note: note(offer?.checkpointNote),
    first: entry == null || entry.length === 0 ? undefined : { entry, proof: proofOf(offer?.firstProof) },
  };
}

/** An origin exactly when the size is not 0. */
function witnessState(state: entente.v1.WitnessState.$Properties | null | undefined): WitnessState {
  const { size, origin } = { size: state?.size ?? 0, origin: state?.origin ?? "" };
  if (origin.length > 128 || (size > 0 && origin === "")) throw invalid("witness state");
  return { size, origin };
}

function toWire(message: SessionMessage): entente.v1.SessionMessage.$Properties {
  switch (message.kind) {
    case "hello":
      return {
        hello: {
          envelope: wireEnvelope(message.envelope),
          ...(message.address && { address: formatEndpoint(message.address) }),
        },
      };
    case "failure":
      return { failure: { code: message.code } };
    case "describeRequest":
      return { describeRequest: {} };
    case "describeResponse":
      return {
        describeResponse: {
          software: { ...message.software, suites: [...message.software.suites] },
          datasets: message.datasets.map((d) => ({
            ...d,
            ids: d.ids.map((id) => ({ ...id })),
            columns: d.columns.map((c) => ({ ...c })),
            segments: d.segments.map((segment) => ({ ...segment })),
          })),
        },
      };
    case "agreementOffer":
      return { agreementOffer: { envelope: wireEnvelope(message.envelope) } };
    case "agreementReply":
      return { agreementReply: message.envelope === undefined ? {} : { envelope: wireEnvelope(message.envelope) } };
    case "jobOffer":
      return { jobOffer: { specEnvelope: wireEnvelope(message.specEnvelope) } };
    case "jobReply":
      return { jobReply: { answerEnvelope: wireEnvelope(message.answerEnvelope) } };
    case "prepareRequest":
      return {
        prepareRequest: {
          jobId: message.jobId,
          lastAttempt: message.lastAttempt,
          finished: message.finished.map((item) => ({ ...item })),
          inForce: wireEnvelope(message.inForce),
        },
      };
    case "prepareResponse":
      return {
        prepareResponse: {
          sizeClass: message.sizeClass,
          nonce: message.nonce,
          attempt: message.attempt,
          finished: message.finished.map((item) => ({ ...item })),
          version: message.version,
          inForce: wireEnvelope(message.inForce),
        },
      };
    case "goodbye":
      return { goodbye: {} };
    case "revocationNotice":
      return { revocationNotice: { envelope: wireEnvelope(message.envelope) } };
    case "noted":
      return { noted: {} };
    case "inForceRequest":
      return { inForceRequest: { agreement: message.agreement } };
    case "inForceReply":
      return { inForceReply: message.envelope === undefined ? {} : { envelope: wireEnvelope(message.envelope) } };
    case "jobDecided":
      return { jobDecided: { jobId: message.jobId } };
    case "receiptPart":
      return {
        receiptPart: {
          inputCommitment: message.inputCommitment,
          ...(message.lastCosigned === undefined ? {} : { lastCosigned: { ...message.lastCosigned } }),
          ...(message.sketchCommitment === undefined ? {} : { sketchCommitment: message.sketchCommitment }),
        },
      };
    case "receiptSignature":
      return { receiptSignature: { envelope: wireEnvelope(message.envelope) } };
    case "checkpointOffer":
      return {
        checkpointOffer: {
          log: logOfferToWire(message),
          receiptIndex: message.receiptIndex,
          inclusionProof: [...message.inclusionProof],
        },
      };
    case "cosignature":
      return { cosignature: { noteSignature: utf8(message.line) } };
    case "gateKeys":
      return { gateKeys: { keys: [...message.keys] } };
    case "opened":
      return { opened: {} };
    case "releaseRequest":
      return {
        releaseRequest: { receipt: wireEnvelope(message.receipt), inForce: wireEnvelope(message.inForce) },
      };
    case "releaseReply":
      return { releaseReply: { inForce: wireEnvelope(message.inForce) } };
    case "keysHeldRequest":
      return { keysHeldRequest: { jobId: message.jobId } };
    case "keysHeldReply":
      return { keysHeldReply: { holdsKeys: message.holdsKeys, hasEnded: message.hasEnded } };
    case "witnessState":
      return { witnessState: { size: message.size, origin: message.origin } };
    case "witnessRequest":
      return { witnessRequest: { collaboration: message.collaboration, known: { ...message.known } } };
    case "witnessReply":
      return {
        witnessReply: { knownNote: message.knownNote ?? new Uint8Array(), offer: logOfferToWire(message.offer) },
      };
    case "cosignRequest":
      return {
        cosignRequest: {
          collaboration: message.collaboration,
          line: utf8(message.line),
          ...message.cosigned,
          offer: logOfferToWire(message.offer),
        },
      };
    case "keysetNotice":
      return {
        keysetNotice: {
          envelope: wireEnvelope(message.envelope),
          ...(message.succession === undefined ? {} : { succession: wireEnvelope(message.succession) }),
        },
      };
  }
}

/** Throws WIRE_INVALID. */
function addressOf(text: string): Endpoint {
  try {
    return parseEndpoint(text);
  } catch (cause) {
    throw invalid("address", cause);
  }
}

function fromWire(kind: Kind, wire: Wire): SessionMessage {
  switch (kind) {
    case "hello":
      return {
        kind,
        envelope: readEnvelope(wire.hello?.envelope),
        ...(wire.hello?.address ? { address: addressOf(wire.hello.address) } : {}),
      };
    case "failure": {
      const code = wire.failure?.code;
      if (!isErrorCode(code)) throw invalid("unknown error code");
      return { kind, code };
    }
    case "describeRequest":
    case "goodbye":
    case "noted":
    case "opened":
      return { kind };
    case "describeResponse": {
      const datasets = wire.describeResponse?.datasets ?? [];
      if (datasets.length > MAX_DATASETS) throw invalid("too many datasets");
      return { kind, datasets: datasets.map(readDescriptor), software: readSoftware(wire.describeResponse?.software) };
    }
    case "agreementOffer":
      return { kind, envelope: readEnvelope(wire.agreementOffer?.envelope) };
    case "agreementReply":
      return { kind, envelope: envelopeOrNone(wire.agreementReply?.envelope) };
    case "revocationNotice":
      return { kind, envelope: readEnvelope(wire.revocationNotice?.envelope) };
    case "inForceRequest":
      return { kind, agreement: digest(wire.inForceRequest?.agreement ?? "") };
    case "inForceReply":
      return { kind, envelope: envelopeOrNone(wire.inForceReply?.envelope) };
    case "jobDecided":
      return { kind, jobId: jobId(wire.jobDecided?.jobId ?? "") };
    case "jobOffer":
      return { kind, specEnvelope: readEnvelope(wire.jobOffer?.specEnvelope) };
    case "jobReply":
      return { kind, answerEnvelope: readEnvelope(wire.jobReply?.answerEnvelope) };
    case "prepareRequest":
      return {
        kind,
        jobId: jobId(wire.prepareRequest?.jobId ?? ""),
        lastAttempt: wire.prepareRequest?.lastAttempt ?? 0,
        finished: partitionsOf(wire.prepareRequest?.finished),
        inForce: readEnvelope(wire.prepareRequest?.inForce),
      };
    case "prepareResponse": {
      const sizeClass = wire.prepareResponse?.sizeClass ?? 0;
      if (sizeClass < 80 || sizeClass > 256) throw invalid("size class");
      return {
        kind,
        sizeClass,
        nonce: exactly(wire.prepareResponse?.nonce, 32, "nonce"),
        attempt: wire.prepareResponse?.attempt ?? 0,
        finished: partitionsOf(wire.prepareResponse?.finished),
        version: exactly(wire.prepareResponse?.version, 32, "version tag"),
        inForce: readEnvelope(wire.prepareResponse?.inForce),
      };
    }
    case "receiptPart": {
      const head = wire.receiptPart?.lastCosigned;
      return {
        kind,
        inputCommitment: exactly(wire.receiptPart?.inputCommitment, 32, "commitment"),
        lastCosigned:
          head == null
            ? undefined
            : { origin: name(head.origin), size: head.size ?? 0, root: exactly(head.root, 32, "root") },
        sketchCommitment: bytesOrNone(wire.receiptPart?.sketchCommitment, 32, "sketch commitment"),
      };
    }
    case "receiptSignature":
      return { kind, envelope: readEnvelope(wire.receiptSignature?.envelope) };
    case "checkpointOffer": {
      const offer = wire.checkpointOffer;
      return {
        kind,
        ...logOfferOf(offer?.log),
        receiptIndex: offer?.receiptIndex ?? 0,
        inclusionProof: proofOf(offer?.inclusionProof),
      };
    }
    case "cosignature":
      return { kind, line: shortText(wire.cosignature?.noteSignature, MAX_NOTE_BYTES) };
    case "releaseRequest":
      return {
        kind,
        receipt: readEnvelope(wire.releaseRequest?.receipt),
        inForce: readEnvelope(wire.releaseRequest?.inForce),
      };
    case "releaseReply":
      return { kind, inForce: readEnvelope(wire.releaseReply?.inForce) };
    case "keysHeldRequest":
      return { kind, jobId: jobId(wire.keysHeldRequest?.jobId ?? "") };
    case "keysHeldReply": {
      const { holdsKeys = false, hasEnded = false } = wire.keysHeldReply ?? {};
      return { kind, holdsKeys: holdsKeys ?? false, hasEnded: hasEnded ?? false };
    }
    case "witnessState":
      return { kind, ...witnessState(wire.witnessState) };
    case "witnessRequest": {
      const { collaboration, known } = wire.witnessRequest ?? {};
      return { kind, collaboration: collaborationId(collaboration ?? ""), known: witnessState(known) };
    }
    case "witnessReply": {
      const { knownNote, offer } = wire.witnessReply ?? {};
      const known = knownNote == null || knownNote.length === 0 ? undefined : note(knownNote);
      return { kind, knownNote: known, offer: logOfferOf(offer) };
    }
    case "cosignRequest": {
      const { collaboration, line, offer, ...cosigned } = wire.cosignRequest ?? {};
      return {
        kind,
        collaboration: collaborationId(collaboration ?? ""),
        line: shortText(line, MAX_NOTE_BYTES),
        cosigned: witnessState(cosigned),
        offer: logOfferOf(offer),
      };
    }
    case "keysetNotice":
      return {
        kind,
        envelope: readEnvelope(wire.keysetNotice?.envelope),
        succession: envelopeOrNone(wire.keysetNotice?.succession),
      };
    case "gateKeys": {
      const keys = wire.gateKeys?.keys ?? [];
      if (keys.length === 0 || keys.length > MAX_PARTITIONS) throw invalid("number of gate keys");
      return { kind, keys: keys.map((key) => exactly(key, 32, "gate key")) };
    }
  }
}

function readSoftware(wire: entente.v1.SoftwareDescriptor.$Properties | null | undefined): Software {
  const [version, suites, at] = [wire?.version ?? "", wire?.suites ?? [], wire?.at ?? ""];
  const isVersion = /^[0-9A-Za-z.+-]{1,64}$/.test(version);
  const areSuites =
    suites.length <= MAX_SUITES && suites.every((suite) => /^[a-z0-9-]{1,32}\/[0-9a-f]{8}$/.test(suite));
  if (!isVersion || !areSuites || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(at)) throw invalid("software");
  return { version, suites, at };
}

function readDescriptor(wire: entente.v1.DatasetDescriptor.$Properties): DatasetDescriptor {
  const columns = wire.columns ?? [];
  if (columns.length > MAX_COLUMNS) throw invalid("too many columns");
  const ids = wire.ids ?? [];
  if (ids.length === 0 || ids.length > MAX_ID_COLUMNS) throw invalid("number of id columns");
  const segments = wire.segments ?? [];
  if (segments.length > MAX_PUBLISHED_SEGMENTS) throw invalid("too many segments");
  return {
    name: name(wire.name),
    ids: ids.map(({ column, normaliser }) => ({ column: name(column), normaliser: name(normaliser) })),
    columns: columns.map((column) => ({ name: name(column.name), type: name(column.type) })),
    segments: segments.map(readSegment),
  };
}

function readSegment(wire: entente.v1.SegmentDescriptor.$Properties): SegmentDescriptor {
  const { name, version, description } = wire;
  const ref = segmentRefField.safeParse({ name, version });
  const text = segmentDescriptionField.safeParse(description);
  if (!ref.success || !text.success) throw invalid("segment");
  return { ...ref.data, description: text.data };
}

export function encodeSessionMessage(message: SessionMessage): Frame {
  const body = entente.v1.SessionMessage.encode(toWire(message)).finish();
  return { type: SESSION_FRAME_TYPES[message.kind], round: 0, partition: 0, chunk: 0, body };
}

/** The message in a frame that must be of one of the expected kinds. Throws WIRE_UNEXPECTED for another kind, WIRE_INVALID
 * for bytes that are not of its form, and the peer's own code when the frame is its failure. */
export function decodeSessionMessage<K extends Kind>(frame: Frame, ...expected: readonly K[]): Message<K> {
  const kind = KINDS.get(frame.type);
  if (kind === undefined || frame.round !== 0 || frame.partition !== 0 || frame.chunk !== 0) {
    throw new EntenteError("WIRE_UNEXPECTED", { detail: `frame type ${frame.type}` });
  }
  if (frame.body.length > MAX_SESSION_BODY_BYTES) throw new EntenteError("WIRE_TOO_LARGE", { detail: kind });
  let wire: Wire;
  try {
    wire = entente.v1.SessionMessage.decode(frame.body) as Wire;
  } catch (cause) {
    throw invalid("not a message", cause);
  }
  const present = Object.keys(SESSION_FRAME_TYPES).filter((member) => wire[member as Kind] != null);
  if (present.length !== 1 || present[0] !== kind) throw invalid("another member than the frame type says");
  const message = fromWire(kind, wire);
  if (message.kind === "failure") throw peerFailure(message.code);
  if (!(expected as readonly Kind[]).includes(kind)) throw new EntenteError("WIRE_UNEXPECTED", { detail: kind });
  return message as Message<K>;
}
