/**
 * A session channel: frames inside TLS, after both ends have signed what the session is for. Nothing but the hello is
 * sent before the peer's hello has been verified.
 */
import { createHash, type Hash } from "node:crypto";
import type { Duplex } from "node:stream";
import type { Endpoint } from "../../proto/codec/endpoint.ts";
import { encodeHeader, type Frame, HEADER_BYTES } from "../../proto/codec/frame.ts";
import { decodeSessionMessage, encodeSessionMessage, SESSION_FRAME_TYPES } from "../../proto/codec/session.ts";
import type { SessionMessage } from "../../proto/codec/session-messages.ts";
import { equalBytes, toHex } from "../../proto/encoding/bytes.ts";
import { canonicalJson, type Json } from "../../proto/encoding/canonical-json.ts";
import { envelope, verify } from "../../proto/encoding/dsse.ts";
import type { SigningKey, VerifyingKey } from "../../proto/encoding/ed25519.ts";
import { domainHash, sha256 } from "../../proto/encoding/sha256.ts";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import type { Timers } from "../../proto/ports/ports.ts";
import type { SessionCredentials } from "./certificate.ts";
import { FrameReader } from "./frame-reader.ts";
import { type Secure, type SecureStream, secureStream, type TlsRole } from "./tls.ts";

const HELLO_TYPE = "application/vnd.entente.session-hello.v1+json";

/** What both ends must agree on before the first frame; DESIGN: a control session, one attempt of one job, or its release. */
export type SessionPurpose =
  | { readonly kind: "control" }
  | {
      readonly kind: "job";
      /** SHA-256 of the signed job spec, hex. */
      readonly jobDigest: string;
      readonly attempt: number;
      /** Digests in hex of the protocol's parameters and of the partition plan. */
      readonly parameters: string;
      readonly plan: string;
    }
  /** A job whose receipt is signed: no partition is run in it. */
  | { readonly kind: "release"; readonly jobDigest: string };

export interface ChannelOptions {
  readonly stream: Duplex;
  readonly role: TlsRole;
  readonly purpose: SessionPurpose;
  readonly own: { readonly credentials: SessionCredentials; readonly jobsKey: SigningKey };
  readonly peer: { readonly sessionKey: Uint8Array; readonly jobsKey: VerifyingKey };
  readonly timers: Timers;
  readonly handshakeTimeoutMs: number;
  /** Where this node takes direct connections; told to the peer. */
  readonly address?: Endpoint | undefined;
  /** TLS 1.3 without it. */
  readonly secure?: Secure;
}

/** Frames that have been read from the peer and not asked for yet: what a fast peer may cost. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;
/** What a frame costs beside its body, so that a flood of empty ones is bounded too. */
const FRAME_COST_BYTES = HEADER_BYTES + 512;
/** The last word to a peer that may read nothing any more. */
const FAILURE_TIMEOUT_MS = 2_000;
/** A peer that reads nothing for so long is gone, whatever its connection looks like. */
const SEND_TIMEOUT_MS = 300_000;

function helloClaims(purpose: SessionPurpose, exporter: Uint8Array, role: TlsRole): Uint8Array<ArrayBuffer> {
  return canonicalJson({ ...(purpose as unknown as Record<string, Json>), exporter: toHex(exporter), role });
}

export class Channel {
  readonly exporter: Uint8Array<ArrayBuffer>;
  readonly carrierSecret: Uint8Array<ArrayBuffer>;
  /** What frame headers carry: the first 8 bytes of SHA-256 of the exporter value. */
  readonly frameSession: Uint8Array<ArrayBuffer>;
  /** Where the peer takes direct connections, as it says. */
  peerAddress: Endpoint | undefined;
  bytesSent = 0;
  bytesReceived = 0;
  readonly #socket: SecureStream["socket"];
  readonly #timers: Timers;
  readonly #role: TlsRole;
  readonly #sentHash: Hash = createHash("sha256");
  readonly #receivedHash: Hash = createHash("sha256");
  readonly #queue: Frame[] = [];
  #queuedBytes = 0;
  #ended: EntenteError | undefined;
  #wake: (() => void) | undefined;
  readonly #drainWaiters = new Set<() => void>();

  private constructor(secure: SecureStream, role: TlsRole, timers: Timers) {
    this.exporter = secure.exporter;
    this.carrierSecret = secure.carrierSecret;
    this.frameSession = sha256(secure.exporter).slice(0, 8);
    this.#socket = secure.socket;
    this.#timers = timers;
    this.#role = role;
    this.#readAhead();
    if (this.#socket.destroyed) this.#end(new EntenteError("PEER_GONE"));
  }

  /** Handshake and hellos. Throws the errors of `secureStream`, SESSION_MISMATCH when the peer signed another purpose,
   * PEER_REFUSED_IDENTITY when it closes without saying anything. */
  static async open(options: ChannelOptions): Promise<Channel> {
    const { purpose, role, timers, handshakeTimeoutMs } = options;
    const secure = await (options.secure ?? secureStream)({
      stream: options.stream,
      role,
      own: options.own.credentials,
      peerSessionKey: options.peer.sessionKey,
      timers,
      timeoutMs: handshakeTimeoutMs,
    });
    const channel = new Channel(secure, role, timers);
    try {
      const claims = helloClaims(purpose, channel.exporter, role);
      const signed = envelope(HELLO_TYPE, claims, options.own.jobsKey);
      await channel.say({ kind: "hello", envelope: signed, address: options.address });
      const frame = await channel.receive(handshakeTimeoutMs).catch((error: unknown) => {
        const typed = toEntenteError(error);
        throw typed.code === "PEER_GONE" ? new EntenteError("PEER_REFUSED_IDENTITY", { cause: error }) : typed;
      });
      const hello = decodeSessionMessage(frame, "hello");
      verify(hello.envelope, HELLO_TYPE, options.peer.jobsKey);
      const expected = helloClaims(purpose, channel.exporter, role === "server" ? "client" : "server");
      if (!equalBytes(hello.envelope.payload, expected)) throw new EntenteError("SESSION_MISMATCH");
      channel.peerAddress = hello.address;
      return channel;
    } catch (error) {
      channel.close();
      throw error;
    }
  }

  get isOpen(): boolean {
    return this.#ended === undefined;
  }

  /** Resolves when the peer's side may be sent more. Throws PEER_GONE, or PEER_TIMEOUT when it reads nothing. */
  async send(frame: Frame): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended;
    const header = encodeHeader(frame, frame.body.length, this.frameSession);
    this.#sentHash.update(header).update(frame.body);
    this.bytesSent += header.length + frame.body.length;
    this.#socket.write(header);
    if (this.#socket.write(frame.body)) return;
    await this.#drain();
    if (this.#ended !== undefined) throw this.#ended;
  }

  #drain(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#timers.after(SEND_TIMEOUT_MS, () => {
        this.#end(new EntenteError("PEER_TIMEOUT"));
        this.#socket.destroy();
      });
      const go = () => {
        cancel();
        this.#drainWaiters.delete(go);
        resolve();
      };
      this.#drainWaiters.add(go);
      this.#socket.once("drain", go);
    });
  }

  say(message: SessionMessage): Promise<void> {
    return this.send(encodeSessionMessage(message));
  }

  /** The next frame. Throws PEER_TIMEOUT after `timeoutMs`, PEER_GONE when the peer closed, or what was wrong with its bytes. */
  async receive(timeoutMs: number): Promise<Frame> {
    const frame = this.#queue.shift() ?? (await this.#waitForFrame(timeoutMs));
    this.#queuedBytes -= frame.body.length + FRAME_COST_BYTES;
    if (this.#queuedBytes < MAX_QUEUED_BYTES && this.#socket.isPaused()) this.#socket.resume();
    const header = encodeHeader(frame, frame.body.length, this.frameSession);
    this.#receivedHash.update(header).update(frame.body);
    return frame;
  }

  async hear<K extends SessionMessage["kind"]>(
    timeoutMs: number,
    ...kinds: readonly K[]
  ): Promise<Extract<SessionMessage, { kind: K }>> {
    return decodeSessionMessage(await this.receive(timeoutMs), ...kinds);
  }

  /** SHA-256 over everything said so far, server's direction first: equal at both ends when neither has more to read. */
  transcript(): Uint8Array<ArrayBuffer> {
    const sent = new Uint8Array(this.#sentHash.copy().digest());
    const received = new Uint8Array(this.#receivedHash.copy().digest());
    const [server, client] = this.#role === "server" ? [sent, received] : [received, sent];
    return domainHash("entente transcript/1", server, client);
  }

  /** Tells the peer why, as a code, and closes. Never throws. */
  async fail(error: EntenteError): Promise<void> {
    if (this.#ended === undefined) {
      // A peer that is gone already cannot be told, and one that reads nothing is not waited for.
      const said = this.say({ kind: "failure", code: error.code }).catch(() => {});
      let cancel = () => {};
      await Promise.race([
        said,
        new Promise<void>((resolve) => (cancel = this.#timers.after(FAILURE_TIMEOUT_MS, resolve))),
      ]);
      cancel();
    }
    this.close();
  }

  close(): void {
    this.#end(new EntenteError("PEER_GONE", { detail: "the session was closed" }));
    this.#socket.end();
    // A peer that never answers the close must not keep the stream open.
    this.#timers.after(1_000, () => this.#socket.destroy());
  }

  #end(error: EntenteError): void {
    this.#ended ??= error;
    this.#wake?.();
    for (const go of [...this.#drainWaiters]) go();
  }

  #waitForFrame(timeoutMs: number): Promise<Frame> {
    return new Promise((resolve, reject) => {
      const cancel = this.#timers.after(timeoutMs, () => settle(new EntenteError("PEER_TIMEOUT")));
      const settle = (error?: EntenteError) => {
        cancel();
        this.#wake = undefined;
        const frame = this.#queue.shift();
        if (frame !== undefined) resolve(frame);
        else reject(error ?? this.#ended ?? new EntenteError("INTERNAL"));
      };
      this.#wake = () => settle();
      if (this.#queue.length > 0 || this.#ended !== undefined) settle();
    });
  }

  /** Reads ahead, so that two ends that both write never wait for each other; pauses above MAX_QUEUED_BYTES. */
  #readAhead(): void {
    const reader = new FrameReader(this.frameSession);
    this.#socket.on("data", (chunk: Uint8Array) => {
      if (this.#ended !== undefined) return;
      this.bytesReceived += chunk.length;
      try {
        for (const frame of reader.push(chunk)) {
          // The peer's last word: whoever sends or waits is told its reason, not that the connection went.
          if (frame.type === SESSION_FRAME_TYPES.failure) decodeSessionMessage(frame);
          this.#queue.push(frame);
          this.#queuedBytes += frame.body.length + FRAME_COST_BYTES;
          this.#wake?.();
        }
        if (this.#queuedBytes > MAX_QUEUED_BYTES) this.#socket.pause();
      } catch (error) {
        this.#end(toEntenteError(error));
        this.#socket.destroy();
      }
    });
    this.#socket.on("end", () => this.#end(new EntenteError("PEER_GONE")));
    this.#socket.on("close", () => this.#end(new EntenteError("PEER_GONE")));
    this.#socket.on("error", (cause) => this.#end(new EntenteError("PEER_GONE", { cause })));
  }
}
