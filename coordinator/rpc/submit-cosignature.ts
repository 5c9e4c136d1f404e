import { keyId, requireInForce, verifyKeyset } from "../../proto/agreement/keyset.ts";
import type { CosignatureSubmission } from "../../proto/codec/coordinator.ts";
import { decodeEnvelope } from "../../proto/encoding/dsse.ts";
import { verifyingKey } from "../../proto/encoding/ed25519.ts";
import type { Caller } from "../caller.ts";
import type { Service } from "../service.ts";
import { requireParty } from "./fetch-log.ts";
import { enrolledParty } from "./lookup.ts";

/** Keeps and publishes a party's cosignature of a checkpoint of this log; one of an older checkpoint than the newest that was
 * cosigned changes nothing. Throws NOT_FOUND as `fetchLog`, SIGNATURE_INVALID when the caller's present cosigner key did
 * not make it, BAD_REQUEST when the log has never had that size. */
export async function submitCosignature(
  service: Service,
  { collaborationId, size, line }: CosignatureSubmission,
  { party }: Caller,
): Promise<undefined> {
  await requireParty(service, collaborationId, party);
  const { keyset: signed, identityPublicKey } = await enrolledParty(service, party);
  const keyset = verifyKeyset(decodeEnvelope(signed), identityPublicKey);
  requireInForce(keyset, service.ports.clock.nowMs());
  const cosigner = verifyingKey(keyId(party, "cosigner"), keyset.keys.cosigner);
  await service.logs.addCosignature(collaborationId, line, { size, cosigner });
  return undefined;
}
