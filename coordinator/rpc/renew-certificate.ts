import type { CertificateChain } from "../../proto/codec/coordinator.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { Caller } from "../caller.ts";
import { refusal } from "../limits.ts";
import type { Service } from "../service.ts";

/**
 * Another certificate for the caller, over a key that it proves to hold; the present one stays good until it expires, so that what
 * runs over it goes on. Throws WIRE_INVALID, CERTIFICATE_REFUSED when the party was revoked in between, OVERLOADED.
 */
export async function renewCertificate(
  { store, ports, authority, limits, logger }: Service,
  { certificateRequest }: { readonly certificateRequest: Uint8Array },
  { party }: Caller,
): Promise<CertificateChain> {
  const { der, fingerprint, serial, notAfterMs } = await authority.issueParty(
    party,
    certificateRequest,
    limits.certificateMs,
  );
  const outcome = await store.addCertificate(
    { party, fingerprint, serial, notAfterMs },
    { nowMs: ports.clock.nowMs(), maxLive: limits.certificatesPerParty },
  );
  if (outcome === "revoked") throw new EntenteError("CERTIFICATE_REFUSED");
  if (outcome === "too-many") throw refusal(limits, "certificatesPerParty");
  logger.info({ party }, "certificate renewed");
  return { certificateChain: [der, authority.caDer] };
}
