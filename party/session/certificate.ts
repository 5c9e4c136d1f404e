/**
 * The self-signed certificate of a session. It only carries the session key: both ends compare the raw 32 bytes with
 * the key in the peer's keyset, so names and dates in it decide nothing: it is good as long as the keyset is, and renewed with it.
 */
import { webcrypto } from "node:crypto";
import { X509CertificateGenerator } from "../../proto/codec/x509.ts";
import { privateKeyObject, publicKeyObject } from "../../proto/encoding/ed25519.ts";
import { Secret } from "../../proto/keys/secret.ts";

export interface SessionCredentials {
  readonly certificatePem: string;
  readonly privateKeyPem: Secret<string>;
  /** Raw Ed25519 session key, 32 bytes. */
  readonly publicKey: Uint8Array;
}

const VALID_FROM = new Date("2020-01-01T00:00:00Z");
const VALID_UNTIL = new Date("9999-12-31T23:59:59Z");

/** `seed`: the session key's 32-byte seed; `publicKey`: its public half. */
export async function sessionCredentials(
  party: string,
  seed: Uint8Array,
  publicKey: Uint8Array,
): Promise<SessionCredentials> {
  const privateKey = privateKeyObject(seed);
  const algorithm = { name: "Ed25519" };
  const pkcs8 = privateKey.export({ format: "der", type: "pkcs8" });
  const spki = publicKeyObject(publicKey).export({ format: "der", type: "spki" });
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: `CN=${party}`,
      serialNumber: "01",
      notBefore: VALID_FROM,
      notAfter: VALID_UNTIL,
      signingAlgorithm: algorithm,
      keys: {
        privateKey: await webcrypto.subtle
          .importKey("pkcs8", pkcs8, algorithm, false, ["sign"])
          .finally(() => pkcs8.fill(0)),
        publicKey: await webcrypto.subtle.importKey("spki", spki, algorithm, true, ["verify"]),
      },
    },
    webcrypto as unknown as Crypto,
  );
  return {
    certificatePem: certificate.toString("pem"),
    privateKeyPem: new Secret(privateKey.export({ format: "pem", type: "pkcs8" }) as string),
    publicKey,
  };
}
