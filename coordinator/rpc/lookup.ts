import type { PartyEntry } from "../../proto/codec/coordinator.ts";
import { encodeEnvelope } from "../../proto/encoding/dsse.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { PartyId } from "../../proto/ids.ts";
import type { Service } from "../service.ts";
import type { StoredParty } from "../store/store.ts";
import { settled, successionsOf } from "../successions.ts";

/** Throws PEER_UNKNOWN when no such party is enrolled, or it was revoked. */
export async function enrolledParty(service: Service, party: PartyId): Promise<StoredParty> {
  const found = await service.store.findParty(party);
  if (found === undefined || found.revokedMs !== undefined) throw new EntenteError("PEER_UNKNOWN");
  return settled(service, found);
}

export function partyEntry({ inboxes }: Service, { party, identityPublicKey, keyset }: StoredParty): PartyEntry {
  return { party, identityPublicKey, keyset, connected: inboxes.isOpen(party), successions: [] };
}

/** A party's keys, and how its identity has changed. Throws PEER_UNKNOWN. */
export async function lookup(service: Service, { party }: { readonly party: PartyId }): Promise<PartyEntry> {
  const entry = partyEntry(service, await enrolledParty(service, party));
  const successions = (await successionsOf(service.store, party)).flatMap(({ keyset, succession }) =>
    succession === undefined ? [] : [{ succession: encodeEnvelope(succession), keyset: encodeEnvelope(keyset) }],
  );
  return { ...entry, successions };
}
