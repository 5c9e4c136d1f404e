/** The far end of a session by a party that holds the right keys and follows no rule after the hello. */

import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { SessionPurpose } from "../../party/session/channel.ts";
import { secureStream, type TlsRole } from "../../party/session/tls.ts";
import { encodeHeader } from "../../proto/codec/frame.ts";
import { encodeSessionMessage } from "../../proto/codec/session.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { canonicalJson, type Json } from "../../proto/encoding/canonical-json.ts";
import { envelope } from "../../proto/encoding/dsse.ts";
import { sha256 } from "../../proto/encoding/sha256.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import type { SessionParty } from "./channel-pair.ts";

export interface RawPeer {
  readonly socket: TLSSocket;
  /** What every frame header of this session carries. */
  readonly frameSession: Uint8Array;
}

/** Handshake and a true hello; nothing that the peer says is read. */
export async function rawPeer(input: {
  stream: Duplex;
  role: TlsRole;
  own: SessionParty;
  peer: SessionParty;
  purpose: SessionPurpose;
}): Promise<RawPeer> {
  const { stream, role, own, peer, purpose } = input;
  const { socket, exporter } = await secureStream({
    stream,
    role,
    own: own.own.credentials,
    peerSessionKey: peer.seenByPeer.sessionKey,
    timers: nodePorts.timers,
    timeoutMs: 2_000,
  });
  const claims = canonicalJson({ ...(purpose as unknown as Record<string, Json>), exporter: toHex(exporter), role });
  const signed = envelope("application/vnd.entente.session-hello.v1+json", claims, own.own.jobsKey);
  const hello = encodeSessionMessage({ kind: "hello", envelope: signed });
  const frameSession = sha256(exporter).slice(0, 8);
  socket.write(Buffer.concat([encodeHeader(hello, hello.body.length, frameSession), hello.body]));
  return { socket, frameSession };
}
