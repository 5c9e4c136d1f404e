import { requireInForce, verifyKeyset } from "../../proto/agreement/keyset.ts";
import { follow } from "../../proto/agreement/keyset-history.ts";
import type { EnrolRequest, EnrolResponse } from "../../proto/codec/coordinator.ts";
import { inviteSecretHash } from "../../proto/codec/invite.ts";
import { equalBytes } from "../../proto/encoding/bytes.ts";
import { decodeEnvelope } from "../../proto/encoding/dsse.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Service } from "../service.ts";
import type { StoredInvite } from "../store/store.ts";

/**
 * Admits the party that the invite names: its certificate, and its identity with its keyset in the directory. A party
 * that is enrolled may enrol again under the same identity, with a new invite: so it renews a certificate.
 * Throws INVITE_INVALID, INVITE_USED, PARTY_NAME_TAKEN, CERTIFICATE_REFUSED (revoked, and the invite is a peer's),
 * SIGNATURE_INVALID, WIRE_INVALID.
 */
export async function enrol(service: Service, request: EnrolRequest): Promise<EnrolResponse> {
  const { store, ports, authority, limits, logger } = service;
  await service.room.require();
  const nowMs = ports.clock.nowMs();
  const secretHash = inviteSecretHash(request.inviteSecret);
  const { party, inviter } = openInvite(await store.findInvite(secretHash), nowMs);

  const keyset = verifyKeyset(decodeEnvelope(request.keyset), request.identityPublicKey);
  if (keyset.party !== party) throw new EntenteError("SIGNATURE_INVALID", { detail: "keyset of another party" });
  if (keyset.recovery === null)
    throw new EntenteError("SIGNATURE_INVALID", { detail: "keyset without a recovery key" });
  requireInForce(keyset, nowMs);

  const known = await store.findParty(party);
  // Another identity is for the transaction to refuse; the same with another recovery key is for no one to accept.
  if (known !== undefined && equalBytes(known.identityPublicKey, request.identityPublicKey))
    follow([verifyKeyset(decodeEnvelope(known.keyset), known.identityPublicKey)], {
      keyset: decodeEnvelope(request.keyset),
    });
  if (known?.revokedMs !== undefined && inviter !== undefined)
    throw new EntenteError("CERTIFICATE_REFUSED", { detail: "only the operator admits a revoked party" });

  const certificate = await authority.issueParty(party, request.certificateRequest, limits.certificateMs);
  const { identityPublicKey } = request;
  const outcome = await store.enrol({
    secretHash,
    nowMs,
    party: { party, identityPublicKey, keyset: request.keyset },
    certificate: {
      fingerprint: certificate.fingerprint,
      serial: certificate.serial,
      notAfterMs: certificate.notAfterMs,
    },
  });
  if (outcome === "invite-used") throw new EntenteError("INVITE_USED");
  if (outcome === "name-taken") throw new EntenteError("PARTY_NAME_TAKEN");
  logger.info({ party }, "enrolled");
  return {
    certificateChain: [certificate.der, authority.caDer],
    coordinator: service.name,
    endpoint: service.endpoints().main,
    identityPublicKey: service.identityPublicKey,
    keyset: service.keyset,
  };
}

function openInvite(invite: StoredInvite | undefined, nowMs: number): StoredInvite {
  if (invite === undefined) throw new EntenteError("INVITE_INVALID");
  if (invite.usedMs !== undefined) throw new EntenteError("INVITE_USED");
  if (invite.expiresMs <= nowMs) throw new EntenteError("INVITE_INVALID");
  return invite;
}
