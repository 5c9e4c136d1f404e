/**
 * Cosigning inside a job session: each node shows the other its log up to and with the receipt, and each signs what it
 * has verified and stored. Only then may a gate key be released.
 */

import type { WireCheckpointOffer } from "../../proto/codec/session.ts";
import { fromHex } from "../../proto/encoding/bytes.ts";
import type { SigningKey } from "../../proto/encoding/ed25519.ts";
import { EntenteError } from "../../proto/errors.ts";
import { parseCheckpointBody, type TreeHead } from "../../proto/evidence/checkpoint.ts";
import { type CosignedHead, cosign, cosignedHead } from "../../proto/evidence/cosignature.ts";
import type { EvidenceLog } from "../../proto/evidence/log.ts";
import { leafHash, verifyInclusion } from "../../proto/evidence/merkle.ts";
import {
  encodeNote,
  encodeSignatureLine,
  type NoteSignature,
  parseNote,
  parseSignatureLine,
} from "../../proto/evidence/note.ts";
import { decide } from "../../proto/evidence/witness.ts";
import type { CollaborationId } from "../../proto/ids.ts";
import type { Clock } from "../../proto/ports/ports.ts";
import type { Channel } from "../session/channel.ts";
import type { Peer } from "../session/peers.ts";
import type { Store, WitnessRecord } from "../store/store.ts";

export interface CosigningInput {
  readonly channel: Channel;
  readonly log: EvidenceLog;
  /** One exchange at a time for each collaboration: two jobs that end together must not overtake each other. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  /** True at one of the two nodes: it begins, so that both take the exchanges in one order. */
  readonly speaksFirst: boolean;
  readonly collaboration: CollaborationId;
  readonly peer: Peer;
  readonly cosignerKey: SigningKey;
  readonly store: Store;
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** The receipt's entry, byte for byte the same in both logs, and its index in this node's. */
  readonly receipt: { readonly entry: Uint8Array; readonly index: number };
}

/** Heads that cover the receipt: this node's cosigned by the peer, and the peer's cosigned by this node. */
export interface CosignedPair {
  readonly own: CosignedHead;
  readonly peer: CosignedHead;
}

/** Throws LOG_FORKED when the peer's log does not extend what was cosigned before, RECEIPT_MISMATCH when it does not hold
 * the receipt, SIGNATURE_INVALID, and the channel's errors. Nothing is cosigned then. */
export async function cosignEachOther(input: CosigningInput): Promise<CosignedPair> {
  const { channel, timeoutMs, inTurn, speaksFirst } = input;
  const hearState = async () => (await channel.hear(timeoutMs, "witnessState")).size;
  const sayState = async () => channel.say({ kind: "witnessState", size: await knownSize(input) });
  if (!speaksFirst) {
    const peerKnows = await hearState();
    return inTurn(async () => {
      await sayState();
      return exchange(input, peerKnows);
    });
  }
  return inTurn(async () => {
    await sayState();
    return exchange(input, await hearState());
  });
}

async function exchange(input: CosigningInput, peerKnows: number): Promise<CosignedPair> {
  const { channel, log, peer, timeoutMs } = input;
  // Other jobs may append while the peer answers: what it cosigns is this head.
  const ownHead = log.head;
  await channel.say({ kind: "checkpointOffer", ...offer(log, ownHead.size, peerKnows, input.receipt.index) });
  const offered = await channel.hear(timeoutMs, "checkpointOffer");
  const { head, signature } = await witnessPeer(input, offered);
  await channel.say({ kind: "cosignature", line: encodeSignatureLine(signature) });
  const { line } = await channel.hear(timeoutMs, "cosignature");
  if (!(await log.addCosignature(line, { size: ownHead.size, cosigner: peer.key("cosigner") })))
    throw new EntenteError("LOG_BEHIND");
  return { own: cosignedHead(ownHead, parseSignatureLine(line)), peer: cosignedHead(head, signature) };
}

function offer(log: EvidenceLog, size: number, peerKnows: number, receiptIndex: number): WireCheckpointOffer {
  if (peerKnows > size)
    throw new EntenteError("LOG_FORKED", { detail: "the peer has cosigned more than this log holds" });
  return {
    oldSize: peerKnows,
    proof: peerKnows === 0 || peerKnows === size ? [] : log.consistencyProof(peerKnows, size),
    note: encodeNote(log.checkpointNote()),
    receiptIndex,
    inclusionProof: log.inclusionProof(receiptIndex, size),
  };
}

/** What this node has cosigned of the peer's log. */
async function knownSize(input: CosigningInput): Promise<number> {
  const origin = await peerOrigin(input);
  return (origin === undefined ? undefined : await input.store.witness(origin))?.size ?? 0;
}

/** The peer's log as this node knows it by now; its first checkpoint names the origin. */
async function peerOrigin({ store, peer, collaboration }: CosigningInput): Promise<string | undefined> {
  return store.setting(originSetting(peer.party, collaboration));
}

function cosignedSetting({ origin, size }: Pick<TreeHead, "origin" | "size">): string {
  return `cosigned/${origin}/${size}`;
}

/** Whether this node has cosigned that head of a peer's log. */
export async function hasCosigned(store: Store, head: TreeHead): Promise<boolean> {
  return (await store.setting(cosignedSetting(head))) === head.root;
}

function originSetting(party: string, collaboration: string): string {
  return `witnessed-origin/${party}/${collaboration}`;
}

async function witnessPeer(
  input: CosigningInput,
  offered: WireCheckpointOffer,
): Promise<{ head: TreeHead; signature: NoteSignature }> {
  const { peer, collaboration, store } = input;
  const checkpoint = parseCheckpointBody(parseNote(offered.note).text);
  const pinned = await peerOrigin(input);
  const expected = new RegExp(`^${peer.party}/${collaboration}/2\\d{3}$`);
  if (!expected.test(checkpoint.origin) || (pinned !== undefined && pinned !== checkpoint.origin)) {
    throw new EntenteError("LOG_FORKED", { detail: "another origin than the log cosigned before" });
  }
  const known = await store.witness(checkpoint.origin);
  const decision = decide(
    known === undefined ? undefined : { origin: known.origin, size: known.size, root: known.root },
    { oldSize: offered.oldSize, proof: offered.proof, checkpoint: offered.note },
    { origin: checkpoint.origin, key: peer.key("log") },
  );
  if (decision.kind === "refused") throw decision.error;
  requireReceipt(input, offered, decision.next);
  await store.putSetting(originSetting(peer.party, collaboration), checkpoint.origin);
  // Every head that was ever cosigned, so that a peer cannot name one in a receipt that never was.
  await store.putSetting(cosignedSetting(decision.next), decision.next.root);
  const record: WitnessRecord = { ...decision.next, note: new TextDecoder().decode(offered.note) };
  if (!(await store.putWitness(record, known?.size ?? 0))) throw new EntenteError("LOG_BEHIND");
  const timeS = Math.floor(input.clock.nowMs() / 1000);
  return { head: decision.next, signature: cosign(decision.body, input.cosignerKey, timeS) };
}

function requireReceipt({ receipt }: CosigningInput, offered: WireCheckpointOffer, head: TreeHead): void {
  const holds = verifyInclusion({
    index: offered.receiptIndex,
    size: head.size,
    leaf: leafHash(receipt.entry),
    root: fromHex(head.root),
    proof: offered.inclusionProof,
  });
  if (!holds) throw new EntenteError("RECEIPT_MISMATCH", { detail: "the peer's checkpoint does not hold the receipt" });
}
