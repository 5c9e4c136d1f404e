/**
 * Cosigning inside a job session: each node shows the other its log up to and with the receipt, and each signs what it
 * has verified and stored. Only then may a gate key be released.
 */

import type { WireCheckpointOffer, WireLogOffer, WitnessState } from "../../proto/codec/session-messages.ts";
import { fromHex } from "../../proto/encoding/bytes.ts";
import { EntenteError } from "../../proto/errors.ts";
import type { TreeHead } from "../../proto/evidence/checkpoint.ts";
import { type CosignedHead, cosignedHead } from "../../proto/evidence/cosignature.ts";
import type { EvidenceLog } from "../../proto/evidence/log.ts";
import { leafHash, verifyInclusion } from "../../proto/evidence/merkle.ts";
import { encodeNote, encodeSignatureLine, parseSignatureLine } from "../../proto/evidence/note.ts";
import { compareOrigins, parseOrigin } from "../../proto/evidence/origin.ts";
import type { CollaborationId } from "../../proto/ids.ts";
import type { Channel } from "../session/channel.ts";
import type { Peer } from "../session/peers.ts";
import type { LogOwner, Witness } from "./witness.ts";

export interface CosigningInput {
  readonly channel: Channel;
  readonly log: EvidenceLog;
  /** One exchange at a time for each collaboration: two jobs that end together must not overtake each other. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  /** True at one of the two nodes: it begins, so that both take the exchanges in one order. */
  readonly speaksFirst: boolean;
  readonly collaboration: CollaborationId;
  readonly peer: Peer;
  readonly witness: Witness;
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
  const { channel, timeoutMs, inTurn, speaksFirst, witness } = input;
  const hearState = () => channel.hear(timeoutMs, "witnessState");
  const sayState = async () => channel.say({ kind: "witnessState", ...(await witness.state(ownerOf(input))) });
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

/** A peer's log, believed by the peer's present keys. */
export function ownerOf({ peer, collaboration }: Pick<CosigningInput, "peer" | "collaboration">): LogOwner {
  const successorKeys = { jobs: peer.key("jobs"), identity: peer.key("identity") };
  return { party: peer.party, collaboration, logKey: peer.key("log"), successorKeys };
}

async function exchange(input: CosigningInput, peerKnows: WitnessState): Promise<CosignedPair> {
  const { channel, log, peer, timeoutMs, witness, receipt } = input;
  // Other jobs may append while the peer answers: what it cosigns is this head.
  const ownHead = log.head;
  const offer: WireCheckpointOffer = {
    ...(await offerOf(log, peerKnows)),
    receiptIndex: receipt.index,
    inclusionProof: log.inclusionProof(receipt.index, ownHead.size),
  };
  await channel.say({ kind: "checkpointOffer", ...offer });
  const offered = await channel.hear(timeoutMs, "checkpointOffer");
  const { head, signature } = await witness.cosign(ownerOf(input), offered, (next) =>
    requireReceipt(input, offered, next),
  );
  await channel.say({ kind: "cosignature", line: encodeSignatureLine(signature) });
  const { line } = await channel.hear(timeoutMs, "cosignature");
  if (!(await log.addCosignature(line, { size: ownHead.size, cosigner: peer.key("cosigner") })))
    throw new EntenteError("LOG_BEHIND");
  return { own: cosignedHead(ownHead, parseSignatureLine(line)), peer: cosignedHead(head, signature) };
}

/** This log's newest checkpoint for a witness that knows so much of it, or of one before it. Throws LOG_FORKED when the
 * witness knows more than there is. */
export async function offerOf(log: EvidenceLog, known: WitnessState): Promise<WireLogOffer> {
  const { size } = log;
  const note = encodeNote(log.checkpointNote());
  const isSame = known.origin === log.origin;
  if (known.origin === "" || (isSame && known.size === 0)) return { oldSize: 0, proof: [], note };
  const isAhead = isSame
    ? known.size > size
    : size === 0 || compareOrigins(parseOrigin(known.origin), parseOrigin(log.origin)) > 0;
  if (isAhead) throw new EntenteError("LOG_FORKED", { detail: "the peer has cosigned more than this log holds" });
  if (!isSame) {
    const first = { entry: await log.entry(0), proof: log.inclusionProof(0, size) };
    return { oldSize: 0, proof: [], note, first };
  }
  return { oldSize: known.size, proof: known.size === size ? [] : log.consistencyProof(known.size, size), note };
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
