/** What the listeners show and ask for: the server's certificate, renewed before it expires, and the present revocation list. */
import type { Logger } from "pino";
import { pemOf } from "../proto/codec/x509.ts";
import type { Ports } from "../proto/ports/ports.ts";
import type { Authority, ServerCertificate } from "./authority.ts";
import type { Limits } from "./limits.ts";
import type { Revocations } from "./revocations.ts";

/** PEM. */
export interface TlsCredentials {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  readonly crl: string;
}

export interface ServerCredentialsInput {
  readonly authority: Pick<Authority, "issueServer" | "caPem">;
  readonly revocations: Revocations;
  readonly ports: Pick<Ports, "clock">;
  readonly limits: Pick<Limits, "serverCertificateMs">;
  /** Beside those that every server certificate has. */
  readonly hosts: readonly string[];
  readonly logger: Logger;
}

export class ServerTlsCredentials {
  readonly #input: ServerCredentialsInput;
  #certificate: (ServerCertificate & { readonly dueMs: number }) | undefined;

  constructor(input: ServerCredentialsInput) {
    this.#input = input;
  }

  get notAfterMs(): number {
    return this.#certificate?.notAfterMs ?? 0;
  }

  /** What holds now: a new certificate when two thirds of the last one's time are over. Undefined when nothing has changed since the
   * last call. */
  async next(): Promise<TlsCredentials | undefined> {
    const { authority, revocations, logger } = this.#input;
    const isListNew = await revocations.refresh();
    const isCertificateNew = await this.#renew();
    if (isCertificateNew) logger.info("server certificate issued");
    if (isListNew) logger.info("revocation list signed");
    if (this.#certificate === undefined || (!isListNew && !isCertificateNew)) return undefined;
    return {
      cert: this.#certificate.chainPem,
      key: this.#certificate.privateKeyPem.expose(),
      ca: authority.caPem,
      crl: pemOf("X509 CRL", await revocations.list()),
    };
  }

  async #renew(): Promise<boolean> {
    const { authority, ports, hosts, limits } = this.#input;
    const nowMs = ports.clock.nowMs();
    if (this.#certificate !== undefined && nowMs < this.#certificate.dueMs) return false;
    const issued = await authority.issueServer(hosts, limits.serverCertificateMs);
    this.#certificate = { ...issued, dueMs: nowMs + ((issued.notAfterMs - nowMs) * 2) / 3 };
    return true;
  }
}
