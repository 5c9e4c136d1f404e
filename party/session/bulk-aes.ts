/**
 * `BulkAes` over node:crypto. `cipher.update` allocates its result and a new cipher costs as much as 2 KiB of work, so
 * one cipher object is kept per key and fed in pieces of 64 KiB: large enough to run at full speed, small enough that
 * the results stay in the cache and are freed early.
 */
import { createCipheriv } from "node:crypto";
import { AES_BLOCK_BYTES, AES_KEY_BYTES, type BulkAes } from "../crypto/bulk.ts";

const PIECE_BYTES = 65_536;
const ZEROS = new Uint8Array(PIECE_BYTES);

function requireKey(key: Uint8Array): void {
  if (key.length !== AES_KEY_BYTES) throw new RangeError("AES key must have 16 bytes");
}

export const bulkAes: BulkAes = {
  blockCipher(key) {
    requireKey(key);
    const cipher = createCipheriv("aes-128-ecb", key, null).setAutoPadding(false);
    return (input, out) => {
      if (input.length !== out.length || input.length % AES_BLOCK_BYTES !== 0)
        throw new RangeError("AES blocks must be whole, and as many out as in");
      for (let at = 0; at < input.length; at += PIECE_BYTES)
        out.set(cipher.update(input.subarray(at, at + PIECE_BYTES)), at);
    };
  },
  ctrStream(seed) {
    requireKey(seed);
    const cipher = createCipheriv("aes-128-ctr", seed, new Uint8Array(AES_BLOCK_BYTES));
    return (out) => {
      for (let at = 0; at < out.length; at += PIECE_BYTES)
        out.set(cipher.update(ZEROS.subarray(0, Math.min(PIECE_BYTES, out.length - at))), at);
    };
  },
};
