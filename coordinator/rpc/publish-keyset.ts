import { requireInForce, verifyKeyset } from "../../proto/agreement/keyset.ts";
import type { PartyEntry } from "../../proto/codec/coordinator.ts";

import { decodeEnvelope } from "../../proto/encoding/dsse.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Caller } from "../caller.ts";
import type { Service } from "../service.ts";
import { enrolledParty, partyEntry } from "./lookup.ts";

/** Replaces the caller's keyset by one that its enrolled identity signed and that is no older. Throws SIGNATURE_INVALID. */
export async function publishKeyset(
  service: Service,
  { keyset }: { readonly keyset: Uint8Array },
  { party }: Caller,
): Promise<PartyEntry> {
  const known = await enrolledParty(service, party);
  const open = (bytes: Uint8Array) => verifyKeyset(decodeEnvelope(bytes), known.identityPublicKey);
  const next = open(keyset);
  requireInForce(next, service.ports.clock.nowMs());
  // Times of the one canonical form compare as text.
  if (next.party !== party || next.validFrom < open(known.keyset).validFrom)
    throw new EntenteError("SIGNATURE_INVALID", { detail: "keyset of another party, or an older one" });
  await service.store.putKeyset(party, keyset);
  return partyEntry(service, { ...known, keyset });
}
