/** The bearer token of a node's own users. */
import { createHash, timingSafeEqual } from "node:crypto";

function hashOf(token: string): Buffer {
  return createHash("sha256").update(token, "utf8").digest();
}

/**
 * Tells whether a token is the issued one. Both are hashed with SHA-256 first, so that the comparison is over equal
 * lengths and takes the same time wherever they differ; the issued token itself is not kept.
 */
export function tokenCheck(secretToken: string): (presented: string) => boolean {
  const expectedHash = hashOf(secretToken);
  return (presented) => timingSafeEqual(hashOf(presented), expectedHash);
}

/** The token of an `Authorization: Bearer` header (RFC 6750 section 2.1), undefined when it is none. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header ?? "")?.[1];
}
