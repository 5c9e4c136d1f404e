/** Who calls: taken from the TLS peer certificate and nothing else, and looked up at every call, so that a revocation
 * holds from the next one on. */
import type { ServerUnaryCall } from "@grpc/grpc-js";
import { certificateFingerprint, partyUri } from "../proto/codec/x509.ts";
import { EntenteError } from "../proto/errors.ts";
import type { PartyId } from "../proto/ids.ts";
import type { Clock } from "../proto/ports/ports.ts";
import type { Store } from "./store/store.ts";

export interface Caller {
  readonly party: PartyId;
  /** Of the certificate: SHA-256 of its DER, hex. */
  readonly fingerprint: string;
}

interface Registry {
  readonly store: Pick<Store, "findCertificate">;
  readonly clock: Clock;
}

/** Throws CERTIFICATE_REFUSED unless the certificate was issued here and is neither revoked nor expired. */
export async function requireIssued({ store, clock }: Registry, fingerprint: string): Promise<Caller> {
  const issued = await store.findCertificate(fingerprint);
  if (issued === undefined || issued.revokedMs !== undefined || issued.notAfterMs <= clock.nowMs())
    throw new EntenteError("CERTIFICATE_REFUSED");
  return { party: issued.party, fingerprint };
}

/** Whether a stream that was opened with this certificate goes on: not when it was revoked, and when it has expired only if its party
 * has renewed it. */
export async function mayGoOn(
  { store, clock }: { readonly store: Pick<Store, "findCertificate" | "hasLiveCertificate">; readonly clock: Clock },
  fingerprint: string,
): Promise<boolean> {
  const issued = await store.findCertificate(fingerprint);
  if (issued === undefined || issued.revokedMs !== undefined) return false;
  const nowMs = clock.nowMs();
  return issued.notAfterMs > nowMs || (await store.hasLiveCertificate(issued.party, nowMs));
}

/** The caller of an RPC on the mTLS listener. Throws CERTIFICATE_REFUSED. */
export async function callerOf(
  registry: Registry,
  call: Pick<ServerUnaryCall<Buffer, Buffer>, "getAuthContext">,
): Promise<Caller> {
  const certificate = call.getAuthContext().sslPeerCertificate;
  if (certificate === undefined) throw new EntenteError("CERTIFICATE_REFUSED");
  const caller = await requireIssued(registry, certificateFingerprint(certificate.raw));
  if (certificate.subjectaltname !== `URI:${partyUri(caller.party)}`) throw new EntenteError("CERTIFICATE_REFUSED");
  return caller;
}
