/**
 * What the pure cryptographic code needs of the machine. `session/worker.ts` builds one `Platform` and passes it in, so
 * that `crypto/` and `protocols/` import no `node:*` and draw no ambient randomness, and a test can give fixed bytes.
 */

/** ristretto255 (RFC 9496). Elements and scalars are their canonical 32-byte encodings, little-endian. */
export interface Ristretto255 {
  /** The RFC 9496 section 4.3.4 map of 64 uniform bytes. */
  elementFromUniform(bytes64: Uint8Array): Uint8Array;
  /** scalar * element; undefined when the element is not canonical or the product is the identity. */
  multiply(scalar: Uint8Array, element: Uint8Array): Uint8Array | undefined;
  /** Uniform and not zero. */
  randomScalar(): Uint8Array;
  invertScalar(scalar: Uint8Array): Uint8Array;
  /** A 64-byte little-endian integer modulo the group order. */
  scalarFromUniform(bytes64: Uint8Array): Uint8Array;
  /** Canonical, on the curve, and not the identity. */
  isValidElement(element: Uint8Array): boolean;
}

/** AES-256-GCM (NIST SP 800-38D), 12-byte nonce, 16-byte tag at the end of the ciphertext. */
export interface Aead {
  seal(input: { key: Uint8Array; nonce: Uint8Array; associated: Uint8Array; plaintext: Uint8Array }): Uint8Array;
  /** undefined when the tag does not verify. */
  open(input: {
    key: Uint8Array;
    nonce: Uint8Array;
    associated: Uint8Array;
    ciphertext: Uint8Array;
  }): Uint8Array | undefined;
}

export interface Platform {
  /** Fresh bytes from the operating system's generator (fixed ones in a golden-transcript test). */
  random(length: number): Uint8Array;
  sha256(...parts: readonly Uint8Array[]): Uint8Array;
  sha512(...parts: readonly Uint8Array[]): Uint8Array;
  hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
  /** RFC 5869. */
  hkdfSha256(input: { key: Uint8Array; salt: Uint8Array; info: Uint8Array; length: number }): Uint8Array;
  readonly aead: Aead;
  readonly ristretto255: Ristretto255;
}
