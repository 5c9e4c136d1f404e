/** What the coordinator has issued, looked at before it is kept: it is for this party, for the key, and of the pinned CA. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { partyUri, pemOf } from "../../proto/codec/x509.ts";
import { equalBytes } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { PartyId } from "../../proto/ids.ts";
import type { Secret } from "../../proto/keys/secret.ts";

export interface Expected {
  readonly caDer: Uint8Array;
  readonly party: PartyId;
  readonly keyPem: Secret<string>;
}

/** `certificateChain`: DER, the party's and the CA's. Resolves to the party's as PEM. Throws CERTIFICATE_REFUSED. */
export function checkedCertificate(
  certificateChain: readonly Uint8Array[],
  { caDer, party, keyPem }: Expected,
): string {
  const [leafDer, issuerDer] = certificateChain as [Uint8Array, Uint8Array];
  const refused = (cause?: unknown) => new EntenteError("CERTIFICATE_REFUSED", { detail: "issued certificate", cause });
  try {
    const [leaf, issuer] = [new X509Certificate(leafDer), new X509Certificate(issuerDer)];
    const isAsAsked =
      equalBytes(issuerDer, caDer) &&
      leaf.checkIssued(issuer) &&
      leaf.verify(issuer.publicKey) &&
      leaf.checkPrivateKey(createPrivateKey(keyPem.expose())) &&
      leaf.subjectAltName === `URI:${partyUri(party)}`;
    if (isAsAsked) return pemOf("CERTIFICATE", leafDer);
  } catch (cause) {
    throw refused(cause);
  }
  throw refused();
}
