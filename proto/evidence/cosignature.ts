/**
 * C2SP tlog-cosignature, Ed25519 (type 0x04): "as of this time, the largest tree that I saw of this log is this one,
 * and it extends all I saw before". The message does not name the cosigner, so a cosigner key has one name only.
 */
import { concat, fromHex, toHex, utf8 } from "../encoding/bytes.ts";
import type { SigningKey, VerifyingKey } from "../encoding/ed25519.ts";
import { EntenteError } from "../errors.ts";
import { checkpointBody, parseCheckpointBody, type TreeHead } from "./checkpoint.ts";
import { type NoteSignature, type NoteVerifier, noteKeyId, SIGNATURE_TYPE } from "./note.ts";

const TIME_BYTES = 8;
/** Timestamp (u64, big-endian) and Ed25519 signature. */
export const COSIGNATURE_BYTES = TIME_BYTES + 64;

function message(body: string, timeS: number): Uint8Array<ArrayBuffer> {
  return utf8(`cosignature/v1\ntime ${timeS}\n${body}`);
}

/** POSIX seconds of a cosignature; undefined when it is zero (no statement of the largest tree) or not below 2^53. */
function timeOf(signature: Uint8Array): number | undefined {
  if (signature.length !== COSIGNATURE_BYTES) return undefined;
  const time = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
  return time === 0n || time > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(time);
}

/** When the cosigner says it signed, POSIX seconds. Throws WIRE_INVALID when the bytes are no cosignature. */
export function cosignatureTimeS(signature: Uint8Array): number {
  const timeS = timeOf(signature);
  if (timeS === undefined) throw new EntenteError("WIRE_INVALID", { detail: "cosignature" });
  return timeS;
}

export function cosignatureVerifier(key: VerifyingKey): NoteVerifier {
  return {
    name: key.keyId,
    keyId: noteKeyId(key.keyId, SIGNATURE_TYPE.cosignatureV1, key.publicKey),
    verify(text, signature) {
      const timeS = timeOf(signature);
      return timeS !== undefined && key.verify(message(text, timeS), signature.subarray(TIME_BYTES));
    },
  };
}

/**
 * Signs a checkpoint's body. A witness calls this only after it has stored that checkpoint durably (`witness.ts`):
 * one that signs first can be made to sign two histories by a crash. `timeS`: POSIX seconds, above zero.
 * Throws WIRE_INVALID when `body` is no checkpoint or the time is out of range.
 */
export function cosign(body: string, key: SigningKey, timeS: number): NoteSignature {
  parseCheckpointBody(body);
  if (!Number.isSafeInteger(timeS) || timeS <= 0)
    throw new EntenteError("WIRE_INVALID", { detail: "cosignature time" });
  const time = new Uint8Array(TIME_BYTES);
  new DataView(time.buffer).setBigUint64(0, BigInt(timeS));
  return {
    name: key.keyId,
    keyId: noteKeyId(key.keyId, SIGNATURE_TYPE.cosignatureV1, key.publicKey),
    signature: concat(time, key.sign(message(body, timeS))),
  };
}

/** A tree head with one cosignature, as statements hold it: enough to verify without the note. */
export interface CosignedHead extends TreeHead {
  /** Name of the cosigner's key, as `partner/cosigner`. */
  readonly cosigner: string;
  /** 72 bytes in hex: timestamp (u64, big-endian) and Ed25519 signature. */
  readonly cosignature: string;
}

export function cosignedHead({ origin, size, root }: TreeHead, signature: NoteSignature): CosignedHead {
  return { origin, size, root, cosigner: signature.name, cosignature: toHex(signature.signature) };
}

/** True when `key`, under the name that `head` gives, made the cosignature. Never throws on a head of the right types. */
export function verifyCosignedHead(head: CosignedHead, key: VerifyingKey): boolean {
  try {
    const body = checkpointBody({ origin: head.origin, size: head.size, root: fromHex(head.root) });
    return head.cosigner === key.keyId && cosignatureVerifier(key).verify(body, fromHex(head.cosignature));
  } catch {
    return false;
  }
}
