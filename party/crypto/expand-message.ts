/** expand_message_xmd of RFC 9380 section 5.3.1, with SHA-512. */
import { concat, uintBe } from "../../proto/encoding/bytes.ts";
import type { Platform } from "./platform.ts";

const HASH_BYTES = 64;
/** Input block size of SHA-512 (`s_in_bytes`). */
const BLOCK_BYTES = 128;
const Z_PAD = new Uint8Array(BLOCK_BYTES);

export interface ExpandInput {
  readonly message: Uint8Array;
  /** Domain separation tag, 1 to 255 bytes: every one used here is a short constant (longer ones: section 5.3.3). */
  readonly dst: Uint8Array;
  /** 1 to 255 * 64 bytes. */
  readonly length: number;
}

/** `length` bytes, uniform in the random-oracle model. */
export function expandMessageXmd(platform: Platform, { message, dst, length }: ExpandInput): Uint8Array {
  const blocks = Math.ceil(length / HASH_BYTES);
  if (length < 1 || blocks > 255 || dst.length < 1 || dst.length > 255)
    throw new RangeError("expand_message_xmd: length or tag out of range");
  const dstPrime = concat(dst, uintBe(dst.length, 1));
  const b0 = platform.sha512(Z_PAD, message, uintBe(length, 2), uintBe(0, 1), dstPrime);
  const out = new Uint8Array(blocks * HASH_BYTES);
  let previous: Uint8Array = new Uint8Array(HASH_BYTES);
  for (let i = 1; i <= blocks; i++) {
    const chained = previous.map((byte, at) => byte ^ (b0[at] as number));
    previous = platform.sha512(chained, uintBe(i, 1), dstPrime);
    out.set(previous, (i - 1) * HASH_BYTES);
  }
  return out.subarray(0, length);
}
