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
  /** The first meeting of a session whose stream broke: it goes on at the new one. */
  readonly resumes?: RelayId | undefined;
}

const resumesToWire = (resumes: RelayId | undefined) => (resumes === undefined ? {} : { resumes });
const resumesFromWire = (resumes: string) => (resumes === "" ? {} : { resumes: relayId(resumes) });

export const sessionRequest: Codec<SessionRequest> = messageCodec(
  wire.SessionRequest,
  MAX_REQUEST_BYTES,
  (value: SessionRequest) => ({ peer: value.peer, ...purposeToWire(value.purpose), ...resumesToWire(value.resumes) }),
  (message) => ({
    peer: partyId(message.peer),
    purpose: purposeFromWire(message),
    ...resumesFromWire(message.resumes),
  }),
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
  readonly resumes?: RelayId | undefined;
  /** Of this party's wakes in a run of the coordinator, from 1, growing. */
  readonly number: number;
}

export type InboxEvent =
  | { readonly kind: "opened"; readonly run: string }
  | { readonly kind: "wake"; readonly wake: Wake };

export const inboxEvent: Codec<InboxEvent> = messageCodec(
  wire.InboxEvent,
  MAX_RESPONSE_BYTES,
  (value: InboxEvent) => {
    if (value.kind === "opened") return { opened: { run: value.run } };
    const { relayId, from, purpose, expiresInSeconds, resumes, number } = value.wake;
    return { wake: { relayId, from, expiresInSeconds, number, ...purposeToWire(purpose), ...resumesToWire(resumes) } };
  },
  (message): InboxEvent => {
    if (message.event === "opened") return { kind: "opened", run: runOf(message.opened?.run ?? "") };
    if (message.event !== "wake" || !message.wake) throw invalid("event");
    const wake = new wire.Wake(message.wake);
    if (wake.number < 1) throw invalid("number");
    return {
      kind: "wake",
      wake: {
        relayId: relayId(wake.relayId),
        from: partyId(wake.from),
        purpose: purposeFromWire(wake),
        expiresInSeconds: wake.expiresInSeconds,
        ...resumesFromWire(wake.resumes),
        number: wake.number,
      },
    };
  },
);

/** What a party has of its inbox: the last wake that came, in which run of the coordinator. */
export interface InboxPosition {
  readonly run: string;
  readonly after: number;
}

function runOf(run: string): string {
  if (!/^[0-9a-f]{16}$/.test(run)) throw invalid("run");
  return run;
}

/** `undefined`: every wake that waits. */
export const inboxOpen: Codec<InboxPosition | undefined> = messageCodec(
  wire.InboxOpen,
  MAX_REQUEST_BYTES,
  (value: InboxPosition | undefined) => value ?? {},
  ({ run, after }) => (run === "" && after === 0 ? undefined : { run: runOf(run), after }),
);
