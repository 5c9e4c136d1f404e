import { requireInForce, verifyKeyset } from "../../proto/agreement/keyset.ts";
import { follow } from "../../proto/agreement/keyset-history.ts";
import type { PartyEntry } from "../../proto/codec/coordinator.ts";

import { decodeEnvelope } from "../../proto/encoding/dsse.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Caller } from "../caller.ts";
import { keepEarlier } from "../earlier-keysets.ts";
import type { Service } from "../service.ts";
import { enrolledParty, partyEntry } from "./lookup.ts";

/** Replaces the caller's keyset by one that its enrolled identity signed, with the same recovery key, and that is no older. Throws SIGNATURE_INVALID. */
export async function publishKeyset(
  service: Service,
  { keyset }: { readonly keyset: Uint8Array },
  { party }: Caller,
): Promise<PartyEntry> {
  const known = await enrolledParty(service, party);
  const present = verifyKeyset(decodeEnvelope(known.keyset), known.identityPublicKey);
  const { keyset: next } = follow([present], { keyset: decodeEnvelope(keyset) });
  requireInForce(next, service.ports.clock.nowMs());
  // Times of the one canonical form compare as text.
  if (next.validFrom < present.validFrom) throw new EntenteError("SIGNATURE_INVALID", { detail: "an older keyset" });
  await keepEarlier(service.store, known);
  await service.store.putKeyset(party, keyset);
  return partyEntry(service, { ...known, keyset });
}
