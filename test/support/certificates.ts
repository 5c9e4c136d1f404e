/** Certificates of a coordinator's authority, and of no authority, that differ from good ones in one thing. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as x509 from "../../proto/codec/x509.ts";
import { pemOf } from "../../proto/codec/x509.ts";
import type { Secret } from "../../proto/keys/secret.ts";

const HOUR_MS = 3_600_000;

export interface Wish {
  /** Of the coordinator whose authority signs; none: it signs itself. */
  readonly folder?: string | undefined;
  readonly fromMs?: number;
  readonly untilMs?: number;
  readonly usage?: x509.ExtendedKeyUsage;
  readonly keyUsage?: x509.KeyUsageFlags;
  readonly names?: ConstructorParameters<typeof x509.SubjectAlternativeNameExtension>[0];
}

export interface Made {
  readonly certPem: string;
  readonly keyPem: Secret<string>;
  readonly fingerprint: string;
  readonly serial: string;
  readonly notAfterMs: number;
}

/** By default one of a client that is good for an hour. */
export async function makeCertificate(wish: Wish): Promise<Made> {
  const { folder, usage = x509.ExtendedKeyUsage.clientAuth, names = [] } = wish;
  const { keyUsage = x509.KeyUsageFlags.digitalSignature } = wish;
  const { keys, privateKeyPem } = await x509.makeTransportKey();
  const common = {
    serialNumber: Buffer.from(crypto.getRandomValues(new Uint8Array(8)))
      .toString("hex")
      .replace(/^./, "1"),
    notBefore: new Date(wish.fromMs ?? Date.now() - HOUR_MS),
    notAfter: new Date(wish.untilMs ?? Date.now() + HOUR_MS),
    signingAlgorithm: x509.TRANSPORT_KEY,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(keyUsage, true),
      new x509.ExtendedKeyUsageExtension([usage], true),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
    ],
  };
  const made =
    folder === undefined
      ? await x509.X509CertificateGenerator.createSelfSigned({ ...common, name: "CN=made", keys })
      : await x509.X509CertificateGenerator.create({
          ...common,
          ...(await authorityOf(folder)),
          ...{ subject: "CN=made", publicKey: keys.publicKey },
        });
  const der = new Uint8Array(made.rawData);
  return {
    certPem: pemOf("CERTIFICATE", der),
    keyPem: privateKeyPem,
    fingerprint: x509.certificateFingerprint(der),
    serial: made.serialNumber,
    notAfterMs: made.notAfter.getTime(),
  };
}

async function authorityOf(folder: string) {
  const pem = await readFile(join(folder, "ca", "ca-key.pem"), "utf8");
  const body = Uint8Array.fromBase64(pem.replaceAll(/-----[A-Z ]+-----|\s/g, ""));
  const signingKey = await crypto.subtle.importKey("pkcs8", body, x509.TRANSPORT_KEY, false, ["sign"]);
  const ca = new x509.X509Certificate(await readFile(join(folder, "ca", "ca.pem"), "utf8"));
  return { issuer: ca.subjectName, signingKey };
}
