/**
 * gRPC methods without generated stubs: a path, two codecs, and how a typed error crosses the wire. Coordinator and
 * party share these definitions. On the transport both directions carry raw bytes; codecs run in the caller's own code,
 * so that a malformed message becomes a typed error and not the library's INTERNAL.
 */
import { Metadata, type MethodDefinition, type ServiceError, type StatusObject, status } from "@grpc/grpc-js";
import { CATALOGUE, EntenteError, type ErrorCode, isErrorCode, toEntenteError } from "../errors.ts";

/** A message between its domain form, checked, and its bytes. `decode` throws WIRE_INVALID, WIRE_TOO_LARGE or BAD_REQUEST. */
export interface Codec<T> {
  encode(value: T): Buffer;
  decode(bytes: Uint8Array): T;
}

export interface Method<Request, Response> {
  /** `/entente.v1.Service/Method` */
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly request: Codec<Request>;
  readonly response: Codec<Response>;
}

interface MessageType<Properties, Message> {
  encode(message: Properties): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}

/** A codec over a generated message class. `maxBytes` is checked before anything is decoded. */
export function messageCodec<Properties, Message, T>(
  type: MessageType<Properties, Message>,
  maxBytes: number,
  toWire: (value: T) => Properties,
  fromWire: (message: Message) => T,
): Codec<T> {
  return {
    encode: (value) => asBuffer(type.encode(toWire(value)).finish()),
    decode(bytes) {
      if (bytes.length > maxBytes) throw new EntenteError("WIRE_TOO_LARGE", { detail: "message" });
      let message: Message;
      try {
        message = type.decode(bytes);
      } catch (cause) {
        throw new EntenteError("WIRE_INVALID", { detail: "not a protocol buffer of this message", cause });
      }
      return fromWire(message);
    },
  };
}

/** The same memory as a Buffer, which gRPC's transport asks for. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const same = (bytes: Buffer): Buffer => bytes;

/** What `@grpc/grpc-js` needs of a method, on either side. */
export function wireDefinition<Request, Response>(method: Method<Request, Response>): MethodDefinition<Buffer, Buffer> {
  return {
    path: method.path,
    requestStream: method.requestStream,
    responseStream: method.responseStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

const CODE_KEY = "entente-code";
const DETAIL_KEY = "entente-detail";
const RETRY_KEY = "entente-retry-seconds";
/** Longer waits are said by no side. */
const MAX_RETRY_SECONDS = 86_400;
const MAX_DETAIL_CHARACTERS = 200;

/** Header values are visible ASCII; the other side may show the text to a person, so nothing else passes either way. */
function plainText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, MAX_DETAIL_CHARACTERS);
}

/** The gRPC status of an error: its code and detail travel as metadata, its cause stays here. */
export function errorToStatus(thrown: unknown): StatusObject {
  const error = toEntenteError(thrown);
  const metadata = new Metadata();
  metadata.set(CODE_KEY, error.code);
  if (error.detail !== undefined) metadata.set(DETAIL_KEY, plainText(error.detail));
  if (error.retryAfterSeconds !== undefined) metadata.set(RETRY_KEY, String(error.retryAfterSeconds));
  const { grpc, text } = CATALOGUE[error.code];
  return { code: grpc, details: text, metadata };
}

/** What a status means when the other side sent no code of ours: the transport or the library made it. */
const BY_STATUS: Partial<Record<number, ErrorCode>> = {
  [status.UNAVAILABLE]: "COORDINATOR_UNREACHABLE",
  [status.DEADLINE_EXCEEDED]: "COORDINATOR_UNREACHABLE",
  [status.CANCELLED]: "CANCELLED",
  [status.RESOURCE_EXHAUSTED]: "WIRE_TOO_LARGE",
  [status.UNAUTHENTICATED]: "CERTIFICATE_REFUSED",
  [status.UNIMPLEMENTED]: "WIRE_UNEXPECTED",
};

/** The typed error of a failed call. Only codes of the catalogue are taken from the other side, never its text. */
export function statusToError(
  failure: Pick<ServiceError, "code" | "metadata">,
  cause: unknown = failure,
): EntenteError {
  const [code] = failure.metadata?.get(CODE_KEY) ?? [];
  if (isErrorCode(code)) {
    const [detail] = failure.metadata.get(DETAIL_KEY);
    const seconds = Number(failure.metadata.get(RETRY_KEY)[0]);
    return new EntenteError(code, {
      ...(typeof detail === "string" ? { detail: plainText(detail) } : {}),
      ...(seconds >= 1 && seconds <= MAX_RETRY_SECONDS ? { retryAfterSeconds: Math.ceil(seconds) } : {}),
      cause,
    });
  }
  return new EntenteError(BY_STATUS[failure.code] ?? "INTERNAL", { cause });
}
