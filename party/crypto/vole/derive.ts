/** Keys and tweaks of the VOLE, bound to the session and partition they belong to, and to one use there. */
import { concat, uintBe, utf8 } from "../../../proto/encoding/bytes.ts";
import { AES_KEY_BYTES } from "../bulk.ts";
import type { Platform } from "../platform.ts";

/** Where a VOLE is valid. */
export interface VoleScope {
  /** The session's 32-byte TLS exporter value. */
  readonly sessionId: Uint8Array;
  readonly partition: number;
}

const DOMAIN = utf8("entente silent vole/1");

/** 16 bytes: SHA-256(domain || use || session || partition || chunk), cut. `use` has fewer than 256 bytes. */
export function publicKey(platform: Platform, scope: VoleScope, use: string, chunk: number): Uint8Array {
  const label = utf8(use);
  const digest = platform.sha256(
    concat(DOMAIN, uintBe(label.length, 1), label, scope.sessionId, uintBe(scope.partition, 4), uintBe(chunk, 4)),
  );
  return digest.subarray(0, AES_KEY_BYTES);
}

/** What every hash over group elements begins with. */
export function hashPrefix(scope: VoleScope, use: string): Uint8Array {
  const label = utf8(use);
  return concat(DOMAIN, uintBe(label.length, 1), label, scope.sessionId, uintBe(scope.partition, 4));
}
