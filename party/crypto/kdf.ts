/**
 * What is derived from an OPRF output F(y): the tag that is matched and the pad of the label. One-step key derivation of
 * NIST SP 800-56C rev. 2 section 4.1 with SHA-256, K(i) = H(counter || Z || FixedInfo), Z = F(y); FixedInfo names the
 * use, the session, the partition and the length in bits, so that two uses never share a byte.
 */
import { concat, uintBe, utf8 } from "../../proto/encoding/bytes.ts";
import type { Platform } from "./platform.ts";

const HASH_BYTES = 32;
/** Bytes of F(y) that are kept; truncating SHA-512 is safe for a key (NIST SP 800-107 rev. 1 section 5.1). */
export const OPRF_OUTPUT_BYTES = 32;

export type Derivation = (oprfOutput: Uint8Array) => Uint8Array;

/** Where a derived value is valid: nowhere else. */
export interface DerivationScope {
  readonly sessionId: Uint8Array;
  readonly partition: number;
}

function derivation(platform: Platform, use: string, scope: DerivationScope, length: number): Derivation {
  const label = utf8(use);
  const info = concat(
    uintBe(label.length, 1),
    label,
    scope.sessionId,
    uintBe(scope.partition, 4),
    uintBe(length * 8, 4),
  );
  const blocks = Math.ceil(length / HASH_BYTES);
  const counters = Array.from({ length: blocks }, (_, i) => uintBe(i + 1, 4));
  return (oprfOutput) => {
    const out = new Uint8Array(blocks * HASH_BYTES);
    counters.forEach((counter, i) => {
      out.set(platform.sha256(counter, oprfOutput, info), i * HASH_BYTES);
    });
    return out.subarray(0, length);
  };
}

/** The tag by which a row is matched, `length` bytes. */
export function matchTag(platform: Platform, scope: DerivationScope, length: number): Derivation {
  return derivation(platform, "entente match tag/1", scope, length);
}

/**
 * The pad that a row's label is XORed with, `length` bytes. One-time: F(y) is fresh per attempt and partition because
 * the OPRF key is, and a row occurs once. Integrity comes from the seal around the whole frame.
 */
export function labelPad(platform: Platform, scope: DerivationScope, length: number): Derivation {
  return derivation(platform, "entente label pad/1", scope, length);
}
