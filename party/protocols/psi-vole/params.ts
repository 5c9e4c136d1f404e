/**
 * Every parameter of psi-vole beside those of the key-value store (crypto/okvs/params.ts) and of the silent VOLE
 * (crypto/vole/params.ts), with its source, and the sizes that follow.
 */
import type { FrameHeader } from "../../../proto/codec/frame.ts";
import { PSI_VOLE_TYPE, type PsiVoleKind } from "../../../proto/codec/psi-vole.ts";
import { canonicalJson } from "../../../proto/encoding/canonical-json.ts";
import { domainHash } from "../../../proto/encoding/sha256.ts";
import { EntenteError } from "../../../proto/errors.ts";
import { binsFor, DENSE_SLOTS, type OkvsPlan, okvsPlan } from "../../crypto/okvs/params.ts";
import { parametersOf, type VoleProfile } from "../../crypto/vole/index.ts";
import { ceilLog2, MAX_AUDIENCE_ROWS, MAX_PARTITIONS } from "../plan.ts";
import type { PartitionShape } from "../psi.ts";
import { chunkRowsFor } from "../sealed-rows.ts";
import { MAX_LABEL_BYTES } from "../step.ts";

export const PROTOCOL = "psi-vole/1";
/**
 * Each term of the statistical budget, over all partitions of a job: 2^-43. There are four (false tags, false values,
 * overflow of bins, peeling); partitions overflow with 2^-41 (plan.ts); together 2^-40.
 */
const STATISTICAL_BITS = 43;
/** The sender's bins only hold rows, so room costs nothing on the wire: they overflow far below the other terms. */
const SPARE_ROOM_BITS = 20;
/** Values of `field` are elements of GF(2^128). */
const FIELD_BITS = 128;
/** Rows of a sealed frame, fewer with long labels. */
const MOST_CHUNK_ROWS = 2 ** 15;

/** Rounds, as frames carry them: those after the VOLE's. */
export const ROUND = { masked: 6, sealedTags: 7 } as const;

/** Hashed with padding rows, so that a padding row equals no row that is there and none of the other side. */
export const DUMMY_KIND = { receiver: 1, sender: 2 } as const;

/** `planes`: the VOLE has no shorter values. */
const MIN_VALUE_BYTES = 8;

/** What the VOLE's values are: elements of the field, or vectors of bits of just the length that the budget asks for. */
export type Profile = VoleProfile;

export interface PsiVoleParams {
  readonly profile: Profile;
  /** Rows of a sealed frame. */
  readonly chunkRows: number;
  /** Of values and slots on the wire: STATISTICAL_BITS + log2(partitions * nx * ny) bits in `planes`, up to bytes. */
  readonly valueBytes: number;
  /**
   * Of a tag: STATISTICAL_BITS + log2(partitions * ny * (nx + ny)) bits, up to bytes. A partition has nx * ny pairs that
   * could match falsely and fewer than ny^2 / 2 sender pairs that could look like a duplicate.
   */
  readonly tagBytes: number;
  /** Of a sealed row: tag and padded label. */
  readonly rowBytes: number;
  /** The store of the receiver's rows. */
  readonly okvs: OkvsPlan;
  /** Its bins with room for the sender's rows. */
  readonly senderBins: OkvsPlan;
}

export interface PsiVoleOptions {
  readonly profile?: Profile;
  /** Rows of a sealed frame. */
  readonly chunkRows?: number;
}

/** Throws BAD_REQUEST on a shape that the protocol does not cover. */
export function psiVoleParams(
  shape: PartitionShape,
  { profile = "field", chunkRows }: PsiVoleOptions = {},
): PsiVoleParams {
  const { partitions, receiverCapacity: nx, senderCapacity: ny, labelBytes } = shape;
  const capacity = (n: number) => Number.isInteger(n) && n >= 1 && n <= MAX_AUDIENCE_ROWS;
  if (
    !capacity(nx) ||
    !capacity(ny) ||
    !Number.isInteger(partitions) ||
    partitions < 1 ||
    partitions > MAX_PARTITIONS ||
    !Number.isInteger(labelBytes) ||
    labelBytes < 0 ||
    labelBytes > MAX_LABEL_BYTES ||
    (chunkRows !== undefined && (!Number.isInteger(chunkRows) || chunkRows < 1 || chunkRows > MOST_CHUNK_ROWS))
  )
    throw new EntenteError("BAD_REQUEST", { detail: "capacities, label bytes or chunk of psi-vole" });
  const jobBits = STATISTICAL_BITS + ceilLog2(partitions);
  const valueBits = profile === "field" ? FIELD_BITS : jobBits + ceilLog2(nx) + ceilLog2(ny);
  const tagBytes = Math.ceil((jobBits + ceilLog2(ny) + ceilLog2(nx + ny)) / 8);
  const okvs = okvsPlan(nx, jobBits);
  const rowBytes = tagBytes + labelBytes;
  return {
    profile,
    chunkRows: chunkRows ?? chunkRowsFor(rowBytes, MOST_CHUNK_ROWS),
    valueBytes: Math.max(MIN_VALUE_BYTES, Math.ceil(valueBits / 8)),
    tagBytes,
    rowBytes,
    okvs,
    senderBins: binsFor(okvs, ny, jobBits + SPARE_ROOM_BITS),
  };
}

/** Bytes of a masked bin. */
export function maskedBytes({ okvs, valueBytes }: PsiVoleParams): number {
  return okvs.binSlots * valueBytes;
}

/** The frame of a message, as it is bound to a seal. */
export function frameHeader(partition: number, kind: PsiVoleKind, chunk: number): FrameHeader {
  return { type: PSI_VOLE_TYPE[kind], round: ROUND[kind], partition, chunk };
}

/** Compared in the handshake. */
export function parametersDigest(shape: PartitionShape, options: PsiVoleOptions = {}): Uint8Array {
  const { partitions, receiverCapacity, senderCapacity, labelBytes } = shape;
  const { okvs, senderBins: _, ...params } = psiVoleParams(shape, options);
  return domainHash(
    "entente protocol parameters/1",
    canonicalJson({
      protocol: PROTOCOL,
      hash: "BLAKE2s",
      statisticalBits: STATISTICAL_BITS,
      ...params,
      okvs: { ...okvs, dense: DENSE_SLOTS },
      vole: parametersOf({ outputs: okvs.slots, profile: params.profile, valueBytes: params.valueBytes }),
      partitions,
      receiverCapacity,
      senderCapacity,
      labelBytes,
    }),
  );
}
