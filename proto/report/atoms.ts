/** Counts people, and those of them who matched, by their groups in every grouping at once. */
import type { Atom } from "./suppression.ts";

export class AtomTable {
  readonly #atoms = new Map<string, { groups: readonly number[]; size: number; matched: number }>();

  /** One person of the list. */
  add(groups: readonly number[], isMatched: boolean): void {
    const key = groups.join();
    let atom = this.#atoms.get(key);
    if (atom === undefined) {
      atom = { groups: [...groups], size: 0, matched: 0 };
      this.#atoms.set(key, atom);
    }
    atom.size++;
    if (isMatched) atom.matched++;
  }

  /** In an order that does not depend on that of the people. */
  atoms(): readonly Atom[] {
    return [...this.#atoms.values()].sort(
      (a, b) => a.groups.map((group, i) => group - (b.groups[i] as number)).find((difference) => difference !== 0) ?? 0,
    );
  }
}
