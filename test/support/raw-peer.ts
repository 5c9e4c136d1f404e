/** The far end of a session by a party that holds the right keys and follows no rule after the hello. */

import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { SessionPurpose } from "../../party/session/channel.ts";
import type { Peer } from "../../party/session/peers.ts";
import { secureStream, type TlsRole } from "../../party/session/tls.ts";
import type { Keyring } from "../../party/store/keyring.ts";
import { encodeHeader } from "../../proto/codec/frame.ts";
import { encodeSessionMessage } from "../../proto/codec/session.ts";
import { toHex } from "../../proto/encoding/bytes.ts";
import { canonicalJson, type Json } from "../../proto/encoding/canonical-json.ts";
import { envelope } from "../../proto/encoding/dsse.ts";
import type { SigningKey } from "../../proto/encoding/ed25519.ts";
import { sha256 } from "../../proto/encoding/sha256.ts";
import { nodePorts } from "../../proto/ports/node.ts";
import type { SessionParty } from "./channel-pair.ts";

export interface RawPeer {
  readonly socket: TLSSocket;
  /** What every frame header of this session carries. */
  readonly frameSession: Uint8Array;
}

/** The same to a node's control session, with a node's keys. */
export async function openRawControl(input: {
  readonly stream: Duplex;
  readonly keyring: Pick<Keyring, "credentials" | "keys" | "party">;
  readonly peer: Peer;
}): Promise<RawPeer> {
  const { stream, keyring, peer } = input;
  const { socket, exporter } = await secureStream({
    stream,
    role: keyring.party < peer.party ? "server" : "client",
    own: keyring.credentials,
    peerSessionKey: peer.keyset.keys.session,
    timers: nodePorts.timers,
    timeoutMs: 10_000,
  });
  return sayHello(
    socket,
    exporter,
    { kind: "control" },
    keyring.party < peer.party ? "server" : "client",
    keyring.keys.jobs,
  );
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
  return sayHello(socket, exporter, purpose, role, own.own.jobsKey);
}

function sayHello(
  socket: TLSSocket,
  exporter: Uint8Array,
  purpose: SessionPurpose,
  role: TlsRole,
  jobsKey: SigningKey,
): RawPeer {
  const claims = canonicalJson({ ...(purpose as unknown as Record<string, Json>), exporter: toHex(exporter), role });
  const signed = envelope("application/vnd.entente.session-hello.v1+json", claims, jobsKey);
  const hello = encodeSessionMessage({ kind: "hello", envelope: signed });
  const frameSession = sha256(exporter).slice(0, 8);
  socket.write(Buffer.concat([encodeHeader(hello, hello.body.length, frameSession), hello.body]));
  return { socket, frameSession };
}
