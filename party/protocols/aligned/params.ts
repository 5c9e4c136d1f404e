/** Every parameter of aligned, and the sizes that follow from them. */
import { ALIGNED_TYPE, type AlignedKind } from "../../../proto/codec/aligned.ts";
import type { FrameHeader } from "../../../proto/codec/frame.ts";
import { canonicalJson } from "../../../proto/encoding/canonical-json.ts";
import { domainHash } from "../../../proto/encoding/sha256.ts";
import { EntenteError } from "../../../proto/errors.ts";
import { MAX_PARTITIONS, MAX_SCORE_ROWS } from "../plan.ts";
import type { PartitionShape } from "../psi.ts";
import { chunkRowsFor, type SealedRows } from "../sealed-rows.ts";
import { MAX_LABEL_BYTES } from "../step.ts";

export const PROTOCOL = "aligned/1";
/** Rows of a frame: a mebibyte of hashes; fewer with long labels. */
const MOST_CHUNK_ROWS = 2 ** 16;
export const COUNT_BYTES = 4;

/** Rounds, as frames carry them. */
export const ROUND = { count: 1, listed: 2, sealedLabels: 3 } as const;

/** `rowBytes`: of a sealed row, which is a label and nothing else: the list's order says whose it is. */
export type AlignedParams = SealedRows;

/** Throws BAD_REQUEST on a shape that the protocol does not cover. */
export function alignedParams(shape: PartitionShape, chunkRows?: number): AlignedParams {
  const { partitions, receiverCapacity, senderCapacity, labelBytes } = shape;
  const within = (n: number, least: number, most: number) => Number.isInteger(n) && n >= least && n <= most;
  if (
    !within(partitions, 1, MAX_PARTITIONS) ||
    !within(receiverCapacity, 1, MAX_SCORE_ROWS) ||
    !within(senderCapacity, 1, MAX_SCORE_ROWS) ||
    !within(labelBytes, 1, MAX_LABEL_BYTES)
  )
    throw new EntenteError("BAD_REQUEST", { detail: "capacities or label bytes of aligned" });
  return { chunkRows: chunkRows ?? chunkRowsFor(labelBytes, MOST_CHUNK_ROWS), rowBytes: labelBytes };
}

/** The frame of a message, as it is bound to a seal. */
export function frameHeader(partition: number, kind: AlignedKind, chunk: number): FrameHeader {
  return { type: ALIGNED_TYPE[kind], round: ROUND[kind], partition, chunk };
}

/** Compared in the handshake. */
export function parametersDigest(shape: PartitionShape, chunkRows?: number): Uint8Array {
  const { partitions, receiverCapacity, senderCapacity, labelBytes } = shape;
  const params = alignedParams(shape, chunkRows);
  return domainHash(
    "entente protocol parameters/1",
    canonicalJson({ protocol: PROTOCOL, ...params, partitions, receiverCapacity, senderCapacity, labelBytes }),
  );
}

/** What is computed on the list instead of the sender's rows: as many padded rows as the receiver has. */
export function listedContext<Context extends PartitionShape>(context: Context): Context {
  return { ...context, senderCapacity: context.receiverCapacity };
}
