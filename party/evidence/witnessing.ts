/**
 * Cosigning between jobs, in control sessions, and of the coordinator's logs. Every start begins with it: what a peer has
 * cosigned of this node's log tells whether the log is what it was. Nothing is appended for it, so it comes to rest.
 */
import type { Logger } from "pino";
import { readAgreement } from "../../proto/agreement/agreement.ts";
import { keyId, verifyKeyset } from "../../proto/agreement/keyset.ts";
import type { WireLogOffer, WitnessState } from "../../proto/codec/session-messages.ts";
import { fromUtf8, utf8 } from "../../proto/encoding/bytes.ts";
import { decodeEnvelope } from "../../proto/encoding/dsse.ts";
import { type VerifyingKey, verifyingKey } from "../../proto/encoding/ed25519.ts";
import { EntenteError, toEntenteError } from "../../proto/errors.ts";
import { openCheckpoint, parseCheckpointBody, type TreeHead, treeHead } from "../../proto/evidence/checkpoint.ts";
import { cosignedHead } from "../../proto/evidence/cosignature.ts";
import type { EvidenceLog } from "../../proto/evidence/log.ts";
import {
  encodeNote,
  encodeSignatureLine,
  noteVerifier,
  parseNote,
  parseSignatureLine,
} from "../../proto/evidence/note.ts";
import { parseOrigin } from "../../proto/evidence/origin.ts";
import { parseStatement, statementEntry } from "../../proto/evidence/statements.ts";
import type { CollaborationId, PartyId } from "../../proto/ids.ts";
import type { Clock } from "../../proto/ports/ports.ts";
import type { Enrolled } from "../coordinator-link/enrol.ts";
import type { CoordinatorLink } from "../coordinator-link/link.ts";
import { type ControlClient, type CosignRequest, inControlSession, type WitnessAnswer } from "../session/control.ts";
import type { Meetings } from "../session/meetings.ts";
import type { Peer, Peers } from "../session/peers.ts";
import type { Store } from "../store/store.ts";
import { offerOf, ownerOf } from "./cosigning.ts";
import { type Forks, noteText } from "./forks.ts";
import type { Logbook, LogSigners } from "./logbook.ts";
import { forked, heard } from "./standing.ts";
import type { Witness } from "./witness.ts";

export interface WitnessingOptions {
  readonly signers: LogSigners;
  readonly store: Store;
  readonly peers: Peers;
  readonly meetings: Meetings;
  readonly logbook: Logbook;
  readonly witness: Witness;
  readonly forks: Forks;
  readonly link: CoordinatorLink;
  readonly enrolled: Pick<Enrolled, "coordinator" | "coordinatorIdentity" | "coordinatorKeyset">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Whether a job of the collaboration has not ended: its log is not followed by another meanwhile. */
  readonly isBusy: (collaboration: CollaborationId) => Promise<boolean>;
  /** A collaboration was read-only and is open again. */
  readonly onOpen: (collaboration: CollaborationId) => Promise<void>;
}

export class Witnessing {
  readonly #options: WitnessingOptions;
  /** Collaborations whose peer has answered since the start. */
  readonly #heard = new Set<CollaborationId>();
  /** Size of this node's log when the coordinator's was looked at last. */
  readonly #lookedAt = new Map<CollaborationId, number>();
  #round = 0;
  #isRunning = false;
  #isClosed = false;

  constructor(options: WitnessingOptions) {
    this.#options = options;
  }

  /** No exchange begins any more. */
  close(): void {
    this.#isClosed = true;
    this.#isRunning = true;
  }

  /** Once a minute, and when the coordinator can be reached again. Never rejects. */
  async keepUp(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      this.#round++;
      for (const [collaboration, party] of await collaborationsOf(this.#options.store, this.#options.signers.party)) {
        if (this.#isClosed) return;
        await this.#quietly(collaboration, "the peer", async () => {
          if (await this.#isDue(collaboration, party)) await this.exchange(collaboration, party);
        });
        await this.#quietly(collaboration, "the coordinator", () => this.#lookAtCoordinator(collaboration));
      }
    } catch (err) {
      this.#options.logger.error({ err }, "cosigning");
    }
    this.#isRunning = this.#isClosed;
  }

  /**
   * Asks the peer what it knows of this node's log, and has each log cosigned by the other. Throws LOG_FORKED,
   * COLLABORATION_READ_ONLY, the codes of `Witness.cosign`, OVERLOADED while another exchange runs, and the session's.
   */
  async exchange(collaboration: CollaborationId, party: PartyId): Promise<void> {
    const { peers, meetings, logbook } = this.#options;
    const peer = await peers.require(party);
    await inControlSession(meetings, peer, (client) =>
      logbook.inTurnNow(collaboration, () => this.#exchange(client, peer, collaboration)),
    );
  }

  async #exchange(client: ControlClient, peer: Peer, collaboration: CollaborationId): Promise<void> {
    const { witness, logbook } = this.#options;
    const owner = ownerOf({ peer, collaboration });
    const { knownNote, offer } = await client.witness(collaboration, await witness.state(owner));
    const peerKnows = await this.#hear(collaboration, peer, knownNote);
    await logbook.standings.requireWritable(collaboration);
    const { head, signature } = await witness.cosign(owner, offer);
    const log = await logbook.log(collaboration);
    const ownHead = log.head;
    const line = await client.cosign({
      collaboration,
      line: encodeSignatureLine(signature),
      cosigned: head,
      offer: await offerOf(log, peerKnows),
    });
    await log.addCosignature(line, { size: ownHead.size, cosigner: peer.key("cosigner") });
    await this.#endYear(log, collaboration, line);
  }

  /** The asked end: what this node has cosigned of the peer's log, and its own checkpoint for the peer. Throws NOT_FOUND when
   * there is no such collaboration with that peer. */
  async answer(peer: Peer, collaboration: CollaborationId, known: WitnessState): Promise<WitnessAnswer> {
    const { witness, logbook } = this.#options;
    await this.#requireWith(peer, collaboration);
    return logbook.inTurnNow(collaboration, async () => {
      const log = await logbook.log(collaboration);
      return {
        knownNote: await witness.knownNote(ownerOf({ peer, collaboration })),
        // A peer that claims more than there is hears of it by the checkpoint that it gets.
        offer: await offerOf(log, known).catch(() => plainOffer(log)),
      };
    });
  }

  /** The asked end: takes the peer's cosignature, and cosigns in turn. Returns a note's signature line. */
  async accept(peer: Peer, request: CosignRequest): Promise<string> {
    const { witness, logbook } = this.#options;
    const { collaboration, line, cosigned, offer } = request;
    await this.#requireWith(peer, collaboration);
    return logbook.inTurnNow(collaboration, async () => {
      const log = await logbook.log(collaboration);
      if (cosigned.origin === log.origin)
        await log.addCosignature(line, { size: cosigned.size, cosigner: peer.key("cosigner") });
      const { signature } = await witness.cosign(ownerOf({ peer, collaboration }), offer);
      return encodeSignatureLine(signature);
    });
  }

  async #requireWith({ party }: Peer, collaboration: CollaborationId): Promise<void> {
    const all = await collaborationsOf(this.#options.store, this.#options.signers.party);
    if (all.get(collaboration) !== party) throw new EntenteError("NOT_FOUND", { detail: "collaboration" });
  }

  /**
   * What the peer has cosigned of this node's log, by a checkpoint that must carry this node's own signature: a claim without
   * one counts for nothing. When the log does not hold that head the collaboration is forked.
   */
  async #hear(collaboration: CollaborationId, peer: Peer, note: Uint8Array | undefined): Promise<WitnessState> {
    const { logbook, signers, forks, logger, onOpen } = this.#options;
    const logs = await logbook.logs(collaboration);
    const nothing = { origin: "", size: 0 };
    let known: WitnessState = nothing;
    if (note !== undefined) {
      const { origin } = parseCheckpointBody(parseNote(note).text);
      const { party, collaboration: of } = parseOrigin(origin);
      const verifiers = [signers.keys.log, ...signers.earlierLogKeys].map(noteVerifier);
      if (party !== signers.party || of !== collaboration)
        throw new EntenteError("WIRE_INVALID", { detail: "a checkpoint of another log" });
      const head = treeHead(openCheckpoint(note, { origin, verifiers }).checkpoint);
      known = head;
      const log = logs.find((item) => item.origin === head.origin);
      const holds = log !== undefined && head.size <= log.size && log.rootAt(head.size) === head.root;
      if (!holds && !(await isNamedAsLost(head, logs))) {
        const current = logs.at(-1) as EvidenceLog;
        const offered = noteText((log ?? current).checkpointNote());
        const forkDigest = await forks.keep(collaboration, { known: fromUtf8(note), offered, proof: [] });
        await logbook.standings.change(collaboration, (now) => forked(now, head, current.head));
        logger.error(
          { collaboration, peer: peer.party, known: head.size, own: current.size, forkDigest },
          "this node's log is not the one that the peer has cosigned: nothing is signed for this collaboration",
        );
      }
    }
    this.#heard.add(collaboration);
    const before = await logbook.standings.of(collaboration);
    if (before.state === "read-only") {
      const after = await logbook.standings.change(collaboration, (now) => heard(now, peer.party));
      if (after.state === "open") await onOpen(collaboration);
    }
    return known;
  }

  /** After a start until the peer has answered; then when there is something to cosign. One of the two begins, the other when
   * that one does not. */
  async #isDue(collaboration: CollaborationId, party: PartyId): Promise<boolean> {
    const { logbook, signers } = this.#options;
    const { state } = await logbook.standings.of(collaboration);
    if (!this.#heard.has(collaboration)) return true;
    if (state === "forked") return false;
    const log = await logbook.log(collaboration);
    const isBehind = log.lastCosigned()?.head.size !== log.size;
    return isBehind && (signers.party < party || this.#round % 5 === 0);
  }

  /** A new year's log begins with the last head of the old one, when that has been cosigned. */
  async #endYear(log: EvidenceLog, collaboration: CollaborationId, line: string): Promise<void> {
    const { logbook, clock, isBusy } = this.#options;
    const year = new Date(clock.nowMs()).getUTCFullYear();
    const { head } = log;
    if (year <= parseOrigin(log.origin).year || log.lastCosigned()?.head.size !== head.size) return;
    if (head.size === 0 || (await isBusy(collaboration))) return;
    const previous = cosignedHead(head, parseSignatureLine(line));
    await logbook.beginNext(collaboration, year, ({ keys }) =>
      statementEntry(
        "log-continued",
        [{ name: "log", digest: { sha256: head.root } }],
        { previous, at: logbook.now() },
        keys.jobs,
      ),
    );
  }

  /** C2SP tlog-witness for the coordinator's log of the collaboration, after this node's own has grown. */
  async #lookAtCoordinator(collaboration: CollaborationId): Promise<void> {
    const { witness, link, enrolled, logbook } = this.#options;
    const { size } = await logbook.log(collaboration);
    if (this.#lookedAt.get(collaboration) === size) return;
    await logbook.standings.requireWritable(collaboration);
    const owner = { party: enrolled.coordinator, collaboration, logKey: this.#coordinatorLogKey() };
    if (await witness.isAbandoned(owner)) return;
    const { size: oldSize } = await witness.state(owner);
    const { note, proof } = await link.fetchCheckpoint({ collaborationId: collaboration, oldSize });
    const { size: newSize } = parseCheckpointBody(parseNote(note).text);
    if (newSize < oldSize) throw new EntenteError("LOG_BEHIND", { detail: "the coordinator's log" });
    if (newSize > 0) {
      const { head, signature } = await witness.cosign(owner, { oldSize, proof, note });
      const line = encodeSignatureLine(signature);
      await link.submitCosignature({ collaborationId: collaboration, size: head.size, line });
    }
    this.#lookedAt.set(collaboration, size);
  }

  #coordinatorLogKey(): VerifyingKey {
    const { coordinator, coordinatorIdentity, coordinatorKeyset } = this.#options.enrolled;
    const { keys } = verifyKeyset(decodeEnvelope(coordinatorKeyset), coordinatorIdentity);
    return verifyingKey(keyId(coordinator, "log"), keys.log);
  }

  async #quietly(collaboration: CollaborationId, whom: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const { code, detail } = toEntenteError(error);
      this.#options.logger.info(
        { collaboration, code, detail, err: code === "INTERNAL" ? error : undefined },
        `no cosigning with ${whom} now`,
      );
    }
  }
}

/** Whether a log that was begun anew says in its first entry that it has lost that head. */
async function isNamedAsLost(head: TreeHead, logs: readonly EvidenceLog[]): Promise<boolean> {
  for (const log of logs) {
    if (log.size === 0 || log.origin === head.origin) continue;
    const { event, statement } = parseStatement(await log.entry(0));
    const isNamed = (lost: TreeHead) =>
      lost.origin === head.origin && lost.size === head.size && lost.root === head.root;
    if (event === "log-recovered" && statement.predicate.lost.some(isNamed)) return true;
  }
  return false;
}

function plainOffer(log: EvidenceLog): WireLogOffer {
  return { oldSize: 0, proof: [], note: encodeNote(log.checkpointNote()) };
}

/** The collaborations that this node has signed an agreement of, with all signatures on it, and the other party of each. */
export async function collaborationsOf(
  store: Pick<Store, "agreements">,
  own: PartyId,
): Promise<Map<CollaborationId, PartyId>> {
  const all = new Map<CollaborationId, PartyId>();
  for (const record of await store.agreements()) {
    const { payload, signatures } = decodeEnvelope(utf8(record.envelope));
    const { collaboration, document } = readAgreement(payload);
    const other = document.parties.find(({ name }) => name !== own);
    if (other !== undefined && signatures.length === document.parties.length) all.set(collaboration, other.name);
  }
  return all;
}
