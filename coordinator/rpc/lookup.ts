import type { PartyEntry } from "../../proto/codec/coordinator.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { PartyId } from "../../proto/ids.ts";
import type { Service } from "../service.ts";
import type { StoredParty } from "../store/store.ts";

/** Throws PEER_UNKNOWN when no such party is enrolled, or it was revoked. */
export async function enrolledParty({ store }: Service, party: PartyId): Promise<StoredParty> {
  const found = await store.findParty(party);
  if (found === undefined || found.revokedMs !== undefined) throw new EntenteError("PEER_UNKNOWN");
  return found;
}

export function partyEntry({ inboxes }: Service, { party, identityPublicKey, keyset }: StoredParty): PartyEntry {
  return { party, identityPublicKey, keyset, connected: inboxes.isOpen(party) };
}

/** A party's keys. Throws PEER_UNKNOWN. */
export async function lookup(service: Service, { party }: { readonly party: PartyId }): Promise<PartyEntry> {
  return partyEntry(service, await enrolledParty(service, party));
}
