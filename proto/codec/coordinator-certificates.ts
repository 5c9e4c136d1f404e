/** Messages of certificates and their revocation in their checked form. */
import {
  bytesOf,
  countOf,
  MAX_CERTIFICATE_BYTES,
  MAX_REQUEST_BYTES,
  MAX_RESPONSE_BYTES,
  wire,
} from "./coordinator-checks.ts";
import { type Codec, messageCodec } from "./grpc.ts";

/** Of certificates that have not expired: tens of thousands. */
const MAX_REVOCATION_LIST_BYTES = MAX_RESPONSE_BYTES - 1_024;

export const renewCertificateRequest: Codec<{ readonly certificateRequest: Uint8Array }> = messageCodec(
  wire.RenewCertificateRequest,
  MAX_REQUEST_BYTES,
  (value: { readonly certificateRequest: Uint8Array }) => value,
  (message) => ({
    certificateRequest: bytesOf("certificate_request", message.certificateRequest, 1, MAX_CERTIFICATE_BYTES),
  }),
);

/** DER: the party's certificate, then the CA's. */
export interface CertificateChain {
  readonly certificateChain: readonly Uint8Array[];
}

export function chainOf(chain: readonly Uint8Array[]): readonly Uint8Array[] {
  return countOf("certificate_chain", chain, 2, 2).map((der) =>
    bytesOf("certificate_chain", der, 1, MAX_CERTIFICATE_BYTES),
  );
}

export const renewCertificateResponse: Codec<CertificateChain> = messageCodec(
  wire.RenewCertificateResponse,
  MAX_RESPONSE_BYTES,
  (value: CertificateChain) => ({ certificateChain: [...value.certificateChain] }),
  (message) => ({ certificateChain: chainOf(message.certificateChain) }),
);

export const fetchRevocationsRequest: Codec<undefined> = messageCodec(
  wire.FetchRevocationsRequest,
  MAX_REQUEST_BYTES,
  () => ({}),
  () => undefined,
);

export const fetchRevocationsResponse: Codec<{ readonly revocationList: Uint8Array }> = messageCodec(
  wire.FetchRevocationsResponse,
  MAX_RESPONSE_BYTES,
  (value: { readonly revocationList: Uint8Array }) => value,
  (message) => ({ revocationList: bytesOf("revocation_list", message.revocationList, 1, MAX_REVOCATION_LIST_BYTES) }),
);
