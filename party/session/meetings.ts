/** Sessions with peers through the coordinator's relay: asked for by this node, or accepted on a wake. */
import type { Wake } from "../../proto/codec/coordinator.ts";
import type { SigningKey } from "../../proto/encoding/ed25519.ts";
import type { PartyId } from "../../proto/ids.ts";
import { jobId, type RelayId } from "../../proto/ids.ts";
import type { Ports } from "../../proto/ports/ports.ts";
import type { CoordinatorLink } from "../coordinator-link/link.ts";
import type { Carrier } from "./carrier.ts";
import { Carriers } from "./carriers.ts";
import type { SessionCredentials } from "./certificate.ts";
import { Channel, type SessionPurpose } from "./channel.ts";
import type { Direct } from "./direct.ts";
import type { Peer } from "./peers.ts";
import type { Secure, TlsRole } from "./tls.ts";

const HANDSHAKE_TIMEOUT_MS = 20_000;

/** A session that has been secured and has not ended. */
export interface OpenSession {
  readonly peer: PartyId;
  readonly kind: SessionPurpose["kind"];
  /** Wall clock. */
  readonly openedAtMs: number;
  readonly channel: Channel;
  readonly carrier: Pick<Carrier, "side" | "way">;
}

export interface MeetingsOptions {
  readonly own: PartyId;
  /** This node's as they are at the moment; its keyring. */
  readonly signers: { readonly credentials: SessionCredentials; readonly keys: { readonly jobs: SigningKey } };
  readonly link: Pick<CoordinatorLink, "requestSession" | "connectRelay">;
  /** Everything through the relay without it. */
  readonly direct?: Direct | undefined;
  readonly timers: Ports["timers"];
  readonly random: Ports["random"];
  readonly clock: Pick<Ports["clock"], "nowMs">;
  /** TLS 1.3 without it. */
  readonly secure?: Secure;
}

export class Meetings {
  readonly #options: MeetingsOptions;
  readonly #carriers: Carriers;
  readonly #open = new Set<OpenSession>();

  constructor(options: MeetingsOptions) {
    this.#options = options;
    this.#carriers = new Carriers(options);
  }

  /** Oldest first. */
  get open(): readonly OpenSession[] {
    return [...this.#open];
  }

  /** In a control session the party with the smaller name is the TLS server. */
  openControl(peer: Peer): Promise<Channel> {
    return this.#request(peer, { kind: "control" }, this.#controlRole(peer), {
      peer: peer.party,
      purpose: { kind: "control" },
    });
  }

  acceptControl(relay: RelayId, peer: Peer): Promise<Channel> {
    return this.#secure(this.#carriers.accept(relay, peer.party), peer, { kind: "control" }, this.#controlRole(peer));
  }

  /** The receiver asks for a job session and is the TLS client; the PSI sender is the server. */
  openJob(peer: Peer, job: string, purpose: Extract<SessionPurpose, { kind: "job" }>): Promise<Channel> {
    return this.#request(peer, purpose, "client", {
      peer: peer.party,
      purpose: { kind: "job", jobId: jobId(job), attempt: purpose.attempt },
    });
  }

  acceptJob(relay: RelayId, peer: Peer, purpose: Extract<SessionPurpose, { kind: "job" }>): Promise<Channel> {
    return this.#secure(this.#carriers.accept(relay, peer.party), peer, purpose, "server");
  }

  /** A wake with `resumes`: the peer goes on with a session that is open here. Throws when it cannot be reached. */
  goOn(wake: Wake): Promise<void> {
    return this.#carriers.goOn(wake);
  }

  /** The receiver asks; TLS roles as in a job session. */
  openRelease(peer: Peer, job: string, jobDigest: string): Promise<Channel> {
    return this.#request(peer, { kind: "release", jobDigest }, "client", {
      peer: peer.party,
      purpose: { kind: "release", jobId: jobId(job) },
    });
  }

  acceptRelease(relay: RelayId, peer: Peer, jobDigest: string): Promise<Channel> {
    return this.#secure(this.#carriers.accept(relay, peer.party), peer, { kind: "release", jobDigest }, "server");
  }

  #controlRole(peer: Peer): TlsRole {
    return this.#options.own < peer.party ? "server" : "client";
  }

  #request(
    peer: Peer,
    purpose: SessionPurpose,
    role: TlsRole,
    ask: Parameters<CoordinatorLink["requestSession"]>[0],
  ): Promise<Channel> {
    return this.#secure(this.#carriers.open(ask), peer, purpose, role);
  }

  async #secure(connecting: Promise<Carrier>, peer: Peer, purpose: SessionPurpose, role: TlsRole): Promise<Channel> {
    const { signers, timers, clock, secure, direct } = this.#options;
    const { credentials, keys } = signers;
    const carrier = await connecting;
    const channel = await Channel.open({
      stream: carrier,
      role,
      purpose,
      own: { credentials, jobsKey: keys.jobs },
      peer: { sessionKey: peer.keyset.keys.session, jobsKey: peer.key("jobs") },
      timers,
      handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
      address: direct?.address,
      ...(secure && { secure }),
    });
    const opened = { peer: peer.party, kind: purpose.kind, openedAtMs: clock.nowMs(), channel, carrier };
    if (!carrier.destroyed) {
      this.#open.add(opened);
      carrier.once("close", () => this.#open.delete(opened));
    }
    this.#carriers.secured(carrier, channel.carrierSecret, peer.party, channel.peerAddress);
    return channel;
  }
}
