import { expect, test } from "vitest";
import { utf8 } from "../../proto/encoding/bytes.ts";
import { signCheckpoint, type TreeHead, treeHead } from "../../proto/evidence/checkpoint.ts";
import { leafHash, MerkleTree } from "../../proto/evidence/merkle.ts";
import { encodeNote } from "../../proto/evidence/note.ts";
import { decide, type WitnessOffer } from "../../proto/evidence/witness.ts";
import { testKey } from "../support/evidence-world.ts";

const KEY = testKey("bank", "log");
const LOG = { origin: "bank/c/2026", key: KEY };

function treeOf(label: string, size: number): MerkleTree {
  const tree = new MerkleTree();
  for (let i = 0; i < size; i++) tree.append(leafHash(utf8(i < 3 ? `shared ${i}` : `${label} ${i}`)));
  return tree;
}
const A = treeOf("a", 9);
const B = treeOf("b", 9);
const headOf = (tree: MerkleTree, size: number): TreeHead =>
  treeHead({ origin: LOG.origin, size, root: tree.root(size) });
const noteOf = (tree: MerkleTree, size: number, origin = LOG.origin, key = KEY) =>
  encodeNote(signCheckpoint({ origin, size, root: tree.root(size) }, key));
const offerOf = (tree: MerkleTree, oldSize: number, size: number): WitnessOffer => ({
  oldSize,
  proof: tree.consistencyProof(oldSize, size),
  checkpoint: noteOf(tree, size),
});

function refusal(known: TreeHead | undefined, offer: WitnessOffer): [string, number] {
  const decision = decide(known, offer, LOG);
  return decision.kind === "refused" ? [decision.error.code, decision.knownSize] : ["accepted", decision.next.size];
}

test("a first checkpoint, a longer one and the same again are accepted", () => {
  for (const [known, offer, next] of [
    [undefined, offerOf(A, 0, 5), headOf(A, 5)],
    [undefined, offerOf(A, 0, 0), headOf(A, 0)],
    [headOf(A, 0), offerOf(A, 0, 5), headOf(A, 5)],
    [headOf(A, 5), offerOf(A, 5, 9), headOf(A, 9)],
    [headOf(A, 9), offerOf(A, 9, 9), headOf(A, 9)],
  ] as const) {
    const decision = decide(known, offer, LOG);
    expect(decision).toMatchObject({ kind: "accepted", next });
    if (decision.kind === "accepted")
      expect(decision.body.split("\n").slice(0, 2)).toEqual([LOG.origin, String(next.size)]);
  }
});

test("an offer from another size than the known one is told the known size", () => {
  expect(refusal(headOf(A, 5), offerOf(A, 3, 9))).toEqual(["LOG_BEHIND", 5]);
  expect(refusal(headOf(A, 5), offerOf(A, 0, 9))).toEqual(["LOG_BEHIND", 5]);
  expect(refusal(headOf(A, 9), offerOf(A, 3, 5))).toEqual(["LOG_BEHIND", 9]);
  expect(refusal(undefined, offerOf(A, 3, 5))).toEqual(["LOG_BEHIND", 0]);
});

test("equivocation: another root at the same size, and another history at a larger one", () => {
  expect(refusal(headOf(A, 5), offerOf(B, 5, 5))).toEqual(["LOG_FORKED", 5]);
  expect(refusal(headOf(A, 5), offerOf(B, 5, 9))).toEqual(["LOG_FORKED", 5]);
  // Its own tree's proof from the known head does not fit the other tree's checkpoint either.
  expect(refusal(headOf(A, 5), { ...offerOf(A, 5, 9), checkpoint: noteOf(B, 9) })).toEqual(["LOG_FORKED", 5]);
  // Up to the third leaf the two trees are one.
  expect(refusal(headOf(A, 3), offerOf(B, 3, 9))).toEqual(["accepted", 9]);
});

test("a proof too short, too long or where none belongs is refused", () => {
  const good = offerOf(A, 5, 9);
  expect(refusal(headOf(A, 5), { ...good, proof: good.proof.slice(1) })).toEqual(["LOG_FORKED", 5]);
  expect(refusal(headOf(A, 5), { ...good, proof: [...good.proof, leafHash(utf8("x"))] })).toEqual(["LOG_FORKED", 5]);
  expect(refusal(undefined, { ...offerOf(A, 0, 9), proof: good.proof })).toEqual(["LOG_FORKED", 0]);
  const many = Array.from({ length: 64 }, () => leafHash(utf8("x")));
  expect(refusal(headOf(A, 5), { ...good, proof: many })).toEqual(["WIRE_INVALID", 5]);
});

test("an old size above the checkpoint's, or none at all, is malformed", () => {
  for (const oldSize of [10, -1, 0.5, Number.NaN])
    expect(refusal(headOf(A, 5), { ...offerOf(A, 5, 9), oldSize })).toEqual(["WIRE_INVALID", 5]);
});

test("a checkpoint by another key or of another log is refused before anything is compared", () => {
  const stranger = testKey("partner", "log");
  expect(refusal(headOf(A, 5), { ...offerOf(A, 5, 9), checkpoint: noteOf(A, 9, LOG.origin, stranger) })).toEqual([
    "SIGNATURE_INVALID",
    5,
  ]);
  expect(refusal(headOf(A, 5), { ...offerOf(A, 5, 9), checkpoint: noteOf(A, 9, "bank/d/2026") })).toEqual([
    "WIRE_INVALID",
    5,
  ]);
});
