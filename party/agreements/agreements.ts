/**
 * Agreements at this node: proposed here or by a confirmed peer, signed by a person here, in force when every party's
 * signature is on them. The signatures travel in control sessions; the coordinator gets the digest and the state.
 */
import {
  type Agreement,
  isLaterVersion,
  makeAgreement,
  mergeSignatures,
  otherParty,
  readAgreement,
  readSignedAgreement,
  requireSupported,
  signAgreement,
  verifyAgreementSignature,
} from "../../proto/agreement/agreement.ts";
import { keyId } from "../../proto/agreement/keyset.ts";
import { fromUtf8, toHex, utf8 } from "../../proto/encoding/bytes.ts";

import { decodeEnvelope, type Envelope, encodeEnvelope } from "../../proto/encoding/dsse.ts";
import { EntenteError } from "../../proto/errors.ts";
import { collaborationId } from "../../proto/ids.ts";
import type { CoordinatorLink } from "../coordinator-link/link.ts";
import type { Logbook } from "../evidence/logbook.ts";
import type { RunHistory } from "../policy/run-history.ts";
import type { SteadyClock } from "../policy/steady-clock.ts";
import { ControlClient } from "../session/control.ts";
import type { Meetings } from "../session/meetings.ts";
import type { Peer, Peers } from "../session/peers.ts";
import type { Keyring } from "../store/keyring.ts";
import type { Store } from "../store/store.ts";
import { Turns } from "../turns.ts";

export interface AgreementStatus {
  readonly digest: string;
  readonly title: string;
  readonly parties: readonly string[];
  readonly signedBy: readonly string[];
  readonly state: "proposed" | InForceState | "expired";
  readonly version: number;
  readonly validUntil: string;
  readonly document: Agreement["document"];
}

/** Of an agreement that all have signed: whether something came after it. */
export type InForceState = "active" | "superseded" | "revoked";

export interface AgreementsOptions {
  readonly keyring: Keyring;
  readonly store: Store;
  readonly peers: Peers;
  readonly meetings: Meetings;
  readonly logbook: Logbook;
  readonly link: CoordinatorLink;
  readonly clock: SteadyClock;
  readonly history: RunHistory;
}

function toText(envelope: Envelope): string {
  return fromUtf8(encodeEnvelope(envelope));
}

function fromText(text: string): Envelope {
  return decodeEnvelope(utf8(text));
}

function signers(envelope: Envelope): string[] {
  return envelope.signatures.map((signature) => signature.keyid.slice(0, signature.keyid.indexOf("/")));
}

function isSignedByAll({ parties }: Agreement["document"], envelope: Envelope): boolean {
  const signedBy = signers(envelope);
  return parties.every(({ name }) => signedBy.includes(name));
}

export class Agreements {
  readonly #options: AgreementsOptions;
  /** Reading, merging and writing an agreement is one step. */
  readonly #turns = new Turns<string>();

  constructor(options: AgreementsOptions) {
    this.#options = options;
  }

  async list(): Promise<AgreementStatus[]> {
    return Promise.all((await this.#options.store.agreements()).map((record) => this.status(record.digest)));
  }

  async status(digest: string): Promise<AgreementStatus> {
    const envelope = await this.#envelope(digest);
    const { document } = readAgreement(envelope.payload);
    const parties = document.parties.map((party) => party.name as string);
    const signedBy = signers(envelope);
    const inForce = await this.stateOf(digest);
    const isOver = this.#options.clock.now() >= document.validUntil;
    const state =
      inForce !== "active" ? inForce : isOver ? "expired" : isSignedByAll(document, envelope) ? "active" : "proposed";
    const { title, version, validUntil } = document;
    return { digest, title, parties, signedBy, state, version, validUntil, document };
  }

  /** Whether an agreement was revoked, or another that names it as the version before it was signed by all. */
  async stateOf(digest: string): Promise<InForceState> {
    const { store, history } = this.#options;
    if ((await store.revocations()).some((revocation) => revocation.agreement === digest)) return "revoked";
    const known = await store.agreement(digest);
    if (known === undefined) return "active";
    const { collaboration } = known;
    if ((await history.revoked(collaborationId(collaboration))).includes(digest)) return "revoked";
    // A version is of the same parties: others' agreements need not be read.
    for (const record of (await store.agreements()).filter((other) => other.collaboration === collaboration)) {
      const envelope = fromText(record.envelope);
      const { document } = readAgreement(envelope.payload);
      if (document.supersedes === digest && isSignedByAll(document, envelope)) return "superseded";
    }
    return "active";
  }

  /** An agreement with every party's signature, each verified now. Throws AGREEMENT_UNKNOWN, AGREEMENT_UNSIGNED, SIGNATURE_INVALID. */
  async require(digest: string): Promise<{ agreement: Agreement; envelope: Envelope }> {
    const envelope = await this.#envelope(digest);
    const agreement = readSignedAgreement(envelope);
    await this.#checkIdentities(agreement, { mayBeEarlier: true });
    return { agreement, envelope };
  }

  /** A person here proposes: signed by this node, sent to the peer. Throws AGREEMENT_INVALID, PEER_UNCONFIRMED. */
  async propose(draft: unknown): Promise<AgreementStatus & { delivered: boolean }> {
    const agreement = makeAgreement(await this.#withIdentities(draft));
    await this.#checkIdentities(agreement);
    await this.#checkSignable(agreement);
    return this.#signAndSend(agreement, signAgreement(agreement, this.#options.keyring.identity));
  }

  /** A person here agrees to what a peer proposed. */
  async sign(digest: string): Promise<AgreementStatus & { delivered: boolean }> {
    const envelope = await this.#envelope(digest);
    const agreement = readAgreement(envelope.payload);
    await this.#checkIdentities(agreement);
    await this.#checkSignable(agreement);
    return this.#signAndSend(agreement, signAgreement(agreement, this.#options.keyring.identity));
  }

  /** A peer's offer, in a control session. Returns what this node holds, once it has signed itself. */
  async receive(peer: Peer, offered: Envelope): Promise<Envelope | undefined> {
    const agreement = readAgreement(offered.payload);
    // First: whom else this node has confirmed is none of this peer's business.
    if (otherParty(agreement.document, this.#options.keyring.party).name !== peer.party) {
      throw new EntenteError("AGREEMENT_INVALID", { detail: "not an agreement with this peer" });
    }
    await this.#checkIdentities(agreement, { mayBeEarlier: await this.#isComplete(agreement) });
    for (const { keyid } of offered.signatures) {
      const signer = agreement.document.parties.find(({ name }) => keyid === keyId(name, "identity"));
      // Kept, it would make the agreement unusable: one with a signature of no party is refused everywhere.
      if (signer === undefined) throw new EntenteError("SIGNATURE_INVALID", { detail: "a signature of no party" });
      verifyAgreementSignature(offered, agreement, signer.name);
    }
    if (!signers(offered).includes(peer.party)) throw new EntenteError("AGREEMENT_UNSIGNED", { detail: peer.party });
    const merged = await this.#keep(agreement, offered);
    return signers(merged).includes(this.#options.keyring.party) ? merged : undefined;
  }

  async #signAndSend(agreement: Agreement, envelope: Envelope): Promise<AgreementStatus & { delivered: boolean }> {
    const delivered = await this.#send(agreement, await this.#keep(agreement, envelope));
    return { ...(await this.status(agreement.digest)), delivered };
  }

  /** False when the peer is not there now: it gets the agreement when somebody here signs or sends it again. */
  async #send(agreement: Agreement, envelope: Envelope): Promise<boolean> {
    const { peers, meetings, keyring } = this.#options;
    const peer = await peers.require(otherParty(agreement.document, keyring.party).name);
    let client: ControlClient;
    try {
      client = new ControlClient(await meetings.openControl(peer));
    } catch (error) {
      if (error instanceof EntenteError && ["PEER_GONE", "PEER_TIMEOUT"].includes(error.code)) return false;
      throw error;
    }
    try {
      const theirs = await client.agreement(envelope);
      if (theirs !== undefined) await this.receive(peer, theirs);
      return true;
    } finally {
      await client.close();
    }
  }

  /** A draft may name its parties only: their identities are this node's own and the one confirmed out of band. */
  async #withIdentities(draft: unknown): Promise<unknown> {
    const parties = (draft as { parties?: unknown } | null)?.parties;
    if (!Array.isArray(parties)) return draft;
    const { keyring, peers } = this.#options;
    const filled = parties.map(async (party: unknown) => {
      const { name, identity } = party as { name?: unknown; identity?: unknown };
      if (typeof name !== "string" || identity !== undefined) return party;
      return {
        name,
        identity: name === keyring.party ? toHex(keyring.identity.publicKey) : await peers.confirmedIdentity(name),
      };
    });
    return { ...(draft as object), parties: await Promise.all(filled) };
  }

  /** What this node would refuse to run it does not sign; a version must be the next of one that is in force here. */
  async #checkSignable(agreement: Agreement): Promise<void> {
    requireSupported(agreement);
    const { digest, document } = agreement;
    if ((await this.stateOf(digest)) === "revoked") throw new EntenteError("AGREEMENT_REVOKED");
    if (document.supersedes === null) return;
    const { agreement: before } = await this.require(document.supersedes);
    const state = await this.stateOf(before.digest);
    // Signed by all already, it is itself what superseded the one before.
    if (state === "revoked" || !isLaterVersion(agreement, before))
      throw new EntenteError("AGREEMENT_INVALID", { detail: "supersedes: not the next version of one in force" });
  }

  /** The identities in the document must be this node's own and those that were confirmed out of band, or have followed them. One
   * that was signed by all when it held goes on under the identity that follows: the old key may be anybody's then, and nothing
   * new is signed or taken under it. */
  async #checkIdentities(agreement: Agreement, { mayBeEarlier = false } = {}): Promise<void> {
    const { keyring, peers } = this.#options;
    const { document } = agreement;
    const own = document.parties.find((party) => party.name === keyring.party);
    const other = otherParty(document, keyring.party);
    const isRight = mayBeEarlier
      ? own !== undefined &&
        keyring.wasIdentity(own.identity) &&
        (await peers.identities(other.name)).includes(other.identity)
      : own?.identity === toHex(keyring.identity.publicKey) &&
        other.identity === (await peers.confirmedIdentity(other.name));
    if (!isRight)
      throw new EntenteError("AGREEMENT_INVALID", { detail: "parties: an identity is not the confirmed one" });
  }

  /** Signed by all, and in this node's evidence. */
  async #isComplete({ digest, document }: Agreement): Promise<boolean> {
    const record = await this.#options.store.agreement(digest);
    return record !== undefined && isSignedByAll(document, fromText(record.envelope));
  }

  async #envelope(digest: string): Promise<Envelope> {
    const record = await this.#options.store.agreement(digest);
    if (record === undefined) throw new EntenteError("AGREEMENT_UNKNOWN");
    return fromText(record.envelope);
  }

  /** Adds the signatures to those that are here. Evidence first, then the store: an agreement that this node holds complete
   * is in its log. Returns all signatures. */
  #keep(agreement: Agreement, added: Envelope): Promise<Envelope> {
    return this.#turns.take(agreement.digest, () => this.#merge(agreement, added));
  }

  async #merge(agreement: Agreement, added: Envelope): Promise<Envelope> {
    const { store, logbook, link } = this.#options;
    const parties = agreement.document.parties.map((party) => party.name);
    const known = await store.agreement(agreement.digest);
    const envelope = known === undefined ? added : mergeSignatures(fromText(known.envelope), added);
    const isComplete = isSignedByAll(agreement.document, envelope);
    const wasComplete = known !== undefined && isSignedByAll(agreement.document, fromText(known.envelope));
    const at = logbook.now();
    if (isComplete && !wasComplete) {
      readSignedAgreement(envelope);
      await logbook.record(
        agreement.collaboration,
        "agreement-signed",
        [{ name: "agreement", digest: { sha256: agreement.digest } }],
        {
          agreementDigest: agreement.digest,
          supersedes: agreement.document.supersedes,
          signers: parties.map((party) => keyId(party, "identity")).sort(),
          at,
        },
      );
    }
    await store.putAgreement({
      digest: agreement.digest,
      collaboration: agreement.collaboration,
      envelope: toText(envelope),
      receivedAt: known?.receivedAt ?? at,
    });
    await link.recordAgreement({
      agreementDigest: agreement.digest,
      parties: [...parties].sort(),
      state: isComplete ? "active" : "proposed",
    });
    return envelope;
  }
}
