/** Random trees in the numbering of proto/model/tree.ts. */
import fc from "fast-check";
import { buildTree, MISSING_RULES, type MissingRule, type SourceNode, type Tree } from "../../proto/model/tree.ts";

interface Branch {
  readonly feature: number;
  readonly threshold: number;
  readonly missing: MissingRule;
  readonly left: Branch | number;
  readonly right: Branch | number;
}

/** Values that thresholds and cells are drawn from, so that they meet. */
export const POINTS = [-1e300, -3, -1.5, -1e-35, -0, 0, 1e-36, 1e-35, 0.1, Math.fround(0.1), 1, 2.5, 1e39] as const;

export function arbitraryTree(columns: number): fc.Arbitrary<Tree> {
  const leaf = fc.double({ min: -2, max: 2, noNaN: true });
  const { branch } = fc.letrec<{ branch: Branch; child: Branch | number }>((tie) => ({
    branch: fc.record({
      feature: fc.nat(columns - 1),
      threshold: fc.constantFrom(...POINTS),
      missing: fc.constantFrom(...MISSING_RULES),
      left: tie("child"),
      right: tie("child"),
    }),
    child: fc.oneof({ maxDepth: 5 }, leaf, tie("branch")),
  }));
  return branch.map((root) =>
    buildTree<Branch | { leaf: number }>("tree", root, (ref): SourceNode<Branch | { leaf: number }> => {
      if ("leaf" in ref) return ref;
      const child = (of: Branch | number) => (typeof of === "number" ? { leaf: of } : of);
      return { ...ref, left: child(ref.left), right: child(ref.right) };
    }),
  );
}

/** A full tree of `2 ** depth` leaves, by a fixed rule. */
export function fullTree(depth: number, columns: number, seed: number): Tree {
  const leafAt = 2 ** depth - 1;
  return buildTree("tree", 0, (i): SourceNode<number> => {
    const mixed = ((i + 1) * 2654435761 + seed * 40503) >>> 0;
    if (i >= leafAt) return { leaf: mixed / 2 ** 32 - 0.5 };
    const missing = mixed % 2 === 0 ? "left" : "right";
    return {
      feature: mixed % columns,
      threshold: (mixed % 1000) / 500 - 1,
      missing,
      left: 2 * i + 1,
      right: 2 * i + 2,
    };
  });
}
