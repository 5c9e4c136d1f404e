/**
 * Who reads a report and wants to know of people: told all sizes and everything that is shown, and that each count is a
 * whole number of people. None of the product's code.
 */
export interface Cell {
  readonly groups: readonly number[];
  readonly size: number;
}

/** A number that the reader was told: the matches of all cells that `holds`. */
export interface Told {
  holds(cell: Cell): boolean;
  readonly matched: number;
}

export interface Bounds {
  lo: number;
  hi: number;
}

/** What follows for each cell from sums and sizes, by interval propagation to a fixed point: true bounds, perhaps not the
 * tightest, but so for cells of one grouping. */
export function boundsOf(cells: readonly Cell[], told: readonly Told[]): Bounds[] {
  const bounds = cells.map(({ size }) => ({ lo: 0, hi: size }));
  const sums = told.map(({ holds, matched }) => ({ of: bounds.filter((_, i) => holds(cells[i] as Cell)), matched }));
  for (let changed = true; changed; ) {
    changed = false;
    for (const { of, matched } of sums) {
      for (const bound of of) {
        const others = of.filter((other) => other !== bound);
        const lo = Math.max(bound.lo, matched - others.reduce((sum, { hi }) => sum + hi, 0));
        const hi = Math.min(bound.hi, matched - others.reduce((sum, other) => sum + other.lo, 0));
        if (lo === bound.lo && hi === bound.hi) continue;
        Object.assign(bound, { lo, hi });
        changed = true;
      }
    }
  }
  return bounds;
}

/** Every way in which the cells' people can have matched. */
export function everyTruth(cells: readonly Cell[]): number[][] {
  return cells.reduce<number[][]>(
    (truths, { size }) =>
      truths.flatMap((truth) => Array.from({ length: size + 1 }, (_, matched) => [...truth, matched])),
    [[]],
  );
}

/** Every choice of at most `most` people, and at least one, as how many of each cell. */
export function everyChoice(cells: readonly Cell[], most: number): number[][] {
  return everyTruth(cells.map(({ groups, size }) => ({ groups, size: Math.min(size, most) }))).filter((choice) => {
    const people = choice.reduce((sum, count) => sum + count, 0);
    return people >= 1 && people <= most;
  });
}

/** A choice of people of whom the reader can tell that not all, or that some, matched; undefined when there is none. */
export function betrayed(
  cells: readonly Cell[],
  possible: readonly (readonly number[])[],
  most: number,
): readonly number[] | undefined {
  return everyChoice(cells, most).find((choice) => {
    const canAll = possible.some((truth) => choice.every((count, i) => (truth[i] as number) >= count));
    const canNone = possible.some((truth) =>
      choice.every((count, i) => (truth[i] as number) + count <= (cells[i] as Cell).size),
    );
    return !canAll || !canNone;
  });
}
