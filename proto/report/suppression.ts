/**
 * Which counts of a report may be shown. Primary and secondary suppression of cells (Cox, "Suppression methodology and
 * statistical disclosure control", JASA 75, 1980; Hundepool et al., "Statistical Disclosure Control", Wiley 2012, chapter 4),
 * here by coarsening: the people of the list are cut into blocks, each of which may be shown, and a group is shown when it
 * is made of whole blocks. The README has the theorem.
 */

/** The people of a list who are in the same group of every grouping. */
export interface Atom {
  /** Number of the group, by grouping. */
  readonly groups: readonly number[];
  readonly size: number;
  readonly matched: number;
}

export interface CountFloors {
  /** At least so many of a group that is shown matched, and at least so many did not. At least 1. */
  readonly group: number;
  readonly matchRateCapPercent: number;
}

export type Count = Pick<Atom, "size" | "matched">;

/** The most matches of so many people that may be shown: as many as the floor did not match, the rate is not above the cap. */
export function largestShown(size: number, { group, matchRateCapPercent }: CountFloors): number {
  return Math.min(size - group, Math.floor((size * matchRateCapPercent) / 100));
}

export function mayBeShown({ size, matched }: Count, floors: CountFloors): boolean {
  return matched >= floors.group && matched <= largestShown(size, floors);
}

export function sumOf(counts: readonly Count[]): Count {
  return {
    size: counts.reduce((sum, { size }) => sum + size, 0),
    matched: counts.reduce((sum, { matched }) => sum + matched, 0),
  };
}

/** A node of the tree that a grouping's groups are split along: one group, a few that are too small, or two nodes. */
interface Branch {
  readonly atoms: readonly Atom[];
  readonly halves?: readonly [Branch, Branch];
}

/**
 * The groups of some people by one grouping as a balanced tree in order of their sizes, so that a group that may not be
 * shown costs one of about its size; those too small for any count to be shown are one leaf together, the last. Nothing
 * but the owner's own sizes and definitions shapes it.
 */
function treeOf(atoms: readonly Atom[], grouping: number, floors: CountFloors): Branch {
  const byGroup = Map.groupBy(atoms, ({ groups }) => groups[grouping] as number);
  const groups = [...byGroup].map(([number, members]) => ({ number, members, size: sumOf(members).size }));
  const canBeShown = ({ size }: { size: number }) => largestShown(size, floors) >= floors.group;
  const large = groups.filter(canBeShown).sort((a, b) => b.size - a.size || a.number - b.number);
  const small = groups.filter((group) => !canBeShown(group)).flatMap(({ members }) => members);
  return balanced([...large.map(({ members }) => members), ...(small.length > 0 ? [small] : [])]);
}

function balanced(leaves: readonly (readonly Atom[])[]): Branch {
  const atoms = leaves.flat();
  if (leaves.length <= 1) return { atoms };
  const middle = Math.floor(leaves.length / 2);
  return { atoms, halves: [balanced(leaves.slice(0, middle)), balanced(leaves.slice(middle))] };
}

/**
 * Cuts the people into blocks, each of which may be shown: along the first grouping's tree, a branch into its halves when
 * both may be shown; what is left whole there along the next grouping's. One block where all together may not be shown.
 */
export function blocksOf(atoms: readonly Atom[], groupings: number, floors: CountFloors): readonly (readonly Atom[])[] {
  if (!mayBeShown(sumOf(atoms), floors)) return [atoms];
  const split = (people: readonly Atom[], grouping: number): (readonly Atom[])[] =>
    grouping === groupings ? [people] : descend(treeOf(people, grouping, floors), grouping);
  const descend = ({ atoms: people, halves }: Branch, grouping: number): (readonly Atom[])[] =>
    halves?.every((half) => mayBeShown(sumOf(half.atoms), floors)) === true
      ? halves.flatMap((half) => descend(half, grouping))
      : split(people, grouping + 1);
  return split(atoms, 0);
}

/** Whether a group is made of whole blocks, all of which may be shown. False for a group of nobody. */
export function isShown(
  blocks: readonly (readonly Atom[])[],
  { grouping, group }: { readonly grouping: number; readonly group: number },
  floors: CountFloors,
): boolean {
  const isInside = (atom: Atom) => atom.groups[grouping] === group;
  const touched = blocks.filter((block) => block.some(isInside));
  return touched.length > 0 && touched.every((block) => block.every(isInside) && mayBeShown(sumOf(block), floors));
}
