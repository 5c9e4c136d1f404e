/** Step 7 of psi-vole: what the receiver does with its stored partition once the gate key is released. */
import { OUTPUT_BYTES } from "../../crypto/okvs/bin.ts";
import { discard } from "../../crypto/okvs/discard.ts";
import { labelPads, matchTags } from "../../crypto/okvs/match.ts";
import { unsealRows } from "../sealed-rows.ts";
import type { PartitionContext, PsiMatches, SealedPartition } from "../step.ts";
import { frameHeader, type PsiVoleParams } from "./params.ts";
import type { PsiVolePlatform } from "./platform.ts";
import { hashState } from "./rows.ts";

/** Bytes first .. first+length-1 of each row of `positions`, packed. */
function gather(
  bytes: Uint8Array,
  positions: Uint32Array,
  { stride, first, length }: { readonly stride: number; readonly first: number; readonly length: number },
): Uint8Array {
  const out = new Uint8Array(positions.length * length);
  positions.forEach((position, i) => {
    const at = position * stride + first;
    for (let b = 0; b < length; b++) out[i * length + b] = bytes[at + b] as number;
  });
  return out;
}

/**
 * The matches of one partition. Throws SEAL_INVALID when key or frames are not those that the sender sealed, and
 * WIRE_INVALID when a tag occurs twice or tags crowd: then the sender did not follow the protocol.
 */
export function openPartition(
  platform: PsiVolePlatform,
  context: PartitionContext,
  sealed: SealedPartition,
  gateKey: Uint8Array,
  params: PsiVoleParams,
): PsiMatches {
  const { labelBytes } = context;
  const { tagBytes, rowBytes } = params;
  const { outputs } = sealed;
  const { okvs } = platform.kernels;
  const rows = unsealRows(platform, context, sealed, gateKey, {
    ...params,
    headerOf: (chunk) => frameHeader(context.partition, "sealedTags", chunk),
  });
  const places = matchTags(okvs, { rows, rowBytes, tagBytes, outputs });
  const matched = new Uint32Array(places.reduce((sum, place) => sum + Number(place !== 0), 0));
  const positions = new Uint32Array(matched.length);
  let found = 0;
  places.forEach((place, row) => {
    if (place === 0) return;
    matched[found] = row;
    positions[found] = place - 1;
    found += 1;
  });
  if (labelBytes === 0) {
    discard(rows);
    return { rows: matched, labels: new Uint8Array(0) };
  }
  const ofMatched = gather(outputs, matched, { stride: OUTPUT_BYTES, first: 0, length: OUTPUT_BYTES });
  const labels = gather(rows, positions, { stride: rowBytes, first: tagBytes, length: labelBytes });
  const pads = labelPads(okvs, ofMatched, hashState(platform, context, "labelPad"), labelBytes);
  for (let i = 0; i < labels.length; i++) labels[i] = (labels[i] as number) ^ (pads[i] as number);
  for (const secret of [rows, pads, ofMatched]) discard(secret);
  return { rows: matched, labels };
}
