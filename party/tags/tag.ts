/** A tag: the product's output. It exists only at the receiver, who knows the subject. */
export interface Tag {
  /** The receiver's own normalised id of the person. */
  readonly subject: string;
  readonly key: string;
  readonly value: string;
  /** The model's probability, for a tag that a score gave; null for an audience's. */
  readonly score: number | null;
  readonly jobId: string;
  /** Digest of the agreement under which it was issued. */
  readonly agreement: string;
  readonly issuedAt: string;
  readonly expiresAt: string;
}
