/**
 * The shape of every protocol here. One state type per round and one function per round, so that a reader finds the
 * paper's steps by name. Steps are synchronous and pure but for the `Platform` passed in; `session/runner` does the I/O.
 */

/** `send` may be a generator: the runner sends each message as it is made, so that the peer works meanwhile. */
export type Step<State, Message, Output> =
  | { readonly kind: "continue"; readonly state: State; readonly send: Iterable<Message> }
  | { readonly kind: "done"; readonly output: Output; readonly send: Iterable<Message> };

/** Fixed for one partition of one attempt; equal at both ends but for `role` and what `role` implies. */
export interface PartitionContext {
  /** The session's 32-byte TLS exporter value, hashed into everything that must not be valid elsewhere. */
  readonly sessionId: Uint8Array;
  /** First 8 bytes of SHA-256(sessionId): what frame headers carry. */
  readonly frameSession: Uint8Array;
  readonly partition: number;
  /** Of the job: its statistical budget is for all of them together. */
  readonly partitions: number;
  /** Rows of each side after padding to the capacity: all that a peer may learn of a size. */
  readonly receiverCapacity: number;
  readonly senderCapacity: number;
  /** Bytes of the label that the sender attaches to each row, 0 to MAX_LABEL_BYTES. */
  readonly labelBytes: number;
}

/** A score's slot and share, and a job's label columns. */
export const MAX_LABEL_BYTES = 256;

/** The keyed 128-bit hashes of ids, packed; what a protocol sees of a person. */
export const ID_BYTES = 16;

export interface PsiReceiverInput {
  /** n * 16 bytes, n <= receiverCapacity, no duplicates. */
  readonly ids: Uint8Array;
}

export interface PsiSenderInput {
  /** n * 16 bytes, n <= senderCapacity, no duplicates. */
  readonly ids: Uint8Array;
  /** n * labelBytes, in the order of `ids`. */
  readonly labels: Uint8Array;
  /** The attempt's gate key G, 32 bytes: tags and labels leave only sealed under it. */
  readonly gateKey: Uint8Array;
}

/** All that the receiver keeps until the gate opens; bytes only, so that it can be stored. */
export interface SealedPartition {
  /** What the receiver finds its rows by. Of a PSI n * 32 bytes: the OPRF outputs F(x) of its ids, in their order. */
  readonly outputs: Uint8Array;
  /** The sender's sealed frames, in order: headers (24 bytes each) and bodies. */
  readonly sealed: readonly { readonly header: Uint8Array; readonly body: Uint8Array }[];
}

export interface PsiMatches {
  /** Positions in the receiver's `ids`, ascending. */
  readonly rows: Uint32Array;
  /** rows.length * labelBytes. */
  readonly labels: Uint8Array;
}
