/** Where each message stands, and the bytes of labels and announcements. */
import type { Frame } from "../../../proto/codec/frame.ts";
import { decodeScoreLinear, encodeScoreLinear, type ScoreLinearKind } from "../../../proto/codec/score-linear.ts";
import { concat } from "../../../proto/encoding/bytes.ts";
import { EntenteError } from "../../../proto/errors.ts";
import type { PartitionContext } from "../step.ts";

const ROUNDS = { announcement: 1, reply: 1, ciphertext: 2, answer: 3 } as const;
const DIGEST_BYTES = 32;
export const ANNOUNCEMENT_BYTES = 3 * DIGEST_BYTES;
/** The reply's one byte. */
export const [NEEDED, HELD] = [0, 1];

export function write(context: PartitionContext, kind: ScoreLinearKind, chunk: number, bytes: Uint8Array): Frame {
  return encodeScoreLinear({ kind, round: ROUNDS[kind], partition: context.partition, chunk, bytes });
}

/** The `bytes` bytes that are due. Throws WIRE_UNEXPECTED on another frame than the due one, WIRE_INVALID on another form. */
export function read(
  context: PartitionContext,
  frame: Frame,
  due: { readonly kind: ScoreLinearKind; readonly chunk: number; readonly bytes: number },
): Uint8Array {
  if (frame.round !== ROUNDS[due.kind] || frame.partition !== context.partition || frame.chunk !== due.chunk)
    throw new EntenteError("WIRE_UNEXPECTED", { detail: "score frame" });
  return decodeScoreLinear(frame, due).bytes;
}

/** What the bank says of its model before it sends any of it. */
export interface Announcement {
  readonly parameterDigest: Uint8Array;
  /** The job's commitment to the model version. */
  readonly modelCommitment: Uint8Array;
  /** SHA-256 of the bundle: the public key's and all weights' ciphertexts. */
  readonly bundleDigest: Uint8Array;
}

export function announcementBytes({ parameterDigest, modelCommitment, bundleDigest }: Announcement): Uint8Array {
  return concat(parameterDigest, modelCommitment, bundleDigest);
}

/** `bytes`: ANNOUNCEMENT_BYTES. */
export function readAnnouncement(bytes: Uint8Array): Announcement {
  const [parameterDigest, modelCommitment, bundleDigest] = [0, 1, 2].map((i) =>
    bytes.slice(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES),
  ) as [Uint8Array, Uint8Array, Uint8Array];
  return { parameterDigest, modelCommitment, bundleDigest };
}

/** One row's label: slot and share, big-endian. */
export function writeLabel(labels: DataView, row: number, slot: number, shareSecret: number): void {
  labels.setUint32(8 * row, slot);
  labels.setUint32(8 * row + 4, shareSecret);
}

/** The inverse of `writeLabel`, for the bank. `label`: 8 bytes. */
export function readLabel(label: Uint8Array): { readonly slot: number; readonly share: number } {
  const view = new DataView(label.buffer, label.byteOffset, 8);
  return { slot: view.getUint32(0), share: view.getUint32(4) };
}
