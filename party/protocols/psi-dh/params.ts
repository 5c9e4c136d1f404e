/** Every parameter of psi-dh, with its source, and the sizes that follow from them. */
import type { FrameHeader } from "../../../proto/codec/frame.ts";
import { PSI_DH_TYPE } from "../../../proto/codec/psi-dh.ts";
import { canonicalJson } from "../../../proto/encoding/canonical-json.ts";
import { domainHash } from "../../../proto/encoding/sha256.ts";
import { EntenteError } from "../../../proto/errors.ts";
import { ceilLog2, MAX_PARTITIONS } from "../plan.ts";
import type { PartitionShape } from "../psi.ts";
import { MAX_LABEL_BYTES } from "../step.ts";

export const PROTOCOL = "psi-dh/1";
/** RFC 9497 section 4.1: about 128-bit security from the group's 252-bit prime order. */
const SUITE = "OPRF(ristretto255, SHA-512)";
/** Elements or rows of a frame: 128 KiB of elements, about a second of either side's work. */
const DEFAULT_CHUNK_ROWS = 2 ** 12;
/** Blinded chunks that are under way at once: enough to keep both sides busy, and the buffers small. */
const WINDOW_CHUNKS = 4;
/**
 * All collisions of tags in a job at most 2^-43, its share of the 2^-40 statistical budget beside the overflow of
 * partitions (2^-41, see plan.ts).
 */
const STATISTICAL_BITS = 43;

/** Rounds, as frames carry them. */
export const ROUND = { blinded: 1, evaluated: 2, sealedTags: 3 } as const;

export interface PsiDhParams {
  readonly chunkRows: number;
  readonly windowChunks: number;
  /**
   * Of a tag: STATISTICAL_BITS + log2(partitions * ny * (nx + ny)) bits, rounded up to bytes. A partition has nx * ny
   * pairs that could match falsely and fewer than ny^2 / 2 sender pairs that could look like a duplicate.
   */
  readonly tagBytes: number;
  /** Of a sealed row: tag and padded label. */
  readonly rowBytes: number;
}

/** Throws BAD_REQUEST on a shape that the protocol does not cover. */
export function psiDhParams(shape: PartitionShape, chunkRows = DEFAULT_CHUNK_ROWS): PsiDhParams {
  const { partitions, receiverCapacity: nx, senderCapacity: ny, labelBytes } = shape;
  const natural = (n: number) => Number.isSafeInteger(n) && n >= 1 && n < 2 ** 31;
  if (
    !natural(partitions) ||
    partitions > MAX_PARTITIONS ||
    !natural(nx) ||
    !natural(ny) ||
    !Number.isInteger(labelBytes) ||
    labelBytes < 0 ||
    labelBytes > MAX_LABEL_BYTES
  )
    throw new EntenteError("BAD_REQUEST", { detail: "capacities or label bytes of psi-dh" });
  const tagBits = STATISTICAL_BITS + ceilLog2(partitions) + ceilLog2(ny) + ceilLog2(nx + ny);
  const tagBytes = Math.ceil(tagBits / 8);
  return { chunkRows, windowChunks: WINDOW_CHUNKS, tagBytes, rowBytes: tagBytes + labelBytes };
}

/** The frame of a message, as it is bound to a seal. */
export function frameHeader(partition: number, kind: keyof typeof ROUND, chunk: number): FrameHeader {
  return { type: PSI_DH_TYPE[kind], round: ROUND[kind], partition, chunk };
}

/** Compared in the handshake. */
export function parametersDigest(shape: PartitionShape, chunkRows = DEFAULT_CHUNK_ROWS): Uint8Array {
  const { partitions, receiverCapacity, senderCapacity, labelBytes } = shape;
  const params = psiDhParams(shape, chunkRows);
  return domainHash(
    "entente protocol parameters/1",
    canonicalJson({
      protocol: PROTOCOL,
      suite: SUITE,
      statisticalBits: STATISTICAL_BITS,
      ...params,
      partitions,
      receiverCapacity,
      senderCapacity,
      labelBytes,
    }),
  );
}
