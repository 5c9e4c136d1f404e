/**
 * TLS 1.3 between two nodes over any byte stream, normally the coordinator's relay. Trust comes from one comparison:
 * the peer certificate's raw key against the session key in the peer's keyset.
 */
import { constants, type X509Certificate } from "node:crypto";
import type { Duplex } from "node:stream";
import { connect, createSecureContext, TLSSocket } from "node:tls";
import { TLS_CIPHERS } from "../../proto/codec/tls.ts";
import { equalBytes } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Timers } from "../../proto/ports/ports.ts";
import type { SessionCredentials } from "./certificate.ts";

const ALPN = "entente-session/1";
const EXPORTER_LABEL = "EXPORTER-entente-session-1";
const CARRIER_LABEL = "EXPORTER-entente-carrier-1";
const EXPORTER_BYTES = 32;

export type TlsRole = "server" | "client";

export interface SecureStream<Socket extends Duplex = Duplex> {
  readonly socket: Socket;
  /** RFC 8446 section 7.5 exporter value: equal at both ends, new for each handshake. */
  readonly exporter: Uint8Array<ArrayBuffer>;
  /** Another one, 32 bytes, which nothing else shows: with it the carrier below goes on over another stream. */
  readonly carrierSecret: Uint8Array<ArrayBuffer>;
}

/** How a byte stream between two nodes is secured: by TLS, but in a simulator. Throws as `secureStream`. */
export type Secure = (input: SecuringInput) => Promise<SecureStream>;

export interface SecuringInput {
  readonly stream: Duplex;
  readonly role: TlsRole;
  readonly own: SessionCredentials;
  readonly peerSessionKey: Uint8Array;
  readonly timers: Timers;
  readonly timeoutMs: number;
}

function rawKey(certificate: X509Certificate): Uint8Array | undefined {
  // Only of this kind: others may not even have a JWK form.
  if (certificate.publicKey.asymmetricKeyType !== "ed25519") return undefined;
  const jwk = certificate.publicKey.export({ format: "jwk" });
  if (jwk.kty !== "OKP" || jwk.crv !== "Ed25519" || typeof jwk.x !== "string") return undefined;
  return new Uint8Array(Buffer.from(jwk.x, "base64url"));
}

/** Everything that must hold before one byte of ours is sent. Throws PEER_IDENTITY_WRONG or SESSION_RESUMED. */
function verifyPeer(socket: TLSSocket, expectedKey: Uint8Array, ownKey: Uint8Array): void {
  const wrong = (detail: string) => new EntenteError("PEER_IDENTITY_WRONG", { detail });
  if (socket.isSessionReused()) throw new EntenteError("SESSION_RESUMED");
  if (socket.getProtocol() !== "TLSv1.3") throw wrong("not TLS 1.3");
  if (socket.alpnProtocol !== ALPN) throw wrong("not this protocol");
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) throw wrong("no certificate");
  const key = rawKey(certificate);
  if (key === undefined || equalBytes(key, ownKey)) throw wrong("this node's own key, or none");
  if (!equalBytes(key, expectedKey)) throw wrong("another key than the keyset's");
}

/**
 * Handshakes over `stream`. Session tickets and resumption are off, and a resumed session is fatal all the same.
 * Throws PEER_IDENTITY_WRONG, SESSION_RESUMED, PEER_GONE or PEER_TIMEOUT; the stream is destroyed then.
 */
export async function secureStream(input: SecuringInput): Promise<SecureStream<TLSSocket>> {
  const { stream, role, own } = input;
  const secureContext = createSecureContext({
    cert: own.certificatePem,
    key: own.privateKeyPem.expose(),
    minVersion: "TLSv1.3",
    maxVersion: "TLSv1.3",
    ciphers: TLS_CIPHERS,
    secureOptions: constants.SSL_OP_NO_TICKET,
  });
  const common = { secureContext, ALPNProtocols: [ALPN], requestCert: true, rejectUnauthorized: false };
  const socket =
    role === "server"
      ? new TLSSocket(stream, { ...common, isServer: true })
      : connect({ ...common, socket: stream, servername: "" });
  // For the socket's whole life: between this handshake and whoever reads next, a bad record must not find nobody
  // listening, which would end the process.
  socket.on("error", () => {});
  try {
    await handshake(socket, input.timers, input.timeoutMs);
    verifyPeer(socket, input.peerSessionKey, own.publicKey);
    const exported = (label: string) =>
      new Uint8Array(socket.exportKeyingMaterial(EXPORTER_BYTES, label, Buffer.alloc(0)));
    return { socket, exporter: exported(EXPORTER_LABEL), carrierSecret: exported(CARRIER_LABEL) };
  } catch (error) {
    socket.destroy();
    stream.destroy();
    throw error;
  }
}

function handshake(socket: TLSSocket, timers: Timers, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = timers.after(timeoutMs, () => settle(new EntenteError("PEER_TIMEOUT", { detail: "TLS handshake" })));
    const settle = (error?: EntenteError) => {
      cancel();
      for (const [event, listener] of listeners) socket.removeListener(event, listener);
      if (error === undefined) resolve();
      else reject(error);
    };
    const listeners: [string, (error?: Error) => void][] = [
      ["secure", () => settle()],
      ["error", (cause) => settle(new EntenteError("PEER_GONE", { detail: "TLS handshake", cause }))],
      // A peer that has not confirmed this node's identity meets it at the relay and hangs up.
      ["close", () => settle(new EntenteError("PEER_REFUSED_IDENTITY"))],
    ];
    for (const [event, listener] of listeners) socket.on(event, listener);
  });
}
