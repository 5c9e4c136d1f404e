/** Session messages to and from frames: the door where a peer's bytes of the session layer are checked. */
import { utf8 } from "../encoding/bytes.ts";
import { EntenteError, isErrorCode } from "../errors.ts";
import { entente } from "../gen/messages.js";
import { collaborationId, digest, jobId } from "../ids.ts";
import { formatEndpoint } from "./endpoint.ts";
import type { Frame } from "./frame.ts";
import { peerFailure } from "./peer-failure.ts";
import type { SessionMessage } from "./session-messages.ts";
import {
  addressOf,
  bytesOrNone,
  descriptorOf,
  envelopeOrNone,
  exactly,
  invalid,
  logOfferOf,
  logOfferToWire,
  MAX_DATASETS,
  MAX_NOTE_BYTES,
  MAX_PARTITIONS,
  name,
  note,
  partitionsOf,
  proofOf,
  readEnvelope,
  shortText,
  softwareOf,
  wireEnvelope,
  witnessState,
} from "./session-parts.ts";

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
      return { kind, datasets: datasets.map(descriptorOf), software: softwareOf(wire.describeResponse?.software) };
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
