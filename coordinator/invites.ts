/** Makes an invite: the code for the invited party, and the hash of its secret for the store. */
import type { CreatedInvite } from "../proto/codec/coordinator.ts";
import { formatInvite, INVITE_SECRET_BYTES, type Invite, inviteSecretHash } from "../proto/codec/invite.ts";
import type { Ports } from "../proto/ports/ports.ts";
import type { Store } from "./store/store.ts";

interface InvitePorts extends Pick<Ports, "clock" | "random"> {
  readonly store: Store;
}

export async function issueInvite(
  { store, clock, random }: InvitePorts,
  { validityMs, ...invite }: Omit<Invite, "secret"> & { readonly validityMs: number },
): Promise<CreatedInvite> {
  const secret = random.bytes(INVITE_SECRET_BYTES);
  const expiresMs = clock.nowMs() + validityMs;
  await store.addInvite({
    secretHash: inviteSecretHash(secret),
    party: invite.party,
    inviter: invite.inviter?.party,
    expiresMs,
  });
  return { code: formatInvite({ ...invite, secret }), expiresAt: new Date(expiresMs).toISOString() };
}
