import fc from "fast-check";
import { expect, test } from "vitest";
import { utf8 } from "../../proto/encoding/bytes.ts";
import {
  emptyRoot,
  innerHash,
  leafHash,
  MerkleTree,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from "../../proto/evidence/merkle.ts";

// The recursive definition of RFC 6962 section 2.1, as it stands there.
function definition(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return emptyRoot();
  if (leaves.length === 1) return leaves[0] as Uint8Array;
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return innerHash(definition(leaves.slice(0, k)), definition(leaves.slice(k)));
}

const LEAVES = Array.from({ length: 130 }, (_, i) => leafHash(utf8(`leaf ${i}`)));
const TREE = new MerkleTree();
for (const leaf of LEAVES) TREE.append(leaf);

test("the root of every size is the definition's", () => {
  for (let size = 0; size <= LEAVES.length; size++) {
    expect(TREE.root(size)).toEqual(definition(LEAVES.slice(0, size)));
  }
  expect(rootOf(LEAVES)).toEqual(TREE.root());
});

test("every inclusion proof up to 130 leaves verifies, and for no other leaf, index or size", () => {
  for (let size = 1; size <= LEAVES.length; size += size < 40 ? 1 : 13) {
    for (let index = 0; index < size; index++) {
      const claim = {
        index,
        size,
        leaf: LEAVES[index] as Uint8Array,
        root: TREE.root(size),
        proof: TREE.inclusionProof(index, size),
      };
      expect(verifyInclusion(claim)).toBe(true);
      expect(verifyInclusion({ ...claim, index: index + 1 })).toBe(false);
      expect(verifyInclusion({ ...claim, leaf: LEAVES[(index + 1) % LEAVES.length] as Uint8Array })).toBe(false);
      expect(verifyInclusion({ ...claim, proof: [...claim.proof, emptyRoot()] })).toBe(false);
      if (claim.proof.length > 0) expect(verifyInclusion({ ...claim, proof: claim.proof.slice(1) })).toBe(false);
    }
  }
});

test("every consistency proof verifies, and not against another root or a changed proof", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 130 }), fc.integer({ min: 1, max: 130 }), fc.nat(), (a, b, pick) => {
      const [oldSize, size] = [Math.min(a, b), Math.max(a, b)];
      const proof = TREE.consistencyProof(oldSize, size);
      const claim = { oldSize, size, oldRoot: TREE.root(oldSize), root: TREE.root(size), proof };
      expect(verifyConsistency(claim)).toBe(true);
      expect(verifyConsistency({ ...claim, oldRoot: emptyRoot() })).toBe(false);
      expect(verifyConsistency({ ...claim, root: emptyRoot() })).toBe(false);
      if (proof.length === 0) return;
      const bad = proof.map((hash) => new Uint8Array(hash));
      const target = bad[pick % bad.length] as Uint8Array;
      target[pick % 32] = (target[pick % 32] as number) ^ 1;
      expect(verifyConsistency({ ...claim, proof: bad })).toBe(false);
    }),
    { numRuns: 500 },
  );
});

test("a truncated tree is the tree of its first leaves, and grows on alike", () => {
  fc.assert(
    fc.property(fc.nat(130), fc.nat(130), (a, b) => {
      const tree = new MerkleTree();
      for (const leaf of LEAVES.slice(0, Math.max(a, b))) tree.append(leaf);
      tree.truncate(Math.min(a, b));
      expect(tree.root()).toEqual(TREE.root(Math.min(a, b)));
      for (const leaf of LEAVES.slice(tree.size)) tree.append(leaf);
      expect(tree.root()).toEqual(TREE.root());
    }),
    { numRuns: 60 },
  );
});

test("what is out of range is refused", () => {
  for (const work of [
    () => TREE.root(131),
    () => TREE.root(-1),
    () => TREE.root(1.5),
    () => TREE.inclusionProof(5, 5),
    () => TREE.inclusionProof(0, 131),
    () => TREE.consistencyProof(3, 2),
    () => TREE.consistencyProof(1, 131),
  ])
    expect(work).toThrow(expect.objectContaining({ code: "BAD_REQUEST" }));
});
