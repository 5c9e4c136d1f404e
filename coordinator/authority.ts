/**
 * The coordinator's certificate authority (RFC 5280): one self-signed P-256 root that issues its server certificate and
 * a client certificate per enrolled party. A party's name comes from its invite, never from its request. Certificates
 * authenticate the transport only; what a party signs, it signs with the keys of its keyset.
 */
import { isIP } from "node:net";
import { join } from "node:path";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  COORDINATOR_SERVER_NAME,
  certificateFingerprint,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  makeTransportKey,
  Pkcs10CertificateRequest,
  partyUri,
  pemOf,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  TRANSPORT_KEY,
  X509Certificate,
  X509CertificateGenerator,
} from "../proto/codec/x509.ts";
import { fromUtf8, toHex, utf8 } from "../proto/encoding/bytes.ts";
import { EntenteError } from "../proto/errors.ts";
import type { PartyId } from "../proto/ids.ts";
import type { Files, Ports } from "../proto/ports/ports.ts";

const DAY_MS = 86_400_000;
const CA_VALIDITY_MS = 3_650 * DAY_MS;
/** Made anew at every start, so it need not live long. */
const SERVER_VALIDITY_MS = 397 * DAY_MS;
/** Certificates begin a little in the past: the clocks of two nodes differ. */
const CLOCK_SKEW_MS = 5 * 60_000;

type AuthorityPorts = Pick<Ports, "files" | "clock" | "random">;

export interface IssuedCertificate {
  readonly der: Uint8Array;
  /** SHA-256 of the DER, hex. */
  readonly fingerprint: string;
  readonly notAfterMs: number;
}

export interface ServerCertificate {
  /** PEM: the server's certificate, then the CA's, which the invite's fingerprint pins. */
  readonly chainPem: string;
  readonly privateKeyPem: string;
}

export interface Authority {
  readonly caDer: Uint8Array;
  readonly caPem: string;
  readonly caFingerprint: string;
  issueServer(hosts: readonly string[]): Promise<ServerCertificate>;
  /** Throws WIRE_INVALID when the request is not PKCS #10, not of a P-256 key or not signed by it. */
  issueParty(party: PartyId, certificateRequest: Uint8Array, validityMs: number): Promise<IssuedCertificate>;
}

function paths(folder: string) {
  return { certificate: join(folder, "ca", "ca.pem"), key: join(folder, "ca", "ca-key.pem") };
}

/** 127 random bits, positive (RFC 5280 section 4.1.2.2), hex. */
function serialNumber({ random }: AuthorityPorts): string {
  const bytes = Uint8Array.from(random.bytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return toHex(bytes);
}

function validity(ports: AuthorityPorts, validityMs: number) {
  const nowMs = ports.clock.nowMs();
  return { notBefore: new Date(nowMs - CLOCK_SKEW_MS), notAfter: new Date(nowMs + validityMs) };
}

/** Makes the CA in `folder`. The key file has mode 0600. */
export async function makeAuthority(ports: AuthorityPorts, folder: string, name: string): Promise<void> {
  const { keys, privateKeyPem } = await makeTransportKey();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(ports),
    name: [{ CN: [`Entente coordinator ${name}`] }],
    ...validity(ports, CA_VALIDITY_MS),
    signingAlgorithm: TRANSPORT_KEY,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  await ports.files.writeDurable(paths(folder).key, utf8(privateKeyPem));
  await ports.files.writeDurable(paths(folder).certificate, utf8(pemOf("CERTIFICATE", der(certificate))));
}

function der(certificate: X509Certificate): Uint8Array {
  return new Uint8Array(certificate.rawData);
}

async function importKey(pem: string): Promise<CryptoKey> {
  const body = pem.replaceAll(/-----[A-Z ]+-----|\s/g, "");
  return crypto.subtle.importKey("pkcs8", Uint8Array.fromBase64(body), TRANSPORT_KEY, false, ["sign"]);
}

async function readPem(files: Files, path: string): Promise<string> {
  const bytes = await files.read(path);
  if (bytes === undefined) throw new EntenteError("STORAGE_FAILED", { detail: "the authority's files" });
  return fromUtf8(bytes);
}

/** For which no key is needed. Throws STORAGE_FAILED. */
export async function readCaFingerprint(files: Files, folder: string): Promise<string> {
  return certificateFingerprint(der(new X509Certificate(await readPem(files, paths(folder).certificate))));
}

async function parsedAuthority(certificatePem: string, keyPem: string) {
  try {
    return { ca: new X509Certificate(certificatePem), signingKey: await importKey(keyPem) };
  } catch {
    // No cause: it could quote the key.
    throw new EntenteError("STORAGE_FAILED", { detail: "the authority's files" });
  }
}

/** Throws STORAGE_FAILED when the CA's files are missing or damaged. */
export async function openAuthority(ports: AuthorityPorts, folder: string): Promise<Authority> {
  const { ca, signingKey } = await parsedAuthority(
    await readPem(ports.files, paths(folder).certificate),
    await readPem(ports.files, paths(folder).key),
  );
  const caDer = der(ca);

  interface Subject {
    readonly name: string;
    readonly publicKey: CryptoKey | Pkcs10CertificateRequest["publicKey"];
    readonly validityMs: number;
    readonly usage: ExtendedKeyUsage;
    readonly alternativeNames: ConstructorParameters<typeof SubjectAlternativeNameExtension>[0];
  }
  const issue = async ({ name, publicKey, validityMs, usage, alternativeNames }: Subject) =>
    X509CertificateGenerator.create({
      serialNumber: serialNumber(ports),
      subject: [{ CN: [name] }],
      issuer: ca.subjectName,
      ...validity(ports, validityMs),
      signingAlgorithm: TRANSPORT_KEY,
      signingKey,
      publicKey,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([usage], true),
        new SubjectAlternativeNameExtension(alternativeNames),
        await AuthorityKeyIdentifierExtension.create(ca.publicKey),
      ],
    });

  return {
    caDer,
    caPem: pemOf("CERTIFICATE", caDer),
    caFingerprint: certificateFingerprint(caDer),
    async issueServer(hosts) {
      const { keys, privateKeyPem } = await makeTransportKey();
      const names = [...new Set([COORDINATOR_SERVER_NAME, "localhost", "127.0.0.1", ...hosts])];
      const certificate = await issue({
        name: COORDINATOR_SERVER_NAME,
        publicKey: keys.publicKey,
        validityMs: SERVER_VALIDITY_MS,
        usage: ExtendedKeyUsage.serverAuth,
        alternativeNames: names.map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value }) as const),
      });
      return { chainPem: pemOf("CERTIFICATE", der(certificate)) + pemOf("CERTIFICATE", caDer), privateKeyPem };
    },
    async issueParty(party, certificateRequest, validityMs) {
      const certificate = await issue({
        name: party,
        publicKey: await provenKey(certificateRequest),
        validityMs,
        usage: ExtendedKeyUsage.clientAuth,
        alternativeNames: [{ type: "url", value: partyUri(party) }],
      });
      const bytes = der(certificate);
      return { der: bytes, fingerprint: certificateFingerprint(bytes), notAfterMs: certificate.notAfter.getTime() };
    },
  };
}

/** The key of a request whose signature shows that the sender holds it (RFC 2986). */
async function provenKey(certificateRequest: Uint8Array): Promise<CryptoKey> {
  const invalid = (cause?: unknown) => new EntenteError("WIRE_INVALID", { detail: "certificate request", cause });
  try {
    const request = new Pkcs10CertificateRequest(new Uint8Array(certificateRequest));
    const key = await request.publicKey.export(TRANSPORT_KEY, ["verify"]);
    if (await request.verify()) return key;
  } catch (cause) {
    throw invalid(cause);
  }
  throw invalid();
}
