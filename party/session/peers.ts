/**
 * Peers as this node knows them. The coordinator's directory says which keys a party claims; only an identity that a
 * person here has confirmed out of band counts, and every session and signature is checked against that one.
 */
import { fingerprint, parseFingerprint } from "../../proto/agreement/identity.ts";
import { type KeyRole, type Keyset, keyId, requireInForce } from "../../proto/agreement/keyset.ts";
import type { KeysetRecord } from "../../proto/agreement/keyset-history.ts";
import { readEnvelope } from "../../proto/codec/session-parts.ts";
import { equalBytes, toHex } from "../../proto/encoding/bytes.ts";
import type { Envelope } from "../../proto/encoding/dsse.ts";
import { type VerifyingKey, verifyingKey } from "../../proto/encoding/ed25519.ts";
import { EntenteError } from "../../proto/errors.ts";
import { type PartyId, partyId } from "../../proto/ids.ts";
import type { Clock } from "../../proto/ports/ports.ts";
import type { CoordinatorLink } from "../coordinator-link/link.ts";
import type { Store } from "../store/store.ts";
import type { PeerHistory, SeenPeer } from "./peer-history.ts";
import type { PendingSuccession, Successions } from "./successions.ts";

export interface Peer {
  readonly party: PartyId;
  readonly keyset: Keyset;
  readonly keysetEnvelope: Envelope;
  key(role: KeyRole | "identity"): VerifyingKey;
  /** Of every keyset that was seen, newest first. */
  everyKey(role: KeyRole): readonly VerifyingKey[];
}

export interface PeerStatus {
  readonly party: string;
  readonly fingerprint: string;
  readonly confirmed: boolean;
  readonly connected: boolean;
  /** A recovery that this node has not followed yet. */
  readonly succession: PendingSuccession | null;
}

export interface PeersOptions {
  readonly own: PartyId;
  readonly store: Store;
  readonly link: CoordinatorLink;
  readonly clock: Clock;
  readonly history: PeerHistory;
  readonly successions: Successions;
}

export class Peers {
  readonly #options: PeersOptions;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** Everybody in the directory but this node itself. */
  async list(): Promise<PeerStatus[]> {
    const { own, store, link, history, successions } = this.#options;
    const confirmed = new Map<string, Uint8Array>();
    for (const { party } of await store.peers()) confirmed.set(party, (await history.of(party)).identity);
    const entries = (await link.listParties()).filter((entry) => entry.party !== own);
    return Promise.all(
      entries.map(async ({ party, identityPublicKey, connected }) => {
        const known = confirmed.get(party);
        return {
          ...{ party, connected, fingerprint: fingerprint(identityPublicKey) },
          confirmed: known !== undefined && equalBytes(known, identityPublicKey),
          succession: (known && (await successions.pending(party))) ?? null,
        };
      }),
    );
  }

  /** Accepts the identity that the directory shows, when its fingerprint is the one the person heard from the peer.
   * Throws FINGERPRINT_MISMATCH, also when another identity was confirmed under that name before, and SIGNATURE_INVALID. */
  async confirm(party: string, typedFingerprint: string): Promise<PeerStatus> {
    const { own, store, link, clock, history } = this.#options;
    const entry = await link.lookup(partyId(party));
    const shown = fingerprint(entry.identityPublicKey);
    const isKnown = (await store.peers()).some((peer) => peer.party === entry.party);
    const before = isKnown ? (await history.of(party)).identity : undefined;
    if (
      parseFingerprint(typedFingerprint) !== shown ||
      entry.party === own ||
      (before !== undefined && !equalBytes(before, entry.identityPublicKey))
    ) {
      throw new EntenteError("FINGERPRINT_MISMATCH", { detail: party });
    }
    const identity = toHex(entry.identityPublicKey);
    if (!isKnown)
      await store.putPeer({ party: entry.party, identity, confirmedAt: new Date(clock.nowMs()).toISOString() });
    // At once: it names the recovery key that counts from now on.
    await this.#keep(party, readEnvelope(entry.keyset));
    const { connected } = entry;
    return { party: entry.party, fingerprint: shown, confirmed: true, connected, succession: null };
  }

  /** The identity key in hex that was confirmed, or has followed it. Throws PEER_UNCONFIRMED. */
  async confirmedIdentity(party: string): Promise<string> {
    return toHex((await this.#options.history.of(party)).identity);
  }

  /** The identity that was confirmed and those that followed it, in hex, newest first. Throws PEER_UNCONFIRMED. */
  identities(party: string): Promise<readonly string[]> {
    return this.#options.history.identities(party);
  }

  /** A confirmed peer with its present keyset, signed by the identity that was confirmed or has followed it: the directory's, or
   * the newest that was seen when the directory shows an older one. Throws PEER_UNCONFIRMED, PEER_UNKNOWN, SIGNATURE_INVALID. */
  async require(party: string): Promise<Peer> {
    const { link, successions, history } = this.#options;
    // First: of whom nobody here has confirmed, the directory is not even asked.
    await history.of(party);
    const { keyset, successions: shown } = await link.lookup(partyId(party));
    await successions.look(party, shown);
    return this.#keep(party, readEnvelope(keyset));
  }

  /** The keyset that a peer says it will use next. Throws SIGNATURE_INVALID. */
  async receive({ party }: Peer, { keyset, succession }: KeysetRecord): Promise<void> {
    if (succession === undefined) await this.#keep(party, keyset);
    else await this.#options.successions.receive(party, { keyset, succession });
  }

  /** Asks the directory how confirmed peers' identities have changed. Throws the first error after all have been asked for. */
  async keepUp(): Promise<void> {
    const { store, link, successions } = this.#options;
    const look = async ({ party }: { readonly party: string }) =>
      successions.look(party, (await link.lookup(partyId(party))).successions);
    const looks = await Promise.allSettled((await store.peers()).map(look));
    const failed = looks.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  /** A person here has compared the fingerprint of the identity that is to take the place of a lost one. Throws as
   * `Successions.accept`. */
  async acceptSuccession(party: string, typedFingerprint: string): Promise<PeerStatus> {
    await this.#options.successions.accept(party, typedFingerprint);
    const status = (await this.list()).find((peer) => peer.party === party);
    if (status === undefined) throw new EntenteError("PEER_UNKNOWN");
    return status;
  }

  /** Every keyset of a peer that this node has seen, oldest first, with the successions between them. */
  async history(party: string): Promise<SeenPeer> {
    return this.#options.history.of(party);
  }

  async #keep(party: string, offered: Envelope): Promise<Peer> {
    const { history, clock } = this.#options;
    const nowMs = clock.nowMs();
    return peerOf(await history.keep(party, offered, (keyset) => requireNow(keyset, nowMs)), nowMs);
  }
}

/** How far the clocks of two nodes may be apart. */
const CLOCK_SKEW_MS = 600_000;

function requireNow(keyset: Keyset, nowMs: number): void {
  requireInForce(keyset, Math.max(nowMs, Math.min(Date.parse(keyset.validFrom), nowMs + CLOCK_SKEW_MS)));
}

function peerOf({ keysets, records }: SeenPeer, nowMs: number): Peer {
  const keyset = keysets.at(-1) as Keyset;
  const { party, identity, keys } = keyset;
  requireNow(keyset, nowMs);
  return {
    party,
    keyset,
    keysetEnvelope: (records.at(-1) as KeysetRecord).keyset,
    key: (role) => verifyingKey(keyId(party, role), role === "identity" ? identity : keys[role]),
    everyKey: (role) => keysets.toReversed().map((one) => verifyingKey(keyId(party, role), one.keys[role])),
  };
}
