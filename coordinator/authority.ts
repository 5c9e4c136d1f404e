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
  Extension,
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
  X509CrlGenerator,
} from "../proto/codec/x509.ts";
import { concat, fromUtf8, toHex, utf8 } from "../proto/encoding/bytes.ts";
import { EntenteError } from "../proto/errors.ts";
import type { PartyId } from "../proto/ids.ts";
import type { Secret } from "../proto/keys/secret.ts";
import type { Files, Ports } from "../proto/ports/ports.ts";

const DAY_MS = 86_400_000;
const CA_VALIDITY_MS = 3_650 * DAY_MS;
/** Certificates begin a little in the past: the clocks of two nodes differ. */
const CLOCK_SKEW_MS = 5 * 60_000;

type AuthorityPorts = Pick<Ports, "files" | "clock" | "random">;

export interface IssuedCertificate {
  readonly der: Uint8Array;
  /** SHA-256 of the DER, hex. */
  readonly fingerprint: string;
  /** Hex, as the revocation list names it. */
  readonly serial: string;
  readonly notAfterMs: number;
}

export interface ServerCertificate {
  /** PEM: the server's certificate, then the CA's, which the invite's fingerprint pins. */
  readonly chainPem: string;
  readonly privateKeyPem: Secret<string>;
  readonly notAfterMs: number;
}

export interface RevokedCertificate {
  /** Hex. */
  readonly serial: string;
  readonly revokedMs: number;
}

/** Of one revocation list; `number` grows by each (RFC 5280 section 5.2.3). */
export interface RevocationListInput {
  readonly number: number;
  readonly revoked: readonly RevokedCertificate[];
  readonly validityMs: number;
}

export interface Authority {
  readonly caDer: Uint8Array;
  readonly caPem: string;
  readonly caFingerprint: string;
  readonly caNotAfterMs: number;
  issueServer(hosts: readonly string[], validityMs: number): Promise<ServerCertificate>;
  /** Throws WIRE_INVALID when the request is not PKCS #10, not of a P-256 key or not signed by it. */
  issueParty(party: PartyId, certificateRequest: Uint8Array, validityMs: number): Promise<IssuedCertificate>;
  /** RFC 5280 section 5, DER. */
  revocationList(input: RevocationListInput): Promise<Uint8Array>;
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
  await ports.files.writeDurable(paths(folder).key, utf8(privateKeyPem.expose()));
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
      // What outlives its CA is refused with it.
      ...validity(ports, Math.min(validityMs, ca.notAfter.getTime() - ports.clock.nowMs())),
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
    caNotAfterMs: ca.notAfter.getTime(),
    async issueServer(hosts, validityMs) {
      const { keys, privateKeyPem } = await makeTransportKey();
      const names = [...new Set([COORDINATOR_SERVER_NAME, "localhost", "127.0.0.1", ...hosts])];
      const certificate = await issue({
        name: COORDINATOR_SERVER_NAME,
        publicKey: keys.publicKey,
        validityMs,
        usage: ExtendedKeyUsage.serverAuth,
        alternativeNames: names.map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value }) as const),
      });
      return {
        chainPem: pemOf("CERTIFICATE", der(certificate)) + pemOf("CERTIFICATE", caDer),
        privateKeyPem,
        notAfterMs: certificate.notAfter.getTime(),
      };
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
      const notAfterMs = certificate.notAfter.getTime();
      return { der: bytes, fingerprint: certificateFingerprint(bytes), serial: certificate.serialNumber, notAfterMs };
    },
    async revocationList({ number, revoked, validityMs }) {
      const { notBefore: thisUpdate, notAfter: nextUpdate } = validity(ports, validityMs);
      const list = await X509CrlGenerator.create({
        ...{ issuer: ca.subjectName, thisUpdate, nextUpdate, signingAlgorithm: TRANSPORT_KEY, signingKey },
        extensions: [await AuthorityKeyIdentifierExtension.create(ca.publicKey), crlNumber(number)],
        entries: revoked.map(({ serial, revokedMs }) => ({
          serialNumber: serial,
          revocationDate: new Date(revokedMs),
        })),
      });
      return new Uint8Array(list.rawData);
    },
  };
}

/** RFC 5280 section 5.2.3: an INTEGER in DER. */
function crlNumber(number: number): Extension {
  const hex = number.toString(16);
  const digits = Uint8Array.fromHex(hex.padStart(hex.length + (hex.length % 2), "0"));
  // Its first bit is the sign.
  const value = (digits[0] ?? 0) < 0x80 ? digits : concat(new Uint8Array(1), digits);
  return new Extension("2.5.29.20", false, concat(new Uint8Array([2, value.length]), value));
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
