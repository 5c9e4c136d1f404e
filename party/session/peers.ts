/**
 * Peers as this node knows them. The coordinator's directory says which keys a party claims; only an identity that a
 * person here has confirmed out of band counts, and every session and signature is checked against that one.
 */
import { fingerprint, parseFingerprint } from "../../proto/agreement/identity.ts";
import { type KeyRole, type Keyset, keyId, requireInForce, verifyKeyset } from "../../proto/agreement/keyset.ts";
import { readEnvelope } from "../../proto/codec/session.ts";
import { fromHex, toHex } from "../../proto/encoding/bytes.ts";
import type { Envelope } from "../../proto/encoding/dsse.ts";
import { type VerifyingKey, verifyingKey } from "../../proto/encoding/ed25519.ts";
import { EntenteError } from "../../proto/errors.ts";
import { type PartyId, partyId } from "../../proto/ids.ts";
import type { Clock } from "../../proto/ports/ports.ts";
import type { CoordinatorLink } from "../coordinator-link/link.ts";
import type { Store } from "../store/store.ts";

export interface Peer {
  readonly party: PartyId;
  readonly keyset: Keyset;
  readonly keysetEnvelope: Envelope;
  key(role: KeyRole): VerifyingKey;
}

export interface PeerStatus {
  readonly party: string;
  readonly fingerprint: string;
  readonly confirmed: boolean;
  readonly connected: boolean;
}

export class Peers {
  readonly #own: PartyId;
  readonly #store: Store;
  readonly #link: CoordinatorLink;
  readonly #clock: Clock;

  constructor(input: { own: PartyId; store: Store; link: CoordinatorLink; clock: Clock }) {
    this.#own = input.own;
    this.#store = input.store;
    this.#link = input.link;
    this.#clock = input.clock;
  }

  /** Everybody in the directory but this node itself. */
  async list(): Promise<PeerStatus[]> {
    const confirmed = new Map((await this.#store.peers()).map((peer) => [peer.party, peer.identity]));
    const entries = await this.#link.listParties();
    return entries
      .filter((entry) => entry.party !== this.#own)
      .map((entry) => ({
        party: entry.party,
        fingerprint: fingerprint(entry.identityPublicKey),
        confirmed: confirmed.get(entry.party) === toHex(entry.identityPublicKey),
        connected: entry.connected,
      }));
  }

  /** Accepts the identity that the directory shows, when its fingerprint is the one the person heard from the peer.
   * Throws FINGERPRINT_MISMATCH, also when another identity was confirmed under that name before. */
  async confirm(party: string, typedFingerprint: string): Promise<PeerStatus> {
    const entry = await this.#link.lookup(partyId(party));
    const shown = fingerprint(entry.identityPublicKey);
    const identity = toHex(entry.identityPublicKey);
    const before = (await this.#store.peers()).find((peer) => peer.party === entry.party);
    if (
      parseFingerprint(typedFingerprint) !== shown ||
      entry.party === this.#own ||
      (before !== undefined && before.identity !== identity)
    ) {
      throw new EntenteError("FINGERPRINT_MISMATCH", { detail: party });
    }
    await this.#store.putPeer({
      party: entry.party,
      identity,
      confirmedAt: new Date(this.#clock.nowMs()).toISOString(),
    });
    return { party: entry.party, fingerprint: shown, confirmed: true, connected: entry.connected };
  }

  /** The confirmed identity key in hex. Throws PEER_UNCONFIRMED. */
  async confirmedIdentity(party: string): Promise<string> {
    const record = (await this.#store.peers()).find((peer) => peer.party === party);
    if (record === undefined) throw new EntenteError("PEER_UNCONFIRMED", { detail: party });
    return record.identity;
  }

  /** A confirmed peer with its present keyset, signed by the confirmed identity. Throws PEER_UNCONFIRMED, PEER_UNKNOWN,
   * SIGNATURE_INVALID. */
  async require(party: string): Promise<Peer> {
    const identity = fromHex(await this.confirmedIdentity(party));
    const keysetEnvelope = readEnvelope((await this.#link.lookup(partyId(party))).keyset);
    const keyset = verifyKeyset(keysetEnvelope, identity);
    if (keyset.party !== party) throw new EntenteError("SIGNATURE_INVALID", { detail: `keyset of ${party}` });
    requireInForce(keyset, this.#clock.nowMs());
    return {
      party: keyset.party,
      keyset,
      keysetEnvelope,
      key: (role) => verifyingKey(keyId(party, role), keyset.keys[role]),
    };
  }
}
