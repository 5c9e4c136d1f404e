/**
 * Rows of tag and padded label as a PSI sender sends them: cut into chunks of equal length, each sealed under the gate
 * key (`../crypto/seal.ts`) and bound to its frame's header. How a row is made is each protocol's own.
 */
import type { FrameHeader } from "../../proto/codec/frame.ts";
import { equalBytes } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Platform } from "../crypto/platform.ts";
import { SEAL_OVERHEAD_BYTES, sealedHeader, sealKey, unseal } from "../crypto/seal.ts";
import type { PartitionContext, SealedPartition } from "./step.ts";

interface Chunked {
  /** Rows of a chunk; the last may have fewer. */
  readonly chunkRows: number;
}

export interface SealedRows extends Chunked {
  /** Of a row: tag and padded label. */
  readonly rowBytes: number;
}

/** Of a chunk in the clear: 2^15 rows of the longest tag and a label of 64, so that it fits a frame of 4 MiB. */
const MAX_CHUNK_BYTES = 2 ** 15 * 80;

/** Rows of a chunk: `most`, a power of two, or the largest below it whose rows of `rowBytes` fit a frame. */
export function chunkRowsFor(rowBytes: number, most: number): number {
  let rows = most;
  while (rows * rowBytes > MAX_CHUNK_BYTES) rows /= 2;
  return rows;
}

/** Chunks of a list of `rows` rows. */
export function chunkCount({ chunkRows }: Chunked, rows: number): number {
  return Math.ceil(rows / chunkRows);
}

/** First row and row after the last of a chunk. */
export function chunkRange({ chunkRows }: Chunked, rows: number, chunk: number): { from: number; to: number } {
  const from = chunk * chunkRows;
  return { from, to: Math.min(rows, from + chunkRows) };
}

/** Bytes of a sealed chunk's ciphertext. */
export function sealedBytes(form: SealedRows, senderCapacity: number, chunk: number): number {
  const { from, to } = chunkRange(form, senderCapacity, chunk);
  return (to - from) * form.rowBytes + SEAL_OVERHEAD_BYTES;
}

/** All sealed chunks in the clear: senderCapacity * rowBytes. `headerOf`: the frame of a chunk, as the sender bound it.
 * Throws SEAL_INVALID when key or frames are not those that the sender sealed. */
export function unsealRows(
  platform: Platform,
  context: PartitionContext,
  { sealed }: SealedPartition,
  gateKey: Uint8Array,
  { headerOf, ...form }: SealedRows & { readonly headerOf: (chunk: number) => FrameHeader },
): Uint8Array {
  const { senderCapacity, frameSession } = context;
  if (sealed.length !== chunkCount(form, senderCapacity))
    throw new EntenteError("SEAL_INVALID", { detail: "number of sealed frames" });
  const key = sealKey(platform, gateKey, context);
  const rows = new Uint8Array(senderCapacity * form.rowBytes);
  try {
    sealed.forEach(({ header: stored, body }, chunk) => {
      const header = headerOf(chunk);
      const expected = sealedHeader({ header, frameSession }, sealedBytes(form, senderCapacity, chunk));
      if (!equalBytes(stored, expected)) throw new EntenteError("SEAL_INVALID", { detail: "header of a sealed frame" });
      const plaintext = unseal(platform, { key, header, frameSession }, body);
      rows.set(plaintext, chunkRange(form, senderCapacity, chunk).from * form.rowBytes);
      plaintext.fill(0);
    });
  } finally {
    key.fill(0);
  }
  return rows;
}
