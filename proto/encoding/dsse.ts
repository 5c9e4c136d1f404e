/** DSSE envelopes (secure-systems-lab/dsse, protocol v1.0.2) with Ed25519. */
import { EntenteError } from "../errors.ts";
import { concat, fromBase64, toBase64, utf8 } from "./bytes.ts";
import { canonicalJson, type Json, parseCanonicalJson } from "./canonical-json.ts";
import type { SigningKey, VerifyingKey } from "./ed25519.ts";

export interface Signature {
  /** Names the key: party and role, as `bank/jobs`. A hint: what counts is that the caller's key verifies. */
  readonly keyid: string;
  readonly sig: Uint8Array;
}

export interface Envelope {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signatures: readonly Signature[];
}

/** DSSE pre-authentication encoding: "DSSEv1" SP LEN(type) SP type SP LEN(body) SP body. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const type = utf8(payloadType);
  return concat(utf8(`DSSEv1 ${type.length} `), type, utf8(` ${payload.length} `), payload);
}

export function sign(payloadType: string, payload: Uint8Array, key: SigningKey): Signature {
  return { keyid: key.keyId, sig: key.sign(preAuthEncoding(payloadType, payload)) };
}

export function envelope(payloadType: string, payload: Uint8Array, ...keys: readonly SigningKey[]): Envelope {
  return { payloadType, payload, signatures: keys.map((key) => sign(payloadType, payload, key)) };
}

/** Returns when exactly one signature names `key.keyId` and it verifies; throws SIGNATURE_INVALID otherwise. */
export function verify(envelope: Envelope, payloadType: string, key: VerifyingKey): void {
  const named = envelope.signatures.filter((signature) => signature.keyid === key.keyId);
  const [signature] = named;
  const good =
    envelope.payloadType === payloadType &&
    named.length === 1 &&
    signature !== undefined &&
    key.verify(preAuthEncoding(payloadType, envelope.payload), signature.sig);
  if (!good) throw new EntenteError("SIGNATURE_INVALID", { detail: `${payloadType} by ${key.keyId}` });
}

/** The JSON form of the specification. */
export function envelopeToJson(value: Envelope): Json {
  return {
    payloadType: value.payloadType,
    payload: toBase64(value.payload),
    signatures: value.signatures.map(({ keyid, sig }) => ({ keyid, sig: toBase64(sig) })),
  };
}

const MAX_SIGNATURES = 8;

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Exactly the members of the specification, nothing else. Throws WIRE_INVALID. */
export function envelopeFromJson(value: unknown): Envelope {
  const invalid = (detail: string) => new EntenteError("WIRE_INVALID", { detail: `DSSE envelope: ${detail}` });
  if (!isRecord(value) || Object.keys(value).sort().join() !== "payload,payloadType,signatures")
    throw invalid("members");
  const { payloadType, payload, signatures } = value;
  if (typeof payloadType !== "string" || typeof payload !== "string" || !Array.isArray(signatures))
    throw invalid("types");
  if (signatures.length === 0 || signatures.length > MAX_SIGNATURES) throw invalid("number of signatures");
  return {
    payloadType,
    payload: fromBase64(payload),
    signatures: signatures.map((item: unknown) => {
      if (!isRecord(item) || Object.keys(item).sort().join() !== "keyid,sig") throw invalid("signature members");
      if (typeof item.keyid !== "string" || typeof item.sig !== "string") throw invalid("signature types");
      const sig = fromBase64(item.sig);
      if (sig.length !== 64) throw invalid("signature length");
      return { keyid: item.keyid, sig };
    }),
  };
}

/** An envelope's one form in bytes: the JSON form, canonical. */
export function encodeEnvelope(value: Envelope): Uint8Array<ArrayBuffer> {
  return canonicalJson(envelopeToJson(value));
}

/** Throws WIRE_INVALID on anything that `encodeEnvelope` would not have written. */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  return envelopeFromJson(parseCanonicalJson(bytes));
}
