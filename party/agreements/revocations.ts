/**
 * The end of an agreement before its time. Evidence first, then the store, then whatever runs or was issued under it; the
 * other party is told until it has said that it knows. What it was not told ends there by lease.
 */
import type { Logger } from "pino";
import { type Agreement, otherParty } from "../../proto/agreement/agreement.ts";
import { keyId } from "../../proto/agreement/keyset.ts";
import { readRevocation, signRevocation } from "../../proto/agreement/revocation.ts";
import { fromHex, fromUtf8, utf8 } from "../../proto/encoding/bytes.ts";
import { parseCanonicalJson } from "../../proto/encoding/canonical-json.ts";
import { decodeEnvelope, type Envelope, encodeEnvelope } from "../../proto/encoding/dsse.ts";
import { verifyingKey } from "../../proto/encoding/ed25519.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { EntenteError } from "../../proto/errors.ts";
import { collaborationId, type PartyId } from "../../proto/ids.ts";
import type { Timers } from "../../proto/ports/ports.ts";
import type { CoordinatorLink } from "../coordinator-link/link.ts";
import type { Logbook } from "../evidence/logbook.ts";
import type { SideNotes } from "../evidence/side-notes.ts";
import type { RunHistory } from "../policy/run-history.ts";
import type { SteadyClock } from "../policy/steady-clock.ts";
import { inControlSession } from "../session/control.ts";
import type { Meetings } from "../session/meetings.ts";
import type { Peer, Peers } from "../session/peers.ts";
import type { Keyring } from "../store/keyring.ts";
import type { RevocationRecord, Store } from "../store/store.ts";
import { Turns } from "../turns.ts";
import type { Agreements } from "./agreements.ts";

const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 60_000;

export interface RevocationsOptions {
  readonly keyring: Keyring;
  readonly store: Store;
  readonly peers: Peers;
  readonly meetings: Meetings;
  readonly agreements: Agreements;
  readonly logbook: Logbook;
  readonly link: CoordinatorLink;
  readonly clock: SteadyClock;
  readonly history: RunHistory;
  readonly timers: Timers;
  readonly logger: Logger;
  /** What decides under the agreement waits meanwhile: nothing is released after the entry that revokes. */
  readonly inTurn: <T>(agreement: Agreement, work: () => Promise<T>) => Promise<T>;
  readonly sideNotes: SideNotes;
  /** Stops what runs under the agreement and withdraws what was issued under it. Called again after a restart. */
  readonly stop: (agreement: Agreement) => Promise<void>;
}

/** By any identity that the peer has had: it may have revoked before it changed that. Throws as `readRevocation`. */
function requireRevocation(signed: Envelope, { digest }: Agreement, by: PartyId, identities: readonly string[]): void {
  let refused: unknown;
  for (const identity of identities) {
    try {
      readRevocation(signed, verifyingKey(keyId(by, "identity"), fromHex(identity)), { agreement: digest, by });
      return;
    } catch (error) {
      refused ??= error;
    }
  }
  throw refused;
}

export class Revocations {
  readonly #options: RevocationsOptions;
  readonly #turns = new Turns<string>();
  /** Agreements whose other party is being told. */
  readonly #telling = new Set<string>();
  #isClosed = false;

  constructor(options: RevocationsOptions) {
    this.#options = options;
  }

  /** A person here revokes, and may say why: that stays here, beside the log. Resolves when everything under it has stopped
   * here; the peer is told meanwhile. Throws AGREEMENT_UNKNOWN, AGREEMENT_UNSIGNED. */
  async revoke(digest: string, reason?: string): Promise<void> {
    const { agreements, keyring, clock, sideNotes } = this.#options;
    const { agreement } = await agreements.require(digest);
    const revocation = { agreement: agreement.digest, by: keyring.party, at: clock.now() };
    const noted = reason === undefined ? undefined : await sideNotes.put("reason", reason);
    await this.#apply(agreement, keyring.party, signRevocation(revocation, keyring.identity), false, noted);
    void this.#tell(agreement);
  }

  /** A peer's notice. Throws SIGNATURE_INVALID, AGREEMENT_UNKNOWN; resolves when everything under it has stopped here. */
  async receive(peer: Peer, envelope: Envelope): Promise<void> {
    const claimed = (parseCanonicalJson(envelope.payload) as { agreement?: unknown } | null)?.agreement;
    if (typeof claimed !== "string") throw new EntenteError("WIRE_INVALID", { detail: "revocation" });
    const { agreement } = await this.#options.agreements.require(claimed);
    const party = agreement.document.parties.find(({ name }) => name === peer.party);
    if (party === undefined) throw new EntenteError("AGREEMENT_UNKNOWN");
    requireRevocation(envelope, agreement, peer.party, await this.#options.peers.identities(peer.party));
    await this.#apply(agreement, peer.party, envelope, true);
  }

  /** After a start: finishes what a stop cut short, and goes on telling. */
  async resume(): Promise<void> {
    const { store, agreements, logger, stop } = this.#options;
    await this.#finishRecorded();
    for (const { agreement: digest, delivered } of await store.revocations()) {
      try {
        const { agreement } = await agreements.require(digest);
        await stop(agreement);
        if (!delivered) void this.#tell(agreement);
      } catch (err) {
        logger.error({ agreement: digest, err }, "a revocation could not be taken up again");
      }
    }
  }

  /** What is in evidence and not in the store: a stop came in between, or the store was lost. */
  async #finishRecorded(): Promise<void> {
    const { store, agreements, history, keyring, clock, logger } = this.#options;
    const stored = new Set((await store.revocations()).map(({ agreement }) => agreement));
    for (const { digest, collaboration } of await store.agreements()) {
      try {
        if (stored.has(digest) || !(await history.revoked(collaborationId(collaboration))).includes(digest)) continue;
        const { agreement } = await agreements.require(digest);
        const revocation = { agreement: agreement.digest, by: keyring.party, at: clock.now() };
        await this.#apply(agreement, keyring.party, signRevocation(revocation, keyring.identity), false);
      } catch (err) {
        logger.error({ agreement: digest, err }, "a revocation in evidence could not be taken up again");
      }
    }
  }

  close(): void {
    this.#isClosed = true;
  }

  #apply(agreement: Agreement, by: PartyId, envelope: Envelope, delivered: boolean, reason?: string): Promise<void> {
    const { store, link, logger, stop, inTurn } = this.#options;
    return this.#turns.take(agreement.digest, async () => {
      await inTurn(agreement, () => this.#recordOnce(agreement, by, envelope, reason));
      await store.putRevocation({
        agreement: agreement.digest,
        by,
        envelope: fromUtf8(encodeEnvelope(envelope)),
        delivered,
      });
      await stop(agreement);
      const parties = agreement.document.parties.map(({ name }) => name).sort();
      await link
        .recordAgreement({ agreementDigest: agreement.digest, parties, state: "revoked" })
        .catch((err: unknown) => logger.warn({ agreement: agreement.digest, err }, "the coordinator was not told"));
    });
  }

  async #recordOnce(agreement: Agreement, by: PartyId, envelope: Envelope, reason?: string): Promise<void> {
    const { history, logbook } = this.#options;
    if (!(await history.revoked(agreement.collaboration)).includes(agreement.digest)) {
      await logbook.record(
        agreement.collaboration,
        "agreement-revoked",
        [{ name: "agreement", digest: { sha256: agreement.digest } }],
        {
          agreementDigest: agreement.digest,
          by,
          revocationDigest: digestOf(envelope.payload),
          ...(reason === undefined ? {} : { reason }),
          at: logbook.now(),
        },
      );
    }
  }

  /** Until the other party knows; the pauses grow to a minute. */
  async #tell(agreement: Agreement): Promise<void> {
    const { digest } = agreement;
    const { timers, logger } = this.#options;
    if (this.#telling.has(digest)) return;
    this.#telling.add(digest);
    try {
      for (let pauseMs = FIRST_PAUSE_MS; !this.#isClosed; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
        const record = (await this.#options.store.revocations()).find((item) => item.agreement === digest);
        if (record === undefined || record.delivered) return;
        try {
          await this.#deliver(agreement, record);
          return;
        } catch (err) {
          logger.warn({ agreement: digest, err }, "the peer does not know of the revocation yet");
        }
        await new Promise<void>((go) => timers.after(pauseMs, go));
      }
    } finally {
      this.#telling.delete(digest);
    }
  }

  async #deliver(agreement: Agreement, record: RevocationRecord): Promise<void> {
    const { peers, meetings, keyring, store } = this.#options;
    const peer = await peers.require(otherParty(agreement.document, keyring.party).name);
    await inControlSession(meetings, peer, (client) => client.revocation(decodeEnvelope(utf8(record.envelope))));
    await store.putRevocation({ ...record, delivered: true });
  }
}
