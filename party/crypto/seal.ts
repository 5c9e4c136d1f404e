/**
 * Sealing under the gate key G: tags and labels leave the sender only so, and nothing of them can be used until the
 * sender releases G. AES-256-GCM; the key is HKDF-SHA256 (RFC 5869) of G for one session and partition, the nonce is
 * (type, round, chunk), which occurs once under that key, and the 24-byte frame header is associated data.
 */
import { encodeHeader, type FrameHeader } from "../../proto/codec/frame.ts";
import { concat, uintBe, utf8 } from "../../proto/encoding/bytes.ts";
import { domainHash } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Platform } from "./platform.ts";

export const GATE_KEY_BYTES = 32;
/** The GCM tag at the end of every sealed body. */
export const SEAL_OVERHEAD_BYTES = 16;
const SEAL_KEY_BYTES = 32;
const INFO = utf8("entente seal/1");
const NO_SALT = new Uint8Array(0);

/** The commitment to gate keys that stands in the receipt: SHA-256(domain, G, ...), the keys of an attempt's partitions in
 * their order. They are uniform, so it needs no salt. */
export function gateKeyHash(...gateKeys: readonly Uint8Array[]): Uint8Array {
  return domainHash("entente gate key/1", ...gateKeys);
}

/** The AEAD key of one partition in one session, 32 bytes; the caller wipes it. `gateKey`: 32 bytes. */
export function sealKey(
  platform: Platform,
  gateKey: Uint8Array,
  scope: { readonly sessionId: Uint8Array; readonly partition: number },
): Uint8Array {
  if (gateKey.length !== GATE_KEY_BYTES)
    throw new EntenteError("SEAL_INVALID", { detail: "gate key of a wrong length" });
  const info = concat(INFO, scope.sessionId, uintBe(scope.partition, 4));
  return platform.hkdfSha256({ key: gateKey, salt: NO_SALT, info, length: SEAL_KEY_BYTES });
}

function nonceOf(header: FrameHeader): Uint8Array {
  return concat(uintBe(0, 4), uintBe(header.type, 2), uintBe(header.round, 2), uintBe(header.chunk, 4));
}

export interface SealInput {
  /** From `sealKey`. */
  readonly key: Uint8Array;
  readonly header: FrameHeader;
  /** The 8 bytes that headers carry. */
  readonly frameSession: Uint8Array;
}

/** The header that is bound: its length is that of the ciphertext with its tag. */
export function sealedHeader({ header, frameSession }: Omit<SealInput, "key">, ciphertextBytes: number): Uint8Array {
  return encodeHeader(header, ciphertextBytes, frameSession);
}

/** The ciphertext with its 16-byte tag. */
export function seal(platform: Platform, input: SealInput, plaintext: Uint8Array): Uint8Array {
  const associated = sealedHeader(input, plaintext.length + SEAL_OVERHEAD_BYTES);
  return platform.aead.seal({ key: input.key, nonce: nonceOf(input.header), associated, plaintext });
}

/** Throws SEAL_INVALID when key, header or ciphertext is not the sealed one. */
export function unseal(platform: Platform, input: SealInput, ciphertext: Uint8Array): Uint8Array {
  const associated = sealedHeader(input, ciphertext.length);
  const plaintext = platform.aead.open({ key: input.key, nonce: nonceOf(input.header), associated, ciphertext });
  if (plaintext === undefined) throw new EntenteError("SEAL_INVALID");
  return plaintext;
}
