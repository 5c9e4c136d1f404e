/** Frames of aligned, and the messages that its steps see; the form is that of `payload.ts`. */
import { payloadCodec } from "./payload.ts";

/** Field numbers of the `oneof` members in aligned.proto. */
export const ALIGNED_TYPE = { count: 48, listed: 49, sealedLabels: 50 } as const;
export type AlignedKind = keyof typeof ALIGNED_TYPE;

export const { encode: encodeAligned, decode: decodeAligned } = payloadCodec("aligned", ALIGNED_TYPE);
