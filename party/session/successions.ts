/**
 * How this node follows a peer to a new identity. A rotation, which the old identity signed, it follows at once. A recovery it
 * keeps in view: it follows when a person here has compared the new fingerprint out of band and the delay is over that began
 * when this node saw it first. Both are in every log that this node shares with the peer.
 */
import type { Logger } from "pino";
import { fingerprint, parseFingerprint } from "../../proto/agreement/identity.ts";
import { decodeHistory, encodeHistory, follow, type KeysetRecord } from "../../proto/agreement/keyset-history.ts";
import {
  countersign,
  parseSuccession,
  RECOVERY_DELAY_MS,
  type Succession,
  verifyCountersignature,
} from "../../proto/agreement/succession.ts";
import type { SuccessionBytes } from "../../proto/codec/coordinator.ts";
import { equalBytes, fromUtf8, toHex, utf8 } from "../../proto/encoding/bytes.ts";
import { decodeEnvelope, type Envelope, encodeEnvelope } from "../../proto/encoding/dsse.ts";
import { digestOf } from "../../proto/encoding/sha256.ts";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import type { EvidenceEvent, PredicateInput } from "../../proto/evidence/predicates.ts";
import type { Subject } from "../../proto/evidence/statements.ts";
import type { CollaborationId, PartyId } from "../../proto/ids.ts";
import type { Clock } from "../../proto/ports/ports.ts";
import type { CoordinatorLink } from "../coordinator-link/link.ts";
import type { Keyring } from "../store/keyring.ts";
import type { Store } from "../store/store.ts";
import type { PeerHistory } from "./peer-history.ts";

export interface SuccessionsOptions {
  readonly keyring: Keyring;
  readonly store: Store;
  readonly history: PeerHistory;
  readonly link: CoordinatorLink;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly logbook: {
    record<E extends EvidenceEvent>(
      collaboration: CollaborationId,
      event: E,
      subject: Subject,
      predicate: PredicateInput<E>,
    ): Promise<void>;
    now(): string;
  };
  /** The collaborations of this node, with the other party of each. */
  readonly collaborations: () => Promise<ReadonlyMap<CollaborationId, PartyId>>;
}

/** A recovery that this node has not followed yet. */
export interface PendingSuccession {
  readonly fingerprint: string;
  readonly firstSeenAt: string;
  /** When it can be followed at the earliest. */
  readonly effectiveAt: string;
  /** Whether a person here has confirmed the fingerprint. */
  readonly confirmed: boolean;
}

interface Pending {
  readonly record: KeysetRecord & { readonly succession: Envelope };
  readonly succession: Succession;
  readonly firstSeenMs: number;
}

/** Where nothing may be written now: it is written when that has changed. */
const POSTPONED: readonly string[] = ["LOG_FORKED", "COLLABORATION_READ_ONLY"];

export class Successions {
  readonly #options: SuccessionsOptions;

  constructor(options: SuccessionsOptions) {
    this.#options = options;
  }

  /** What the directory shows of a peer. What does not follow counts for nothing. Throws PEER_UNCONFIRMED, and the store's. */
  async look(party: string, shown: readonly SuccessionBytes[]): Promise<void> {
    const records = shown.flatMap(({ succession, keyset }) => {
      try {
        return [{ keyset: decodeEnvelope(keyset), succession: decodeEnvelope(succession) }];
      } catch {
        return [];
      }
    });
    await this.#options.history.inTurn(party, async () => {
      for (const record of records) await this.#consider(party, record);
      await this.#settle(party);
      await this.#recordAll(party);
    });
  }

  /** What a peer says in a session. Throws SIGNATURE_INVALID. */
  receive(party: string, record: KeysetRecord & { readonly succession: Envelope }): Promise<void> {
    return this.#options.history.inTurn(party, async () => {
      await this.#consider(party, record);
      const { records } = await this.#options.history.of(party);
      if (!records.some((known) => isSame(known, record)))
        throw new EntenteError("SIGNATURE_INVALID", { detail: "succession" });
    });
  }

  /** A recovery that waits for a person here, or for its time. */
  async pending(party: string): Promise<PendingSuccession | undefined> {
    const pending = await this.#pending(party);
    if (pending === undefined) return undefined;
    return {
      fingerprint: fingerprint(pending.succession.newIdentity),
      firstSeenAt: new Date(pending.firstSeenMs).toISOString(),
      effectiveAt: new Date(dueMs(pending)).toISOString(),
      confirmed: this.#isCountersigned(pending),
    };
  }

  /** A person here has heard the new fingerprint from the peer: this node countersigns. Throws NOT_FOUND when no recovery waits,
   * FINGERPRINT_MISMATCH. */
  async accept(party: string, typedFingerprint: string): Promise<void> {
    const { keyring, history, logger } = this.#options;
    const signed = await history.inTurn(party, async () => {
      const pending = await this.#pending(party);
      if (pending === undefined) throw new EntenteError("NOT_FOUND", { detail: "no succession waits" });
      if (parseFingerprint(typedFingerprint) !== fingerprint(pending.succession.newIdentity))
        throw new EntenteError("FINGERPRINT_MISMATCH", { detail: party });
      const succession = countersign(pending.record.succession, keyring.identity);
      await this.#keepPending(party, { ...pending, record: { ...pending.record, succession } });
      await this.#settle(party);
      return { succession, keyset: pending.record.keyset };
    });
    await this.#publish(signed).catch((err: unknown) =>
      logger.warn({ peer: party, err }, "the coordinator has not the countersignature yet"),
    );
  }

  async #consider(party: string, record: KeysetRecord & { readonly succession: Envelope }): Promise<void> {
    const { history, clock, logger } = this.#options;
    const seen = await history.of(party);
    const { payload } = record.succession;
    if (seen.records.some((known) => isSame(known, record))) return;
    let succession: Succession | undefined;
    try {
      // One that this peer had before it was confirmed here.
      if (!equalBytes(parseSuccession(record.succession).oldIdentity, seen.identity)) return;
      ({ succession } = follow(seen.keysets, record));
    } catch (error) {
      const { code, detail } = toEntenteError(error);
      logger.warn({ peer: party, code, detail }, "a succession that does not follow");
    }
    if (succession === undefined) return;
    if (succession.kind === "rotated") return this.#follow(party, record, succession);
    const pending = await this.#pending(party);
    if (pending !== undefined && equalBytes(pending.record.succession.payload, payload))
      return this.#publishMissing(pending, record.succession);
    logger.warn(
      { peer: party, fingerprint: fingerprint(succession.newIdentity) },
      "a peer wants to recover its identity",
    );
    await this.#keepPending(party, { record, succession, firstSeenMs: clock.nowMs() });
  }

  async #settle(party: string): Promise<void> {
    const pending = await this.#pending(party);
    if (pending === undefined || !this.#isCountersigned(pending)) return;
    if (this.#options.clock.nowMs() >= dueMs(pending)) await this.#follow(party, pending.record, pending.succession);
  }

  /** Evidence first. */
  async #follow(
    party: string,
    record: KeysetRecord & { readonly succession: Envelope },
    succession: Succession,
  ): Promise<void> {
    const { history, store, logger } = this.#options;
    await this.#record(party, record.succession, succession);
    await history.append(party, record);
    await store.eraseSetting(pendingSetting(party));
    logger.info({ peer: party, fingerprint: fingerprint(succession.newIdentity) }, "a peer has a new identity");
  }

  /** What could not be written when it was followed. */
  async #recordAll(party: string): Promise<void> {
    const { records, keysets } = await this.#options.history.of(party);
    for (const [i, { succession }] of records.entries())
      if (i > 0 && succession !== undefined)
        await this.#record(party, succession, follow(keysets.slice(0, i), records[i] as KeysetRecord).succession);
  }

  async #record(party: string, signed: Envelope, succession: Succession | undefined): Promise<void> {
    if (succession === undefined) return;
    const { collaborations, logbook, store, logger } = this.#options;
    for (const [collaboration, other] of await collaborations()) {
      const setting = `succession-recorded/${collaboration}/${digestOf(signed.payload)}`;
      if (other !== party || (await store.setting(setting)) !== undefined) continue;
      try {
        await logbook.record(collaboration, ...successionEntry(signed, succession, logbook.now()));
        await store.putSetting(setting, logbook.now());
      } catch (error) {
        const { code } = toEntenteError(error);
        if (!POSTPONED.includes(code)) throw error;
        logger.warn({ collaboration, code }, "a succession is not in the log yet");
      }
    }
  }

  #isCountersigned({ record }: Pending): boolean {
    try {
      verifyCountersignature(record.succession, this.#options.keyring.identity);
      return true;
    } catch {
      return false;
    }
  }

  /** A countersignature of this node that the coordinator does not show. */
  async #publishMissing(pending: Pending, shown: Envelope): Promise<void> {
    if (
      !this.#isCountersigned(pending) ||
      this.#isCountersigned({ ...pending, record: { ...pending.record, succession: shown } })
    )
      return;
    await this.#publish(pending.record).catch(() => undefined);
  }

  async #publish({ succession, keyset }: Pending["record"]): Promise<void> {
    await this.#options.link.publishSuccession({
      succession: encodeEnvelope(succession),
      keyset: encodeEnvelope(keyset),
    });
  }

  /** Undefined, too, when it does not follow any more: the peer has answered it with a rotation. */
  async #pending(party: string): Promise<Pending | undefined> {
    const { store, history } = this.#options;
    const text = await store.setting(pendingSetting(party));
    if (text === undefined) return undefined;
    const { firstSeenMs, record: encoded } = JSON.parse(text) as { firstSeenMs: number; record: string };
    const [record] = decodeHistory(utf8(encoded)) as [Pending["record"]];
    try {
      const { succession } = follow((await history.of(party)).keysets, record);
      return succession && { record, succession, firstSeenMs };
    } catch {
      return undefined;
    }
  }

  async #keepPending(party: string, { record, firstSeenMs }: Pending): Promise<void> {
    const text = JSON.stringify({ firstSeenMs, record: fromUtf8(encodeHistory([record])) });
    await this.#options.store.putSetting(pendingSetting(party), text);
  }
}

/** Event, subject and predicate of a succession's entry, in the log of the party itself and in its peers'. */
export function successionEntry(
  signed: Envelope,
  { party, kind, keysetDigest, newIdentity, effectiveAt }: Succession,
  at: string,
): ["identity-rotated" | "identity-recovered", Subject, PredicateInput<"identity-rotated">] {
  const successionDigest = digestOf(signed.payload);
  const predicate = {
    ...{ party, successionDigest, keysetDigest, effectiveAt, at },
    identityFingerprint: fingerprint(newIdentity),
    signatures: signed.signatures.map(({ keyid, sig }) => ({ signer: keyid, signature: toHex(sig) })),
  };
  return [`identity-${kind}`, [{ name: "succession", digest: { sha256: successionDigest } }], predicate];
}

function isSame({ succession }: KeysetRecord, other: KeysetRecord): boolean {
  return (
    succession !== undefined &&
    other.succession !== undefined &&
    equalBytes(succession.payload, other.succession.payload)
  );
}

function dueMs({ succession, firstSeenMs }: Pending): number {
  return Math.max(Date.parse(succession.effectiveAt), firstSeenMs + RECOVERY_DELAY_MS);
}

function pendingSetting(party: string): string {
  return `peer-succession/${party}`;
}
