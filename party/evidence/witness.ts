/**
 * This node as the witness of others' logs (C2SP tlog-witness): it cosigns a checkpoint when that extends what it has
 * cosigned of the log before, and has stored so first. Two checkpoints that do not agree are kept as evidence and freeze the
 * collaboration.
 */
import type { WireLogOffer, WitnessState } from "../../proto/codec/session-messages.ts";
import { fromHex, fromUtf8, utf8 } from "../../proto/encoding/bytes.ts";
import type { SigningKey, VerifyingKey } from "../../proto/encoding/ed25519.ts";
import { EntenteError } from "../../proto/errors.ts";
import { parseCheckpointBody, type TreeHead, treeHead } from "../../proto/evidence/checkpoint.ts";
import { cosign } from "../../proto/evidence/cosignature.ts";
import { leafHash, verifyInclusion } from "../../proto/evidence/merkle.ts";
import { encodeNote, type NoteSignature, parseNote } from "../../proto/evidence/note.ts";
import { compareOrigins, type Origin, parseOrigin } from "../../proto/evidence/origin.ts";
import { parseStatement, verifyStatement } from "../../proto/evidence/statements.ts";
import { decide } from "../../proto/evidence/witness.ts";
import type { CollaborationId } from "../../proto/ids.ts";
import type { Clock } from "../../proto/ports/ports.ts";
import type { Store, WitnessRecord } from "../store/store.ts";
import type { Forks } from "./forks.ts";
import type { Logbook } from "./logbook.ts";
import { frozen } from "./standing.ts";

export interface WitnessOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly signers: { readonly keys: { readonly cosigner: SigningKey } };
  readonly logbook: Pick<Logbook, "standings" | "record" | "now">;
  readonly forks: Forks;
}

/** Whose log it is, and the keys that it is believed by. */
export interface LogOwner {
  readonly party: string;
  readonly collaboration: CollaborationId;
  readonly logKey: VerifyingKey;
  /** Of the first entry of a log that follows another. A log without these has no successor. */
  readonly successorKeys?: { readonly jobs: VerifyingKey; readonly identity: VerifyingKey };
}

export interface Cosigned {
  readonly head: TreeHead;
  readonly signature: NoteSignature;
}

export class Witness {
  readonly #options: WitnessOptions;

  constructor(options: WitnessOptions) {
    this.#options = options;
  }

  /** What this node has cosigned of the log. */
  async state(owner: Pick<LogOwner, "party" | "collaboration">): Promise<WitnessState> {
    const { origin = "", size = 0 } = (await this.#known(owner)) ?? {};
    return { origin, size };
  }

  /** The checkpoint that this node cosigned last, with its cosignature of now: it is the largest that it has seen. */
  async knownNote(owner: Pick<LogOwner, "party" | "collaboration">): Promise<Uint8Array | undefined> {
    const known = await this.#known(owner);
    if (known === undefined) return undefined;
    const note = parseNote(utf8(known.note));
    const signatures = note.signatures.filter(({ name }) => name !== this.#options.signers.keys.cosigner.keyId);
    return encodeNote({ text: note.text, signatures: [...signatures, this.#sign(note.text)] });
  }

  /**
   * Cosigns what `offer` shows; `require` may refuse the head after it has been verified and before it is stored. Throws
   * LOG_FORKED when it does not extend what was cosigned before, LOG_BEHIND when it does not begin there, SIGNATURE_INVALID,
   * WIRE_INVALID, and what `require` throws. Nothing is cosigned then. Reading, deciding and storing is one step by the
   * store's compare-and-store.
   */
  async cosign(
    owner: LogOwner,
    offer: WireLogOffer,
    require: (head: TreeHead) => void = () => undefined,
  ): Promise<Cosigned> {
    const { store, logbook } = this.#options;
    await logbook.standings.requireWritable(owner.collaboration);
    const { origin } = parseCheckpointBody(parseNote(offer.note).text);
    const known = await this.#known(owner);
    const following = this.#requireOwn(owner, offer, known, parseOrigin(origin));
    const before = following ? undefined : known;
    const decision = decide(
      before && { origin, size: before.size, root: before.root },
      { oldSize: offer.oldSize, proof: offer.proof, checkpoint: offer.note },
      { origin, key: owner.logKey },
    );
    if (decision.kind === "refused") {
      if (decision.error.code === "LOG_FORKED" && before !== undefined) await this.#keepFork(owner, before, offer);
      throw decision.error;
    }
    if (following) requireFirst(owner, offer, decision.next, known);
    require(decision.next);
    const record: WitnessRecord = { ...decision.next, note: fromUtf8(offer.note) };
    if (!(await store.putWitness(record, before?.size ?? 0))) throw new EntenteError("LOG_BEHIND");
    // Every head that was ever cosigned, so that a peer cannot name one in a receipt that never was.
    await store.putSetting(cosignedSetting(decision.next), decision.next.root);
    return { head: decision.next, signature: this.#sign(decision.body) };
  }

  /** A log that has forked and that nobody will begin anew: it is not looked at any more. */
  abandon({ party, collaboration }: Pick<LogOwner, "party" | "collaboration">): Promise<void> {
    return this.#options.store.putSetting(`abandoned-log/${party}/${collaboration}`, this.#options.logbook.now());
  }

  async isAbandoned({ party, collaboration }: Pick<LogOwner, "party" | "collaboration">): Promise<boolean> {
    return (await this.#options.store.setting(`abandoned-log/${party}/${collaboration}`)) !== undefined;
  }

  /** Whether this node has cosigned that head of another's log. */
  async hasCosigned(head: TreeHead): Promise<boolean> {
    return (await this.#options.store.setting(cosignedSetting(head))) === head.root;
  }

  /** Of the newest of the owner's logs. */
  async #known({
    party,
    collaboration,
  }: Pick<LogOwner, "party" | "collaboration">): Promise<WitnessRecord | undefined> {
    const all = await this.#options.store.witnesses(`${party}/${collaboration}`);
    return all.sort((a, b) => compareOrigins(parseOrigin(a.origin), parseOrigin(b.origin))).at(-1);
  }

  #sign(body: string): NoteSignature {
    return cosign(body, this.#options.signers.keys.cosigner, Math.floor(this.#options.clock.nowMs() / 1000));
  }

  /** True when the offered log follows the one that is known; the first that is offered follows none. Throws LOG_FORKED. */
  #requireOwn(owner: LogOwner, offer: WireLogOffer, known: WitnessRecord | undefined, origin: Origin): boolean {
    const isTheirs = origin.party === owner.party && origin.collaboration === owner.collaboration;
    const order = known === undefined ? 0 : compareOrigins(origin, parseOrigin(known.origin));
    const mayFollow = owner.successorKeys !== undefined && offer.first !== undefined;
    if (!isTheirs || order < 0 || (order > 0 && !mayFollow))
      throw new EntenteError("LOG_FORKED", { detail: "another log than the one cosigned before" });
    return order > 0;
  }

  /** Evidence first, then the standing, then an entry of this node's own log. */
  async #keepFork({ collaboration }: LogOwner, known: WitnessRecord, offer: WireLogOffer): Promise<void> {
    const { logbook, forks } = this.#options;
    const { origin } = known;
    const before = await logbook.standings.of(collaboration);
    if (before.state === "frozen" && before.origin === origin) return;
    const proof = offer.proof.map((hash) => hash.toHex());
    const forkDigest = await forks.keep(collaboration, { known: known.note, offered: fromUtf8(offer.note), proof });
    await logbook.standings.change(collaboration, (now) => frozen(now, { origin, forkDigest }));
    const offered = treeHead(parseCheckpointBody(parseNote(offer.note).text));
    const seen = { known: { origin, size: known.size, root: known.root }, offered, forkDigest, at: logbook.now() };
    await logbook.record(collaboration, "log-fork-seen", [{ name: "fork", digest: { sha256: forkDigest } }], seen);
  }
}

/** The first entry of a log that follows must name the head that was cosigned of the one before. Throws LOG_FORKED. */
function requireFirst(
  { successorKeys }: LogOwner,
  { first }: WireLogOffer,
  next: TreeHead,
  known: WitnessRecord | undefined,
): void {
  if (first === undefined || successorKeys === undefined || known === undefined) throw new EntenteError("LOG_FORKED");
  const isFirst = verifyInclusion({
    index: 0,
    size: next.size,
    leaf: leafHash(first.entry),
    root: fromHex(next.root),
    proof: first.proof,
  });
  const { event, statement, envelope } = parseStatement(first.entry);
  const isKnown = (head: TreeHead) =>
    head.origin === known.origin && head.size === known.size && head.root === known.root;
  verifyStatement(envelope, successorKeys.jobs);
  if (event === "log-recovered") verifyStatement(envelope, successorKeys.identity);
  const names =
    event === "log-continued"
      ? isKnown(statement.predicate.previous)
      : event === "log-recovered" && statement.predicate.lost.some(isKnown);
  if (!isFirst || !names)
    throw new EntenteError("LOG_FORKED", { detail: "the new log does not name the head cosigned last" });
}

function cosignedSetting({ origin, size }: Pick<TreeHead, "origin" | "size">): string {
  return `cosigned/${origin}/${size}`;
}
