/** Frames of the relay stream. Data frames are read and written in place: the coordinator forwards the very bytes it got. */
import { EntenteError } from "../errors.ts";
import { entente } from "../gen/messages.js";
import { type RelayId, relayId } from "../ids.ts";
import { asBuffer, type Codec } from "./grpc.ts";

/** Of one data frame; also what a writer may put in one. Each costs both sides a message's bookkeeping, and gRPC
 * keeps up to sixteen for a reader that is slow. */
export const MAX_RELAY_DATA_BYTES = 131_072;
/** What the transport lets through: a little more, so that what is too large is refused here and by name. */
export const MAX_RELAY_FRAME_BYTES = MAX_RELAY_DATA_BYTES + 1_024;
const MAX_CONTROL_BYTES = 64;
/** Field 3, wire type 2. */
const DATA_TAG = 0x1a;

export type RelayFrame =
  | { readonly kind: "open"; readonly relayId: RelayId }
  | { readonly kind: "paired" }
  | { readonly kind: "end" }
  /** `wire` is the encoded frame that `data` lies in, when it came from the wire. */
  | { readonly kind: "data"; readonly data: Uint8Array; readonly wire?: Buffer };

const message = entente.v1.RelayFrame;

function encodeData(data: Uint8Array): Buffer {
  if (data.length === 0 || data.length > MAX_RELAY_DATA_BYTES)
    throw new EntenteError("WIRE_TOO_LARGE", { detail: "relay data" });
  const lengthBytes = data.length < 0x80 ? 1 : data.length < 0x4000 ? 2 : 3;
  const wire = Buffer.allocUnsafe(1 + lengthBytes + data.length);
  wire[0] = DATA_TAG;
  let rest = data.length;
  for (let i = 1; i < lengthBytes; i++, rest >>>= 7) wire[i] = (rest & 0x7f) | 0x80;
  wire[lengthBytes] = rest;
  wire.set(data, 1 + lengthBytes);
  return wire;
}

/** Only the shortest form of one data field and nothing else: what is forwarded unread cannot carry more than it says. */
function decodeData(wire: Buffer): RelayFrame {
  let length = 0;
  let at = 1;
  for (let shift = 0; shift <= 14; shift += 7) {
    const byte = wire[at++];
    if (byte === undefined) break;
    length |= (byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    const shortest = byte !== 0;
    if (length > MAX_RELAY_DATA_BYTES) throw new EntenteError("WIRE_TOO_LARGE", { detail: "relay data" });
    if (!shortest || at + length !== wire.length) break;
    return { kind: "data", data: wire.subarray(at), wire };
  }
  throw new EntenteError("WIRE_INVALID", { detail: "relay data" });
}

export const relayFrame: Codec<RelayFrame> = {
  encode(frame) {
    if (frame.kind === "data") return frame.wire ?? encodeData(frame.data);
    if (frame.kind === "open") return asBuffer(message.encode({ open: { relayId: frame.relayId } }).finish());
    return asBuffer(message.encode(frame.kind === "paired" ? { paired: {} } : { end: {} }).finish());
  },
  decode(bytes) {
    if (bytes[0] === DATA_TAG) return decodeData(asBuffer(bytes));
    if (bytes.length > MAX_CONTROL_BYTES) throw new EntenteError("WIRE_TOO_LARGE", { detail: "relay frame" });
    let decoded: InstanceType<typeof message>;
    try {
      decoded = message.decode(bytes);
    } catch (cause) {
      throw new EntenteError("WIRE_INVALID", { detail: "relay frame", cause });
    }
    if (decoded.body === "open") return { kind: "open", relayId: relayId(decoded.open?.relayId ?? "") };
    if (decoded.body === "paired" || decoded.body === "end") return { kind: decoded.body };
    throw new EntenteError("WIRE_INVALID", { detail: "relay frame without a body" });
  },
};
