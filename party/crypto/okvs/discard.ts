/** Large secrets are given back when they are done with, not when the collector gets to them. */

/** Overwrites an array that has its buffer to itself, and frees it: every view is empty afterwards. May be repeated. */
export function discard(secret: Uint8Array | Uint32Array): void {
  const { buffer } = secret;
  if (buffer instanceof ArrayBuffer && buffer.detached) return;
  secret.fill(0);
  if (buffer instanceof ArrayBuffer && secret.byteLength === buffer.byteLength) buffer.transfer(0);
}
