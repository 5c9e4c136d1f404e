/** Session and inbox messages in their checked form. */
import { type JobId, jobId, type PartyId, partyId, type RelayId, relayId } from "../ids.ts";
import { enumOf, invalid, MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES, wire } from "./coordinator-checks.ts";
import { type Codec, messageCodec } from "./grpc.ts";

const sessionKinds = enumOf("kind", ["control", "job", "release"]);

/** What a session is for. A control session belongs to no job. */
export type SessionPurpose =
  | { readonly kind: "control" }
  | { readonly kind: "job"; readonly jobId: JobId; readonly attempt: number }
  /** Of a job whose receipt is signed: no partition is run in it. */
  | { readonly kind: "release"; readonly jobId: JobId };

function purposeToWire(purpose: SessionPurpose) {
  const { kind, ...rest } = purpose;
  return { kind: sessionKinds.toWire(kind), ...rest };
}

function purposeFromWire(message: { kind: number; jobId: string; attempt: number }): SessionPurpose {
  const kind = sessionKinds.fromWire(message.kind);
  if (kind === "job") {
    if (message.attempt < 1) throw invalid("attempt");
    return { kind, jobId: jobId(message.jobId), attempt: message.attempt };
  }
  if (message.attempt !== 0) throw invalid("attempt of a session that is none");
  if (kind === "release") return { kind, jobId: jobId(message.jobId) };
  if (message.jobId !== "") throw invalid("job_id of a control session");
  return { kind };
}

export interface SessionRequest {
  readonly peer: PartyId;
  readonly purpose: SessionPurpose;
}

export const sessionRequest: Codec<SessionRequest> = messageCodec(
  wire.SessionRequest,
  MAX_REQUEST_BYTES,
  (value: SessionRequest) => ({ peer: value.peer, ...purposeToWire(value.purpose) }),
  (message) => ({ peer: partyId(message.peer), purpose: purposeFromWire(message) }),
);

export interface SessionTicket {
  readonly relayId: RelayId;
  readonly expiresInSeconds: number;
}

export const sessionTicket: Codec<SessionTicket> = messageCodec(
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

export const inboxEvent: Codec<InboxEvent> = messageCodec(
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
export const inboxOpen: Codec<undefined> = messageCodec(
  nothing,
  MAX_REQUEST_BYTES,
  () => undefined,
  () => undefined,
);
