/**
 * C2SP signed-note: text signed by one or more keys. What is read is written again and compared, so that a note has
 * one form only. Signatures of unknown keys are ignored; a known key whose signature fails rejects the note.
 */
import { concat, equalBytes, fromBase64, fromUtf8, toBase64, uintBe, utf8 } from "../encoding/bytes.ts";
import type { SigningKey, VerifyingKey } from "../encoding/ed25519.ts";
import { sha256 } from "../encoding/sha256.ts";
import { EntenteError } from "../errors.ts";

/** Signature type identifier bytes that the specification assigns. 0x06 (ML-DSA-44) is left to a later version. */
export const SIGNATURE_TYPE = { ed25519: 0x01, cosignatureV1: 0x04 } as const;
export type SignatureType = (typeof SIGNATURE_TYPE)[keyof typeof SIGNATURE_TYPE];

const KEY_ID_BYTES = 4;
/** The specification asks for at least 16; post-quantum signatures take up to 5 kB each. */
const MAX_SIGNATURES = 16;
const MAX_NOTE_BYTES = 128 * 1024;

export interface NoteSignature {
  readonly name: string;
  /** 4 bytes. */
  readonly keyId: Uint8Array;
  /** What follows the key id: n bytes, by the signature type. */
  readonly signature: Uint8Array;
}

export interface Note {
  /** Ends with a newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A key that the reader trusts, for one signature type. */
export interface NoteVerifier {
  readonly name: string;
  /** 4 bytes. */
  readonly keyId: Uint8Array;
  verify(text: string, signature: Uint8Array): boolean;
}

function invalid(detail: string): EntenteError {
  return new EntenteError("WIRE_INVALID", { detail: `signed note: ${detail}` });
}

function checkName(name: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the specification excludes them by name
  if (!/^[^\p{White_Space}+\u0000-\u001f]+$/u.test(name) || !name.isWellFormed()) throw invalid("key name");
}

function checkText(text: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the specification excludes them by name
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text)) throw invalid("control character");
  if (!text.endsWith("\n") || !text.isWellFormed()) throw invalid("text");
}

/** First 4 bytes of SHA-256(name || "\n" || type || key). Throws WIRE_INVALID on a name that a note cannot carry. */
export function noteKeyId(name: string, type: SignatureType, publicKey: Uint8Array): Uint8Array<ArrayBuffer> {
  checkName(name);
  return sha256(utf8(`${name}\n`), uintBe(type, 1), publicKey).slice(0, KEY_ID_BYTES);
}

/** Plain Ed25519 (type 0x01) under the key's own `keyId` as its note name. */
export function noteVerifier(key: VerifyingKey): NoteVerifier {
  return {
    name: key.keyId,
    keyId: noteKeyId(key.keyId, SIGNATURE_TYPE.ed25519, key.publicKey),
    verify: (text, signature) => key.verify(utf8(text), signature),
  };
}

/** Plain Ed25519 (type 0x01). Throws WIRE_INVALID when `text` cannot be a note's. */
export function signText(text: string, key: SigningKey): NoteSignature {
  checkText(text);
  return {
    name: key.keyId,
    keyId: noteKeyId(key.keyId, SIGNATURE_TYPE.ed25519, key.publicKey),
    signature: key.sign(utf8(text)),
  };
}

/** "— name base64\n". */
export function encodeSignatureLine({ name, keyId, signature }: NoteSignature): string {
  return `— ${name} ${toBase64(concat(keyId, signature))}\n`;
}

/** The inverse, with the newline. Throws WIRE_INVALID. */
export function parseSignatureLine(line: string): NoteSignature {
  const match = /^— ([^ \n]+) ([A-Za-z0-9+/=]+)\n$/.exec(line);
  if (match === null) throw invalid("signature line");
  const [, name = "", base64 = ""] = match;
  checkName(name);
  const bytes = fromBase64(base64);
  if (bytes.length <= KEY_ID_BYTES) throw invalid("signature length");
  return { name, keyId: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) };
}

export function encodeNote({ text, signatures }: Note): Uint8Array<ArrayBuffer> {
  return utf8(`${text}\n${signatures.map(encodeSignatureLine).join("")}`);
}

/** Reads the form only; nothing is trusted before `verifyNote`. Throws WIRE_INVALID. */
export function parseNote(bytes: Uint8Array): Note {
  if (bytes.length > MAX_NOTE_BYTES) throw invalid("size");
  const whole = fromUtf8(bytes);
  const blank = whole.lastIndexOf("\n\n");
  if (blank < 0 || !whole.endsWith("\n")) throw invalid("form");
  const text = whole.slice(0, blank + 1);
  checkText(text);
  const lines = whole
    .slice(blank + 2)
    .split("\n")
    .slice(0, -1);
  if (lines.length === 0 || lines.length > MAX_SIGNATURES) throw invalid("number of signatures");
  const note = { text, signatures: lines.map((line) => parseSignatureLine(`${line}\n`)) };
  if (!equalBytes(encodeNote(note), bytes)) throw invalid("not canonical");
  return note;
}

export function isFrom(signature: NoteSignature, verifier: NoteVerifier): boolean {
  return signature.name === verifier.name && equalBytes(signature.keyId, verifier.keyId);
}

/** The signatures of known keys, all of them good. Throws SIGNATURE_INVALID when one of a known key fails, or when no
 * known key signed. */
export function verifyNote(note: Note, verifiers: readonly NoteVerifier[]): NoteSignature[] {
  const known: NoteSignature[] = [];
  for (const signature of note.signatures) {
    const named = verifiers.filter((verifier) => isFrom(signature, verifier));
    if (named.length === 0) continue;
    // Two keys of one name and id are a collision of 32 bits: either may have signed.
    if (!named.some((verifier) => verifier.verify(note.text, signature.signature)))
      throw new EntenteError("SIGNATURE_INVALID", { detail: "signed note" });
    known.push(signature);
  }
  if (known.length === 0) throw new EntenteError("SIGNATURE_INVALID", { detail: "signed note: no known key" });
  return known;
}
