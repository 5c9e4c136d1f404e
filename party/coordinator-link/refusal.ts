/**
 * Why the coordinator no longer lets this node in. A listener that refuses a certificate closes the connection without a word, which
 * looks like a coordinator that is gone; the certificate's own dates and the revocation list say more.
 */
import { X509Certificate } from "node:crypto";
import { FETCH_REVOCATIONS } from "../../proto/codec/coordinator.ts";
import { X509Certificate as ReadCertificate, X509Crl } from "../../proto/codec/x509.ts";
import { EntenteError } from "../../proto/errors.ts";
import { callUnary, openChannel } from "./calls.ts";
import type { Enrolled } from "./enrol.ts";

const DEADLINE_MS = 3_000;

type Certificates = Pick<Enrolled, "certPem" | "caPem" | "enrolmentEndpoint">;

export function isExpired({ certPem }: Pick<Enrolled, "certPem">, nowMs: number): boolean {
  return new X509Certificate(certPem).validToDate.getTime() <= nowMs;
}

/** Instead of `error`, when it is COORDINATOR_UNREACHABLE: CERTIFICATE_EXPIRED, or CERTIFICATE_REFUSED when the list names this party's
 * certificate: that is looked up only if `isAsked`. Never rejects. */
export async function explained(
  error: EntenteError,
  { own, nowMs, isAsked }: { readonly own: Certificates; readonly nowMs: number; readonly isAsked: boolean },
): Promise<EntenteError> {
  if (error.code !== "COORDINATOR_UNREACHABLE") return error;
  try {
    if (isExpired(own, nowMs)) return new EntenteError("CERTIFICATE_EXPIRED", { cause: error });
    if (isAsked && (await isRevoked(own)))
      return new EntenteError("CERTIFICATE_REFUSED", { detail: "revoked", cause: error });
  } catch {
    // The other listener does not answer either.
  }
  return error;
}

/** By a list that the pinned CA has signed, asked for at the enrolment listener. */
async function isRevoked({ certPem, caPem, enrolmentEndpoint }: Certificates): Promise<boolean> {
  if (enrolmentEndpoint === undefined) return false;
  const channel = openChannel(enrolmentEndpoint, { ca: caPem });
  try {
    const { revocationList } = await callUnary(channel, FETCH_REVOCATIONS, undefined, DEADLINE_MS);
    return await listsCertificate(revocationList, { certPem, caPem });
  } finally {
    channel.close();
  }
}

/** Throws WIRE_INVALID when the CA has not signed the list. `revocationList`: DER. */
export async function listsCertificate(
  revocationList: Uint8Array,
  { certPem, caPem }: Pick<Enrolled, "certPem" | "caPem">,
): Promise<boolean> {
  const invalid = (cause?: unknown) => new EntenteError("WIRE_INVALID", { detail: "revocation list", cause });
  const ca = new ReadCertificate(caPem);
  let list: X509Crl;
  try {
    list = new X509Crl(new Uint8Array(revocationList));
    if (list.issuer !== ca.subject || !(await list.verify({ publicKey: ca.publicKey }))) throw invalid();
  } catch (cause) {
    throw invalid(cause);
  }
  return list.findRevoked(new ReadCertificate(certPem).serialNumber) !== null;
}
