/**
 * AES in bulk: what the correlation generators need beyond `Platform`, at the speed of the processor's instructions.
 * Implemented over node:crypto by `party/session/bulk-aes.ts`.
 */

export const AES_BLOCK_BYTES = 16;
export const AES_KEY_BYTES = 16;

/** Encrypts whole blocks, each by itself, from `input` into `out`; equal lengths, multiples of 16 bytes. */
export type BlockCipher = (input: Uint8Array, out: Uint8Array) => void;

/** Overwrites `out` with the next bytes of a stream. */
export type ByteStream = (out: Uint8Array) => void;

export interface BulkAes {
  /** AES-128 (FIPS 197) under one 16-byte key: a fixed public permutation, not an encryption mode. */
  blockCipher(key: Uint8Array): BlockCipher;
  /** AES-128-CTR (NIST SP 800-38A) from counter 0: a pseudorandom generator with a 16-byte seed, used once. */
  ctrStream(seed: Uint8Array): ByteStream;
}
