/** Frames of the silent VOLE and the messages that its steps see; the form is that of `payload.ts`. */
import type { Frame } from "./frame.ts";
import { type PayloadDue, type PayloadMessage, payloadCodec } from "./payload.ts";

/** Field numbers of the `oneof` members in vole.proto. */
export const VOLE_TYPE = { baseKey: 96, baseChoices: 97, noisy: 98, extension: 99, correction: 100 } as const;
type VoleKind = keyof typeof VOLE_TYPE;

export type VoleMessage = PayloadMessage<VoleKind>;
export type VoleDue = PayloadDue<VoleKind>;

const codec = payloadCodec("vole", VOLE_TYPE);

export const encodeVole = codec.encode;

/** The bytes are a copy of their own, which also begins at a word. Errors as `PayloadCodec.decode`. */
export function decodeVole(frame: Frame, due: VoleDue): VoleMessage {
  const message = codec.decode(frame, due);
  return { ...message, bytes: new Uint8Array(message.bytes) };
}
