/** Sessions with peers through the coordinator's relay: asked for by this node, or accepted on a wake. */
import type { Duplex } from "node:stream";
import type { SigningKey } from "../../proto/encoding/ed25519.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { PartyId } from "../../proto/ids.ts";
import { jobId, type RelayId } from "../../proto/ids.ts";
import type { Timers } from "../../proto/ports/ports.ts";
import type { CoordinatorLink } from "../coordinator-link/link.ts";
import type { SessionCredentials } from "./certificate.ts";
import { Channel, type SessionPurpose } from "./channel.ts";
import type { Peer } from "./peers.ts";
import type { Secure, TlsRole } from "./tls.ts";

const HANDSHAKE_TIMEOUT_MS = 20_000;
/** For the peer to come to the relay; a coordinator that never pairs must not hold a job. */
const MEETING_TIMEOUT_MS = 90_000;

/** Throws PEER_TIMEOUT; a stream that comes later is destroyed. */
export function withDeadline(connecting: Promise<Duplex>, timers: Timers): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const cancel = timers.after(MEETING_TIMEOUT_MS, () => {
      isLate = true;
      reject(new EntenteError("PEER_TIMEOUT", { detail: "the relay" }));
    });
    connecting.then(
      (stream) => {
        cancel();
        if (isLate) stream.destroy();
        else resolve(stream);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}

export interface MeetingsOptions {
  readonly own: PartyId;
  /** This node's as they are at the moment; its keyring. */
  readonly signers: { readonly credentials: SessionCredentials; readonly keys: { readonly jobs: SigningKey } };
  readonly link: CoordinatorLink;
  readonly timers: Timers;
  /** TLS 1.3 without it. */
  readonly secure?: Secure;
}

export class Meetings {
  readonly #options: MeetingsOptions;

  constructor(options: MeetingsOptions) {
    this.#options = options;
  }

  /** In a control session the party with the smaller name is the TLS server. */
  openControl(peer: Peer): Promise<Channel> {
    return this.#request(peer, { kind: "control" }, this.#controlRole(peer), {
      peer: peer.party,
      purpose: { kind: "control" },
    });
  }

  acceptControl(relay: RelayId, peer: Peer): Promise<Channel> {
    return this.#meet(relay, peer, { kind: "control" }, this.#controlRole(peer));
  }

  /** The receiver asks for a job session and is the TLS client; the PSI sender is the server. */
  openJob(peer: Peer, job: string, purpose: Extract<SessionPurpose, { kind: "job" }>): Promise<Channel> {
    return this.#request(peer, purpose, "client", {
      peer: peer.party,
      purpose: { kind: "job", jobId: jobId(job), attempt: purpose.attempt },
    });
  }

  acceptJob(relay: RelayId, peer: Peer, purpose: Extract<SessionPurpose, { kind: "job" }>): Promise<Channel> {
    return this.#meet(relay, peer, purpose, "server");
  }

  /** The receiver asks; TLS roles as in a job session. */
  openRelease(peer: Peer, job: string, jobDigest: string): Promise<Channel> {
    return this.#request(peer, { kind: "release", jobDigest }, "client", {
      peer: peer.party,
      purpose: { kind: "release", jobId: jobId(job) },
    });
  }

  acceptRelease(relay: RelayId, peer: Peer, jobDigest: string): Promise<Channel> {
    return this.#meet(relay, peer, { kind: "release", jobDigest }, "server");
  }

  #controlRole(peer: Peer): TlsRole {
    return this.#options.own < peer.party ? "server" : "client";
  }

  async #request(
    peer: Peer,
    purpose: SessionPurpose,
    role: TlsRole,
    ask: Parameters<CoordinatorLink["requestSession"]>[0],
  ): Promise<Channel> {
    const { relayId } = await this.#options.link.requestSession(ask);
    return this.#meet(relayId, peer, purpose, role);
  }

  async #meet(relay: RelayId, peer: Peer, purpose: SessionPurpose, role: TlsRole): Promise<Channel> {
    const { link, signers, timers, secure } = this.#options;
    const { credentials, keys } = signers;
    return Channel.open({
      stream: await withDeadline(link.connectRelay(relay), timers),
      role,
      purpose,
      own: { credentials, jobsKey: keys.jobs },
      peer: { sessionKey: peer.keyset.keys.session, jobsKey: peer.key("jobs") },
      timers,
      handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
      ...(secure && { secure }),
    });
  }
}
