/**
 * Renews this party's certificate by itself: at about two thirds of its life, each party at another moment, over a new key. The new
 * one is durable before it is used; streams that are open go on over the old one.
 */
import { X509Certificate } from "node:crypto";
import type { Logger } from "pino";
import { makeCertificateRequest, makeTransportKey } from "../../proto/codec/x509.ts";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import type { Clock, Ports } from "../../proto/ports/ports.ts";
import type { Enrolled } from "./enrol.ts";
import { checkedCertificate } from "./issued.ts";
import type { CoordinatorLink } from "./link.ts";

/** The middle of the time in which it is renewed, and how far that reaches to both sides, as parts of the certificate's life. */
const DUE = 2 / 3;
const SPREAD = 1 / 12;
/** After a failure; up to twice as long. */
const RETRY_MS = 600_000;

export interface RenewalInput {
  readonly link: Pick<CoordinatorLink, "renewCertificate" | "redial">;
  readonly ports: Pick<Ports, "random">;
  /** As the machine has it: certificates are judged by that. */
  readonly clock: Pick<Clock, "nowMs">;
  /** Durable when it resolves. */
  readonly keep: (enrolled: Enrolled) => Promise<void>;
  readonly logger: Logger;
}

export class CertificateRenewal {
  readonly #input: RenewalInput;
  #enrolled: Enrolled;
  #dueMs: number;
  #isBusy = false;
  /** Issued, and not durable yet. It is tried again with this one: each that is issued counts at the coordinator. */
  #issued: Enrolled | undefined;

  constructor(enrolled: Enrolled, input: RenewalInput) {
    this.#enrolled = enrolled;
    this.#input = input;
    this.#dueMs = this.#due(enrolled);
  }

  /** With the certificate of now. */
  get enrolled(): Enrolled {
    return this.#enrolled;
  }

  /** Wall clock. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** Another certificate, or another coordinator's address, that an invite has brought. */
  replace(enrolled: Enrolled): void {
    this.#enrolled = enrolled;
    this.#issued = undefined;
    this.#dueMs = this.#due(enrolled);
    this.#input.link.redial(enrolled);
  }

  /** Called from time to time: renews when it is due. Never rejects. */
  async keepUp(): Promise<void> {
    const { clock, logger } = this.#input;
    const nowMs = clock.nowMs();
    if (this.#isBusy || nowMs < this.#dueMs) return;
    this.#isBusy = true;
    try {
      await this.renew();
      logger.info({ until: new Date(notAfterMs(this.#enrolled)).toISOString() }, "certificate renewed");
    } catch (err) {
      this.#dueMs = nowMs + RETRY_MS * (1 + this.#fraction());
      logger.warn({ code: toEntenteError(err).code, err }, "the certificate could not be renewed yet");
    } finally {
      this.#isBusy = false;
    }
  }

  /** Throws CERTIFICATE_EXPIRED when it is too late for that, CERTIFICATE_REFUSED, and what the link throws. */
  async renew(): Promise<void> {
    const { clock, keep } = this.#input;
    if (notAfterMs(this.#enrolled) <= clock.nowMs()) throw new EntenteError("CERTIFICATE_EXPIRED");
    this.#issued ??= await this.#ask();
    const enrolled = this.#issued;
    await keep(enrolled);
    this.replace(enrolled);
  }

  async #ask(): Promise<Enrolled> {
    const { party, caPem } = this.#enrolled;
    const { keys, privateKeyPem: keyPem } = await makeTransportKey();
    const { certificateChain } = await this.#input.link.renewCertificate(await makeCertificateRequest(keys));
    const caDer = new Uint8Array(new X509Certificate(caPem).raw);
    const certPem = checkedCertificate(certificateChain, { caDer, party, keyPem });
    return { ...this.#enrolled, certPem, keyPem };
  }

  #due({ certPem }: Enrolled): number {
    // A link without TLS, as a simulator has.
    if (certPem === "") return Number.POSITIVE_INFINITY;
    const { validFromDate, validToDate } = new X509Certificate(certPem);
    const [fromMs, lifeMs] = [validFromDate.getTime(), validToDate.getTime() - validFromDate.getTime()];
    return fromMs + lifeMs * (DUE + SPREAD * (2 * this.#fraction() - 1));
  }

  /** From 0 to 1. */
  #fraction(): number {
    const [high = 0, low = 0] = this.#input.ports.random.bytes(2);
    return (high * 256 + low) / 65_536;
  }
}

function notAfterMs({ certPem }: Enrolled): number {
  return new X509Certificate(certPem).validToDate.getTime();
}
