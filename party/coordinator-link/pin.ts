/** Finds the coordinator's CA certificate by the fingerprint in an invite: trust on first use, without the first use. */
import { connect, type DetailedPeerCertificate } from "node:tls";
import type { Endpoint } from "../../proto/codec/endpoint.ts";
import { COORDINATOR_SERVER_NAME, certificateFingerprint } from "../../proto/codec/x509.ts";
import { EntenteError } from "../../proto/errors.ts";

const CONNECT_MS = 10_000;
const MAX_CHAIN = 4;

/**
 * Reads the certificates that the listener shows, without trusting or sending anything, and returns the one with this
 * fingerprint (SHA-256 of the DER, hex) as DER. Throws FINGERPRINT_MISMATCH when none has it, COORDINATOR_UNREACHABLE.
 * The caller then connects with that certificate as its only root, so that the listener must prove it chains to it.
 */
export function fetchPinnedCa({ host, port }: Endpoint, caFingerprint: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      servername: COORDINATOR_SERVER_NAME,
      ALPNProtocols: ["h2"],
      minVersion: "TLSv1.3",
      rejectUnauthorized: false,
    });
    socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error("timeout")));
    socket.once("error", (cause) => reject(new EntenteError("COORDINATOR_UNREACHABLE", { cause })));
    socket.once("close", () => reject(new EntenteError("COORDINATOR_UNREACHABLE")));
    socket.once("secureConnect", () => {
      const found = chainOf(socket.getPeerCertificate(true)).find(
        (der) => certificateFingerprint(der) === caFingerprint,
      );
      if (found !== undefined) resolve(found);
      else reject(new EntenteError("FINGERPRINT_MISMATCH", { detail: "the coordinator is not the one of the invite" }));
      socket.destroy();
    });
  });
}

function chainOf(leaf: DetailedPeerCertificate): Uint8Array[] {
  const chain: Uint8Array[] = [];
  for (let at: DetailedPeerCertificate | undefined = leaf; at?.raw !== undefined && chain.length < MAX_CHAIN; ) {
    chain.push(new Uint8Array(at.raw));
    at = at.issuerCertificate === at ? undefined : at.issuerCertificate;
  }
  return chain;
}
