/** A tag: the product's output. It exists only at the receiver, who knows the subject. */
export interface Tag {
  /** The receiver's own normalised id of the person. */
  readonly subject: string;
  readonly key: string;
  readonly value: string;
  /** What the model puts out, as far as the job's output shows it; null for a tier's and for an audience's. */
  readonly score: number | null;
  readonly jobId: string;
  /** Digest of the agreement under which it was issued. */
  readonly agreement: string;
  /** The model version, by the commitment that the job's receipt names, hex; null for an audience's. */
  readonly model: string | null;
  /** When the partner had finished scoring, as the receipt says it; null for an audience's. */
  readonly scoredAt: string | null;
  readonly issuedAt: string;
  readonly expiresAt: string;
}
