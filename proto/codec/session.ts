/** Session messages to and from frames: the door where a peer's bytes of the session layer are checked. */

import { fromUtf8, utf8 } from "../encoding/bytes.ts";

import { decodeEnvelope, type Envelope, encodeEnvelope } from "../encoding/dsse.ts";
import { EntenteError, type ErrorCode, isErrorCode } from "../errors.ts";
import { entente } from "../gen/messages.js";
import { type JobId, jobId } from "../ids.ts";
import type { Frame } from "./frame.ts";

export interface DatasetDescriptor {
  readonly name: string;
  readonly normaliser: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

export interface PartitionOfAttempt {
  readonly partition: number;
  readonly attempt: number;
}

export interface WirePrepareRequest {
  readonly jobId: JobId;
  readonly lastAttempt: number;
  readonly finished: readonly PartitionOfAttempt[];
}

export interface WirePrepareResponse {
  readonly sizeClass: number;
  readonly nonce: Uint8Array;
  readonly attempt: number;
  readonly finished: readonly PartitionOfAttempt[];
}

export interface WireTreeHead {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

export interface WireCheckpointOffer {
  readonly oldSize: number;
  readonly proof: readonly Uint8Array[];
  /** A signed note. */
  readonly note: Uint8Array;
  readonly receiptIndex: number;
  readonly inclusionProof: readonly Uint8Array[];
}

export type SessionMessage =
  | { readonly kind: "hello"; readonly envelope: Envelope }
  | { readonly kind: "failure"; readonly code: ErrorCode }
  | { readonly kind: "describeRequest" }
  | { readonly kind: "describeResponse"; readonly datasets: readonly DatasetDescriptor[] }
  | { readonly kind: "agreementOffer"; readonly envelope: Envelope }
  | { readonly kind: "agreementReply"; readonly envelope: Envelope | undefined }
  | { readonly kind: "jobOffer"; readonly specEnvelope: Envelope }
  | { readonly kind: "jobReply"; readonly answerEnvelope: Envelope }
  | ({ readonly kind: "prepareRequest" } & WirePrepareRequest)
  | ({ readonly kind: "prepareResponse" } & WirePrepareResponse)
  | { readonly kind: "goodbye" }
  | {
      readonly kind: "receiptPart";
      readonly inputCommitment: Uint8Array;
      readonly lastCosigned: WireTreeHead | undefined;
    }
  | { readonly kind: "receiptSignature"; readonly envelope: Envelope }
  | ({ readonly kind: "checkpointOffer" } & WireCheckpointOffer)
  | { readonly kind: "cosignature"; readonly line: string }
  | { readonly kind: "gateKeys"; readonly keys: readonly Uint8Array[] }
  | { readonly kind: "opened" }
  | { readonly kind: "witnessState"; readonly size: number };

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
  receiptPart: 287,
  receiptSignature: 288,
  checkpointOffer: 289,
  cosignature: 290,
  gateKeys: 291,
  opened: 292,
  witnessState: 293,
};
const KINDS = new Map(Object.entries(SESSION_FRAME_TYPES).map(([kind, type]) => [type, kind as Kind]));

const MAX_SESSION_BODY_BYTES = 1024 * 1024;
const MAX_DATASETS = 256;
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
  ...([
    "WIRE_INVALID",
    "WIRE_TOO_LARGE",
    "WIRE_UNEXPECTED",
    "POINT_INVALID",
    "CIPHERTEXT_INVALID",
    "SEAL_INVALID",
  ] as const),
  ...(["RECEIPT_MISMATCH", "SIGNATURE_INVALID", "DATASET_CHANGED", "LOG_FORKED", "LOG_BEHIND"] as const),
  ...([
    "AGREEMENT_INVALID",
    "AGREEMENT_UNKNOWN",
    "AGREEMENT_UNSIGNED",
    "AGREEMENT_EXPIRED",
    "PEER_UNCONFIRMED",
  ] as const),
  ...(["POLICY_OPERATION", "POLICY_DATASET", "POLICY_INPUT_FLOOR"] as const),
];

function peerFailure(code: ErrorCode): EntenteError {
  const detail = `the peer's node says ${code}`;
  return new EntenteError(SAYABLE.includes(code) ? code : "PEER_FAILED", { detail });
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

function toWire(message: SessionMessage): entente.v1.SessionMessage.$Properties {
  switch (message.kind) {
    case "hello":
      return { hello: { envelope: wireEnvelope(message.envelope) } };
    case "failure":
      return { failure: { code: message.code } };
    case "describeRequest":
      return { describeRequest: {} };
    case "describeResponse":
      return {
        describeResponse: {
          datasets: message.datasets.map((d) => ({ ...d, columns: d.columns.map((c) => ({ ...c })) })),
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
        },
      };
    case "prepareResponse":
      return {
        prepareResponse: {
          sizeClass: message.sizeClass,
          nonce: message.nonce,
          attempt: message.attempt,
          finished: message.finished.map((item) => ({ ...item })),
        },
      };
    case "goodbye":
      return { goodbye: {} };
    case "receiptPart":
      return {
        receiptPart: {
          inputCommitment: message.inputCommitment,
          ...(message.lastCosigned === undefined ? {} : { lastCosigned: { ...message.lastCosigned } }),
        },
      };
    case "receiptSignature":
      return { receiptSignature: { envelope: wireEnvelope(message.envelope) } };
    case "checkpointOffer":
      return {
        checkpointOffer: {
          oldSize: message.oldSize,
          consistencyProof: [...message.proof],
          checkpointNote: message.note,
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
    case "witnessState":
      return { witnessState: { size: message.size } };
  }
}

function fromWire(kind: Kind, wire: Wire): SessionMessage {
  switch (kind) {
    case "hello":
      return { kind, envelope: readEnvelope(wire.hello?.envelope) };
    case "failure": {
      const code = wire.failure?.code;
      if (!isErrorCode(code)) throw invalid("unknown error code");
      return { kind, code };
    }
    case "describeRequest":
    case "goodbye":
    case "opened":
      return { kind };
    case "describeResponse": {
      const datasets = wire.describeResponse?.datasets ?? [];
      if (datasets.length > MAX_DATASETS) throw invalid("too many datasets");
      return { kind, datasets: datasets.map(readDescriptor) };
    }
    case "agreementOffer":
      return { kind, envelope: readEnvelope(wire.agreementOffer?.envelope) };
    case "agreementReply": {
      const bytes = wire.agreementReply?.envelope;
      return { kind, envelope: bytes == null || bytes.length === 0 ? undefined : readEnvelope(bytes) };
    }
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
      };
    }
    case "receiptSignature":
      return { kind, envelope: readEnvelope(wire.receiptSignature?.envelope) };
    case "checkpointOffer": {
      const offer = wire.checkpointOffer;
      const note = offer?.checkpointNote;
      if (note == null || note.length === 0 || note.length > MAX_NOTE_BYTES) throw invalid("note length");
      return {
        kind,
        oldSize: offer?.oldSize ?? 0,
        proof: proofOf(offer?.consistencyProof),
        note,
        receiptIndex: offer?.receiptIndex ?? 0,
        inclusionProof: proofOf(offer?.inclusionProof),
      };
    }
    case "cosignature":
      return { kind, line: shortText(wire.cosignature?.noteSignature, MAX_NOTE_BYTES) };
    case "witnessState":
      return { kind, size: wire.witnessState?.size ?? 0 };
    case "gateKeys": {
      const keys = wire.gateKeys?.keys ?? [];
      if (keys.length === 0 || keys.length > MAX_PARTITIONS) throw invalid("number of gate keys");
      return { kind, keys: keys.map((key) => exactly(key, 32, "gate key")) };
    }
  }
}

function readDescriptor(wire: entente.v1.DatasetDescriptor.$Properties): DatasetDescriptor {
  const columns = wire.columns ?? [];
  if (columns.length > MAX_COLUMNS) throw invalid("too many columns");
  return {
    name: name(wire.name),
    normaliser: name(wire.normaliser),
    columns: columns.map((column) => ({ name: name(column.name), type: name(column.type) })),
  };
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
