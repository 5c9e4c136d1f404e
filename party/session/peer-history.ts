/**
 * What this node has seen of each confirmed peer: its keysets in their order, and the successions of its identity. It begins
 * with the identity that a person here has confirmed, and only goes forward.
 */
import { type Keyset, namedIdentity, verifyKeyset } from "../../proto/agreement/keyset.ts";
import {
  decodeHistory,
  encodeHistory,
  follow,
  type KeysetRecord,
  verifyHistory,
} from "../../proto/agreement/keyset-history.ts";
import { equalBytes, fromHex, fromUtf8, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import type { Envelope } from "../../proto/encoding/dsse.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Store } from "../store/store.ts";
import { Turns } from "../turns.ts";

export interface SeenPeer {
  /** Oldest first, in the same order. */
  readonly records: readonly KeysetRecord[];
  readonly keysets: readonly Keyset[];
  /** The identity that holds now, raw 32 bytes. */
  readonly identity: Uint8Array;
}

export class PeerHistory {
  readonly #store: Store;
  readonly #turns = new Turns<string>();
  /** What the store holds, as it was verified last: every step of a session asks. */
  readonly #verified = new Map<string, { readonly text: string; readonly identity: string; readonly seen: SeenPeer }>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** What reads and then changes a peer's history takes its turn. */
  inTurn<T>(party: string, work: () => Promise<T>): Promise<T> {
    return this.#turns.take(party, work);
  }

  /** Throws PEER_UNCONFIRMED. */
  async of(party: string): Promise<SeenPeer> {
    const record = (await this.#store.peers()).find((peer) => peer.party === party);
    if (record === undefined) throw new EntenteError("PEER_UNCONFIRMED", { detail: party });
    const text = (await this.#store.setting(setting(party))) ?? "";
    const known = this.#verified.get(party);
    if (known?.text === text && known.identity === record.identity) return known.seen;
    const records = text === "" ? [] : decodeHistory(utf8(text));
    const keysets = verifyHistory(records, fromHex(record.identity));
    const seen = { records, keysets, identity: keysets.at(-1)?.identity ?? fromHex(record.identity) };
    this.#verified.set(party, { text, identity: record.identity, seen });
    return seen;
  }

  /** The identity that was confirmed and those that followed it, in hex, newest first. Throws PEER_UNCONFIRMED. */
  async identities(party: string): Promise<readonly string[]> {
    const { keysets, identity } = await this.of(party);
    return [...new Set([...keysets.map((keyset) => keyset.identity), identity].map(toHex))].toReversed();
  }

  /** In turn. The caller has verified that it follows. */
  async append(party: string, record: KeysetRecord): Promise<void> {
    const { records } = await this.of(party);
    await this.#store.putSetting(setting(party), fromUtf8(encodeHistory([...records, record])));
  }

  /** A keyset that is newer than any seen before takes its place; an older one, or one of an identity that has been followed by
   * another, counts for nothing. `require` may refuse one before it is kept. Resolves to all of them. Throws SIGNATURE_INVALID when it is not the present identity's, has
   * another recovery key, or is another of the same time. */
  keep(party: string, offered: Envelope, require: (keyset: Keyset) => void): Promise<SeenPeer> {
    return this.inTurn(party, async () => {
      const seen = await this.of(party);
      const [newest] = seen.keysets.slice(-1);
      const [before] = seen.records.slice(-1);
      if (newest === undefined || before === undefined) {
        const first = verifyKeyset(offered, seen.identity);
        if (first.party !== party) throw new EntenteError("SIGNATURE_INVALID", { detail: `keyset of ${party}` });
        require(first);
        await this.append(party, { keyset: offered });
        return this.of(party);
      }
      if (isUnderEarlier(offered, seen)) return seen;
      const { keyset } = follow(seen.keysets, { keyset: offered });
      // Times of the one canonical form compare as text.
      if (keyset.validFrom < newest.validFrom) return seen;
      if (equalBytes(before.keyset.payload, offered.payload)) return seen;
      if (keyset.validFrom === newest.validFrom)
        throw new EntenteError("SIGNATURE_INVALID", { detail: `two keysets of ${party} of the same time` });
      require(keyset);
      await this.append(party, { keyset: offered });
      return this.of(party);
    });
  }
}

/** Of an identity that has been followed by another: a directory that is behind, or somebody with the old key. */
function isUnderEarlier(offered: Envelope, { keysets, identity }: SeenPeer): boolean {
  const named = namedIdentity(offered);
  return !equalBytes(named, identity) && keysets.some((keyset) => equalBytes(keyset.identity, named));
}

function setting(party: string): string {
  return `peer-keysets/${party}`;
}
