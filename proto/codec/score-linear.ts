/**
 * The frames of `score-linear`, to and from bytes. Every message has one length, compared before anything is decoded;
 * whether residues are below their primes is checked where they are read (party/he).
 */
import { EntenteError } from "../errors.ts";
import { entente } from "../gen/messages.js";
import type { Frame, FrameHeader } from "./frame.ts";

export const SCORE_DIGEST_BYTES = 32;
/** 2 polynomials of 8,192 coefficients modulo 6 primes (a key) or 5 (a ciphertext), 27 bits each. */
export const SCORE_PUBLIC_KEY_BYTES = (2 * 6 * 8192 * 27) / 8;
export const SCORE_CIPHERTEXT_BYTES = (2 * 5 * 8192 * 27) / 8;

/** oneof field numbers of score_linear.proto. */
export const SCORE_FRAME_TYPES = { publicKey: 64, weight: 65, answer: 72 } as const;

/** A field number of two bytes and a length of three, around a ciphertext. */
const CIPHERTEXT_BODY_BYTES = 5 + SCORE_CIPHERTEXT_BYTES;
const PUBLIC_KEY_BODY_BYTES = 5 + (2 + SCORE_DIGEST_BYTES) + (4 + SCORE_PUBLIC_KEY_BYTES);

export interface ScorePublicKey {
  readonly parameterDigest: Uint8Array;
  readonly residues: Uint8Array;
}

type Position = Omit<FrameHeader, "type">;

/** protobufjs gives a Buffer under Node, whose `slice` shares memory; callers get a plain array over the same bytes. */
function framed(position: Position, type: number, encoded: Uint8Array): Frame {
  return { ...position, type, body: new Uint8Array(encoded.buffer, encoded.byteOffset, encoded.length) };
}

export function encodePublicKey(position: Position, key: ScorePublicKey): Frame {
  const { parameterDigest, residues } = key;
  const encoded = entente.v1.ScoreLinearBank.encode({ publicKey: { parameterDigest, residues } }).finish();
  return framed(position, SCORE_FRAME_TYPES.publicKey, encoded);
}

export function encodeWeight(position: Position, ciphertext: Uint8Array): Frame {
  const encoded = entente.v1.ScoreLinearBank.encode({ weight: ciphertext }).finish();
  return framed(position, SCORE_FRAME_TYPES.weight, encoded);
}

export function encodeAnswer(position: Position, ciphertext: Uint8Array): Frame {
  const encoded = entente.v1.ScoreLinearPartner.encode({ answer: ciphertext }).finish();
  return framed(position, SCORE_FRAME_TYPES.answer, encoded);
}

/** Throws WIRE_UNEXPECTED unless the header is the expected one. */
function expectHeader(frame: Frame, expected: FrameHeader): void {
  const { type, round, partition, chunk } = expected;
  if (frame.type !== type || frame.round !== round || frame.partition !== partition || frame.chunk !== chunk)
    throw new EntenteError("WIRE_UNEXPECTED", { detail: "score-linear frame" });
}

function decodeBody<T>(decode: (body: Uint8Array) => T, body: Uint8Array, expectedBytes: number): T {
  if (body.length !== expectedBytes)
    throw new EntenteError("WIRE_INVALID", { detail: `score-linear body of ${body.length} bytes` });
  try {
    return decode(body);
  } catch (cause) {
    throw new EntenteError("WIRE_INVALID", { detail: "score-linear body", cause });
  }
}

function exactly(bytes: Uint8Array | null | undefined, length: number): Uint8Array {
  if (bytes?.length !== length) throw new EntenteError("WIRE_INVALID", { detail: "score-linear field length" });
  return bytes;
}

/** Throws WIRE_UNEXPECTED on another header than `position`'s, WIRE_INVALID on another form. */
export function decodePublicKey(frame: Frame, position: Position): ScorePublicKey {
  expectHeader(frame, { ...position, type: SCORE_FRAME_TYPES.publicKey });
  const key = decodeBody(
    (body) => entente.v1.ScoreLinearBank.decode(body),
    frame.body,
    PUBLIC_KEY_BODY_BYTES,
  ).publicKey;
  return {
    parameterDigest: exactly(key?.parameterDigest, SCORE_DIGEST_BYTES),
    residues: exactly(key?.residues, SCORE_PUBLIC_KEY_BYTES),
  };
}

/** As `decodePublicKey`; returns SCORE_CIPHERTEXT_BYTES. */
export function decodeWeight(frame: Frame, position: Position): Uint8Array {
  expectHeader(frame, { ...position, type: SCORE_FRAME_TYPES.weight });
  const message = decodeBody((body) => entente.v1.ScoreLinearBank.decode(body), frame.body, CIPHERTEXT_BODY_BYTES);
  return exactly(message.weight, SCORE_CIPHERTEXT_BYTES);
}

/** As `decodePublicKey`; returns SCORE_CIPHERTEXT_BYTES. */
export function decodeAnswer(frame: Frame, position: Position): Uint8Array {
  expectHeader(frame, { ...position, type: SCORE_FRAME_TYPES.answer });
  const message = decodeBody((body) => entente.v1.ScoreLinearPartner.decode(body), frame.body, CIPHERTEXT_BODY_BYTES);
  return exactly(message.answer, SCORE_CIPHERTEXT_BYTES);
}
