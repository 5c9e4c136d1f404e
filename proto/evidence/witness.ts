/**
 * What a witness decides (C2SP tlog-witness, `add-checkpoint`), without I/O. The order is: `decide`, then the caller
 * stores `next` durably, and only then signs `body` with `cosign`. Reading the known head, deciding and storing must be
 * one atomic step for each log; else two requests at once can roll the witness back.
 */
import { fromHex } from "../encoding/bytes.ts";
import type { VerifyingKey } from "../encoding/ed25519.ts";
import { EntenteError, toEntenteError } from "../errors.ts";
import { openCheckpoint, type TreeHead, treeHead } from "./checkpoint.ts";
import { MAX_PROOF_HASHES, verifyConsistency } from "./merkle.ts";
import { noteVerifier } from "./note.ts";

/** What a log's owner sends: the size it believes was cosigned last, the proof from there, and its new checkpoint. */
export interface WitnessOffer {
  readonly oldSize: number;
  /** At most 63 hashes of 32 bytes; empty when `oldSize` is 0 or the checkpoint's own size. */
  readonly proof: readonly Uint8Array[];
  readonly checkpoint: Uint8Array;
}

/** The log as the witness is configured: its origin, and the key that must have signed its checkpoints. */
export interface WitnessedLog {
  readonly origin: string;
  readonly key: VerifyingKey;
}

export type WitnessDecision =
  /** Store `next` durably, then `cosign(body, key, timeS)`. */
  | { readonly kind: "accepted"; readonly next: TreeHead; readonly body: string }
  /** `knownSize` is what the owner must prove from (the answer 409 of the specification). Sign nothing.
   * LOG_BEHIND: the old size is not the known one. LOG_FORKED: keep `offer.checkpoint`, it may prove misconduct.
   * SIGNATURE_INVALID: the log's key did not sign. WIRE_INVALID: the offer is malformed. */
  | { readonly kind: "refused"; readonly error: EntenteError; readonly knownSize: number };

/** `known`: the head last cosigned of this log, undefined when there is none. Never throws. */
export function decide(known: TreeHead | undefined, offer: WitnessOffer, log: WitnessedLog): WitnessDecision {
  const knownSize = known?.size ?? 0;
  try {
    return accept(known, offer, log);
  } catch (thrown) {
    return { kind: "refused", error: toEntenteError(thrown), knownSize };
  }
}

function accept(known: TreeHead | undefined, offer: WitnessOffer, log: WitnessedLog): WitnessDecision {
  if (known !== undefined && known.origin !== log.origin)
    throw new EntenteError("INTERNAL", { detail: "witness state of another log" });
  const { note, checkpoint } = openCheckpoint(offer.checkpoint, {
    origin: log.origin,
    verifiers: [noteVerifier(log.key)],
  });
  const { oldSize, proof } = offer;
  if (!Number.isSafeInteger(oldSize) || oldSize < 0 || oldSize > checkpoint.size || proof.length > MAX_PROOF_HASHES)
    throw new EntenteError("WIRE_INVALID", { detail: "witness offer" });
  if (oldSize !== (known?.size ?? 0)) throw new EntenteError("LOG_BEHIND");
  const { size, root } = checkpoint;
  // Every tree extends the empty one, whose root `openCheckpoint` has checked.
  const extendsKnown =
    known === undefined || oldSize === 0
      ? proof.length === 0
      : verifyConsistency({ oldSize, size, oldRoot: fromHex(known.root), root, proof });
  if (!extendsKnown) throw new EntenteError("LOG_FORKED");
  return { kind: "accepted", next: treeHead(checkpoint), body: note.text };
}
