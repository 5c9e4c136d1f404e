/** Transport certificates: the few forms that coordinator and parties share, and the one import of `@peculiar/x509`. */
import "reflect-metadata"; // what the x509 package asks for when it is loaded
import { Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import { toHex } from "../encoding/bytes.ts";
import { sha256 } from "../encoding/sha256.ts";
import { Secret } from "../keys/secret.ts";

/** ECDSA on P-256 with SHA-256 (FIPS 186-5): what every TLS stack of the day accepts in certificates. */
export const TRANSPORT_KEY = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/**
 * The one name that a coordinator's server certificate is checked for. The CA is pinned and issues server certificates
 * to nobody else, so the address that a party dials (a proxy, a NAT, an IP) need not be in the certificate.
 */
export const COORDINATOR_SERVER_NAME = "coordinator.entente.internal";

/** Subject alternative name (URI) of a party's certificate. */
export function partyUri(party: string): string {
  return `entente://party/${party}`;
}

/** SHA-256 of a certificate's DER, hex: what an invite pins of the coordinator's CA. */
export function certificateFingerprint(der: Uint8Array): string {
  return toHex(sha256(der));
}

export function pemOf(label: "CERTIFICATE" | "PRIVATE KEY" | "X509 CRL", der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

export interface KeyPair {
  readonly publicKey: CryptoKey;
  readonly privateKey: CryptoKey;
}

export interface TransportKeyPair {
  readonly keys: KeyPair;
  /** PKCS #8, PEM. */
  readonly privateKeyPem: Secret<string>;
}

export async function makeTransportKey(): Promise<TransportKeyPair> {
  const keys = (await crypto.subtle.generateKey(TRANSPORT_KEY, true, ["sign", "verify"])) as KeyPair;
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  const privateKeyPem = new Secret(pemOf("PRIVATE KEY", pkcs8));
  pkcs8.fill(0);
  return { keys, privateKeyPem };
}

/** PKCS #10 request, DER, signed by the key it names: the proof of possession. The subject is the invite's affair. */
export async function makeCertificateRequest(keys: KeyPair): Promise<Uint8Array> {
  const request = await Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: TRANSPORT_KEY });
  return new Uint8Array(request.rawData);
}

export {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  X509Crl,
  X509CrlGenerator,
} from "@peculiar/x509";
