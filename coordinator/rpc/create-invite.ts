import { fingerprint } from "../../proto/agreement/identity.ts";
import type { CreatedInvite } from "../../proto/codec/coordinator.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { PartyId } from "../../proto/ids.ts";
import type { Caller } from "../caller.ts";
import { issueInvite } from "../invites.ts";
import { refusal } from "../limits.ts";
import type { Service } from "../service.ts";
import { enrolledParty } from "./lookup.ts";

/** An enrolled party invites another; the code carries the inviter's name and identity fingerprint. Throws
 * PARTY_NAME_TAKEN, OVERLOADED, DISK_FULL. */
export async function createInvite(
  service: Service,
  { party }: { readonly party: PartyId },
  caller: Caller,
): Promise<CreatedInvite> {
  const { store, ports, limits, authority, name } = service;
  await service.room.require();
  if (party === name || (await store.findParty(party)) !== undefined) throw new EntenteError("PARTY_NAME_TAKEN");
  if ((await store.countOpenInvites(caller.party, ports.clock.nowMs())) >= limits.invitesPerParty)
    throw refusal(limits, "invitesPerParty");
  const { identityPublicKey } = await enrolledParty(service, caller.party);
  return issueInvite(
    { store, clock: ports.clock, random: ports.random },
    {
      party,
      endpoint: service.endpoints().enrolment,
      caFingerprint: authority.caFingerprint,
      validityMs: limits.inviteMs,
      inviter: { party: caller.party, fingerprint: fingerprint(identityPublicKey) },
    },
  );
}
